"""HMAC-SHA-256 (RFC 2104) and HKDF-Expand (RFC 5869) on `hashlib.sha256`, which the boards have."""

import hashlib

from meterfw import const

_BLOCK = const(64)


def hmac(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256 of bytes."""
    if len(key) > _BLOCK:
        key = hashlib.sha256(key).digest()
    pad = bytearray(_BLOCK)
    for i in range(_BLOCK):
        pad[i] = 0x36 ^ (key[i] if i < len(key) else 0)
    inner = hashlib.sha256(pad)
    inner.update(data)
    for i in range(_BLOCK):
        pad[i] ^= 0x36 ^ 0x5C
    outer = hashlib.sha256(pad)
    outer.update(inner.digest())
    return outer.digest()


def expand(key: bytes, info: bytes) -> bytes:
    """The first 32 bytes of HKDF-Expand."""
    return hmac(key, info + b"\x01")


def equal(a: bytes, b: bytes) -> bool:
    """Compare bytes in a time that tells nothing of where they differ."""
    if len(a) != len(b):
        return False
    difference = 0
    for i in range(len(a)):
        difference |= a[i] ^ b[i]
    return difference == 0
