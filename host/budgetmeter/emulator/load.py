"""Consumption: measured samples from a CSV file, a constant load, a synthetic gas load.

A load answers `at(second)`, seconds since its start, with a `Draw` that holds until `until`. Rates
are pulses per hour: W for electricity, litres per hour for gas. Naive times in a file are UTC+1.
"""

import csv
import gzip
import io
import random
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple, Self

from budgetmeter.errors import InputError
from budgetmeter.units import DAY_S, END, EPOCH, NOMINAL_V, decimal, duration

if TYPE_CHECKING:
    from _csv import Reader

Line = tuple[str, int]  # file and number

HOUSEHOLD = "household-2007-jan-apr.csv.gz"
MAX_W = 100_000
MAX_A = 500
MAX_LITRES_PER_HOUR = 100_000
LONGEST_SAMPLE_S = DAY_S
FOREVER = 1 << 40


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

    def part(self, share: int, whole: int, until: int) -> Self:
        """The draw cut down to share/whole until then; what was wanted stays."""
        return self._replace(
            rate=self.rate * share // whole,
            ma=self.ma * share // whole,
            w=self.w * share // whole,
            until=min(self.until, until),
        )


NOTHING = Draw(0, 0, 0, FOREVER, 0)


class ConstantLoad:
    """The same load for ever; can be changed by a scenario."""

    start = None

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
    """Equidistant samples from `start` (UTC+1): rate per hour and current, -1 where missing.

    :param start: time of the first sample
    :param interval: seconds a sample holds
    :param gas: rates are litres per hour
    """

    start: datetime
    interval: int
    rates: "array[int]"
    currents: "array[int]"
    gas: bool = False
    label: str = ""
    position: int = 0

    def skip_to(self, start: datetime) -> None:
        """Begin replay at a later time.

        :raises InputError: when the file does not reach it
        """
        position = int((start - self.start).total_seconds() // self.interval)
        if not 0 <= position < len(self.rates):
            end = self.start + timedelta(seconds=len(self.rates) * self.interval)
            raise InputError(
                f"{self.label} runs from {self.start:%Y-%m-%dT%H:%M} to {end:%Y-%m-%dT%H:%M}; "
                f"{start:%Y-%m-%dT%H:%M} is outside"
            )
        self.position = position

    @property
    def begin(self) -> datetime:
        """Time at which replay begins."""
        return self.start + timedelta(seconds=self.position * self.interval)

    @property
    def seconds(self) -> int:
        """Length from there to the end."""
        return (len(self.rates) - self.position) * self.interval

    def at(self, second: int) -> Draw:
        index = second // self.interval
        until = (index + 1) * self.interval
        index += self.position
        if index >= len(self.rates):
            return NOTHING
        rate = self.rates[index]
        if rate < 0:
            return Draw(0, 0, 0, until, 0, True)
        return Draw(rate, self.currents[index], 0 if self.gas else rate, until, rate)


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


def household() -> SampledLoad:
    """The measured household that comes with the package: four months of minutes."""
    path = files("budgetmeter") / "data" / HOUSEHOLD
    with path.open("rb") as raw, gzip.open(raw, "rt", encoding="utf-8", newline="") as text:
        return _parse(text, "the measured household", gas=False)


def read(path: str | Path, gas: bool = False) -> SampledLoad:
    """A load from a CSV file (or .csv.gz): `time` and `watts`, optional `amps`; or `litres`.

    Watts hold during the sample, litres are the volume used in it. A sample lasts as long as the
    closest two rows are apart, at most a day. One with empty fields, or a row left out, is missing:
    no energy is made up for it.

    :raises InputError: with the line number, when the file cannot be used
    """
    path = Path(path)
    if "\0" in str(path):
        raise InputError(f"{path}: not the name of a file")
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except (EOFError, zlib.error):
        raise InputError(f"{path}: damaged, cannot be unpacked") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file (UTF-8)") from None
    return _parse(io.StringIO(text, newline=""), str(path), gas)


def _parse(text: IO[str], label: str, gas: bool) -> SampledLoad:
    column = "litres" if gas else "watts"
    reader = csv.reader(text)
    rows = _rows(reader, label)
    header = [name.strip().lower() for name in next(rows, [])]
    if not header:
        raise InputError(f"{label}: empty file")
    for name in ("time", column):
        if name not in header:
            raise InputError(f"{label}, line 1: no column {name}; found {', '.join(header)}")
    where = {name: i for i, name in enumerate(header)}
    times: list[datetime] = []
    values: list[Decimal | None] = []
    amps: list[Decimal | None] = []
    known: dict[tuple[str, str], Decimal | None] = {}  # numbers repeat: each text is read once
    for row in rows:
        if not row:
            continue
        line = (label, reader.line_num)
        if len(row) != len(header):
            raise _bad(line, f"{len(row)} fields where the header has {len(header)}")
        time = _sample_time(row[where["time"]], line)
        if times and time <= times[-1]:
            raise _bad(line, f"time does not move on: {time} after {times[-1]}")
        times.append(time)
        values.append(_number(row[where[column]], column, line, known))
        amps.append(_number(row[where["amps"]], "amps", line, known) if "amps" in where else None)
    if not times:
        raise InputError(f"{label}: no samples")
    return _sampled(label, gas, times, values, amps)


def _rows(reader: "Reader", label: str) -> Iterator[list[str]]:
    """The rows of a file, what is no CSV as an InputError."""
    try:
        yield from reader
    except csv.Error as error:
        raise _bad((label, reader.line_num), error) from None


def _bad(line: Line, what: object) -> InputError:
    return InputError(f"{line[0]}, line {line[1]}: {what}")


def _sample_time(text: str, line: Line) -> datetime:
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        raise _bad(line, f"{text!r} is not a time such as 2007-01-31T18:05") from None
    if time.tzinfo is not None:
        raise _bad(line, f"{text!r} has a time zone; times are UTC+1 without one")
    if not EPOCH <= time < END:
        raise _bad(line, f"{text!r} is not within 2000 to 2099")
    return time


_CEILINGS = {"watts": MAX_W, "amps": MAX_A, "litres": MAX_LITRES_PER_HOUR}


def _number(
    text: str, column: str, line: Line, known: dict[tuple[str, str], Decimal | None]
) -> Decimal | None:
    """A value of a sample; None where it is missing."""
    key = (column, text)
    if key in known:
        return known[key]
    text = text.strip()
    value = None
    if text:
        try:
            value = decimal(text)
        except ValueError:
            raise _bad(line, f"{text!r} is not a number of {column}") from None
        if not 0 <= value <= _CEILINGS[column]:
            raise _bad(line, f"{text} {column} is not between 0 and {_CEILINGS[column]}")
    known[key] = value
    return value


def _sampled(
    label: str,
    gas: bool,
    times: list[datetime],
    values: list[Decimal | None],
    amps: list[Decimal | None],
) -> SampledLoad:
    seconds = [int((time - times[0]).total_seconds()) for time in times]
    interval = min((b - a for a, b in pairwise(seconds)), default=60)
    if interval < 1:
        raise InputError(f"{label}: samples less than a second apart")
    if interval > LONGEST_SAMPLE_S:
        raise InputError(f"{label}: rows are {duration(interval)} apart, at most a day")
    size = seconds[-1] // interval + 1
    if size > 50_000_000:
        raise InputError(f"{label}: {size} samples of {interval} s are too many")
    rates = array("l", [-1]) * size
    currents = array("l", [-1]) * size
    for second, value, ampere in zip(seconds, values, amps, strict=True):
        if value is None:
            continue
        index = second // interval
        if gas:
            rates[index] = round(value * 3600 / interval)
            if rates[index] > MAX_LITRES_PER_HOUR:
                raise InputError(f"{label}: {value} litres in {interval} s is not a household's")
            currents[index] = 0
        else:
            rates[index] = round(value)
            currents[index] = round(value * 1000 / NOMINAL_V if ampere is None else ampere * 1000)
    return SampledLoad(times[0], interval, rates, currents, gas, label)


def synthetic_gas(start: datetime, days: int, seed: int = 1) -> SampledLoad:
    """A synthetic gas load in steps of 15 minutes: heating by season and hour, hot water, cooking.

    Made up, seeded, for demonstration only; litres per quarter of an hour are multiples of 10 as a
    common meter pulses them.
    """
    rng = random.Random(seed)
    rates = array("l")
    for quarter in range(days * 96):
        hour = quarter // 4 % 24
        day = start.timetuple().tm_yday + quarter // 96
        cold = max(0.0, 0.55 - 0.5 * _season(day) + rng.gauss(0, 0.08))
        heating = cold * (1.0 if 6 <= hour < 22 else 0.35) * 300  # litres per hour
        water = 600 if hour in (7, 20) and rng.random() < 0.5 else 0
        cooking = 250 if hour in (12, 18) and rng.random() < 0.4 else 0
        rates.append(int((heating + water + cooking) / 40) * 40)
    currents = array("l", [0]) * len(rates)
    return SampledLoad(start, 900, rates, currents, True, "a synthetic gas load")


def _season(day: int) -> float:
    """-1 in mid-January, 1 in mid-July, as two straight lines."""
    return 1 - abs((day - 15) % 365 - 182.5) / 91.25
