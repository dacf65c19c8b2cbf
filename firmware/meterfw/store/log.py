"""The event log: a ring of entries in their stored form, made once, stored with every commit.

A number is given once, for ever. Some entries are shown before they are stored, since noting a
refused token wears no flash. So a start goes on _RESERVE numbers above the stored ones, and no more
numbers than that are given between two commits. Numbers may therefore be left out; the place of an
entry counts what stands in the ring.
"""

import struct

from meterfw import const, layouts
from meterfw.account.record import State
from meterfw.account.rules import balance

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = layouts.LOG_SIZE
_MARGIN = const(48)  # entries that `forget` can take back
_RESERVE = const(256)  # numbers that may have been shown above those stored
_HEAD = struct.calcsize(layouts.LOG_HEAD_FORMAT)
_ENTRY = struct.calcsize(layouts.ENTRY_FORMAT)
_TAIL = _HEAD + SIZE * _ENTRY
_SKIPS = _TAIL + 4
_MOST_SKIPPED = const(0xFFFF)
STORED = _TAIL + struct.calcsize(layouts.LOG_TAIL_FORMAT)


class Log:
    """The latest entries, by place and by number, both counted from 0.

    :param data: where they stand as stored, STORED octets; `pack` brings head and tail up to date
    :ivar count: number of the next entry
    :ivar place: its place
    :ivar stored: `count` as it was last stored
    """

    def __init__(self, data: memoryview) -> None:
        self.count = self.place = self.stored = 0
        self.data = data
        self._skip = 0  # numbers left out before the next entry

    # Noting

    def add(self, m: State, code: int) -> None:
        """Note one event code with the state's time, reasons and balance (mc).

        A log that cannot be stored takes _RESERVE entries more, and then none.
        """
        if self.count - self.stored >= _RESERVE:
            return
        slot = self.place % SIZE
        struct.pack_into(
            layouts.ENTRY_FORMAT,
            self.data,
            _HEAD + slot * _ENTRY,
            m.clock,
            m.second,
            code,
            m.reasons,
            balance(m),
        )
        struct.pack_into("<H", self.data, _SKIPS + 2 * slot, self._skip)
        self._skip = 0
        self.place += 1
        self.count += 1

    def note(self, m: State, code: int) -> None:
        """Note a code that may come often, and that nobody commits for.

        It takes the place of the newest entry, if that has the same code; its number is new.
        """
        if self.count - self.stored >= _RESERVE - _MARGIN:
            return
        if self.place > 0 and self.entry(self.place - 1)[2] == code:
            if self._skip + self._skipped(self.place - 1) < _MOST_SKIPPED:
                self._drop()
        self.add(m, code)

    def add_events(self, m: State) -> None:
        """Note what the rules did, in causal order, and clear it in the state."""
        events = m.events
        m.events = 0
        code = 0
        while events:
            if events & 1:
                self.add(m, code)
            events >>= 1
            code += 1

    def forget(self, count: int) -> None:
        """Take back what was added since `count` was the next number, at most _MARGIN entries."""
        for _ in range(min(self.count - count, _MARGIN)):
            self._drop()

    def fold(self, size: int) -> None:
        """Let the newest entries take the place of as many before, if those have the same codes."""
        second = self.place - size
        first = second - size
        if first < self._oldest():
            return
        skip = self._skipped(first) + size + self._skipped(second)
        for i in range(size):
            if self.entry(first + i)[2] != self.entry(second + i)[2]:
                return
        if skip > _MOST_SKIPPED:
            return
        for i in range(size):
            struct.pack_into(
                layouts.ENTRY_FORMAT, self.data, self._at(first + i), *self.entry(second + i)
            )
        struct.pack_into("<H", self.data, _SKIPS + 2 * (first % SIZE), skip)
        self.place = second

    def _drop(self) -> None:
        """Take the newest entry back; its number stays given."""
        self.place -= 1
        self._skip += self._skipped(self.place) + 1

    # Reading

    def entry(self, place: int) -> "tuple[int, ...]":
        """Clock, second, code, reasons and balance (mc) of an entry that is still there."""
        return struct.unpack_from(layouts.ENTRY_FORMAT, self.data, self._at(place))

    def packed(self, place: int) -> bytes:
        """An entry that is still there, as stored."""
        at = self._at(place)
        return bytes(self.data[at : at + _ENTRY])

    def find(self, first: int) -> "tuple[int, int]":
        """Place and number of the oldest entry from number `first` on; of the next, if none is."""
        place, number, skip = self.place, self.count, self._skip
        while place > self._oldest() and number - 1 - skip >= first:
            place -= 1
            number -= 1 + skip
            skip = self._skipped(place)
        return place, number

    def after(self, place: int, number: int) -> int:
        """Number of the entry after one."""
        place += 1
        return number + 1 + (self._skipped(place) if place < self.place else self._skip)

    def numbered(self, first: int = 0) -> "Iterator[tuple[int, tuple[int, ...]]]":
        """Number and `entry` of each entry from number `first` on, oldest first."""
        place, number = self.find(first)
        while place < self.place:
            yield number, self.entry(place)
            number = self.after(place, number)
            place += 1

    @staticmethod
    def name(code: int) -> str:
        """The word for a code: an event of the rules, or a log code from FIRST_LOG_CODE on."""
        if code < layouts.FIRST_LOG_CODE:
            return layouts.EVENT_WORDS.split()[code]
        return layouts.LOG_CODE_WORDS.split()[code - layouts.FIRST_LOG_CODE]

    def _oldest(self) -> int:
        """Place of the oldest entry that is still there."""
        return max(0, self.place - SIZE + _MARGIN)

    @staticmethod
    def _at(place: int) -> int:
        return _HEAD + place % SIZE * _ENTRY

    def _skipped(self, place: int) -> int:
        """Numbers left out before an entry."""
        return struct.unpack_from("<H", self.data, _SKIPS + 2 * (place % SIZE))[0]

    # As stored

    def pack(self) -> memoryview:
        """As stored, brought up to date."""
        struct.pack_into(layouts.LOG_HEAD_FORMAT, self.data, 0, self.count)
        struct.pack_into("<L", self.data, _TAIL, self.place)
        return self.data

    def unpack(self, data: bytes) -> None:
        """From what was stored; an older layout left no number out."""
        self.data[: len(data)] = data
        self.count = self.place = struct.unpack_from(layouts.LOG_HEAD_FORMAT, data)[0]
        if len(data) == STORED:
            self.place = struct.unpack_from("<L", data, _TAIL)[0]
        self.stored = self.count

    def resume(self, commits: int) -> None:
        """Go on above every number that can have been shown since so many commits."""
        self.count += commits * _RESERVE
        self._skip += commits * _RESERVE
        self.stored = self.count
