"""The rows of a file as series: from when, until when, how much."""

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from budgetmeter.errors import InputError
from budgetmeter.loads.load import MAX_A, MAX_LITRES_PER_HOUR, MAX_W
from budgetmeter.loads.numbers import POWER, UNITS, VOLUME, Numbers
from budgetmeter.loads.shapes import INDEX, Layout, Words, matches, normal
from budgetmeter.loads.text import Row, bad
from budgetmeter.loads.times import DAY_MS, Ambiguous, Clock, Parser

NAN = math.nan


@dataclass
class Series:
    """What one household, or one register of it, has in a file.

    :ivar begin: of each row, ms since 2000-01-01 00:00 UTC+1
    :ivar until: its end; empty where a row holds until the next one
    :ivar value: W, Wh or litres; NaN where missing
    :ivar amps: where there is such a column
    """

    household: str
    begin: array = field(default_factory=lambda: array("q"))
    until: array = field(default_factory=lambda: array("q"))
    value: array = field(default_factory=lambda: array("d"))
    amps: array = field(default_factory=lambda: array("d"))
    estimated: int = 0
    resets: int = 0

    def merged(self, other: "Series") -> "Series":
        """Both added up, interval by interval; one that only one has is that one's."""
        together: dict[int, tuple[int, float]] = {}
        for one in (self, other):
            for i, begin in enumerate(one.begin):
                until = one.until[i] if one.until else 0
                before = together.get(begin)
                value = one.value[i]
                if before is not None and not math.isnan(before[1]):
                    value = before[1] if math.isnan(value) else before[1] + value
                together[begin] = (until, value)
        made = Series(self.household, estimated=self.estimated + other.estimated)
        made.resets = self.resets + other.resets
        for begin in sorted(together):
            until, value = together[begin]
            made.begin.append(begin)
            made.value.append(value)
            if until:
                made.until.append(until)
        return made


