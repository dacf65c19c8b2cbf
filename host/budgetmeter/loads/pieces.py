"""From rows to what is drawn: how long each holds, what is missing, and the energy to the Ws.

A row holds until the next one, at most three times the median distance of all rows; a log of
changes holds until its next row. Beyond that the file has no value, and only that is missing. Rates
are whole W (or litres per hour): where a row's energy is no whole rate, the last seconds of the row
draw one more, so nothing is rounded away.
"""

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median, median_low

from budgetmeter.errors import InputError
from budgetmeter.loads.load import MAX_LITRES_PER_HOUR, MAX_W, MISSING, NOT_YET
from budgetmeter.loads.numbers import POWER
from budgetmeter.loads.rows import Series
from budgetmeter.loads.shapes import Shape
from budgetmeter.units import DAY_S, EPOCH, NOMINAL_V, duration

LONGEST = DAY_S * 1000  # ms between two rows
LONGEST_MS = LONGEST + 3_600_000  # a row of a day in autumn
TIMES_MEDIAN = 3


@dataclass
class Pieces:
    """What is drawn, second by second.

    :ivar start_s: seconds since 2000-01-01 00:00 UTC+1, on a whole minute
    :ivar starts: first second of each piece, from the start
    :ivar rates: pulses per hour, `MISSING` or `NOT_YET`
    :ivar currents: mA; empty where the file has none
    :ivar length: seconds
    :ivar interval: median distance of the rows, s
    :ivar energy: of the file, pulse-seconds per hour
    :ivar rows: rows with a value
    :ivar given: of the energy, in the pieces
    :ivar regular: most rows are as far apart as the median
    """

    start_s: int
    starts: Sequence[int]
    rates: array
    currents: array
    length: int
    interval: int
    energy: float
    rows: int
    missing_s: int
    given: int
    regular: bool


@dataclass
class Look:
    """What tells whether values can be what their column says.

    :ivar resets: falls to less than a tenth, such as those of a register of the day
    """

    count: int = 0
    first: float = 0.0
    last: float = 0.0
    highest: float = 0.0
    grows: int = 0
    falls: int = 0
    resets: int = 0

    def add(self, values: Iterable[float]) -> None:
        """Further values, NaN among them."""
        for value in values:
            if math.isnan(value):
                continue
            if not self.count:
                self.first = self.last = value
            self.count += 1
            self.grows += value > self.last
            self.falls += value < self.last
            self.resets += value * 10 < self.last
            self.highest = max(self.highest, value)
            self.last = value

    @property
    def only_grows(self) -> bool:
        """Whether the values grow as those of a register do, and no consumption."""
        steps, grown = self.count - 1, self.last - self.first
        few_falls, often = self.falls <= steps // 100, self.grows * 2 >= steps
        far_along = self.never_falls and self.first > 20 * grown
        return steps >= 7 and grown > 0 and few_falls and (often or far_along)

    @property
    def begins_anew(self) -> bool:
        """Whether the values grow, but for falls to nearly nothing: a register of the day."""
        steps = self.count - 1
        rare = 0 < self.resets == self.falls and self.falls * 7 <= steps
        return rare and self.grows * 2 >= steps

    @property
    def never_falls(self) -> bool:
        """Whether the values grow now and then, and never fall."""
        return self.count > 12 and not self.falls and self.grows >= 3


def distance(series: Series, label: str) -> float:
    """The median distance of the rows, ms.

    :raises InputError: rows further apart than a day
    """
    begin = series.begin
    if len(begin) < 2:
        if series.until:
            return series.until[0] - begin[0]
        return 60_000.0
    middle = median(_distances(series))
    longest = LONGEST_MS if series.until else LONGEST
    if middle > longest:
        middle = median_low(_distances(series))  # a few rows and a gap
    if middle > longest:
        raise InputError(f"{label}: rows are {duration(middle / 1000)} apart, at most a day")
    return middle


def _distances(series: Series) -> Iterator[int]:
    if series.until:
        return (until - begin for begin, until in zip(series.begin, series.until, strict=True))
    begin = series.begin
    return (begin[i] - begin[i - 1] for i in range(1, len(begin)))


def spans(series: Series, shape: Shape, middle: float) -> Iterator[tuple[int, int]]:
    """First and last moment of each row, ms."""
    begin, size = series.begin, len(series.begin)
    most = int(TIMES_MEDIAN * middle)
    for i in range(size):
        if series.until:
            until = series.until[i]
            if i + 1 < size:
                until = min(until, begin[i + 1])
            yield begin[i], until
        elif shape.stamp == "end":
            first = begin[i - 1] if i else begin[i] - int(middle)
            yield max(first, begin[i] - most), begin[i]
        elif i + 1 == size:
            yield begin[i], begin[i] + (0 if shape.holds == "change" else int(middle))
        elif shape.holds == "change":
            yield begin[i], begin[i + 1]
        else:
            yield begin[i], min(begin[i + 1], begin[i] + most)


