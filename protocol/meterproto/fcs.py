"""The frame check sequence FCS-16 of RFC 1662: CRC-16/X-25, least significant octet first."""


def _entry(octet: int) -> int:
    for _ in range(8):
        octet = octet >> 1 ^ 0x8408 if octet & 1 else octet >> 1
    return octet


TABLE = tuple(_entry(octet) for octet in range(256))


def fcs16(data: bytes | bytearray) -> int:
    """FCS-16 of bytes."""
    value = 0xFFFF
    for octet in data:
        value = value >> 8 ^ TABLE[(value ^ octet) & 0xFF]
    return value ^ 0xFFFF
