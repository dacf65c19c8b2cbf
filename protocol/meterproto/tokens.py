"""Tokens: whatever changes the meter. Declared, sealed with the meter's key, and as text to type.

A token is the same bytes in a frame, on a card and, with a check, as text. Keys follow RFC 5869
(HKDF-SHA-256): a meter key is derived from the vending key of a revision; tags are HMAC-SHA-256,
cut to 80 bits.
"""

# The checker takes a code for the tuple it is declared with:
# pyright: reportUnnecessaryComparison=false

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from meterproto.codes import Kind
from meterproto.fcs import fcs16
from meterproto.quantity import Opaque, Quantity, Record

VERSION = 1
METER_LIMIT = 999_999_999  # a meter's serial number has up to nine digits
NUMBER_LIMIT = 2**30 - 1
WINDOW = 256  # numbers below the highest that may still come
KEY_SIZE = 32
TAG_SIZE = 10


def value() -> Quantity:
    return Quantity("l", "see kind", -(2**30), 2**30 - 1)


Body = Record(
    "version" / Quantity("B", "", 1, 255) * "layout of the token: 1",
    "kind" / Quantity("B", "", 0, 255) * "what it asks for (codes.Kind)",
    "key_revision" / Quantity("H", "", 1, 65_535) * "revision of the key the tag is made with",
    "meter" / Quantity("L", "", 1, METER_LIMIT) * "serial number of the meter it is for",
    "number" / Quantity("L", "", 1, NUMBER_LIMIT) * "number of the token, counted for each meter",
    "order_id" / Quantity("L", "", 0, NUMBER_LIMIT) * "id of the order, counted likewise; 0 none",
    "value" / value() * "first value of the kind",
    "extra" / value() * "what else the kind needs",
    "expiry" / Quantity("L", "clock", 0, NUMBER_LIMIT) * "not taken from this time on; 0 never",
)
Tag = Record("tag" / Opaque(TAG_SIZE) * "HMAC-SHA-256 of all before it, first 80 bits")
Wrapped = Record(
    "wrapped" / Opaque(KEY_SIZE) * "key change only: the new key, masked for this token's number"
)
Token = Record(*Body.subcons, *Tag.subcons)
KeyToken = Record(*Body.subcons, *Wrapped.subcons, *Tag.subcons)


def struct_of(kind: int) -> Record:
    """The layout of a kind's tokens: `KeyToken` for a key change, else `Token`."""
    return KeyToken if kind == Kind.KEY_CHANGE else Token


# ---- Keys --------------------------------------------------------------------------------------


def hkdf_extract(salt: bytes, material: bytes) -> bytes:
    """RFC 5869, 2.2, with SHA-256."""
    return hmac.digest(salt or bytes(32), material, hashlib.sha256)


def hkdf_expand(key: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869, 2.3, with SHA-256."""
    output, block = b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(key, block + info + bytes([counter]), hashlib.sha256)
        output += block
    return output[:length]


def meter_key(vending_key: bytes, meter: int, revision: int) -> bytes:
    """The key of one meter, 32 bytes, derived from the vending key of a revision."""
    info = b"meter" + meter.to_bytes(4, "little") + revision.to_bytes(2, "little")
    return hkdf_expand(hkdf_extract(b"budgetmeter", vending_key), info, KEY_SIZE)


def mask(key: bytes, number: int, revision: int) -> bytes:
    """What a new key is masked with: bound to the old key, the token's number and the revision."""
    info = b"wrap" + number.to_bytes(4, "little") + revision.to_bytes(2, "little")
    return hkdf_expand(key, info, KEY_SIZE)


def wrap(new_key: bytes, key: bytes, number: int, revision: int) -> bytes:
    """The new key masked for one token, or the masked key unmasked."""
    return bytes(a ^ b for a, b in zip(new_key, mask(key, number, revision), strict=True))


def tag(key: bytes, data: bytes) -> bytes:
    """The tag of a token's bytes."""
    return hmac.digest(key, b"token" + data, hashlib.sha256)[:TAG_SIZE]


def seal(fields: Mapping[str, int], key: bytes, wrapped: bytes = b"") -> bytes:
    """A token as bytes.

    :param fields: the fields of `Body`
    :param key: the meter's key of the revision named in them
    :param wrapped: the masked key, for a key change
    :raises construct.ValidationError: a field out of range
    """
    data = Body.build(fields) + wrapped
    return data + tag(key, data)


def parse(data: bytes) -> Any:
    """The fields of a token, its tag unchecked.

    :raises construct.ConstructError: not the bytes of a token
    """
    kind = data[1] if len(data) > 1 else 0
    struct = struct_of(kind)
    if len(data) != struct.sizeof():
        raise ValueError(f"a token of this kind has {struct.sizeof()} bytes, not {len(data)}")
    return struct.parse(data)


def genuine(data: bytes, key: bytes) -> bool:
    """Whether the tag of a token's bytes is right."""
    return hmac.compare_digest(tag(key, data[:-TAG_SIZE]), data[-TAG_SIZE:])


# ---- Text --------------------------------------------------------------------------------------

# Crockford's base 32: no I, L, O, U. The check makes a typing error a format failure.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUP = 4


def to_text(data: bytes) -> str:
    """A token as groups of four characters, a check included."""
    checked = data + fcs16(data).to_bytes(2, "little")
    size = -(-len(checked) * 8 // 5)
    number = int.from_bytes(checked, "big") << (size * 5 - len(checked) * 8)
    text = "".join(ALPHABET[number >> 5 * (size - 1 - i) & 31] for i in range(size))
    return "-".join(text[i : i + GROUP] for i in range(0, size, GROUP))


def from_text(text: str) -> bytes:
    """The bytes of a token typed as text or as hexadecimal digits, with their check.

    Case does not matter; spaces and hyphens are passed over; O reads as 0, I and L as 1.

    :raises ValueError: mistyped
    """
    plain = "".join(text.split()).replace("-", "").upper()
    sizes = [Token.sizeof() + 2, KeyToken.sizeof() + 2]
    if len(plain) in [2 * size for size in sizes]:
        checked = _from_hex(plain)
    else:
        checked = _from_base32(plain, {-(-size * 8 // 5): size for size in sizes})
    data = checked[:-2]
    if fcs16(data).to_bytes(2, "little") != checked[-2:]:
        raise ValueError("mistyped: the check does not fit")
    return data


def _from_hex(plain: str) -> bytes:
    try:
        return bytes.fromhex(plain)
    except ValueError:
        raise ValueError("mistyped: not all of it is hexadecimal digits") from None


def _from_base32(plain: str, sizes: Mapping[int, int]) -> bytes:
    if len(plain) not in sizes:
        raise ValueError(f"mistyped: {len(plain)} characters where a token has {min(sizes)}")
    number = 0
    for character in plain.translate(str.maketrans("OIL", "011")):
        if character not in ALPHABET:
            raise ValueError(f"mistyped: {character!r} stands in no token")
        number = number << 5 | ALPHABET.index(character)
    spare = len(plain) * 5 - sizes[len(plain)] * 8
    if number & (1 << spare) - 1:
        raise ValueError("mistyped: the check does not fit")
    return (number >> spare).to_bytes(sizes[len(plain)], "big")
