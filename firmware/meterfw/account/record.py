"""Records of integers after the generated layouts: the meter's state and its profile."""

import struct

from meterfw import layouts


def _record(fields: "tuple[str, ...]") -> type:
    class Record:
        __slots__ = fields

        def __init__(self) -> None:
            for name in fields:
                setattr(self, name, 0)

    return Record


State = _record(layouts.STATE_FIELDS)
Profile = _record(layouts.PROFILE_FIELDS)


def copy(target: object, source: object, fields: "tuple[str, ...]") -> None:
    """Copy every field; allocates nothing."""
    for name in fields:
        setattr(target, name, getattr(source, name))


def in_range(
    record: object, fields: "tuple[str, ...]", low: "dict[str, int]", high: "tuple[int, ...]"
) -> "str | None":
    """Name of the first field out of its range, or None. MicroPython's struct would wrap it.

    `low` by name, 0 for what it does not name; `high` by place.
    """
    for i, name in enumerate(fields):
        if not low.get(name, 0) <= getattr(record, name) <= high[i]:
            return name
    return None


def pack(record: object, layout: str, fields: "tuple[str, ...]") -> bytes:
    """The record as bytes; its values must be in range."""
    return struct.pack(layout, *[getattr(record, name) for name in fields])


def unpack(
    record: object, data: "bytes | memoryview", layout: str, fields: "tuple[str, ...]"
) -> None:
    """Fill the record from bytes of the layout's exact size.

    :raises ValueError: when the size is another
    """
    if len(data) != struct.calcsize(layout):
        raise ValueError("record size")
    for name, value in zip(fields, struct.unpack(layout, data)):
        setattr(record, name, value)
