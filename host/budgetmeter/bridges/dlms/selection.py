"""Selective access to the rows of a profile: by time, or by number."""

from budgetmeter.bridges.dlms.data import (
    ARRAY,
    OCTETS,
    STRUCTURE,
    UINT16,
    UINT32,
    Data,
    array,
    from_date_time,
    structure,
)
from budgetmeter.bridges.dlms.objects import Table

BY_RANGE, BY_ENTRY = 1, 2
TO_THE_END = 0


class Unfit(Exception):
    """Parameters that are none of the selector's."""


def select(table: Table, selector: int, parameters: Data) -> Data:
    """The buffer of a profile, the chosen rows and columns of it.

    :raises Unfit: what the selector does not take
    """
    if selector == BY_RANGE:
        return _by_range(table, parameters)
    if selector == BY_ENTRY:
        return _by_entry(table, parameters)
    raise Unfit("no such selector")


def _by_range(table: Table, parameters: Data) -> Data:
    """From one time to another, both included; the columns that are named, or all."""
    if parameters.type != STRUCTURE or len(parameters.value) != 4:
        raise Unfit("a range has four parts")
    restricting, low, high, wanted = parameters.value
    clock = table.columns[0].described()
    if restricting.type != STRUCTURE or restricting.value[:3] != clock.value[:3]:
        raise Unfit("the rows are in the order of the clock alone")
    begin, end = (
        from_date_time(edge.value) if edge.type == OCTETS else None for edge in (low, high)
    )
    if begin is None or end is None:
        raise Unfit("no time")
    if wanted.type != ARRAY:
        raise Unfit("no columns")
    chosen = [
        i
        for i, column in enumerate(table.columns)
        if not wanted.value or any(_is(column.described(), each) for each in wanted.value)
    ]
    if len(chosen) < len(wanted.value):
        raise Unfit("a column that is not captured")
    rows = [row for at, row in table.rows() if begin <= at <= end]
    return array([structure(*(row[i] for i in chosen)) for row in rows])


def _is(column: Data, asked: Data) -> bool:
    return asked.type == STRUCTURE and asked.value[:3] == column.value[:3]


def _by_entry(table: Table, parameters: Data) -> Data:
    """From one number to another, both included and counted from 1; likewise the columns."""
    kinds = (
        [element.type for element in parameters.value or ()] if parameters.type == STRUCTURE else []
    )
    if kinds != [UINT32, UINT32, UINT16, UINT16]:
        raise Unfit("an entry descriptor has four numbers")
    first, last, left, right = (element.value for element in parameters.value)
    if first == 0 or left == 0:
        raise Unfit("they are counted from 1")
    rows = [row for _, row in table.rows()]
    chosen = rows[first - 1 : None if last == TO_THE_END else last]
    return array(
        [structure(*row[left - 1 : None if right == TO_THE_END else right]) for row in chosen]
    )
