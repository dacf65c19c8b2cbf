"""Index captures: the registers at the first midnight of each month, kept for a year (B-17).

They are readings and no account, so they have a file of their own, outside the journal.
"""

import struct

from meterfw import const, layouts
from meterfw.account import record
from meterfw.account.calendar import day_of, local, summer, year_of
from meterfw.account.record import State
from meterfw.board import Board
from meterfw.store.journal import contents, crc

FILE = "captures"
MOST = layouts.MOST_CAPTURES
_HEAD = struct.calcsize(layouts.CAPTURES_FORMAT)
SIZE = struct.calcsize(layouts.CAPTURE_FORMAT)
_MONTH = const(31 * 1440)


class Captures:
    """The captures of a meter, oldest first, in their stored form."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.count = 0
        self.data = b""
        self._next = 0  # clock value of the next capture; 0 before the first look

    def load(self) -> None:
        """Take up what is stored; a damaged file counts as none."""
        data = contents(self.board, FILE)
        if data is None or len(data) < _HEAD + 4 or (len(data) - _HEAD - 4) % SIZE:
            return
        end = len(data) - 4
        if struct.unpack("<L", data[end:])[0] != crc(data[:end]):
            return
        self.data = data[_HEAD:end]
        self.count = len(self.data) // SIZE
        if self.count:
            self._next = next_month(struct.unpack("<l", self.data[-SIZE : -SIZE + 4])[0])

    def capture_due(self, m: State) -> None:
        """Capture what is due: at once after a restart that missed a midnight."""
        # None yet, or the clock was set back
        if self._next == 0 or m.clock < self._next - 2 * _MONTH:
            self._next = next_month(m.clock)
        if m.clock < self._next:
            return
        self._next = next_month(m.clock)
        taken = record.pack(m, layouts.CAPTURE_FORMAT, layouts.CAPTURE_FIELDS)
        self.data = (self.data + taken)[-MOST * SIZE :]
        self.count = len(self.data) // SIZE
        data = bytes([self.count]) + self.data
        try:
            self.board.store(FILE, data + struct.pack("<L", crc(data)))
        except OSError:
            pass  # the capture is in memory; the next one is stored with it


def next_month(clock: int) -> int:
    """Clock value of the next first of a month, 00:00 local time."""
    day = local(clock) // 1440
    year = year_of(day)
    month = 1
    while month < 13 and first_of_month(year, month) <= day:
        month += 1
    first = first_of_month(year, month) * 1440
    return first - 60 * summer(first - 60)


def first_of_month(year: int, month: int) -> int:
    """Day number of the first of a month; month 13 is the January after."""
    return day_of(year, month, 1) if month < 13 else day_of(year + 1, 1, 1)
