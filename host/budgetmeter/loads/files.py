"""Reading a file of consumption: recognise it, convert it, prove its sum, say what it was."""

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

from budgetmeter.errors import InputError
from budgetmeter.loads import parquet, said, wide
from budgetmeter.loads.load import SampledLoad
from budgetmeter.loads.pieces import Look, Pieces, pieces, start_of
from budgetmeter.loads.recognise import Found, Request, recognise, rows_below
from budgetmeter.loads.rows import Reader, Series, one_household, turned
from budgetmeter.loads.shapes import Layout
from budgetmeter.loads.text import rows, text
from budgetmeter.loads.times import candidates_in

SMALLEST = 1 << 18  # octets: a smaller file is read row by row
EXACT_S = 3600  # pulse-seconds per hour in one pulse: what the sum may be off


def read(path: Path | str, gas: bool = False, request: Request | None = None) -> SampledLoad:
    """The load in a file of one household, in any shape that is known or can be recognised.

    :raises InputError: one line, with the line or the column, when it cannot be used
    """
    request = request or Request()
    label = request.label or str(path)
    if Path(path).suffix.lower() == ".parquet":
        return _only(read_all(path, gas, request), label)
    if request.zone:
        candidates_in(request.zone)
    found = recognise(Path(path), label, gas, request)
    quick = _by_blocks(Path(path), label, gas, request, found)
    if quick is not None:
        return quick
    series, layout, reader = _series(Path(path), label, gas, request, found)
    return _load(one_household(series, label), layout, reader, label, gas, request)


def read_all(
    path: Path | str, gas: bool = False, request: Request | None = None
) -> Iterator[SampledLoad]:
    """The loads of all households in a file.

    :raises InputError: as `read`
    """
    request = request or Request()
    label = request.label or str(path)
    path = Path(path)
    if path.suffix.lower() == ".parquet":
        for one, layout, reader, name in parquet.read(path, gas, request.zone):
            yield _load(one, layout, reader, name, gas, request)
        return
    if request.zone:
        candidates_in(request.zone)
    found = recognise(path, label, gas, request)
    quick = _by_blocks(path, label, gas, request, found)
    if quick is not None:
        yield quick
        return
    series, layout, reader = _series(path, label, gas, request, found)
    if not series:
        raise InputError(f"{label}: no samples")
    for one in series:
        name = f"{label}, {one.household}" if len(series) > 1 else label
        yield _load(one, layout, reader, name, gas, request)


def _by_blocks(
    path: Path, label: str, gas: bool, request: Request, found: Found
) -> SampledLoad | None:
    """A big file of a plain table, where NumPy is installed; None where row by row is due."""
    layout = found.layout
    if found.latest_first or path.stat().st_size < SMALLEST:
        return None
    try:
        from budgetmeter.loads import blocks  # noqa: PLC0415  # an extra
    except ImportError:
        return None
    zone = request.zone or layout.shape.zone
    if not blocks.fits(layout, found.encoding):
        return None
    plain = blocks.Plain(
        path, label, layout, gas, found.delimiter, found.decimal, found.header_line,
        candidates_in(zone),
    )  # fmt: skip
    read = blocks.read(plain)
    if read is None:
        return None
    reader = Reader(layout, label, gas, zone, found.order, found.decimal)
    reader.plain_times = read.local
    series = Series("", resets=read.resets)
    return _sampled(read.pieces, read.look, series, layout, reader, label, gas, request)


def _only(found: Iterator[SampledLoad], label: str) -> SampledLoad:
    """The only load of a file.

    :raises InputError: when there are more
    """
    load = next(found)
    if next(found, None) is not None:
        raise InputError(f"{label}: several households: keep one of them")
    return load


def _load(
    series: Series, layout: Layout, reader: Reader, label: str, gas: bool, request: Request
) -> SampledLoad:
    if not len(series.begin):
        raise InputError(f"{label}: no samples")
    look = Look()
    look.add(series.value)
    made = pieces(series, layout.shape, label, gas)
    return _sampled(made, look, series, layout, reader, label, gas, request)


def _sampled(
    made: Pieces, look: Look, series: Series, layout: Layout, reader: Reader, label: str, gas: bool,
    request: Request,
) -> SampledLoad:  # fmt: skip
    """The load, its sum proved."""
    if abs(made.energy - made.given) > EXACT_S:
        raise InputError(f"{label}: the sum is not kept: {made.given} of {made.energy}")
    starts: Sequence[int] = made.starts
    if isinstance(starts, array) and starts[-1] == (len(starts) - 1) * made.interval:
        even = range(0, len(starts) * made.interval, made.interval)
        starts = even if all(map(int.__eq__, even, starts)) else starts
    doubts = said.doubts(layout, look)
    notes = said.lines(layout, reader, series, made, bool(request.zone))
    return SampledLoad(
        start_of(made), made.interval, made.rates, made.currents, gas, label,
        starts=starts, length=made.length, notes=(*notes, *doubts), doubts=doubts,
    )  # fmt: skip


def _series(
    path: Path, label: str, gas: bool, request: Request, found: Found
) -> tuple[list[Series], Layout, Reader]:
    layout = found.layout
    zone = request.zone or layout.shape.zone
    with text(path, label, found.encoding) as file:
        below = rows_below(rows(file, label, found.delimiter), found.header_line)
        if found.latest_first:
            below = turned(below)
        if layout.shape.wide:
            below, layout = wide.transposed(layout, below, label), wide.narrow(layout)
        reader = Reader(layout, label, gas, zone, found.order, found.decimal)
        try:
            series = reader.read(below)
        except UnicodeDecodeError:
            raise InputError(f"{label}: not a text file (UTF-8)") from None
    if not series and reader.left:
        raise InputError(f"{label}: no samples: all {reader.left} rows are {layout.shape.left}")
    return series, layout, reader
