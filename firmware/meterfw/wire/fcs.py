"""FCS-16 of RFC 1662 (CRC-16/X-25), by table."""

from array import array

START = 0xFFFF
GOOD = 0xF0B8  # after content and its own FCS
_POLYNOMIAL = 0x8408


def _remainder(octet: int) -> int:
    for _ in range(8):
        octet = octet >> 1 ^ _POLYNOMIAL if octet & 1 else octet >> 1
    return octet


# One step: value >> 8 ^ TABLE[(value ^ octet) & 0xFF]
TABLE = array("H", [_remainder(octet) for octet in range(256)])


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