def pieces(series: Series, shape: Shape, label: str, gas: bool) -> Pieces:
    """The pieces of a series.

    :raises InputError: when it has no time, or an energy no household uses
    """
    middle = distance(series, label)
    ceiling = MAX_LITRES_PER_HOUR if gas else MAX_W
    amps = series.amps
    made = _Maker(label, gas, bool(amps))
    for i, (first, last) in enumerate(spans(series, shape, middle)):
        value = series.value[i]
        ma = None
        if amps and not math.isnan(value):
            ma = value * 1000 / NOMINAL_V if math.isnan(amps[i]) else amps[i] * 1000
        if math.isnan(value):
            made.missing(first, last)
            continue
        milli_s = last - first
        energy = value * milli_s / 1000 if shape.kind == POWER else value * 3600
        if shape.kind != POWER and milli_s and energy > ceiling * max(milli_s / 1000, 1):
            raise _too_much(label, gas, first, value, milli_s)
        made.row(first, last, energy, ma)
    return made.done(round(middle / 1000), _regular(series, middle))


def _regular(series: Series, middle: float) -> bool:
    """Whether most rows are as far apart as the median."""
    begin, usual = series.begin, round(middle / 1000) * 1000
    same = sum(abs(begin[i] - begin[i - 1] - usual) <= 1000 for i in range(1, len(begin)))
    return same * 10 >= (len(begin) - 1) * 8


def _too_much(label: str, gas: bool, first: int, value: float, milli_s: int) -> InputError:
    when = EPOCH + timedelta(milliseconds=first)
    amount = f"{value:g} litres" if gas else f"{value / 1000:g} kWh"
    return InputError(
        f"{label}: {amount} in {duration(milli_s / 1000)} at {when:%Y-%m-%dT%H:%M} (UTC+1) is not "
        "a household's; a register that only grows is called index"
    )


class _Maker:
    """Puts spans into whole seconds, in order; what a fraction of a second has goes on."""

    def __init__(self, label: str, gas: bool, with_amps: bool) -> None:
        self.label = label
        self._with_amps = with_amps
        self.gas = gas
        self.starts, self.rates, self.currents = array("i"), array("i"), array("i")
        self.rows = 0
        self._start_s: int | None = None
        self._at = 0  # whole second from the start
        self._energy = 0.0
        self._given = 0
        self._missing_s = 0

    def _seconds(self, moment: int) -> int:
        if self._start_s is None:
            self._start_s = moment // 60_000 * 60  # the meter's clock begins with a minute
            lead = moment // 1000 - self._start_s
            if lead:
                self._add(lead, NOT_YET, 0)
        return moment // 1000 - self._start_s

    def _add(self, seconds: int, rate: int, ma: int | None) -> None:
        self.starts.append(self._at)
        self.rates.append(rate)
        if self._with_amps:
            self.currents.append(ma or 0)
        self._at += seconds

    def _gap(self, until: int) -> None:
        if until > self._at:
            self._missing_s += until - self._at
            self._add(until - self._at, MISSING, None)

    def missing(self, first: int, last: int) -> None:
        """A row without a value."""
        self._gap(self._seconds(first))
        self._gap(self._seconds(last))

    def row(self, first: int, last: int, energy: float, ma: float | None) -> None:
        """A row and its energy."""
        self.rows += 1
        self._energy += energy
        self._gap(self._seconds(first))
        seconds = self._seconds(last) - self._at
        if seconds <= 0:
            return
        due = max(round(self._energy) - self._given, 0)
        rate, more = divmod(due, seconds)
        self._given += due
        whole = None if ma is None else round(ma)
        if more < seconds:
            self._add(seconds - more, rate, whole)
        if more:
            self._add(more, rate + 1, whole)

    def done(self, interval: int, regular: bool) -> Pieces:
        if self._start_s is None or not self.rows:
            raise InputError(f"{self.label}: no samples")
        if not self._at:
            raise InputError(f"{self.label}: samples less than a second apart")
        left = round(self._energy) - self._given  # of rows within the last second
        if left and self.rates[-1] >= 0:
            seconds = self._at - self.starts[-1]
            self.rates[-1] += left // seconds
            self._given += left // seconds * seconds
        return Pieces(
            self._start_s, self.starts, self.rates, self.currents, self._at,
            max(interval, 1), self._energy, self.rows, self._missing_s, self._given, regular,
        )  # fmt: skip


def start_of(made: Pieces) -> datetime:
    """The time at which pieces begin (UTC+1)."""
    return EPOCH + timedelta(seconds=made.start_s)