class Reader:
    """Turns rows into series, every mistake by its line.

    :param zone: of times without an offset
    """

    def __init__(self, layout: Layout, label: str, gas: bool, zone: str, order: str, decimal: str):
        self.layout = layout
        self.label = label
        self.gas = gas
        self.zone = zone
        self.left = 0
        self.plain_times = False  # whether the zone was needed
        self._parser = Parser(order)
        self._numbers = Numbers(decimal)
        self._series: dict[tuple[str, str], Series] = {}
        self._clocks: dict[tuple[str, str], Clock] = {}
        self._readings: dict[tuple[str, str], tuple[int, tuple[float, ...]]] = {}
        self._missing = frozenset(map(normal, layout.shape.missing))
        self._tests = {
            name: self._words(getattr(layout.shape, name))
            for name in ("keep", "leave", "estimated", "zero")
        }
        self._plain = layout.household is None and layout.register is None

    def _words(self, words: Words | None) -> list[tuple[int, Sequence[str], dict[str, bool]]]:
        found = []
        for column, patterns in (words or {}).items():
            places = [i for i, name in enumerate(self.layout.header) if matches(name, (column,))]
            found += [(place, patterns, {}) for place in places[:1]]
        return found

    def _is(self, name: str, row: list[str]) -> bool:
        for place, patterns, known in self._tests[name]:
            cell = row[place]
            answer = known.get(cell)
            if answer is None:
                answer = known[cell] = matches(cell, patterns)
            if answer:
                return True
        return False

    def read(self, rows: Iterable[Row]) -> list[Series]:
        """The series of all households.

        :raises InputError: with the line, when a row cannot be used
        """
        width = len(self.layout.header)
        for line, row in rows:
            if len(row) != width:
                raise bad(self.label, line, f"{len(row)} fields where the header has {width}")
            try:
                self._take(line, row)
            except Ambiguous as error:
                raise bad(self.label, error.line, error) from None
            except ValueError as error:
                raise bad(self.label, line, error) from None
        for clock in self._clocks.values():
            try:
                clock.end()
            except Ambiguous as error:
                raise bad(self.label, error.line, error) from None
        households: dict[str, Series] = {}
        for (household, _), series in self._series.items():
            known = households.get(household)
            households[household] = series if known is None else known.merged(series)
        return list(households.values())

    def _key(self, row: list[str]) -> tuple[str, str]:
        layout = self.layout
        return (
            "" if layout.household is None else row[layout.household].strip(),
            "" if layout.register is None else row[layout.register].strip(),
        )

    def _take(self, line: int, row: list[str]) -> None:
        layout, shape = self.layout, self.layout.shape
        if self._tests["leave"] and self._is("leave", row):
            self.left += 1
            return
        if self._tests["keep"] and not self._is("keep", row):
            self.left += 1
            return
        factor = layout.factor
        if layout.unit is not None:
            known = UNITS.get(row[layout.unit].strip().casefold())
            if known is None:
                raise ValueError(f"{row[layout.unit]!r} is no unit of power or energy")
            if (known[0] == VOLUME) != self.gas:  # gas exports have each hour in m3 and in kWh
                self.left += self.gas
                if not self.gas:
                    raise ValueError(f"{row[layout.unit].strip()} is a volume of gas")
                return
            if (known[0] == POWER) != (shape.kind == POWER):
                raise ValueError(f"{layout.named} in {row[layout.unit]} is not what was consumed")
            factor = known[1]
        key = ("", "") if self._plain else self._key(row)
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = Series(key[0])
            self._clocks[key] = Clock(self.zone)
        text = row[layout.time[0]] if len(layout.time) == 1 else self._joined(row, layout.time)
        local, exact = self._parser.read(text)
        self.plain_times |= not exact
        clock = self._clocks[key]
        begin = clock.at(local, exact, text, line)
        begins = series.begin
        if begins and begin <= begins[-1] and shape.kind != INDEX:
            if shape.repeats and begin == begins[-1]:
                return
            raise ValueError(f"time does not move on: {text.strip()}")
        values = self._values(row, factor)
        if shape.kind == INDEX:
            self._index(key, series, begin, values, text)
            return
        value = sum(values)
        if self._tests["zero"] and self._is("zero", row) and math.isnan(value):
            value = 0.0
        if self._tests["estimated"] and self._is("estimated", row):
            series.estimated += 1
        if layout.until:
            until = self._until(clock, row, begin)
            series.until.append(until)
        begins.append(begin)
        series.value.append(value)
        if layout.amps is not None:
            series.amps.append(self._amps(row[layout.amps]))

    def _joined(self, row: list[str], places: tuple[int, ...]) -> str:
        return " ".join(row[place].strip() for place in places)

    def _until(self, clock: Clock, row: list[str], begin: int) -> int:
        text = self._joined(row, self.layout.until)
        until = clock.peek(*self._parser.read(text))
        if not begin < until <= begin + DAY_MS * 32:
            raise ValueError(f"{text!r} does not end the row")
        return until

    def _values(self, row: list[str], factor: float) -> list[float]:
        found = []
        for place in self.layout.value:
            text = row[place]
            try:
                value = self._numbers.read(text)
            except ValueError as error:
                if self._missing and normal(text) in self._missing:
                    value = None
                elif "nothing tells" in str(error):
                    raise
                else:
                    named = self.layout.header[place].strip()
                    raise ValueError(f"{text.strip()!r} is not a number of {named}") from None
            if value is None:
                found.append(NAN)
                continue
            self._possible(value, value * factor, place)
            found.append(value * factor)
        return found

    def _possible(self, shown: float, value: float, place: int) -> None:
        """Refuse what no household has.

        :raises ValueError: the likely remedy in it
        """
        named = self.layout.header[place].strip() or "values"
        if self.layout.shape.kind == POWER and not 0 <= value <= MAX_W:
            most = MAX_W / self.layout.factor
            raise ValueError(f"{shown:.10g} {named} is not between 0 and {most:g}")
        if value < 0:
            raise ValueError(f"{shown:.10g} {named} is below 0")

    def _amps(self, text: str) -> float:
        try:
            value = self._numbers.read(text)
        except ValueError:
            raise ValueError(f"{text.strip()!r} is not a number of amps") from None
        if value is None:
            return NAN
        if not 0 <= value <= MAX_A:
            raise ValueError(f"{value:g} amps is not between 0 and {MAX_A}")
        return value

    def _index(
        self, key: tuple[str, str], series: Series, moment: int, values: list[float], text: str
    ) -> None:
        """A reading: what the register grew by since the one before."""
        if any(math.isnan(value) for value in values):
            return  # the next reading has it
        before = self._readings.get(key)
        if before is not None:
            if moment < before[0] or (moment == before[0] and not self.layout.shape.repeats):
                raise ValueError(f"time does not move on: {text.strip()}")
            if moment == before[0]:
                return
            grown = [now - then for now, then in zip(values, before[1], strict=True)]
            value = NAN if min(grown) < 0 else sum(grown)
            series.resets += math.isnan(value)
            hours = (moment - before[0]) / 3_600_000
            ceiling = MAX_LITRES_PER_HOUR if self.gas else MAX_W
            if value > ceiling * hours:
                raise ValueError(f"{self.layout.named} grows by {_amount(value, self.gas)} in "
                                 f"{hours * 60:.3g} min: no household does")  # fmt: skip
            series.begin.append(before[0])
            series.until.append(moment)
            series.value.append(value)
        self._readings[key] = moment, tuple(values)


def _amount(value: float, gas: bool) -> str:
    return f"{value:,.0f} l" if gas else f"{value / 1000:,.3f} kWh"


def turned(rows: Iterator[Row]) -> Iterator[Row]:
    """The rows of a file that begins with the latest."""
    return iter(list(rows)[::-1])


def one_household(series: list[Series], label: str) -> Series:
    """The only household of a file.

    :raises InputError: none, or several
    """
    if not series:
        raise InputError(f"{label}: no samples")
    if len(series) > 1:
        names = ", ".join(one.household for one in series[:3])
        raise InputError(
            f"{label}: {len(series)} households or meters ({names}{', …' * (len(series) > 3)}): "
            "keep one of them"
        )
    return series[0]
