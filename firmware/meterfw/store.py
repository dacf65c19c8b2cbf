"""What the meter keeps: state, token memory and profile as one stored record, and its identity.

A record is committed whole: head with layout and sequence, the three parts, a CRC-32.
"""

import binascii
import struct

from meterfw import layouts, record
from meterfw.tokens import Memory

_HEAD = struct.calcsize(layouts.HEAD_FORMAT)
_STATE = _HEAD + struct.calcsize(layouts.STATE_FORMAT)
_MEMORY = _STATE + struct.calcsize(layouts.MEMORY_FORMAT)
_PROFILE = _MEMORY + struct.calcsize(layouts.PROFILE_FORMAT)
SIZE = _PROFILE + 4
RECORD = "store"


def crc(data):
    """CRC-32 as an unsigned number."""
    return binascii.crc32(data) & 0xFFFFFFFF


def checked(data, layout):
    """The fields of a small file with a CRC-32 at its end; None if it is not whole."""
    if data is None or len(data) != struct.calcsize(layout):
        return None
    values = struct.unpack(layout, data)
    return values if values[-1] == crc(data[:-4]) else None


def keep_key(board, revision, key):
    """Write the file of the last key change; False if that failed."""
    data = struct.pack(layouts.KEY_FORMAT[:-1], revision, key)
    try:
        board.store("key", data + struct.pack("<L", crc(data)))
    except OSError:
        return False
    return True


class Ledger:
    """The account as a whole: rule state, token memory, profile."""

    def __init__(self):
        self.state = record.State()
        self.memory = Memory()
        self.profile = record.Profile()

    def copy(self, other):
        """Become equal to another ledger."""
        record.copy(self.state, other.state, layouts.STATE_FIELDS)
        self.memory.copy(other.memory)
        record.copy(self.profile, other.profile, layouts.PROFILE_FIELDS)

    def pack(self, sequence):
        """The stored record.

        :raises ValueError: a field out of range, which `struct` would wrap in silence
        """
        state = (layouts.STATE_FIELDS, layouts.STATE_LOW, layouts.STATE_HIGH)
        profile = (layouts.PROFILE_FIELDS, layouts.PROFILE_LOW, layouts.PROFILE_HIGH)
        wrong = record.in_range(self.state, *state) or record.in_range(self.profile, *profile)
        if wrong:
            raise ValueError(wrong)
        data = (
            struct.pack(layouts.HEAD_FORMAT, layouts.MAGIC, layouts.LAYOUT, sequence)
            + record.pack(self.state, layouts.STATE_FORMAT, layouts.STATE_FIELDS)
            + self.memory.pack()
            + record.pack(self.profile, layouts.PROFILE_FORMAT, layouts.PROFILE_FIELDS)
        )
        return data + struct.pack("<L", crc(data))

    def unpack(self, data):
        """Take over a stored record and answer its sequence; None if it is not one of ours."""
        if data is None or len(data) != SIZE:
            return None
        magic, layout, sequence = struct.unpack(layouts.HEAD_FORMAT, data[:_HEAD])
        if magic != layouts.MAGIC or layout != layouts.LAYOUT:
            return None
        if struct.unpack("<L", data[_PROFILE:])[0] != crc(data[:_PROFILE]):
            return None
        record.unpack(self.state, data[_HEAD:_STATE], layouts.STATE_FORMAT, layouts.STATE_FIELDS)
        self.memory.unpack(data[_STATE:_MEMORY])
        profile = data[_MEMORY:_PROFILE]
        record.unpack(self.profile, profile, layouts.PROFILE_FORMAT, layouts.PROFILE_FIELDS)
        return sequence
