"""FCS-16 of RFC 1662 (CRC-16/X-25), by table."""

from array import array

from meterfw.layouts import FCS_TABLE

START = 0xFFFF
GOOD = 0xF0B8  # after content and its own FCS
TABLE = array("H", FCS_TABLE)  # one step: value >> 8 ^ TABLE[(value ^ octet) & 0xFF]


def fcs16(data, size):
    """FCS-16 of the first `size` octets."""
    table = TABLE
    value = START
    for i in range(size):
        value = value >> 8 ^ table[(value ^ data[i]) & 0xFF]
    return value ^ 0xFFFF


def good(data):
    """Whether bytes end with their own FCS."""
    return fcs16(data, len(data)) == GOOD ^ 0xFFFF
