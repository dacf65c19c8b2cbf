"""Reading a file of consumption: recognise it, convert it, prove its sum, say what it was."""

from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

from budgetmeter.errors import InputError
from budgetmeter.loads import guess, parquet, said, shapes
from budgetmeter.loads.guess import Unclear
from budgetmeter.loads.load import SampledLoad
from budgetmeter.loads.numbers import ENERGY, UNITS, VOLUME, Numbers, decimal_sign
from budgetmeter.loads.pieces import Look, Pieces, pieces, start_of
from budgetmeter.loads.rows import Reader, Series, narrow, one_household, transposed, turned
from budgetmeter.loads.shapes import Layout, Shape
from budgetmeter.loads.text import DELIMITERS, Row, encoding_of, head, rows, split, text
from budgetmeter.loads.times import Parser, candidates_in, date_order

SMALLEST = 1 << 18  # octets: a smaller file is read row by row
PROBED = 2000  # rows looked at before any is read
EXACT_S = 3600  # pulse-seconds per hour in one pulse: what the sum may be off


@dataclass(frozen=True)
class Request:
    """What a user says of a file besides its name.

    :ivar zone: of times without an offset; empty: the shape's own
    :ivar shape: name or TOML file of its shape; empty: recognise it
    :ivar label: what to call it; empty: its path
    """

    zone: str = ""
    shape: str = ""
    label: str = ""


@dataclass(frozen=True)
class _Found:
    """What is known of a file before it is read."""

    layout: Layout
    encoding: str
    delimiter: str
    header_line: int
    order: str
    decimal: str
    latest_first: bool


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
    found = _recognise(Path(path), label, gas, request)
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
    found = _recognise(path, label, gas, request)
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
    path: Path, label: str, gas: bool, request: Request, found: _Found
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
    made, look, local = read
    reader = Reader(layout, label, gas, zone, found.order, found.decimal)
    reader.plain_times = local
    return _sampled(made, look, Series(""), layout, reader, label, gas, request)


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
    path: Path, label: str, gas: bool, request: Request, found: _Found
) -> tuple[list[Series], Layout, Reader]:
    layout = found.layout
    zone = request.zone or layout.shape.zone
    with text(path, label, found.encoding) as file:
        below = _below(rows(file, label, found.delimiter), found.header_line)
        if found.latest_first:
            below = turned(below)
        if layout.shape.wide:
            below, layout = transposed(layout, below, label), narrow(layout)
        reader = Reader(layout, label, gas, zone, found.order, found.decimal)
        try:
            return reader.read(below), layout, reader
        except UnicodeDecodeError:
            raise InputError(f"{label}: not a text file (UTF-8)") from None


def _below(found: Iterator[Row], header_line: int) -> Iterator[Row]:
    return (row for row in found if row[0] > header_line)


# ---- Before it is read --------------------------------------------------------------------------


def _recognise(path: Path, label: str, gas: bool, request: Request) -> _Found:
    """:raises InputError: an empty file, or a header nobody can make sense of"""
    encoding = encoding_of(path, label)
    try:
        first = head(path, label, encoding)
    except UnicodeDecodeError:
        raise InputError(f"{label}: not a text file (UTF-8)") from None
    if not any(line.strip() for line in first):
        raise InputError(f"{label}: empty file")
    given = shapes.read(request.shape) if request.shape else None
    layout, line, delimiter = _header(first, label, gas, given)
    probe = _probe(path, label, encoding, delimiter, line)
    layout = _in_unit(layout, first[: line - 1], delimiter, label)
    order = layout.shape.order or _order(layout, probe, path, label, encoding, delimiter, line)
    cells = [row[i] for _, row in probe for i in layout.value if i < len(row)]
    decimal = layout.shape.decimal or _decimal(cells, delimiter)
    if given is None and not layout.shape.columns and layout.quantity in (None, ENERGY, VOLUME):
        layout = _index_or_energy(layout, probe, decimal)
    latest = _latest_first(layout, probe, order)
    return _Found(layout, encoding, delimiter, line, order, decimal, latest)


