"""Indexes of a meter at any time: read, between two readings, or estimated (WE-37).

An estimate begins at the last read-out of the card and follows the historical profile of the
customer: what was used on the same days a year before, else the mean of all that is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from budgetmeter import units
from budgetmeter.office.reports import Reading

YEAR_S = 365 * units.DAY_S
LEAST_S = 7 * units.DAY_S  # a profile holds working days and a weekend; no source gives a number


class Index(NamedTuple):
    """Registers at a time, s since 2000 UTC+1: Wh, and mc.

    :ivar read: whether it was read; else estimated
    """

    at_s: int
    energy_wh: int
    limited_wh: int
    arrears: int
    read: bool = True


@dataclass(frozen=True)
class History:
    """What is known of a meter.

    :ivar points: indexes that were read, oldest first, each time once
    :ivar limited: whether the limiter was in force at the last of them
    :ivar price: mc per kWh then
    """

    points: Sequence[Index]
    limited: bool
    price: int

    def at(self, at_s: int) -> Index:
        """The index at a time: a new meter's is 0 before the first that was read."""
        first, last = self.points[0], self.points[-1]
        if at_s > last.at_s:
            return self._estimated(at_s)
        if at_s < first.at_s:
            return Index(at_s, 0, 0, 0)
        return _between(self.points, at_s)

    def _estimated(self, at_s: int) -> Index:
        """The last read-out, and what the profile says was used since."""
        last = self.points[-1]
        energy, limited = self.used(at_s)
        more = energy if self.limited else limited
        owed = more * self.price // 1000
        return Index(at_s, last.energy_wh + energy, last.limited_wh + more, last.arrears + owed,
                     read=False)  # fmt: skip

    def used(self, at_s: int) -> tuple[int, int]:
        """Energy, and energy under the limiter, from the last read-out to a time; Wh.

        Nothing where less than a week is known: then the bill is what was read.
        """
        first, last = self.points[0], self.points[-1]
        if first.at_s <= last.at_s - YEAR_S and at_s <= last.at_s + YEAR_S:
            begin = _between(self.points, last.at_s - YEAR_S)
            end = _between(self.points, at_s - YEAR_S)
            return end.energy_wh - begin.energy_wh, end.limited_wh - begin.limited_wh
        span, ahead = last.at_s - first.at_s, at_s - last.at_s
        if span < LEAST_S:
            return 0, 0
        return (
            (last.energy_wh - first.energy_wh) * ahead // span,
            (last.limited_wh - first.limited_wh) * ahead // span,
        )


def _between(points: Sequence[Index], at_s: int) -> Index:
    """An index at a time from the first to the last that was read."""
    for before, after in pairwise(points):
        if before.at_s <= at_s < after.at_s:
            part, span = at_s - before.at_s, after.at_s - before.at_s
            energy, limited, arrears = (
                a + (b - a) * part // span for a, b in zip(before[1:4], after[1:4], strict=True)
            )
            return Index(at_s, energy, limited, arrears)
    return points[-1]


def history(readings: Sequence[Reading]) -> History | None:
    """What the reports of a meter say, oldest first; None without any."""
    if not readings:
        return None
    points: dict[int, Index] = {}
    for reading in readings:
        for capture in reading.captures:
            at_s = capture.clock * 60
            points[at_s] = Index(at_s, capture.energy_wh, capture.limited_wh, capture.arrears)
        state = reading.state
        points[reading.at_s] = Index(reading.at_s, state.energy_wh, state.limited_wh, state.arrears)
    last = readings[-1].state
    return History(sorted(points.values()), bool(last.limiter_engaged), int(last.price))
