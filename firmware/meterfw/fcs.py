"""FCS-16 of RFC 1662 (CRC-16/X-25), by a table kept as two strings of octets."""

from meterfw.layouts import FCS_HIGH, FCS_LOW

START = 0xFFFF
GOOD = 0xF0B8  # after content and its own FCS


def update(value, octet):
    """The check after one more octet; complemented at the end, it is the FCS."""
    i = (value ^ octet) & 0xFF
    return value >> 8 ^ (FCS_HIGH[i] << 8 | FCS_LOW[i])


def good(data):
    """Whether bytes end with their own FCS."""
    value = START
    for octet in data:
        value = update(value, octet)
    return value == GOOD
