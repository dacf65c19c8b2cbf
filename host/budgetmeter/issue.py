"""Sealing tokens for one meter."""

from pathlib import Path
from typing import Any, Protocol

from meterproto import tokens
from meterproto.codes import Kind


class VendingKeys(Protocol):
    """The vending keys of an operator: a `budgetmeter.office.keys.KeyFile`."""

    path: Path

    @property
    def latest(self) -> int:
        """The highest revision."""
        ...

    def meter_key(self, meter: int, revision: int) -> bytes:
        """The key of one meter, 32 bytes."""
        ...


_LEFT_OUT = {"version": tokens.VERSION, "order_id": 0, "value": 0, "extra": 0, "expiry": 0}


def seal(key: bytes, new_key: bytes | None = None, **fields: int) -> bytes:
    """A token as bytes, sealed with a meter's key.

    :param key: the meter's key of the revision named in the fields
    :param new_key: the key that a key change carries
    :param fields: fields of `meterproto.tokens.Body`; version, order_id, value, extra and expiry
        may be left out
    :raises construct.ValidationError: a field out of range
    """
    whole = {**_LEFT_OUT, **fields}
    wrapped = b""
    if whole["kind"] == int(Kind.KEY_CHANGE):
        assert new_key is not None, "a key change carries a key"
        wrapped = tokens.wrap(new_key, key, whole["number"], whole["value"])
    return tokens.seal(whole, key, wrapped)


class Issuer:
    """Numbers and seals tokens for one meter, in memory: for emulators and tests.

    :param meter: serial number
    :param key: the meter's key, or the vending key if `derive`
    :param revision: its revision
    """

    def __init__(self, meter: int, key: bytes, revision: int = 1, derive: bool = False) -> None:
        self.meter = meter
        self.revision = revision
        self.key: bytes = tokens.meter_key(key, meter, revision) if derive else key
        self.number = 0

    def token(self, kind: int, value: int = 0, extra: int = 0, **more: Any) -> bytes:
        """The next token; `order_id`, `expiry` and `new_key` as for `seal`."""
        self.number += 1
        return self.reissue(self.number, kind, value, extra, **more)

    def reissue(self, number: int, kind: int, value: int = 0, extra: int = 0, **more: Any) -> bytes:
        """A token under a given number."""
        fields: dict[str, Any] = {
            "key_revision": self.revision,
            "meter": self.meter,
            "number": number,
            **more,
        }
        return seal(self.key, kind=kind, value=value, extra=extra, **fields)

    def change_key(self, new_key: bytes, revision: int | None = None) -> bytes:
        """A token that puts a new key in force; the issuer uses it from now on."""
        revision = revision or self.revision + 1
        token = self.token(Kind.KEY_CHANGE, revision, new_key=new_key)
        self.key, self.revision = new_key, revision
        return token
