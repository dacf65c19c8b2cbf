"""Sealing tokens for one meter."""

from meterproto import tokens
from meterproto.codes import Kind


def seal(key, **fields):
    """A token as bytes, sealed with a meter's key.

    :param key: the meter's key of the revision named in the fields
    :param fields: fields of `meterproto.tokens.Body`; version, order, value, extra and expiry may
        be left out; `new_key` for a key change
    :raises construct.ValidationError: a field out of range
    """
    new_key = fields.pop("new_key", None)
    whole = {"version": tokens.VERSION, "order": 0, "value": 0, "extra": 0, "expiry": 0, **fields}
    wrapped = b""
    if whole["kind"] == Kind.KEY_CHANGE:
        wrapped = tokens.wrap(new_key, key, whole["number"], whole["value"])
    return tokens.seal(whole, key, wrapped)


class Issuer:
    """Numbers and seals tokens for one meter, in memory: for emulators and tests.

    :param meter: serial number
    :param key: the meter's key, or the vending key if `derive`
    :param revision: its revision
    """

    def __init__(self, meter, key, revision=1, derive=False):
        self.meter = meter
        self.revision = revision
        self.key = tokens.meter_key(key, meter, revision) if derive else key
        self.number = 0

    def token(self, kind, value=0, extra=0, **more):
        """The next token."""
        self.number += 1
        return self.reissue(self.number, kind, value, extra, **more)

    def reissue(self, number, kind, value=0, extra=0, **more):
        """A token under a given number."""
        fields = {"key_revision": self.revision, "meter": self.meter, "number": number, **more}
        return seal(self.key, kind=kind, value=value, extra=extra, **fields)

    def change_key(self, new_key, revision=None):
        """A token that puts a new key in force; the issuer uses it from now on."""
        revision = revision or self.revision + 1
        token = self.token(Kind.KEY_CHANGE, revision, new_key=new_key)
        self.key, self.revision = new_key, revision
        return token
