"""Days of consumption to draw from: measured loads cut into whole days.

A source is one household's measurement. Its days without a gap are kept, averaged to the step of
the run, working days apart from weekends. Nothing is made up for a gap: the day is left out.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from budgetmeter import loads
from budgetmeter.errors import InputError, InputErrors
from budgetmeter.loads import Request, SampledLoad
from budgetmeter.loads.folder import files_of
from budgetmeter.units import DAY_S

if TYPE_CHECKING:
    pass

KINDS = 2  # working days, weekends


class Days(NamedTuple):
    """Days of all sources.

    :ivar days: pulses per hour, int32, a row for each day
    :ivar groups: first row and number of rows, for each source and kind of day
    :ivar mean_wh: mean energy of a day for each source (gas: litres)
    """

    days: np.ndarray
    groups: np.ndarray
    mean_wh: np.ndarray


class _Source(NamedTuple):
    """One household: its days by kind, pulses per hour, and the mean energy of a day."""

    parts: list[np.ndarray]
    mean_wh: int


@cache
def shipped(step_min: int, gas: bool) -> Days:
    """Days of the measured household; for gas, of a synthetic summer (hot water and cooking)."""
    load = loads.synthetic_gas(datetime(2007, 6, 15), 62) if gas else loads.household()
    return collect([load], step_min)


def read(paths: Iterable[str], step_min: int, gas: bool, request: Request | None = None) -> Days:
    """Days of the user's own sources: files in any shape `budgetmeter run --load` takes, Parquet
    files of one or many households, folders of either.

    :raises InputErrors: files that cannot be used, one line for each
    """
    sources: list[_Source] = []
    wrong: list[str] = []
    for path in paths:
        try:
            found = files_of(Path(path))
        except InputError as error:
            wrong.append(str(error))
            continue
        for file in found:
            try:  # a household's samples are let go before the next is read
                sources += [_source(one, step_min) for one in loads.read_all(file, gas, request)]
            except InputError as error:
                wrong.append(str(error))
    if wrong:
        raise InputErrors(wrong)
    return _together(sources)


def collect(found: Iterable[SampledLoad], step_min: int) -> Days:
    """Whole days of the sources, in order of source and kind."""
    return _together([_source(one, step_min) for one in found])


def _together(sources: list[_Source]) -> Days:
    parts = [part for source in sources for part in source.parts]
    sizes = [len(part) for part in parts]
    firsts = np.cumsum([0, *sizes])[:-1]
    return Days(
        np.concatenate(parts).astype(np.int32),
        np.array(list(zip(firsts, sizes, strict=True)), np.int64),
        np.array([source.mean_wh for source in sources], np.int64),
    )


def _source(load: SampledLoad, step_min: int) -> _Source:
    if load.doubts:
        raise InputError(f"{load.label}: {load.doubts[0]}")
    days, weekend = _days(load, step_min * 60)
    if not len(days):
        raise InputError(f"{load.label}: no whole day without a gap")
    parts = [days[~weekend], days[weekend]]
    parts = [part if len(part) else days for part in parts]  # a kind that was not measured
    mean = (5 * parts[0].mean() + 2 * parts[1].mean()) / 7 * 24
    if mean < 1:
        raise InputError(f"{load.label}: nothing is consumed on its whole days")
    return _Source(parts, round(mean))


def _days(load: SampledLoad, step_s: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean rates of the steps of each day without a gap, and which days are weekends.

    Energy and gaps are summed up to each step's end, so samples of any length make any step.
    """
    starts = np.asarray(load.starts, np.int64)
    rates = np.asarray(load.rates, np.int64)
    ends = np.append(starts[1:], load.length)
    energy = np.concatenate(([0], np.cumsum(np.maximum(rates, 0) * (ends - starts))))
    gaps = np.concatenate(([0], np.cumsum((rates < 0) * (ends - starts))))

    midnight = datetime(load.start.year, load.start.month, load.start.day)
    late = int((load.start - midnight).total_seconds())
    first = -(-late // DAY_S)  # whole days only
    count = max((late + load.length) // DAY_S - first, 0)
    edges = first * DAY_S - late + step_s * np.arange(count * DAY_S // step_s + 1)
    piece = np.clip(np.searchsorted(starts, edges, "right") - 1, 0, len(starts) - 1)
    within = edges - starts[piece]
    at_edge = energy[piece] + np.maximum(rates[piece], 0) * within
    gap_at_edge = gaps[piece] + (rates[piece] < 0) * within

    shape = (count, DAY_S // step_s)
    means = ((np.diff(at_edge) + step_s // 2) // step_s).reshape(shape)
    whole = ~np.diff(gap_at_edge).reshape(shape).any(axis=1)
    dates = [midnight + timedelta(days=first + i) for i in range(count)]
    weekend = np.array([date.weekday() >= 5 for date in dates], bool)
    return means[whole], weekend[whole]
