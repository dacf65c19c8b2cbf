"""The event log: a ring of entries in their stored form, made once, stored with every commit."""

import struct

from meterfw import const, layouts
from meterfw.account.record import State
from meterfw.account.rules import balance

SIZE = layouts.LOG_SIZE
_MARGIN = const(48)  # entries that `forget` can take back
_HEAD = struct.calcsize(layouts.LOG_HEAD_FORMAT)
_ENTRY = struct.calcsize(layouts.ENTRY_FORMAT)
STORED = _HEAD + SIZE * _ENTRY


class Log:
    """Entries are numbered from 0; `count` is the number of the next one.

    :param data: where they stand as stored, STORED octets; `pack` brings the head up to date
    """

    def __init__(self, data: memoryview) -> None:
        self.count = 0
        self.data = data

    def add(self, m: State, code: int) -> None:
        """Note one event code with the state's time, reasons and balance (mc)."""
        at = _HEAD + self.count % SIZE * _ENTRY
        struct.pack_into(
            layouts.ENTRY_FORMAT, self.data, at, m.clock, m.second, code, m.reasons, balance(m)
        )
        self.count += 1

    def add_again(self, m: State, code: int) -> None:
        """Note a code that may come often: in place of the newest entry, if that has the same."""
        if self.count > 0 and self.entry(self.count - 1)[2] == code:
            self.count -= 1
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

    def entry(self, number: int) -> "tuple[int, ...]":
        """Clock, second, code, reasons and balance (mc) of an entry that is still there."""
        return struct.unpack_from(layouts.ENTRY_FORMAT, self.data, _HEAD + number % SIZE * _ENTRY)

    def packed(self, number: int) -> bytes:
        """An entry that is still there, as stored."""
        at = _HEAD + number % SIZE * _ENTRY
        return bytes(self.data[at : at + _ENTRY])

    @staticmethod
    def name(code: int) -> str:
        """The word for a code: an event of the rules, or a log code from FIRST_LOG_CODE on."""
        if code < layouts.FIRST_LOG_CODE:
            return layouts.EVENT_WORDS.split()[code]
        return layouts.LOG_CODE_WORDS.split()[code - layouts.FIRST_LOG_CODE]

    def first(self) -> int:
        """Number of the oldest entry that is still there."""
        return max(0, self.count - SIZE + _MARGIN)

    def forget(self, count: int) -> None:
        """Take back the entries from number `count` on, at most _MARGIN of them."""
        self.count = max(count, self.count - _MARGIN)

    def pack(self) -> memoryview:
        """As stored, brought up to date."""
        struct.pack_into(layouts.LOG_HEAD_FORMAT, self.data, 0, self.count)
        return self.data

    def unpack(self, data: bytes) -> None:
        """From what was stored."""
        self.data[:] = data
        self.count = struct.unpack_from(layouts.LOG_HEAD_FORMAT, data)[0]
