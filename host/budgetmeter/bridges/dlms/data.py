"""COSEM data in A-XDR (IEC 62056-6-2), declared with construct."""

# construct's types are dynamic:
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from construct import (
    Adapter,
    Bytes,
    Construct,
    ConstructError,
    Flag,
    GreedyBytes,
    Int8sb,
    Int8ub,
    Int16sb,
    Int16ub,
    Int32sb,
    Int32ub,
    Int64sb,
    Int64ub,
    LazyBound,
    Pass,
    Prefixed,
    PrefixedArray,
    Struct,
    Subconstruct,
    Switch,
    this,
)
from meterfw.account import calendar

from budgetmeter import units

NULL, ARRAY, STRUCTURE, BOOLEAN, BITS, INT32, UINT32 = range(7)
OCTETS, VISIBLE, UTF8 = 9, 10, 12
INT8, INT16, UINT8, UINT16 = 15, 16, 17, 18
INT64, UINT64, ENUM, TIME_STAMP = 20, 21, 22, 25
DATE_TIME = 12  # octets
DEEPEST = 16  # levels of arrays and structures that a client may send
ANY = 0xFF  # a part of a time that is not specified
NO_DEVIATION = -32_768
SUMMER, DOUBTFUL = 0x80, 0x02  # bits of the clock's status
DEVIATION_MIN = -60  # local time to UTC in winter, as COSEM counts it


class Length(Construct):
    """A length: one octet up to 127, or the number of octets that follow with 0x80 added."""

    def _parse(self, stream: Any, context: Any, path: str) -> int:
        first = Int8ub._parse(stream, context, path)
        if first < 0x80:
            return first
        count = first & 0x7F
        if not 1 <= count <= 4:
            raise ConstructError(f"a length of {count} octets", path=path)
        return int.from_bytes(Bytes(count)._parse(stream, context, path), "big")

    def _build(self, obj: int, stream: Any, context: Any, path: str) -> int:
        if obj < 0x80:
            stream.write(bytes([obj]))
        else:
            octets = obj.to_bytes((obj.bit_length() + 7) // 8, "big")
            stream.write(bytes([0x80 | len(octets)]) + octets)
        return obj


class _BitString(Construct):
    """A bit string as text of 0 and 1; the first bit is the highest of the first octet."""

    def _parse(self, stream: Any, context: Any, path: str) -> str:
        count = LENGTH._parse(stream, context, path)
        octets = Bytes((count + 7) // 8)._parse(stream, context, path)
        return "".join(f"{octet:08b}" for octet in octets)[:count]

    def _build(self, obj: str, stream: Any, context: Any, path: str) -> str:
        LENGTH._build(len(obj), stream, context, path)
        padded = obj + "0" * (-len(obj) % 8)
        stream.write(bytes(int(padded[at : at + 8], 2) for at in range(0, len(padded), 8)))
        return obj


class Data(NamedTuple):
    """A value with its type; elements of an array or structure are such values again."""

    type: int
    value: Any = None


class _DataAdapter(Adapter):
    def _decode(self, obj: Any, context: Any, path: str) -> Data:
        value = obj.value
        return Data(obj.type, list(value) if obj.type in (ARRAY, STRUCTURE) else value)

    def _encode(self, obj: Data, context: Any, path: str) -> dict[str, Any]:
        return {"type": obj.type, "value": obj.value}


class _NoSuchType(Construct):
    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        raise ConstructError("no such type of data", path=path)


class _Level(Subconstruct):
    """The elements of an array or structure; so many levels of them are no data of a meter."""

    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        if path.count(_ELEMENT) >= DEEPEST:
            raise ConstructError("too deep", path=path)
        return self.subcon._parse(stream, context, path + _ELEMENT)


_ELEMENT = " -> element"
LENGTH = Length()
_ELEMENTS = _Level(PrefixedArray(LENGTH, LazyBound(lambda: DATA)))
DATA: Any = _DataAdapter(
    Struct(
        "type" / Int8ub,
        "value"
        / Switch(
            this.type,
            {
                NULL: Pass,
                ARRAY: _ELEMENTS,
                STRUCTURE: _ELEMENTS,
                BOOLEAN: Flag,
                BITS: _BitString(),
                INT32: Int32sb,
                UINT32: Int32ub,
                OCTETS: Prefixed(LENGTH, GreedyBytes),
                VISIBLE: Prefixed(LENGTH, GreedyBytes),
                UTF8: Prefixed(LENGTH, GreedyBytes),
                INT8: Int8sb,
                INT16: Int16sb,
                UINT8: Int8ub,
                UINT16: Int16ub,
                INT64: Int64sb,
                UINT64: Int64ub,
                ENUM: Int8ub,
                TIME_STAMP: Bytes(DATE_TIME),
            },
            default=_NoSuchType(),
        ),
    )
)


def octets(value: bytes) -> Data:
    """An octet string."""
    return Data(OCTETS, value)


def utf8(text: str) -> Data:
    """A text."""
    return Data(UTF8, text.encode())


def structure(*elements: Data) -> Data:
    """A structure."""
    return Data(STRUCTURE, list(elements))


def array(elements: Sequence[Data] = ()) -> Data:
    """An array."""
    return Data(ARRAY, list(elements))


def name_octets(obis: str) -> bytes:
    """The six octets of a logical name, such as 1.0.1.8.0.255."""
    return bytes(int(part) for part in obis.split("."))


def obis(name: bytes) -> str:
    """The reverse."""
    return ".".join(map(str, name))


def date_time(at_s: int | None, doubtful: bool = False) -> bytes:
    """The 12 octets of a time, as Belgian local time; unspecified where there is none.

    :param at_s: seconds since 2000-01-01 00:00 UTC+1
    :param doubtful: whether the clock may be wrong
    """
    if at_s is None:
        return bytes([ANY] * 9) + NO_DEVIATION.to_bytes(2, "big", signed=True) + b"\xff"
    local = units.from_clock(at_s // 60, at_s % 60)
    summer = bool(calendar.summer(at_s // 60))
    deviation = DEVIATION_MIN * (2 if summer else 1)
    return (
        local.year.to_bytes(2, "big")
        + bytes([local.month, local.day, local.isoweekday()])
        + bytes([local.hour, local.minute, local.second, 0])
        + deviation.to_bytes(2, "big", signed=True)
        + bytes([(SUMMER if summer else 0) | (DOUBTFUL if doubtful else 0)])
    )


def seconds_of(octets: bytes) -> int | None:
    """Seconds since 2000-01-01 00:00 UTC+1 that 12 octets give; None if they are no time.

    A part that is not specified is its least. Without a deviation it is a Belgian local time, the
    first one in the hour that occurs twice.
    """
    if len(octets) != DATE_TIME:
        return None
    year = int.from_bytes(octets[:2], "big")
    month, day, _, hour, minute, second = octets[2:8]
    parts = [1 if part == ANY else part for part in (month, day)]
    parts += [0 if part == ANY else part for part in (hour, minute, second)]
    deviation = int.from_bytes(octets[9:11], "big", signed=True)
    try:
        moment = datetime(year, *parts)
        if deviation != NO_DEVIATION:
            told = moment + timedelta(minutes=deviation - DEVIATION_MIN)
            return round((told - units.EPOCH).total_seconds())
        return units.to_clock(moment) * 60 + second
    except (ValueError, OverflowError):
        return None
