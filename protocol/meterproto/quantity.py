"""Field types: integers that carry their unit, range and code names, and opaque bytes.

A `Record` of them is read and measured at once, as its width is known.
"""

import struct
from typing import Any

from construct import (
    Adapter,
    Bytes,
    Construct,
    Container,
    Int8sl,
    Int8ul,
    Int16sl,
    Int16ul,
    Int32sl,
    Int32ul,
    Int64sl,
    Int64ul,
    Renamed,
    Struct,
    ValidationError,
)

from meterproto.codes import Code

# The field codes both construct and MicroPython's struct have (little endian, no padding).
WIDTHS: dict[str, Construct] = {
    "b": Int8sl,
    "h": Int16sl,
    "l": Int32sl,
    "q": Int64sl,
    "B": Int8ul,
    "H": Int16ul,
    "L": Int32ul,
    "Q": Int64ul,
}


class Declared(Adapter):
    """Base of the field types.

    :ivar code: struct code of its width
    :ivar unit: unit of the value; "" where it has none
    :ivar codes: the `Code` enumeration the value is taken from, if it is one
    """

    code: str
    unit: str
    codes: type[Code] | None


class Quantity(Declared):
    """An integer field with a unit and a closed range.

    :param code: struct code of its width, a key of `WIDTHS`
    :param unit: unit of the value ("mc" is a millicent, 1/100,000 EUR); "" where it has none
    :param low: smallest value allowed
    :param high: largest value allowed
    :param codes: the `Code` enumeration the value is taken from, if it is one
    :raises construct.ValidationError: on building or parsing a value out of range; it never wraps
    """

    def __init__(
        self, code: str, unit: str, low: int, high: int, codes: type[Code] | None = None
    ) -> None:
        super().__init__(WIDTHS[code])
        self.code = code
        self.unit = unit
        self.low = low
        self.high = high
        self.codes = codes

    def _check(self, value: Any, path: str) -> int:
        if not isinstance(value, int) or not self.low <= value <= self.high:
            raise ValidationError(f"{value!r} is not in {self.low}..{self.high}", path=path)
        return value

    def _decode(self, obj: Any, context: Any, path: str) -> int:
        return self._check(obj, path)

    def _encode(self, obj: Any, context: Any, path: str) -> int:
        return self._check(obj, path)


class Opaque(Declared):
    """A field of `size` bytes that are no number: keys, tags, bitmaps."""

    unit = "bytes"
    codes = None

    def __init__(self, size: int) -> None:
        super().__init__(Bytes(size))
        self.size = size
        self.code = f"{size}s"

    def _decode(self, obj: Any, context: Any, path: str) -> bytes:
        return bytes(obj)

    def _encode(self, obj: Any, context: Any, path: str) -> bytes:
        return bytes(obj)


class Record(Struct):
    """A struct of quantities and opaque fields: of one width, little endian, without padding.

    It parses as any struct does, but unpacks its octets at once: a report on all meters of an
    office has millions of fields.
    """

    def __init__(self, *subcons: Renamed) -> None:
        super().__init__(*subcons)
        declared = [(name, field) for name, field, _ in fields(self)]
        self._octets = struct.Struct("<" + "".join(field.code for _, field in declared))
        self._names = [name for name, _ in declared]
        self._ranges = [
            (at, field.low, field.high)
            for at, (_, field) in enumerate(declared)
            if isinstance(field, Quantity)
        ]

    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        start = stream.tell()
        data = stream.read(self._octets.size)
        if len(data) == self._octets.size:
            values = self._octets.unpack(data)
            if all(low <= values[at] <= high for at, low, high in self._ranges):
                return Container(zip(self._names, values, strict=True))
        stream.seek(start)  # field by field, which names the one that is wrong
        return super()._parse(stream, context, path)

    def _sizeof(self, context: Any, path: str) -> int:
        return self._octets.size


def one_of(codes: type[Code]) -> Quantity:
    """A byte holding one of the `codes`."""
    return Quantity("b", "", min(codes), max(codes), codes)


def flag() -> Quantity:
    """A byte that is 0 or 1."""
    return Quantity("b", "flag", 0, 1)


def fields(record: Struct) -> list[tuple[str, Declared, str]]:
    """Name, field type and description of each field of a construct `Struct`."""
    return [(named.name, _field(named), named.docs) for named in record.subcons]


def _field(named: Renamed) -> Declared:
    """The field type that a name and a description are put around."""
    inner = named.subcon
    while isinstance(inner, Renamed):
        inner = inner.subcon
    return inner


def quantities(record: Struct) -> list[tuple[str, Quantity, str]]:
    """The same of a struct that has no opaque field.

    :raises TypeError: when it has one
    """
    found: list[tuple[str, Quantity, str]] = []
    for name, field, docs in fields(record):
        if not isinstance(field, Quantity):
            raise TypeError(f"{name} is no quantity")
        found.append((name, field, docs))
    return found


def pick(record: Struct, *names: str) -> list[Renamed]:
    """Some fields of a struct, to be declared again in another one."""
    found = {named.name: named for named in record.subcons}
    return [found[name] for name in names]
