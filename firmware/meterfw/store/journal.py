"""The journal: the account as one record, committed whole into two files in turn.

A commit writes the file that does not hold the newest record; the newest whole one wins at start. A
file system that replaces a file atomically (littlefs) never leaves a torn record; where it does all
the same, its CRC-32 tells, and the other file holds the commit before.
"""

import binascii
import struct

from meterfw import layouts
from meterfw.account import record
from meterfw.board import Board
from meterfw.store.log import STORED as _LOG
from meterfw.store.log import Log
from meterfw.tokens.memory import TokenMemory

FILES = ("store.0", "store.1")
FIRST = "store"  # the one file of the first layout, read until there has been a commit
BEGUN = "begun"  # stands once there has been a commit: without it, no record means a new meter

# How the store was found at start
NEW, WHOLE, REPAIRED, LOST = range(4)

_HEAD = struct.calcsize(layouts.HEAD_FORMAT)
_MEMORY = struct.calcsize(layouts.TOKEN_MEMORY_FORMAT)
_OWNER = struct.calcsize(layouts.OWNER_FORMAT)

# Fields of state and profile, octets of the log and of the token memory, in the layout of today.
_NOW = (len(layouts.STATE_FIELDS), len(layouts.PROFILE_FIELDS), _LOG, _MEMORY)


def crc(data: "bytes | bytearray | memoryview") -> int:
    """CRC-32 as an unsigned number."""
    return binascii.crc32(data)


def contents(board: Board, name: str) -> "bytes | None":
    """Contents of a file; None if there is none or it cannot be read."""
    try:
        return board.load(name)
    except OSError:
        return None


def checked(data: "bytes | None", layout: str) -> "tuple | None":
    """The fields of a small file with a CRC-32 at its end; None if it is not whole."""
    if data is None or len(data) != struct.calcsize(layout):
        return None
    values = struct.unpack(layout, data)
    return values if values[-1] == crc(data[:-4]) else None


def sealed(layout: str, *values: "int | bytes") -> bytes:
    """The bytes of such a file."""
    data = struct.pack(layout[:-1], *values)
    return data + struct.pack("<L", crc(data))


class Ledger:
    """The account as a whole: rule state, token memory, profile."""

    def __init__(self) -> None:
        self.state = record.State()
        self.memory = TokenMemory()
        self.profile = record.Profile()

    def copy(self, other: "Ledger") -> None:
        """Become equal to another ledger."""
        record.copy(self.state, other.state, layouts.STATE_FIELDS)
        self.memory.copy(other.memory)
        record.copy(self.profile, other.profile, layouts.PROFILE_FIELDS)

    def swap(self, other: "Ledger") -> None:
        """Change places with another ledger; allocates nothing."""
        self.state, other.state = other.state, self.state
        self.memory, other.memory = other.memory, self.memory
        self.profile, other.profile = other.profile, self.profile


