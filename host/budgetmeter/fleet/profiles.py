"""Days of consumption to draw from: measured loads cut into whole local days.

A source is one household's measurement. Its days without a gap are kept, averaged to the step of
the run, working days apart from weekends. Nothing is made up for a gap: the day is left out.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from budgetmeter import units
from budgetmeter.emulator import load as loads
from budgetmeter.errors import InputError
from budgetmeter.units import DAY_S

if TYPE_CHECKING:
    import pyarrow

KINDS = 2  # working days, weekends
LARGEST = {False: loads.MAX_W, True: loads.MAX_LITRES_PER_HOUR}


class Days(NamedTuple):
    """Days of all sources.

    :ivar days: pulses per hour, int32, a row for each day
    :ivar groups: first row and number of rows, for each source and kind of day
    :ivar mean_wh: mean energy of a day for each source (gas: litres)
    """

    days: np.ndarray
    groups: np.ndarray
    mean_wh: np.ndarray


@cache
def shipped(step_min: int, gas: bool) -> Days:
    """Days of the measured household; for gas, of a synthetic summer (hot water and cooking)."""
    load = loads.synthetic_gas(datetime(2007, 6, 15), 62) if gas else loads.household()
    return collect([load], step_min, gas)


def read(paths: Iterable[str], step_min: int, gas: bool) -> Days:
    """Days of the user's own sources.

    A CSV file is one source, as `budgetmeter run --load` takes it. A Parquet file has the columns
    `time` (UTC+1) and `watts` (or `litres`), and `household` if it holds several.

    :raises InputError: a file that cannot be used
    """
    sources = []
    for path in paths:
        if Path(path).suffix == ".parquet":
            sources.extend(_read_parquet(path, gas))
        else:
            sources.append(loads.read(path, gas))
    return collect(sources, step_min, gas)


def collect(sources: Sequence[loads.SampledLoad], step_min: int, gas: bool) -> Days:
    """Whole days of the sources, in order of source and kind."""
    rows, groups, means, first = [], [], [], 0
    for source in sources:
        days, weekend = _days(source, step_min)
        if not len(days):
            raise InputError(f"{source.label}: no whole day without a gap")
        parts = [days[~weekend], days[weekend]]
        parts = [part if len(part) else days for part in parts]  # a kind that was not measured
        for part in parts:
            groups.append((first, len(part)))
            first += len(part)
            rows.append(part)
        mean = (5 * parts[0].mean() + 2 * parts[1].mean()) / 7 * 24
        if mean < 1:
            raise InputError(f"{source.label}: nothing is consumed on its whole days")
        means.append(round(mean))
    return Days(
        np.concatenate(rows).astype(np.int32),
        np.array(groups, np.int64),
        np.array(means, np.int64),
    )


def _days(source: loads.SampledLoad, step_min: int) -> tuple[np.ndarray, np.ndarray]:
    """Days without a gap at the step, and which of them are weekends."""
    step_s = step_min * 60
    longer, shorter = max(step_s, source.interval), min(step_s, source.interval)
    if DAY_S % source.interval or longer % shorter:
        raise InputError(
            f"{source.label}: samples of {source.interval} s do not make steps of {step_min} min"
        )
    midnight = datetime(source.start.year, source.start.month, source.start.day)
    late = (source.start - midnight).total_seconds()
    if late % source.interval:
        raise InputError(f"{source.label}: samples do not begin on the step")
    size = DAY_S // source.interval
    lead = int(late // source.interval)
    filled = np.concatenate((np.full(lead, -1), np.frombuffer(source.rates, "i8")))
    filled = np.concatenate((filled, np.full(-len(filled) % size, -1)))
    days = filled.reshape(-1, size)
    dates = [midnight + timedelta(days=i) for i in range(len(days))]
    weekend = np.array([date.weekday() >= 5 for date in dates])
    whole = (days >= 0).all(axis=1)
    days, weekend = days[whole], weekend[whole]
    if source.interval < step_s:
        per = step_s // source.interval
        days = (days.reshape(-1, size // per, per).sum(axis=2) + per // 2) // per
    else:
        days = np.repeat(days, source.interval // step_s, axis=1)
    return days, weekend


def _read_parquet(path: str, gas: bool) -> list[loads.SampledLoad]:
    import pyarrow as pa  # noqa: PLC0415  # an extra
    import pyarrow.parquet as pq  # noqa: PLC0415

    column = "litres" if gas else "watts"
    try:
        table = pq.read_table(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or 'not a Parquet file'}") from None
    except pa.ArrowInvalid:
        raise InputError(f"{path}: not a Parquet file") from None
    for name in ("time", column):
        if name not in table.column_names:
            raise InputError(f"{path}: no column {name}; found {', '.join(table.column_names)}")
    if not pa.types.is_timestamp(table.schema.field("time").type):
        raise InputError(f"{path}: time is not a timestamp")
    if table.schema.field("time").type.tz is not None:
        raise InputError(f"{path}: time has a zone; times are UTC+1 without one")
    if "household" not in table.column_names:
        return [_source(path, table, column, gas)]
    names = table["household"].unique().to_pylist()
    return [
        _source(f"{path}, {name}", table.filter(_equal(table["household"], name)), column, gas)
        for name in names
    ]


def _equal(column: Any, value: object) -> Any:
    """Where a column has a value."""
    import pyarrow.compute as pc  # noqa: PLC0415

    return pc.equal(column, value)  # pyright: ignore[reportAttributeAccessIssue]  # made at run time


def _source(label: str, table: "pyarrow.Table", column: str, gas: bool) -> loads.SampledLoad:
    """A `SampledLoad` of a table's rows, as its CSV would read."""
    table = table.sort_by("time")
    times = table["time"].cast("timestamp[s]").to_numpy().astype("datetime64[s]")
    if len(times) < 2 or np.isnat(times).any():
        raise InputError(f"{label}: time is missing, or less than two samples")
    seconds = (times - times[0]).astype(np.int64)
    interval = int(np.diff(seconds).min())
    if interval < 1:
        raise InputError(f"{label}: two samples at the same time")
    try:
        values = table[column].cast("float64").to_numpy()
    except (ValueError, NotImplementedError):
        raise InputError(f"{label}: {column} is not a number") from None
    if gas:
        values = values * 3600 / interval
    known = ~np.isnan(values)
    if not ((values[known] >= 0) & (values[known] <= LARGEST[gas])).all():
        raise InputError(f"{label}: {column} outside 0 to {LARGEST[gas]} per hour")
    rates = np.full(int(seconds[-1] // interval) + 1, -1, np.int64)
    rates[seconds[known] // interval] = np.round(values[known]).astype(np.int64)
    start = units.EPOCH + timedelta(
        seconds=int((times[0] - np.datetime64(units.EPOCH, "s")).astype(int))
    )
    return loads.SampledLoad(start, interval, rates, rates, gas, label)  # type: ignore[arg-type]
