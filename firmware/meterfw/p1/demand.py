"""Demand: the mean of the running quarter of an hour, and the peaks of the months.

They are readings and no account, so they have a file of their own, as the captures have. It is
written when the month's peak rises, at most once a quarter, and when a month ends. A power cut
takes the running quarter away, and nothing else.
"""

import struct
from array import array

from meterfw import const, layouts
from meterfw.account.record import State
from meterfw.board import Board
from meterfw.store.captures import next_month
from meterfw.store.journal import contents, crc

FILE = "demand"
MOST = layouts.MOST_PEAKS
_QUARTER_MIN = const(15)
_HEAD = struct.calcsize(layouts.DEMAND_FORMAT)
_PEAK = struct.calcsize(layouts.PEAK_FORMAT)
_LATE = const(2 * 31 * 1440)  # a clock so far before the end of the running month was set back


class Demand:
    """The demand of one meter.

    :ivar peak_w: highest mean of a quarter in the running month, W
    :ivar peak_clock: when that quarter ended; where there is none yet, when the month began
    :ivar count: of the months that are over, at most MOST
    :ivar months: of each, oldest first: when it ended, when its peak ended, the peak in W
    """

    def __init__(self, board: Board) -> None:
        self.board = board
        self.peak_w = self.peak_clock = self.count = 0
        self.months = array("i", [0] * (3 * MOST))
        self._until = 0  # when the running month ends
        self._quarter = self._begin_wh = 0

    def begin(self, m: State) -> None:
        """Take up what is stored; a damaged file counts as none. The quarter begins anew."""
        self._quarter, self._begin_wh = m.clock // _QUARTER_MIN, m.energy_wh
        data = contents(self.board, FILE)
        if data is None or len(data) < _HEAD + 4 or (len(data) - _HEAD - 4) % _PEAK:
            return
        end = len(data) - 4
        if struct.unpack("<L", data[end:])[0] != crc(data[:end]):
            return
        self._until, self.peak_clock, self.peak_w = struct.unpack_from(layouts.DEMAND_FORMAT, data)
        for at in range(_HEAD, end, _PEAK):
            self._add(*struct.unpack_from(layouts.PEAK_FORMAT, data, at))

    def mean_w(self, m: State) -> int:
        """Energy of the running quarter so far, as its mean: W."""
        wh = (m.energy_wh - self._begin_wh) % layouts.REGISTER_LIMIT
        return min(wh, layouts.POWER_LIMIT) * 60 // _QUARTER_MIN

    def follow(self, m: State) -> None:
        """What a new minute brings: allocates nothing unless a peak or a month is stored."""
        quarter = m.clock // _QUARTER_MIN
        changed = False
        if quarter != self._quarter:
            mean_w = self.mean_w(m)
            if quarter > self._quarter and mean_w > self.peak_w:  # else the clock was set back
                self.peak_w, self.peak_clock = mean_w, (self._quarter + 1) * _QUARTER_MIN
                changed = True
            self._quarter, self._begin_wh = quarter, m.energy_wh
        if self._until == 0 or m.clock < self._until - _LATE:
            self._begin_month(m.clock)
        elif m.clock >= self._until:
            self._add(self._until, self.peak_clock, self.peak_w)
            self._begin_month(m.clock)
            changed = True
        if changed:
            self._store()

    def _begin_month(self, clock: int) -> None:
        self._until = next_month(clock)
        self.peak_w, self.peak_clock = 0, clock

    def _add(self, *month: int) -> None:
        """One more month that is over; the oldest gives way."""
        months = self.months
        if self.count == MOST:
            for i in range(3 * (MOST - 1)):
                months[i] = months[i + 3]
            self.count -= 1
        for i in range(3):
            months[3 * self.count + i] = month[i]
        self.count += 1

    def _store(self) -> None:
        data = struct.pack(layouts.DEMAND_FORMAT, self._until, self.peak_clock, self.peak_w)
        for i in range(0, 3 * self.count, 3):
            data += struct.pack(layouts.PEAK_FORMAT, *self.months[i : i + 3])
        try:
            self.board.store(FILE, data + struct.pack("<L", crc(data)))
        except OSError:
            pass  # it is in memory; the next peak is stored with it
