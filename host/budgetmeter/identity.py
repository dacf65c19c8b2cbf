"""What a meter is flashed with: its identity and its profile."""

from binascii import crc32

from construct import Struct
from meterproto import stored

from budgetmeter.profiles import Profile


def flashed(meter: int, revision: int, key: bytes, profile: Profile) -> dict[str, bytes]:
    """The files that make a board a meter, by name.

    :param meter: serial number
    :param revision: revision of the key
    :param key: the meter's key, 32 bytes
    """
    return {
        "identity": identity_file(meter, revision, key, profile.name),
        "profile": sealed(profile.pack()),
    }


def sealed(data: bytes) -> bytes:
    """A file with its CRC-32 at the end."""
    return data + crc32(data).to_bytes(4, "little")


def identity_file(meter: int, revision: int, key: bytes, profile: str) -> bytes:
    """Bytes of the file "identity".

    :param meter: serial number
    :param revision: revision of the key
    :param key: the meter's key, 32 bytes
    :param profile: name of the profile, at most 24 ASCII characters
    :raises construct.ConstructError: a value out of range
    """
    name = name_field(profile)
    fields = {"meter": meter, "key_revision": revision, "key": key, "profile": name}
    return sealed(Struct(*stored.Identity.subcons[:-1]).build(fields))


def name_field(profile: str) -> bytes:
    """The name of a profile as a meter keeps it: 24 ASCII characters, padded with zeros."""
    return profile.encode("ascii", "replace")[:24].ljust(24, b"\0")


def flashed_name(profile: str) -> str:
    """The name of a profile as a meter that has been flashed with it says it."""
    return name_field(profile).rstrip(b"\0").decode("ascii")
