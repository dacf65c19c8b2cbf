"""Big files of a plain table, by NumPy: block after block, no row of it kept.

A first pass measures how far the rows are apart, a second makes the pieces. It does what `rows` and
`pieces` do, octet for octet of the result; a file it does not understand is theirs.
"""

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from budgetmeter.loads.load import MAX_A, MAX_LITRES_PER_HOUR, MAX_W, MISSING, NOT_YET
from budgetmeter.loads.numbers import POWER
from budgetmeter.loads.pieces import LONGEST, TIMES_MEDIAN, Look, Pieces
from budgetmeter.loads.shapes import INDEX, Layout
from budgetmeter.loads.text import opened
from budgetmeter.loads.times import DAY_MS, END_MS, HOUR_MS, UNIX_MS, Candidates
from budgetmeter.units import EPOCH, NOMINAL_V

_BLOCK = 1 << 21
_QUARTER_MS = 900_000
_LONGEST_NUMBER = 15  # digits that a float holds exactly
_DATE = (0, 1, 2, 3, 5, 6, 8, 9)
_CLOCK = (11, 12, 14, 15, 17, 18)
# Octets of a time: those of date and clock, of Z or an offset.
_FORMS = {
    16: (16, 0), 17: (16, 1), 19: (19, 0), 20: (19, 1), 22: (16, 6), 23: (23, 0), 24: (23, 1),
    25: (19, 6), 29: (23, 6),
}  # fmt: skip


class Odd(Exception):
    """Something in the file that only the row reader understands."""


@dataclass
class Plain:
    """What the row reader would be told.

    :ivar header_line: the rows stand below it
    :ivar candidates: the moments of a local time
    """

    path: Path
    label: str
    layout: Layout
    gas: bool
    delimiter: str
    decimal: str
    header_line: int
    candidates: Candidates


def fits(layout: Layout, encoding: str) -> bool:
    """Whether a layout is one of a plain table."""
    shape = layout.shape
    several = shape.keep or shape.leave or shape.estimated or shape.zero or shape.wide
    return (
        encoding in ("utf-8-sig", "cp1252")
        and len(layout.time) == 1
        and (len(layout.value) == 1 or shape.kind == INDEX)
        and not (several or layout.until or shape.missing or shape.repeats)
        and layout.unit is None
        and shape.stamp == "start"
        and not shape.order
    )


@dataclass
class Read:
    """What was read.

    :ivar local: times had no offset
    :ivar resets: falls of a register
    """

    pieces: Pieces
    look: Look
    local: bool
    resets: int


def read(plain: Plain) -> Read | None:
    """The pieces, a look at the values and what to say of them; None for the row reader."""
    index = plain.layout.shape.kind == INDEX
    try:
        middle, regular = _distance(plain)
        maker = _Maker(plain, middle)
        local = False
        for rows in _rows(plain):
            local |= rows.local
            if index:
                maker.readings(rows.times, rows.values)
            else:
                maker.add(rows.times, rows.values[:, 0], rows.amps)
        return Read(maker.done(regular), maker.look, local, maker.resets)
    except Odd:
        return None


@dataclass
class _Rows:
    """Rows of a block: moments in ms, values of each column in W, Wh or litres."""

    times: np.ndarray
    values: np.ndarray
    amps: np.ndarray | None
    local: bool


def _rows(plain: Plain) -> Iterator[_Rows]:
    """The rows, block after block; of a register only those with a reading of every column."""
    layout, first = plain.layout, {}
    alike = [place for place in (layout.household, layout.register) if place is not None]
    for lines in _lines(plain):
        for place in alike:
            if lines.alike(place) != first.setdefault(place, lines.alike(place)):
                raise Odd
        times, local = lines.times(layout.time[0], plain.candidates)
        columns = [lines.numbers(place, plain.decimal) for place in layout.value]
        values = np.column_stack(columns) * layout.factor
        amps = None if layout.amps is None else lines.numbers(layout.amps, plain.decimal)
        if layout.shape.kind == INDEX:
            there = ~np.isnan(values).any(axis=1)
            times, values, amps = times[there], values[there], None
        if len(times):
            yield _Rows(times, values, amps, local)


