"""Field types: integers that carry their unit, range and code names, and opaque bytes."""

from typing import Any

from construct import (
    Adapter,
    Bytes,
    Int8sl,
    Int8ul,
    Int16sl,
    Int16ul,
    Int32sl,
    Int32ul,
    Int64sl,
    Int64ul,
    Struct,
    ValidationError,
)

from meterproto.codes import Code

# The field codes both construct and MicroPython's struct have (little endian, no padding).
WIDTHS = {
    "b": Int8sl,
    "h": Int16sl,
    "l": Int32sl,
    "q": Int64sl,
    "B": Int8ul,
    "H": Int16ul,
    "L": Int32ul,
    "Q": Int64ul,
}


class Quantity(Adapter):
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

    def _check(self, value: Any, path: Any) -> int:
        if not isinstance(value, int) or not self.low <= value <= self.high:
            raise ValidationError(f"{value!r} is not in {self.low}..{self.high}", path=path)
        return value

    def _decode(self, obj: Any, context: Any, path: Any) -> int:
        return self._check(obj, path)

    def _encode(self, obj: Any, context: Any, path: Any) -> int:
        return self._check(obj, path)


class Opaque(Adapter):
    """A field of `size` bytes that are no number: keys, tags, bitmaps."""

    unit = "bytes"
    codes = None

    def __init__(self, size: int) -> None:
        super().__init__(Bytes(size))
        self.size = size
        self.code = f"{size}s"

    def _decode(self, obj: Any, context: Any, path: Any) -> bytes:
        return bytes(obj)

    def _encode(self, obj: Any, context: Any, path: Any) -> bytes:
        return bytes(obj)


def one_of(codes: type[Code]) -> Quantity:
    """A byte holding one of the `codes`."""
    return Quantity("b", "", min(codes), max(codes), codes)


def flag() -> Quantity:
    """A byte that is 0 or 1."""
    return Quantity("b", "flag", 0, 1)


def fields(struct: Struct) -> list[tuple[str, Any, str]]:
    """Name, field type and description of each field of a construct `Struct`."""
    return [(named.name, named.subcon, named.docs) for named in struct.subcons]


def pick(struct: Struct, *names: str) -> list[Any]:
    """Some fields of a struct, to be declared again in another one."""
    found = {named.name: named for named in struct.subcons}
    return [found[name] for name in names]