def _header(
    first: list[str], label: str, gas: bool, given: Shape | None
) -> tuple[Layout, int, str]:
    """The layout, the line of the header and the delimiter."""
    known = [given] if given else list(shapes.shipped())
    for number, line in enumerate(first, 1):
        for delimiter in [given.delimiter] if given and given.delimiter else DELIMITERS:
            fields = split(line, delimiter)
            if len(fields) < 2:
                continue
            below = split(first[number], delimiter) if number < len(first) else []
            for shape in known:
                layout = shapes.fit(shape, fields, below)
                if layout is not None:
                    return layout, number, delimiter
    if given is not None:
        raise InputError(f"{label}: no header with {', '.join(given.needs)} ({given.title})")
    return _guessed(first, label, gas)


def _guessed(first: list[str], label: str, gas: bool) -> tuple[Layout, int, str]:
    why: InputError | None = None
    for number, line in enumerate(first, 1):
        if line.startswith("#") or not line.strip():
            continue
        fewest = 2
        for delimiter in DELIMITERS:
            fields = split(line, delimiter)
            if len(fields) < fewest:
                continue
            outside = _unit_above(first[: number - 1], delimiter)
            try:
                return guess.layout(fields, gas, outside), number, delimiter
            except Unclear as error:
                if why is None or "found" not in str(error):
                    why = InputError(f"{label}, line {number}: {error}")
    if why is None:
        shown = first[0].strip().lstrip("\ufeff")
        wanted = "litres" if gas else "watts"
        why = InputError(f"{label}, line 1: no column {wanted}; found {shown[:60]}")
    raise why


def _unit_above(lines: list[str], delimiter: str) -> str | None:
    """The only unit that stands in a cell of its own above the header."""
    cells = {cell.strip().casefold() for line in lines for cell in split(line, delimiter)}
    units = cells & set(UNITS) - {"l"}
    return units.pop() if len(units) == 1 else None


def _in_unit(layout: Layout, above: list[str], delimiter: str, label: str) -> Layout:
    """The layout with the unit that the lines above the header tell."""
    unit = _unit_above(above, delimiter)
    if unit is None or layout.quantity is None or not layout.shape.columns:
        return layout
    quantity, factor = UNITS[unit]
    if quantity != layout.quantity:
        raise InputError(f"{label}: {layout.shape.title} in {unit}, not {layout.shape.unit}")
    return shapes.replace(layout, factor=factor)


def _probe(path: Path, label: str, encoding: str, delimiter: str, line: int) -> list[Row]:
    with text(path, label, encoding) as file:
        try:
            return list(islice(_below(rows(file, label, delimiter), line), PROBED))
        except UnicodeDecodeError:
            raise InputError(f"{label}: not a text file (UTF-8)") from None


def _order(
    layout: Layout, probe: list[Row], path: Path, label: str, encoding: str, delimiter: str,
    line: int,
) -> str:  # fmt: skip
    """The order of day and month, looked for in the whole file if need be."""
    if not layout.time or not probe:
        return ""
    place = layout.time[0]
    dates = [row[place] for _, row in probe if place < len(row)]
    if not dates or not any(mark in dates[0] for mark in "/-.") or dates[0][:4].isdigit():
        return ""
    order = date_order(dates)
    if order or len(probe) < PROBED:
        return order
    with text(path, label, encoding) as file:
        every = (
            row[place] for _, row in _below(rows(file, label, delimiter), line) if place < len(row)
        )
        return date_order(list(dict.fromkeys(date.split()[0] for date in every if date.strip())))


def _decimal(cells: list[str], delimiter: str) -> str:
    sign = decimal_sign(cells)
    return sign or ("," if delimiter in ";\t" and any("," in cell for cell in cells) else "")


def _index_or_energy(layout: Layout, probe: list[Row], decimal: str) -> Layout:
    """Values of energy that only grow are a register."""
    if layout.shape.kind == shapes.INDEX or layout.register is not None:
        return layout
    numbers = Numbers(decimal)
    for place in layout.value:
        look = Look()
        for _, row in probe:
            with suppress(ValueError):
                value = numbers.read(row[place]) if place < len(row) else None
                look.add(() if value is None else (value,))
        if look.only_grows:
            return guess.as_index(layout)
    return layout


def _latest_first(layout: Layout, probe: list[Row], order: str) -> bool:
    """Whether the rows go back in time."""
    parser, times = Parser(order), []
    for _, row in probe[:200] if layout.time else []:
        if max(layout.time) < len(row):
            try:
                times.append(parser.read(" ".join(row[i].strip() for i in layout.time))[0])
            except ValueError:
                return False
    falls = sum(b < a for a, b in pairwise(times))
    rises = sum(b > a for a, b in pairwise(times))
    return falls > 4 * rises and falls > 2