def _distance(plain: Plain) -> tuple[float, bool]:
    """The median distance, ms, and whether most are near it."""
    counts: dict[int, int] = {}
    last, gap = None, 0
    for rows in _rows(plain):
        times = rows.times
        gaps = np.diff(times) if last is None else np.diff(times, prepend=last)
        if len(gaps) and gaps.min() <= 0:
            raise Odd
        last = times[-1]
        gap = int(gaps[-1]) if len(gaps) else gap
        found, often = np.unique(gaps, return_counts=True)
        for gap, count in zip(found.tolist(), often.tolist(), strict=True):
            counts[gap] = counts.get(gap, 0) + count
    if not counts:
        raise Odd
    total, seen, middles = sum(counts.values()), 0, []
    for gap in sorted(counts):
        before, seen = seen, seen + counts[gap]
        middles += [gap] * sum(before <= at < seen for at in ((total - 1) // 2, total // 2))
    middle = sum(middles) / 2
    if middle > LONGEST:
        raise Odd
    usual = round(middle / 1000) * 1000
    if plain.layout.shape.kind == INDEX:  # its last row has an end, and no row after it
        counts[gap] -= 1
        total -= 1
    near = sum(count for gap, count in counts.items() if abs(gap - usual) <= 1000)
    return middle, near * 10 >= total * 8


class _Lines:
    """Whole lines of a file as octets, with the places of their fields."""

    def __init__(self, data: bytes, delimiter: str, width: int) -> None:
        self._octets = octets = np.frombuffer(data, np.uint8)
        quotes = octets == ord('"')
        quoted = quotes.any()
        within = np.cumsum(quotes, dtype=np.uint8) & 1 if quoted else quotes
        ends = octets == ord("\n")
        if quoted and (ends & (within == 1)).any():
            raise Odd
        ends = np.flatnonzero(ends)
        starts = np.concatenate(([0], ends[:-1] + 1))
        if data[:-1][-1:] == b"\r":
            if not (octets[ends - 1] == ord("\r")).all():
                raise Odd
            ends = ends - 1
        marks = np.flatnonzero((octets == ord(delimiter)) & (within == 0))
        if len(marks) != len(ends) * (width - 1):
            raise Odd
        marks = marks.reshape(len(ends), width - 1)
        if (marks[:, 0] < starts).any() or (marks[:, -1] > ends).any():
            raise Odd
        self._starts = np.column_stack((starts, marks + 1))
        self._ends = np.column_stack((marks, ends))
        if quoted:
            last = self._ends - 1
            bare = (last > self._starts) & quotes[self._starts] & quotes[last]
            self._starts, self._ends = self._starts + bare, self._ends - bare

    def alike(self, column: int) -> bytes:
        """What all fields of a column are."""
        sizes = self._ends[:, column] - self._starts[:, column]
        text = self._field(column, max(int(sizes[0]), 1))
        if (sizes != sizes[0]).any() or (text != text[0]).any():
            raise Odd
        return text[0].tobytes()

    def _field(self, column: int, size: int) -> np.ndarray:
        """The first `size` octets of a field in each line."""
        places = self._starts[:, column, None] + np.arange(size)
        return self._octets[np.minimum(places, len(self._octets) - 1)]

    def times(self, column: int, candidates: Candidates) -> tuple[np.ndarray, bool]:
        """Moments in ms, and whether they were local."""
        sizes = self._ends[:, column] - self._starts[:, column]
        size = int(sizes[0])
        if (sizes != size).any():
            raise Odd
        text = self._field(column, size)
        if size == 10:
            moments = _number(text, range(10)) * 1000 + UNIX_MS
            return _within(moments), False
        clock, offset = _FORMS.get(size, (0, 0))
        if not clock:
            raise Odd
        local = _iso(text, clock)
        if offset == 1:
            if (text[:, -1] != ord("Z")).any():
                raise Odd
            return _within(local + HOUR_MS), False
        if offset:
            return _within(local + HOUR_MS - _offset(text[:, clock:])), False
        return _within(moments_of(local, candidates, lambda *_: Odd())), True

    def numbers(self, column: int, decimal: str) -> np.ndarray:
        """Values; NaN where there is none."""
        sizes = self._ends[:, column] - self._starts[:, column]
        longest = int(sizes.max())
        if longest > _LONGEST_NUMBER + 1:
            raise Odd
        point = ord(decimal or ".")
        text = self._field(column, max(longest, 1))
        value = np.zeros(len(sizes), np.int64)
        digits = np.zeros(len(sizes), np.int64)
        places = np.full(len(sizes), -1, np.int64)  # -1: no point yet
        missing = (sizes == 0) | ((sizes == 1) & (text[:, 0] == ord("?")))
        for i in range(longest):
            here = (i < sizes) & ~missing
            octet = text[:, i]
            digit = here & (octet >= ord("0")) & (octet <= ord("9"))
            dot = here & (octet == point)
            if (here & ~digit & ~dot).any() or (dot & (places >= 0)).any():
                raise Odd
            value = np.where(digit, value * 10 + octet - ord("0"), value)
            digits += digit
            places = np.where(dot, 0, places + (digit & (places >= 0)))
        if ((digits == 0) & ~missing).any():
            raise Odd
        found = value / 10.0 ** np.maximum(places, 0)
        return np.where(missing, np.nan, found)


def _number(text: np.ndarray, places: Any) -> np.ndarray:
    """The number that the octets at some places make."""
    value = np.zeros(len(text), np.int64)
    for place in places:
        digit = text[:, place].astype(np.int64) - ord("0")
        if digit.min() < 0 or digit.max() > 9:
            raise Odd
        value = value * 10 + digit
    return value


def _iso(text: np.ndarray, size: int) -> np.ndarray:
    """Local ms of YYYY-MM-DDTHH:MM with or without :SS and .fff."""
    for place, signs in ((4, b"-"), (7, b"-"), (10, b"T "), (13, b":"), (16, b":"), (19, b".")):
        if place < size and not np.isin(text[:, place], list(signs)).all():
            raise Odd
    days, where = np.unique(_number(text, _DATE), return_inverse=True)
    try:
        midnights = [datetime(d // 10_000, d // 100 % 100, d % 100) for d in days.tolist()]
    except ValueError:
        raise Odd from None
    begin = np.array([(moment - EPOCH).days * DAY_MS for moment in midnights], np.int64)
    hour, minute = _number(text, _CLOCK[:2]), _number(text, _CLOCK[2:4])
    second = _number(text, _CLOCK[4:]) if size >= 19 else np.zeros_like(hour)
    part = _number(text, range(20, 23)) if size == 23 else np.zeros_like(hour)
    if hour.max() > 23 or minute.max() > 59 or second.max() > 59:
        raise Odd
    return begin[where] + (hour * 3600 + minute * 60 + second) * 1000 + part


def _offset(text: np.ndarray) -> np.ndarray:
    """What ±HH:MM is, ms."""
    if not np.isin(text[:, 0], list(b"+-")).all() or (text[:, 3] != ord(":")).any():
        raise Odd
    size = (_number(text, (1, 2)) * 60 + _number(text, (4, 5))) * 60_000
    return np.where(text[:, 0] == ord("+"), size, -size)


def moments_of(
    local: np.ndarray, candidates: Candidates, odd: Callable[[int, int], Exception]
) -> np.ndarray:
    """The moments of local times, ms, where each has one.

    :param odd: what is raised for a quarter of an hour (ms) that has none, or several: how many
    """
    quarters, where = np.unique(local // _QUARTER_MS, return_inverse=True)
    shifts = np.zeros(len(quarters), np.int64)
    for i, quarter in enumerate((quarters * _QUARTER_MS).tolist()):
        found = candidates(quarter)
        if len(found) != 1:
            raise odd(quarter, len(found))
        shifts[i] = found[0] - quarter
    return local + shifts[where]


def _within(moments: np.ndarray) -> np.ndarray:
    if moments.min() < 0 or moments.max() >= END_MS:
        raise Odd
    return moments


def _lines(plain: Plain) -> Iterator[_Lines]:
    """The file below its header, in blocks of whole lines."""
    width = len(plain.layout.header)
    with opened(plain.path, plain.label) as file:
        for _ in range(plain.header_line):
            file.readline()
        rest = b""
        while block := file.read(_BLOCK):
            head, newline, tail = block.rpartition(b"\n")
            if newline:
                yield _Lines(rest + head + newline, plain.delimiter, width)
                rest = tail
            else:
                rest += block
                if len(rest) > 4 * _BLOCK:
                    raise Odd
        if rest.strip():
            yield _Lines(rest + b"\n", plain.delimiter, width)


def _look(look: Look, values: np.ndarray) -> None:
    """What `Look.add` does."""
    known = values[~np.isnan(values)]
    if not len(known):
        return
    before = look.last if look.count else known[0]
    steps = np.diff(known, prepend=before)
    look.first = look.first if look.count else float(known[0])
    look.count += len(known)
    look.grows += int((steps > 0).sum())
    look.falls += int((steps < 0).sum())
    look.resets += int((known * 10 < known - steps).sum())
    look.highest = max(look.highest, float(known.max()))
    look.last = float(known[-1])


class _Maker:
    """Makes pieces of rows as `pieces` does; a row waits for the one after it."""

    def __init__(self, plain: Plain, middle: float) -> None:
        self._plain = plain
        self._middle = middle
        self._ceiling = MAX_LITRES_PER_HOUR if plain.gas else MAX_W
        self._interval = max(round(middle / 1000), 1)
        self._even = True  # so far the starts are the interval apart: none is kept
        self._starts, self._rates, self._currents = array("i"), array("i"), array("i")
        self._waiting: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        self._start_s = 0
        self._energy, self._given, self._rows, self._missing_s = 0.0, 0, 0, 0
        self._length = 0
        self._read: tuple[np.ndarray, np.ndarray] | None = None  # the last readings
        self.resets = 0
        self.look = Look()

    def readings(self, times: np.ndarray, values: np.ndarray) -> None:
        """Some readings of registers: what they grew by is of the time between two."""
        if self._read is None:
            self._begin(times)
        else:
            times = np.concatenate((self._read[0], times))
            values = np.concatenate((self._read[1], values))
        self._read = times[-1:], values[-1:]
        steps = np.diff(values, axis=0)
        grown = steps[:, 0] if len(steps) else np.zeros(0)
        for column in range(1, values.shape[1]):
            grown = grown + steps[:, column]
        fallen = (steps < 0).any(axis=1)
        self.resets += int(fallen.sum())
        grown = np.where(fallen, np.nan, grown)
        hours = np.diff(times) / 3_600_000
        if (grown > self._ceiling * hours).any():
            raise Odd
        self._cut(times[:-1], times[1:], times[1:], grown, np.full(len(grown), np.nan))

    def _begin(self, times: np.ndarray) -> None:
        self._start_s = int(times[0]) // 60_000 * 60
        lead = int(times[0]) // 1000 - self._start_s
        if lead:
            self._put(np.array([0]), np.array([NOT_YET]), np.array([0]))

    def add(self, times: np.ndarray, values: np.ndarray, amps: np.ndarray | None) -> None:
        """Some rows."""
        power = self._plain.layout.shape.kind == POWER
        if power and np.nanmax(values, initial=0) > MAX_W:
            raise Odd
        if amps is None:
            amps = np.full(len(times), np.nan)
        elif np.nanmax(amps, initial=0) > MAX_A:
            raise Odd
        _look(self.look, values)
        if self._waiting is None:
            self._begin(times)
        else:
            times, values, amps = (
                np.concatenate(pair)
                for pair in zip(self._waiting, (times, values, amps), strict=True)
            )
        self._waiting = times[-1:], values[-1:], amps[-1:]
        self._rows_until(times, values, amps)

    def _rows_until(self, times: np.ndarray, values: np.ndarray, amps: np.ndarray) -> None:
        """The rows but for the last, each until the next."""
        first, follows = times[:-1], times[1:]
        last = follows
        if self._plain.layout.shape.holds != "change":
            last = np.minimum(follows, first + int(TIMES_MEDIAN * self._middle))
        self._cut(first, last, follows, values[:-1], amps[:-1])

    def _cut(
        self,
        first: np.ndarray,
        last: np.ndarray,
        follows: np.ndarray,
        values: np.ndarray,
        amps: np.ndarray,
    ) -> None:
        if not len(first):
            return
        known = ~np.isnan(values)
        milli = last - first
        if self._plain.layout.shape.kind == POWER:
            energy = np.where(known, values * milli / 1000, 0.0)
        else:
            energy = np.where(known, values * 3600, 0.0)
            if (energy > self._ceiling * np.maximum(milli / 1000, 1)).any():
                raise Odd
        begin, end, after = (moment // 1000 - self._start_s for moment in (first, last, follows))
        seconds = end - begin
        total = np.cumsum(np.concatenate(([self._energy], energy)))[1:]
        self._energy = float(total[-1])
        takes = known & (seconds > 0)
        due = np.zeros(len(first), np.int64)
        sums = np.rint(total[takes]).astype(np.int64)
        due[takes] = np.diff(sums, prepend=self._given)
        if len(sums):
            self._given = int(sums[-1])
        rate, more = np.divmod(due, np.maximum(seconds, 1))
        lengths = np.column_stack((seconds - more, more, after - end))
        begins = np.column_stack((begin, end - more, end))
        rates = np.column_stack(
            (np.where(known, rate, MISSING), rate + 1, np.full(len(first), MISSING))
        )
        ma = np.where(np.isnan(amps), values * 1000 / NOMINAL_V, amps * 1000)
        ma = np.rint(np.where(known, ma, 0)).astype(np.int64)
        currents = np.column_stack((ma, ma, np.zeros_like(ma)))
        there = lengths > 0
        self._put(begins[there], rates[there], currents[there])
        self._missing_s += int(lengths[:, 2].sum() + seconds[~known].sum())
        self._rows += int(known.sum())
        self._length = int(after[-1])

    def _put(self, begins: np.ndarray, rates: np.ndarray, currents: np.ndarray) -> None:
        size = len(self._rates)
        if self._even:
            steps = np.arange(size, size + len(begins)) * self._interval
            if not (begins == steps).all():
                self._even = False
                self._starts = array("i", range(0, size * self._interval, self._interval))
        if not self._even:
            self._starts.frombytes(begins.astype(np.int32).tobytes())
        self._rates.frombytes(rates.astype(np.int32).tobytes())
        if self._plain.layout.amps is not None:
            self._currents.frombytes(currents.astype(np.int32).tobytes())

    def done(self, regular: bool) -> Pieces:
        """All pieces, once the last row has held for as long as is usual."""
        if self._waiting is not None:
            times, values, amps = self._waiting
            holds = 0 if self._plain.layout.shape.holds == "change" else int(self._middle)
            self._cut(times, times + holds, times + holds, values, amps)
        if not self._rows or not self._length:
            raise Odd
        interval = self._interval
        even = range(0, len(self._rates) * interval, interval)
        starts = even if self._even else self._starts
        return Pieces(
            self._start_s, starts, self._rates, self._currents, self._length, interval,
            self._energy, self._rows, self._missing_s, self._given, regular,
        )  # fmt: skip
