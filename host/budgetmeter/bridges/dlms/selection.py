"""Selective access to the rows of a profile: by time, or by number."""

from collections.abc import Iterable, Sequence

from budgetmeter.bridges.dlms.data import (
    ARRAY,
    INT8,
    LENGTH,
    OCTETS,
    STRUCTURE,
    TIME_STAMP,
    UINT16,
    UINT32,
    Data,
    seconds_of,
)
from budgetmeter.bridges.dlms.history import Row
from budgetmeter.bridges.dlms.things import Table

BY_RANGE, BY_ENTRY = 1, 2
TO_THE_END = 0
CAPTURED = [UINT16, OCTETS, INT8, UINT16]  # types of what names a column


class Unfit(Exception):
    """Parameters that are none of the selector's."""


def buffer(rows: Iterable[Row], columns: Sequence[int]) -> bytes:
    """Rows as the octets of an array of structures, with the columns of these places."""
    head = bytes([STRUCTURE]) + LENGTH.build(len(columns))
    made = [head + b"".join(cells[i] for i in columns) for _, cells in rows]
    return bytes([ARRAY]) + LENGTH.build(len(made)) + b"".join(made)


def select(table: Table, selector: int, parameters: Data) -> bytes:
    """The buffer of a profile, the chosen rows and columns of it.

    :raises Unfit: what the selector does not take
    """
    if selector == BY_RANGE:
        return _by_range(table, parameters)
    if selector == BY_ENTRY:
        return _by_entry(table, parameters)
    raise Unfit("no such selector")


def _by_range(table: Table, parameters: Data) -> bytes:
    """From one time to another, both included; the columns that are named, or all."""
    if parameters.type != STRUCTURE or len(parameters.value) != 4:
        raise Unfit("a range has four parts")
    restricting, low, high, wanted = parameters.value
    columns = [column.described() for column in table.columns]
    if not _is(columns[0], restricting):
        raise Unfit("the rows are in the order of the clock alone")
    begin, end = _time(low), _time(high)
    if wanted.type != ARRAY:
        raise Unfit("no columns")
    chosen = [
        i
        for i, column in enumerate(columns)
        if not wanted.value or any(_is(column, each) for each in wanted.value)
    ]
    if len(chosen) < len(wanted.value):
        raise Unfit("a column that is not captured")
    return buffer((row for row in table.rows() if begin <= row[0] <= end), chosen)


def _time(edge: Data) -> int:
    """Seconds of one end of a range."""
    at_s = seconds_of(edge.value) if edge.type in (OCTETS, TIME_STAMP) else None
    if at_s is None:
        raise Unfit("no time")
    return at_s


def _is(column: Data, asked: Data) -> bool:
    """Whether an attribute is that of a column."""
    if asked.type != STRUCTURE or [element.type for element in asked.value] != CAPTURED:
        return False
    return asked.value[:3] == column.value[:3]


def _by_entry(table: Table, parameters: Data) -> bytes:
    """From one number to another, both included and counted from 1; likewise the columns."""
    elements = parameters.value if parameters.type == STRUCTURE else []
    if [element.type for element in elements] != [UINT32, UINT32, UINT16, UINT16]:
        raise Unfit("an entry descriptor has four numbers")
    first, last, left, right = (element.value for element in elements)
    if first == 0 or left == 0:
        raise Unfit("they are counted from 1")
    rows = list(table.rows())[first - 1 : None if last == TO_THE_END else last]
    return buffer(
        rows, range(len(table.columns))[left - 1 : None if right == TO_THE_END else right]
    )
