"""Power over a run: means between samples, and over months a band for each day."""

from datetime import datetime, time
from itertools import pairwise
from typing import NamedTuple

from budgetmeter import units
from budgetmeter.report.finished import FinishedRun

BAND_FROM_S = 45 * units.DAY_S  # runs as long as this are drawn day by day


class Day(NamedTuple):
    """Power on one day of Belgian local time, kW.

    :ivar mean: energy of the day by its time
    """

    begin: datetime
    end: datetime
    low: float
    mean: float
    high: float


def powers(world: FinishedRun) -> tuple[list[int], list[float]]:
    """Mean power between samples: their times, s since 2000 UTC+1, and kW, one fewer."""
    drawn = dict(zip(world.trace.times, world.trace.drawn, strict=True))  # each second once
    wh = world.profile.values["wh_per_m3"] / 1000 if world.profile.gas else 1  # of a pulse
    spans = pairwise(drawn.items())
    kw = [(more - less) * wh / (end - begin) / 1000 for (begin, less), (end, more) in spans]
    return list(drawn), kw


def days(edges: list[int], kw: list[float]) -> list[Day]:
    """The days of a run from what `powers` answers; a mean belongs to the day it begins on."""
    found: dict[datetime, list[tuple[int, float]]] = {}
    for (begin, end), power in zip(pairwise(edges), kw, strict=True):
        day = datetime.combine(local(begin).date(), time())
        found.setdefault(day, []).append((end - begin, power))
    starts = [*found, local(edges[-1])]
    rows = zip(pairwise(starts), found.values(), strict=True)
    return [_day(begin, end, means) for (begin, end), means in rows]


def _day(begin: datetime, end: datetime, means: list[tuple[int, float]]) -> Day:
    kw = [power for _, power in means]
    seconds = sum(length for length, _ in means)
    return Day(begin, end, min(kw), sum(s * power for s, power in means) / seconds, max(kw))


def local(second: int) -> datetime:
    """Belgian local time of seconds since 2000 UTC+1."""
    return units.from_clock(second // 60, second % 60)
