"""Parquet files: the same columns as a text, times of any unit and zone.

Times become texts of no file: they are exact already, so the rows of a household are sorted.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from budgetmeter.errors import InputError
from budgetmeter.loads import guess
from budgetmeter.loads.guess import Unclear
from budgetmeter.loads.load import MAX_LITRES_PER_HOUR, MAX_W
from budgetmeter.loads.numbers import POWER
from budgetmeter.loads.pieces import Look
from budgetmeter.loads.rows import Reader, Series
from budgetmeter.loads.shapes import INDEX, Layout
from budgetmeter.loads.times import END_MS, HOUR_MS, METER_ZONE, UNIX_MS, candidates_in
from budgetmeter.units import EPOCH


def read(path: Path, gas: bool, zone: str) -> Iterator[tuple[Series, Layout, Reader, str]]:
    """The series of each household in a file, in order of first appearance.

    A column `household` (or `LCLid`) tells them apart.

    :raises InputError: no Parquet file, or one without the columns
    """
    try:
        import pyarrow as pa  # noqa: PLC0415  # an extra
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError:
        raise InputError(f"{path}: Parquet needs: pip install 'budgetmeter[fleet]'") from None
    try:
        table = pq.read_table(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or 'not a Parquet file'}") from None
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InputError(f"{path}: not a Parquet file") from None
    layout = _layout(path, table.column_names, gas)
    times, plain = _times(path, table, layout, zone)
    values = [_numbers(path, table, layout.header[i]) for i in layout.value]
    reader = Reader(layout, str(path), gas, zone or METER_ZONE, "", "")
    reader.plain_times = plain
    for name, chosen in _households(path, table, layout):
        label = f"{path}, {name}" if name else str(path)
        series = _series(label, times, values, layout, chosen, gas)
        series.household = name
        if layout.shape.kind != POWER:
            layout = _maybe_index(layout, series)
        yield series, layout, reader, label


def _layout(path: Path, names: list[str], gas: bool) -> Layout:
    column = "litres" if gas else "watts"
    try:
        return guess.layout(names, gas)
    except Unclear as error:
        text = str(error)
    if "time" in names and column not in text:
        raise InputError(f"{path}: no column {column}; {text}")
    raise InputError(f"{path}: {text}")


def _times(path: Path, table: Any, layout: Layout, zone: str) -> tuple[Any, bool]:
    """Milliseconds since 2000 (UTC+1) as an array, and whether they had no zone."""
    import numpy as np  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    name = layout.header[layout.time[0]]
    kind = table.schema.field(name).type
    column = table[name]
    if pa.types.is_date(kind):
        column = column.cast(pa.timestamp("s"))
    elif not pa.types.is_timestamp(kind):
        raise InputError(f"{path}: {name} is not a timestamp")
    if column.null_count:
        raise InputError(f"{path}: {name} is missing in {column.null_count} rows")
    aware = getattr(kind, "tz", None) is not None
    plain = column.cast(pa.timestamp("ms", kind.tz if aware else None), safe=False)
    since = plain.to_numpy().astype("datetime64[ms]").astype(np.int64) + UNIX_MS - HOUR_MS
    if len(since) < 2:
        raise InputError(f"{path}: less than two samples")
    if aware:
        since = since + HOUR_MS
    elif zone:
        since = _local(path, since, zone)
    if since.min() < 0 or since.max() >= END_MS:
        raise InputError(f"{path}: {name} is not within 2000 to 2099")
    return since, not aware


def _local(path: Path, since: Any, zone: str) -> Any:
    """Local times of a zone as they are in UTC+1; the first where an hour occurs twice.

    :raises InputError: a time that does not exist there, or occurs twice: a table has no order
    """
    from budgetmeter.loads.blocks import moments_of  # noqa: PLC0415  # NumPy is an extra

    def odd(quarter: int, found: int) -> InputError:
        what = "occurs twice" if found else "does not exist"
        moment = f"{EPOCH + timedelta(milliseconds=quarter):%Y-%m-%dT%H:%M}"
        return InputError(f"{path}: {moment} {what} in {zone}; write times with a zone")

    return moments_of(since, candidates_in(zone), odd)


def _numbers(path: Path, table: Any, name: str) -> Any:
    import pyarrow as pa  # noqa: PLC0415

    try:
        return table[name].cast("float64").to_numpy()
    except (ValueError, NotImplementedError, pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InputError(f"{path}: {name} is not a number") from None


def _households(path: Path, table: Any, layout: Layout) -> Iterator[tuple[str, Any]]:
    """Name and rows of each household."""
    import numpy as np  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    if layout.household is None:
        yield "", slice(None)
        return
    name = layout.header[layout.household]
    kind = table.schema.field(name).type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if not (
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind)
    ):
        raise InputError(f"{path}: {name} is neither text nor a whole number")
    codes = table[name].combine_chunks().dictionary_encode()
    if isinstance(codes, pa.ChunkedArray):
        codes = codes.combine_chunks()
    which = codes.indices.to_numpy(zero_copy_only=False)
    names = codes.dictionary.to_pylist()
    if codes.null_count:
        raise InputError(f"{path}: {name} is missing in {codes.null_count} rows")
    order = np.argsort(which, kind="stable")
    edges = np.searchsorted(which[order], np.arange(len(names) + 1))
    for i, one in enumerate(names):
        yield str(one), order[edges[i] : edges[i + 1]]


def _series(
    label: str, times: Any, values: list[Any], layout: Layout, chosen: Any, gas: bool
) -> Series:
    """The rows of one household as its text would read."""
    import numpy as np  # noqa: PLC0415

    mine = times[chosen]
    order = np.argsort(mine, kind="stable")
    mine = mine[order]
    if len(mine) < 2:
        raise InputError(f"{label}: less than two samples")
    if (np.diff(mine) <= 0).any():
        raise InputError(f"{label}: two samples at the same time")
    columns = [column[chosen][order] * layout.factor for column in values]
    named = layout.named
    for column in columns:
        known = column[~np.isnan(column)]
        most = np.inf if layout.shape.kind != POWER else MAX_LITRES_PER_HOUR if gas else MAX_W
        if not ((known >= 0) & (known <= most)).all():
            raise InputError(f"{label}: {named} outside 0 to {most:g}")
    series = Series("")
    if layout.shape.kind == INDEX:
        grown = [np.diff(column) for column in columns]
        total = sum(grown)
        fell = np.any([g < 0 for g in grown], axis=0)
        series.resets = int(fell.sum())
        series.begin.frombytes(mine[:-1].astype(np.int64).tobytes())
        series.until.frombytes(mine[1:].astype(np.int64).tobytes())
        series.value.frombytes(np.where(fell, np.nan, total).astype(np.float64).tobytes())
        return series
    series.begin.frombytes(mine.astype(np.int64).tobytes())
    series.value.frombytes(np.sum(columns, axis=0, dtype=np.float64).tobytes())
    return series


def _maybe_index(layout: Layout, series: Series) -> Layout:
    look = Look()
    look.add(series.value[:2000])
    if layout.shape.kind == INDEX or not look.only_grows:
        return layout
    raise InputError(f"{layout.named} only grows: a register? call the column index")
