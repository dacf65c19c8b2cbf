"""FCS-16 of RFC 1662 (CRC-16/X-25), by table."""

from array import array

START = 0xFFFF
GOOD = 0xF0B8  # after content and its own FCS


def steps(polynomial: int) -> "array[int]":
    """Of a polynomial, bits reversed. A step: value >> 8 ^ table[(value ^ octet) & 0xFF]."""
    table = array("H", range(256))
    for octet in range(256):
        value = octet
        for _ in range(8):
            value = value >> 1 ^ polynomial if value & 1 else value >> 1
        table[octet] = value
    return table


TABLE = steps(0x8408)


def fcs16(data: "bytes | bytearray | memoryview", size: int) -> int:
    """FCS-16 of the first `size` octets."""
    table = TABLE
    value = START
    for i in range(size):
        value = value >> 8 ^ table[(value ^ data[i]) & 0xFF]
    return value ^ 0xFFFF


def good(data: "bytes | bytearray") -> bool:
    """Whether bytes end with their own FCS."""
    return fcs16(data, len(data)) == GOOD ^ 0xFFFF