class Journal:
    """Keeps a ledger and the event log of a meter in the files of a board.

    :ivar meter: number of the meter, once loaded
    :ivar log: the event log, which stands where the record has it
    """

    def __init__(self, board: Board) -> None:
        self.board = board
        self.meter = 0
        self.sequence = 0
        self._newest = 1  # which of FILES; the other one is written next
        self._record = bytearray(_size(_NOW))
        self.log = Log(memoryview(self._record)[-_LOG - 4 : -4])

    def load(self, meter: int, ledger: Ledger) -> int:
        """Take up the newest whole record of a meter; answers NEW, WHOLE, REPAIRED or LOST.

        REPAIRED: the other file was damaged. LOST: there has been a record, and none is whole. A
        record of another meter counts as damaged.
        """
        self.meter = meter
        begun = contents(self.board, BEGUN) is not None
        damaged = False
        best = shape = None
        for i, name in enumerate(FILES + (FIRST,)):
            if name == FIRST and begun:
                continue
            try:
                data = self.board.load(name)
            except OSError:
                data = b"?"
            if not data:  # not there, or made and never written
                continue
            found, sequence = self._whole(data)
            if found is None:
                damaged = True
            elif best is None or sequence > self.sequence:
                best, shape = data, found
                self.sequence, self._newest = sequence, i % 2
        if best is None or shape is None:
            return LOST if damaged or begun else NEW
        self._unpack(best, shape, ledger)
        return REPAIRED if damaged else WHOLE

    def begin(self) -> None:
        """Note that there has been a commit."""
        if contents(self.board, BEGUN) is None:
            try:
                self.board.store(BEGUN, b"1")
            except OSError:
                pass  # tried again at the next start

    def commit(self, ledger: Ledger) -> bool:
        """Store a ledger and the log; False if that failed, and then nothing has changed."""
        other = 1 - self._newest
        try:
            data = self._pack(ledger)
            self.board.store(FILES[other], data)
        except (ValueError, MemoryError):
            return False
        except OSError:
            if contents(self.board, FILES[other]) != data:
                return False  # else it failed after all had landed
        self._newest = other
        self.sequence += 1
        self.log.stored = self.log.count
        return True

    def _pack(self, ledger: Ledger) -> bytearray:
        """The record, brought up to date.

        :raises ValueError: a field out of range, which `struct` would wrap in silence
        """
        state, profile = ledger.state, ledger.profile
        wrong = record.in_range(
            state, layouts.STATE_FIELDS, layouts.STATE_LOW, layouts.STATE_HIGH
        ) or record.in_range(
            profile, layouts.PROFILE_FIELDS, layouts.PROFILE_LOW, layouts.PROFILE_HIGH
        )
        if wrong:
            raise ValueError(wrong)
        data = self._record
        struct.pack_into(
            layouts.HEAD_FORMAT, data, 0, layouts.MAGIC, layouts.LAYOUT, self.sequence + 1
        )
        at = _HEAD
        for part in (
            record.pack(state, layouts.STATE_FORMAT, layouts.STATE_FIELDS),
            ledger.memory.pack(),
            record.pack(profile, layouts.PROFILE_FORMAT, layouts.PROFILE_FIELDS),
            struct.pack(layouts.OWNER_FORMAT, self.meter),
        ):
            data[at : at + len(part)] = part
            at += len(part)
        self.log.pack()
        end = at + _LOG
        struct.pack_into("<L", data, end, crc(memoryview(data)[:end]))
        return data

    def _whole(self, data: bytes) -> "tuple[tuple | None, int]":
        """Shape and sequence of a whole record of a layout we know; else None and 0."""
        if len(data) < _HEAD + 4:
            return None, 0
        magic, layout, sequence = struct.unpack(layouts.HEAD_FORMAT, data[:_HEAD])
        shape = _shape(layout)
        if magic != layouts.MAGIC or shape is None or len(data) != _size(shape):
            return None, 0
        if struct.unpack("<L", data[-4:])[0] != crc(data[:-4]):
            return None, 0
        if shape[2]:
            at = len(data) - 4 - shape[2] - _OWNER
            if struct.unpack(layouts.OWNER_FORMAT, data[at : at + _OWNER])[0] != self.meter:
                return None, 0
        return shape, sequence

    def _unpack(self, data: bytes, shape: tuple, ledger: Ledger) -> None:
        """Fill ledger and log; fields that an older layout lacks keep their zero."""
        states, profiles, log, memory = shape
        at = _part(data, _HEAD, ledger.state, layouts.STATE_FORMAT, layouts.STATE_FIELDS, states)
        ledger.memory.unpack(data[at : at + memory])
        at += memory
        names = layouts.PROFILE_FIELDS
        at = _part(data, at, ledger.profile, layouts.PROFILE_FORMAT, names, profiles)
        if log:
            at += _OWNER
            self.log.unpack(data[at : at + log])


def _shape(layout: int) -> "tuple[int, int, int, int] | None":
    """The same of any layout; None of one that nobody knows."""
    if layout == layouts.LAYOUT:
        return _NOW
    return layouts.OLDER_LAYOUTS.get(layout)


def _size(shape: "tuple[int, int, int, int]") -> int:
    """Bytes of a record of a shape."""
    states, profiles, log, memory = shape
    size = _HEAD + struct.calcsize(layouts.STATE_FORMAT[: states + 1]) + memory + 4
    size += struct.calcsize(layouts.PROFILE_FORMAT[: profiles + 1])
    return size + _OWNER + log if log else size


def _part(
    data: bytes,
    at: int,
    target: "record.State | record.Profile",
    layout: str,
    names: "tuple[str, ...]",
    count: int,
) -> int:
    """Unpack the first `count` fields of a record; answers where it ends."""
    layout = layout[: count + 1]  # a code is one character
    end = at + struct.calcsize(layout)
    record.unpack(target, data[at:end], layout, names[:count])
    return end
