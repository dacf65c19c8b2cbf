"""What a load answers: `at(second)`, seconds since its start, with a `Draw` that holds a while.

Rates are pulses per hour: W for electricity, litres per hour for gas.
"""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from budgetmeter.errors import InputError
from budgetmeter.units import EPOCH, NOMINAL_V

MAX_W = 100_000
MAX_A = 500
MAX_LITRES_PER_HOUR = 100_000
FOREVER = 1 << 40
MISSING = -1  # a rate: the file has no value
NOT_YET = -2  # a rate: the file has not begun, so nothing is missing


class Draw(NamedTuple):
    """What is drawn until second `until`: rate (pulses/h), current (mA), power (W).

    `wanted` is the rate people would draw if they did not hold back.
    """

    rate: int
    ma: int
    w: int
    until: int
    wanted: int
    missing: bool = False

    def part(self, share: int, whole: int, until: int) -> "Draw":
        """The draw cut down to share/whole until then; what was wanted stays."""
        return self._replace(
            rate=self.rate * share // whole,
            ma=self.ma * share // whole,
            w=self.w * share // whole,
            until=min(self.until, until),
        )


NOTHING = Draw(0, 0, 0, FOREVER, 0)


class Load(Protocol):
    """Anything a meter can be given to measure."""

    def at(self, second: int) -> Draw:
        """What is drawn at a second since the start."""
        ...


class ConstantLoad:
    """The same load for ever; can be changed by a scenario."""

    start: datetime | None = None

    def __init__(self, rate: int = 0, gas: bool = False) -> None:
        self.set(rate, gas)

    def set(self, rate: int, gas: bool = False) -> None:
        """Draw `rate` W, or litres per hour of gas, from now on."""
        power = 0 if gas else rate
        self._draw = Draw(rate, power * 1000 // NOMINAL_V, power, FOREVER, rate)

    def at(self, second: int) -> Draw:
        return self._draw


@dataclass
class SampledLoad:
    """Measured or made samples from `start` (UTC+1), each held until the next begins.

    :param start: time of the first sample
    :param interval: seconds a sample holds; where `starts` is given, the usual time
    :param rates: per hour, below 0 where there is none (`MISSING`, `NOT_YET`)
    :param currents: mA of each sample; empty where they follow from the power
    :param gas: rates are litres per hour
    :param label: what to call it
    :param position: second at which replay begins
    :param starts: first second of each sample; without it they are `interval` apart
    :param length: seconds from the start to the end
    :param notes: lines that say what was read
    :param doubts: those of them about values that cannot well be what their column says
    """

    start: datetime
    interval: int
    rates: Sequence[int]
    currents: Sequence[int] = field(default_factory=lambda: array("i"))
    gas: bool = False
    label: str = ""
    position: int = 0
    starts: Sequence[int] = ()
    length: int = 0
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    _index: int = 0

    def __post_init__(self) -> None:
        if not len(self.starts):
            self.length = len(self.rates) * self.interval
            self.starts = range(0, self.length, self.interval)

    def skip_to(self, start: datetime) -> None:
        """Begin replay at a later time.

        :raises InputError: when the file does not reach it
        """
        position = int((start - self.start).total_seconds())
        if not 0 <= position < self.length:
            end = self.start + timedelta(seconds=self.length)
            raise InputError(
                f"{self.label} runs from {self.start:%Y-%m-%dT%H:%M} to {end:%Y-%m-%dT%H:%M}; "
                f"{start:%Y-%m-%dT%H:%M} is outside"
            )
        self.position = position

    @property
    def begin(self) -> datetime:
        """Time at which replay begins."""
        return self.start + timedelta(seconds=self.position)

    @property
    def seconds(self) -> int:
        """Length from there to the end."""
        return self.length - self.position

    def at(self, second: int) -> Draw:
        second += self.position
        if not 0 <= second < self.length:
            return NOTHING
        index, starts = self._index, self.starts
        if not starts[index] <= second < self._end(index):
            index = self._index = bisect_right(starts, second) - 1
        until = self._end(index) - self.position
        rate = self.rates[index]
        if rate < 0:
            return Draw(0, 0, 0, until, 0, rate == MISSING)
        if self.gas:
            return Draw(rate, 0, 0, until, rate)
        ma = self.currents[index] if len(self.currents) else round(rate * 1000 / NOMINAL_V)
        return Draw(rate, ma, rate, until, rate)

    def _end(self, index: int) -> int:
        return self.starts[index + 1] if index + 1 < len(self.starts) else self.length


class From:
    """A sampled load that goes by the clock: it draws what the file has for that time.

    :param load: a `SampledLoad`
    :param clock: clock value at which the reader begins to count its seconds
    """

    def __init__(self, load: SampledLoad, clock: int) -> None:
        self._load = load
        begin = int((load.begin - EPOCH).total_seconds())
        self._later = clock * 60 - begin

    def at(self, second: int) -> Draw:
        draw = self._load.at(second + self._later) if second + self._later >= 0 else None
        if draw is None:
            return NOTHING._replace(until=-self._later)
        return draw._replace(until=draw.until - self._later)
