"""What a file is, before it is read: encoding, delimiter, header, unit, order of dates and rows."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

from budgetmeter.errors import InputError
from budgetmeter.loads import guess, shapes, terms, wide
from budgetmeter.loads.guess import Unclear
from budgetmeter.loads.numbers import ENERGY, UNITS, VOLUME, Numbers, decimal_sign
from budgetmeter.loads.pieces import Look
from budgetmeter.loads.shapes import Layout, Shape
from budgetmeter.loads.text import DELIMITERS, Row, encoding_of, head, rows, split, text
from budgetmeter.loads.times import Parser, date_order

_NO_TABLE = {"<!": "a web page", "<h": "a web page", "<": "XML", "{": "JSON", "[": "JSON"}
_DATUM = re.compile(
    r"[+-]?\d+[.,]\d+|\d{3,}|(\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.](\d{4}|\d\d))\b.*",
    re.ASCII,
)
PROBED = 2000  # rows looked at before any is read


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
class Found:
    """What is known of a file before it is read."""

    layout: Layout
    encoding: str
    delimiter: str
    header_line: int
    order: str
    decimal: str
    latest_first: bool


def rows_below(found: Iterator[Row], header_line: int) -> Iterator[Row]:
    """The rows below the header."""
    return (row for row in found if row[0] > header_line)


def recognise(path: Path, label: str, gas: bool, request: Request) -> Found:
    """What is known of a file.

    :raises InputError: an empty file, or a header nobody can make sense of
    """
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
    decimal = layout.shape.decimal or _decimal(cells, delimiter, label)
    if given is None and not layout.shape.columns and layout.quantity in (None, ENERGY, VOLUME):
        layout = _index_or_energy(layout, probe, decimal, label)
    latest = _latest_first(layout, probe, order)
    return Found(layout, encoding, delimiter, line, order, decimal, latest)


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
                if layout is not None and shape.wide:
                    layout = wide.found(layout)
                if layout is not None and layout.value:
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
            if len(fields) < fewest or any(_is_datum(field) for field in fields):
                continue
            outside = _unit_above(first[: number - 1], delimiter) or _unit_in_title(
                first[: number - 1], delimiter
            )
            try:
                return guess.layout(fields, gas, outside), number, delimiter
            except Unclear as error:
                if why is None or "found" not in str(error):
                    why = InputError(f"{label}, line {number}: {error}")
    if why is None:
        shown = first[0].strip().lstrip("\ufeff")
        wanted = "litres" if gas else "watts"
        what = next((what for mark, what in _NO_TABLE.items() if shown.startswith(mark)), "")
        hint = f": {what} is not read; save it as CSV" if what else ""
        why = InputError(f"{label}, line 1: no column {wanted}; found {shown[:60]}{hint}")
    raise why


def _is_datum(field: str) -> bool:
    """Whether a cell has a number or a time with digits, so that its row is no header."""
    return bool(_DATUM.fullmatch(field.strip()))


def _unit_above(lines: list[str], delimiter: str) -> str | None:
    """The only unit that stands in a cell of its own above the header."""
    cells = {cell.strip().casefold() for line in lines for cell in split(line, delimiter)}
    units = cells & set(UNITS) - {"l"}
    return units.pop() if len(units) == 1 else None


def _unit_in_title(lines: list[str], delimiter: str) -> str | None:
    """The only unit in the titles above the header, such as `Verbruik in kWh`."""
    titles = [
        line for line in lines if len(split(line, delimiter)) == 1 and not re.search(r"\d", line)
    ]
    units = {terms.unit_of(title) for title in titles} - {None, "l"}
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
            return list(islice(rows_below(rows(file, label, delimiter), line), PROBED))
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
    named = {word for name in layout.header for word in terms.words(name)}
    if not order and named & terms.DAY_FIRST:
        return "dmy"
    if order or len(probe) < PROBED:
        return order
    with text(path, label, encoding) as file:
        every = (
            row[place]
            for _, row in rows_below(rows(file, label, delimiter), line)
            if place < len(row)
        )
        return date_order(list(dict.fromkeys(date.split()[0] for date in every if date.strip())))


def _decimal(cells: list[str], delimiter: str, label: str) -> str:
    try:
        sign = decimal_sign(cells)
    except ValueError as error:
        raise InputError(f"{label}: {error}") from None
    return sign or ("," if delimiter in ";\t" and any("," in cell for cell in cells) else "")


def _index_or_energy(layout: Layout, probe: list[Row], decimal: str, label: str) -> Layout:
    """Values of energy that only grow are a register; those that fall every other row are none.

    :raises InputError: a total that never changes
    """
    if layout.register is not None or layout.shape.wide:
        return layout
    looks = [_look(probe, place, decimal) for place in layout.value]
    if layout.shape.kind != shapes.INDEX:
        grown = any(look.only_grows or look.begins_anew for look in looks)
        return guess.as_index(layout) if grown else layout
    if [shapes.normal(name) for name in layout.shape.value] == ["index"]:
        return layout
    if any(look.falls * 10 > look.count > 2 for look in looks):
        return guess.as_energy(layout)
    if all(look.count > 2 and not look.grows and look.highest for look in looks):
        raise InputError(
            f"{label}: {layout.named} never changes: a register or the energy of each row? say "
            "kind in a file for --load-shape"
        )
    return layout


def _look(probe: list[Row], place: int, decimal: str) -> Look:
    numbers, look = Numbers(decimal), Look()
    for _, row in probe:
        with suppress(ValueError):
            value = numbers.read(row[place]) if place < len(row) else None
            look.add(() if value is None else (value,))
    return look


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
    return falls > 4 * rises and falls > (0 if layout.shape.wide else 2)
