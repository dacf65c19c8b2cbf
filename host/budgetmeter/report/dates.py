"""The time axis: where its ticks stand and what they say, from seconds to years."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import pairwise

import matplotlib.dates as mdates
from matplotlib.axes import Axes

from budgetmeter.texts import Words

MONTHS_FROM = timedelta(days=45)
DAYS_FROM = timedelta(days=3)
MOST_TICKS = 12
MOST_MONTHS = 25


def label(
    axis: Axes, first: datetime, last: datetime, words: Words, months: int = MOST_MONTHS
) -> None:
    """Put limits and ticks on a time axis (local times).

    A tick says the smallest unit; the line below it says day, month or year where that begins.

    :param months: so many of them have room on the axis
    """
    last = max(last, first + timedelta(seconds=1))
    axis.set_xlim(first, last)  # type: ignore[reportArgumentType]  # matplotlib takes times
    span = last - first
    if span >= MONTHS_FROM:
        ticks, texts = _months(first, last, words, months)
        middles = [one for one in _middles(ticks) if one < last]
        axis.set_xticks(middles, minor=True)  # type: ignore[reportArgumentType]
    else:
        locator = mdates.AutoDateLocator(maxticks=MOST_TICKS)
        found = locator.tick_values(first, last)  # type: ignore[reportArgumentType]
        values = [mdates.num2date(x).replace(tzinfo=None) for x in found]
        ticks = [one for one in values if first <= one <= last]
        texts = _shorter(ticks, span, words)
    axis.set_xticks(ticks, texts)  # type: ignore[reportArgumentType]


def _months(
    first: datetime, last: datetime, words: Words, most: int
) -> tuple[list[datetime], list[str]]:
    """Every month, or every so many that there is room; the year where it begins."""
    names = words.list("calendar.months")
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    step = next(n for n in (1, 2, 3, 6, 12, 24, 60, 120, 1200) if count <= n * most)
    number = first.year * 12 + first.month - 1
    number += (first > datetime(first.year, first.month, 1)) and 1
    ticks: list[datetime] = []
    while (tick := datetime(number // 12, number % 12 + 1, 1)) <= last:
        if number % 12 % min(step, 12) == 0 and (step <= 12 or number // 12 % (step // 12) == 0):
            ticks.append(tick)
        number += 1
    return ticks, _two_lines(ticks, lambda t: names[t.month - 1], lambda t: str(t.year))


def _middles(ticks: list[datetime]) -> list[datetime]:
    """The fifteenth of the months, where every month has a tick."""
    apart = all((b - a).days <= 31 for a, b in pairwise(ticks))
    return [one.replace(day=15) for one in ticks] if apart else []


def _shorter(ticks: list[datetime], span: timedelta, words: Words) -> list[str]:
    months, weekdays = words.list("calendar.months"), words.list("calendar.weekdays")
    if span >= DAYS_FROM:
        return _two_lines(
            ticks,
            lambda t: f"{weekdays[t.weekday()]} {t.day}",
            lambda t: f"{months[t.month - 1]} {t.year}",
        )
    pattern = "%H:%M" if span >= timedelta(minutes=5) else "%H:%M:%S"
    return _two_lines(ticks, lambda t: f"{t:{pattern}}", words.date)


def _two_lines(
    ticks: Iterable[datetime],
    upper: Callable[[datetime], str],
    lower: Callable[[datetime], str],
) -> list[str]:
    """Both lines of each tick; the lower one only where it differs from the tick before."""
    texts: list[str] = []
    before = ""
    for tick in ticks:
        below = lower(tick)
        texts.append(upper(tick) + (f"\n{below}" if below != before else ""))
        before = below
    return texts
