"""Shapes of files, as data: which column is what, in which unit, zone and order.

The shipped ones are TOML files in `shapes`; a user's own is read the same way. `docs/loads.md`
lists the keys.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from budgetmeter import resources
from budgetmeter.errors import InputError
from budgetmeter.loads.numbers import ENERGY, POWER, UNITS, VOLUME
from budgetmeter.loads.times import METER_ZONE, candidates_in

INDEX = "index"
KINDS = (POWER, ENERGY, INDEX)
Words = Mapping[str, tuple[str, ...]]  # column: patterns of its cells


@dataclass(frozen=True)
class Shape:
    """How to read a kind of file. Names of columns and cells may hold `*`; case does not count.

    :ivar title: what the report calls it
    :ivar columns: names a header must have to be of this shape; `time` and `value` if not given
    :ivar when: cells of the first row that it must have as well
    :ivar time: column of the row's time, or columns of date and clock
    :ivar until: the same for the end of the row
    :ivar value: column of the quantity; several are added up
    :ivar kind: "power", "energy" of the row, or "index": a register that only grows
    :ivar unit: of the value: W, kW, Wh, kWh, MWh, l, m3; `unit_column` where each row says it
    :ivar stamp: "start" or "end": what the time of a row is of its interval
    :ivar holds: "interval", or "change" for a log that writes changes only
    :ivar zone: of times without an offset
    :ivar order: "dmy", "mdy", or empty: of dates that do not begin with the year
    :ivar household: column that tells households apart
    :ivar register: column that tells registers of one household apart; they are added up
    :ivar keep: rows to keep, `leave` to leave out; `left` is what the report says of those
    :ivar estimated: rows to count as estimated, `zero` rows that mean no use
    :ivar missing: words of a value that is missing, besides the usual ones
    :ivar wide: times stand in the header, after the named columns; with `time`, which has the
        date, clocks do
    :ivar repeats: a row that stands twice is read once
    """

    title: str
    time: tuple[str, ...] = ()
    value: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    when: Words | None = None
    until: tuple[str, ...] = ()
    kind: str = POWER
    unit: str = ""
    unit_column: str = ""
    amps: str = ""
    stamp: str = "start"
    holds: str = "interval"
    zone: str = METER_ZONE
    order: str = ""
    decimal: str = ""
    delimiter: str = ""
    household: str = ""
    register: str = ""
    keep: Words | None = None
    leave: Words | None = None
    left: str = ""
    estimated: Words | None = None
    zero: Words | None = None
    missing: tuple[str, ...] = ()
    wide: bool = False
    repeats: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        """Names that a header must have."""
        return self.columns or (*self.time, *self.value)


_TEXTS = frozenset(f.name for f in fields(Shape) if f.type in ("str", str))
_CHOICES = {
    "kind": KINDS,
    "stamp": ("start", "end"),
    "holds": ("interval", "change"),
    "order": ("", "dmy", "mdy"),
    "decimal": ("", ".", ","),
}
_WORDS = ("when", "keep", "leave", "estimated", "zero")
_LISTS = ("time", "value", "columns", "until", "missing")


def normal(name: str) -> str:
    """A name of a column or a cell as it is compared."""
    return re.sub(r"\s+", " ", name.strip().strip("\ufeff").casefold())


def matches(cell: str, patterns: Sequence[str]) -> bool:
    """Whether a cell is one of these words, which may hold `*`."""
    cell = normal(cell)
    return any(fnmatchcase(cell, normal(pattern)) for pattern in patterns)


@cache
def shipped() -> tuple[Shape, ...]:
    """The shapes that come with the package; the more a shape asks of a header, the sooner."""
    shapes = [read(name) for name in resources.names("load shape")]
    return tuple(sorted(shapes, key=lambda s: (s.when is None, -len(s.needs))))


def read(name: str) -> Shape:
    """A shape by name or TOML file.

    :raises InputError: one line naming file and key
    """
    document, where = resources.read("load shape", name)
    return _shape(document, where)


def _shape(document: dict[str, Any], where: str) -> Shape:
    known = tuple(field.name for field in fields(Shape))
    given: dict[str, Any] = {"title": Path(where).stem}
    for key, value in document.items():
        if key not in known:
            hint = resources.did_you_mean(key, known)
            raise InputError(f"{where}: unknown key {key}; {hint}")
        given[key] = _value(key, value, where)
    shape = Shape(**given)
    if not (shape.value or shape.wide) or not (shape.time or shape.wide):
        raise InputError(f"{where}: time and value name columns")
    if shape.unit and shape.unit.casefold() not in UNITS:
        raise InputError(f"{where}: unit is one of W, kW, Wh, kWh, MWh, l, m3")
    if not shape.unit and not shape.unit_column:
        raise InputError(f"{where}: unit is missing, or unit_column")
    if shape.unit:
        quantity = UNITS[shape.unit.casefold()][0]
        if (quantity == POWER) != (shape.kind == POWER):
            raise InputError(f"{where}: {shape.unit} is no unit of {shape.kind}")
    candidates_in(shape.zone)
    return shape


def _value(key: str, value: Any, where: str) -> Any:
    if key in _CHOICES and value not in _CHOICES[key]:
        raise InputError(f"{where}: {key} is one of {', '.join(filter(None, _CHOICES[key]))}")
    if key in _WORDS:
        if not isinstance(value, dict):
            raise InputError(f"{where}: {key} is a table of columns and words")
        return {column: _texts(f"{key}.{column}", v, where) for column, v in value.items()}
    if key in _LISTS:
        return _texts(key, value, where)
    if key in _TEXTS:
        if not isinstance(value, str):
            raise InputError(f"{where}: {key} is a text")
        return value
    if not isinstance(value, bool):
        raise InputError(f"{where}: {key} is true or false")
    return value


def _texts(key: str, value: Any, where: str) -> tuple[str, ...]:
    value = [value] if isinstance(value, str) else value
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise InputError(f"{where}: {key} is a text or a list of texts")
    return tuple(value)


@dataclass(frozen=True)
class Layout:
    """A shape found in a header: the places of its columns.

    :ivar quantity: "power", "energy" or "volume"; None where `unit` tells in each row
    :ivar factor: what one unit is in W, Wh or litres
    """

    shape: Shape
    header: tuple[str, ...]
    time: tuple[int, ...]
    value: tuple[int, ...]
    until: tuple[int, ...] = ()
    amps: int | None = None
    unit: int | None = None
    household: int | None = None
    register: int | None = None
    quantity: str | None = None
    factor: float = 1
    notes: tuple[str, ...] = ()

    def column(self, name: str) -> int:
        """The place of a column."""
        return places(self.header, name)[0]

    @property
    def named(self) -> str:
        """What to call the value."""
        return " + ".join(self.header[place].strip() for place in self.value) or "values"

    def with_kind(self, kind: str) -> "Layout":
        """The same with values of another kind."""
        return replace(self, shape=replace(self.shape, kind=kind))


def places(header: Sequence[str], name: str) -> list[int]:
    """Where a column stands in a header."""
    return [i for i, found in enumerate(header) if matches(found, (name,))]


def fit(shape: Shape, header: Sequence[str], first: Sequence[str]) -> Layout | None:
    """The layout of a header of this shape, None if it is not.

    :param first: the first row below it
    """
    if not all(places(header, name) for name in shape.needs):
        return None
    for column, words in (shape.when or {}).items():
        found = places(header, column)
        if not found or found[0] >= len(first) or not matches(first[found[0]], words):
            return None

    def one(name: str) -> int | None:
        return places(header, name)[0] if name and places(header, name) else None

    value = [place for name in shape.value for place in places(header, name)]
    quantity, factor = (
        UNITS[shape.unit.casefold()] if shape.unit and not shape.unit_column else (None, 1)
    )
    return Layout(
        shape,
        tuple(header),
        tuple(places(header, name)[0] for name in shape.time),
        tuple(dict.fromkeys(value)),
        tuple(places(header, name)[0] for name in shape.until),
        one(shape.amps),
        one(shape.unit_column),
        one(shape.household),
        one(shape.register),
        quantity,
        factor,
    )


__all__ = ["ENERGY", "INDEX", "KINDS", "POWER", "VOLUME", "Layout", "Shape", "fit", "read"]
