"""Wide tables: times stand in the header, and in the rows what belongs to them.

Either a whole time is a column's name, or the clock is and the rows have the date.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from budgetmeter.loads.shapes import Layout, matches
from budgetmeter.loads.text import Row, bad

FEWEST = 12  # columns that make a header one of clocks
_CLOCK = re.compile(
    r"(\d{1,2})[:h.](\d{2})(?::00)?(?:\s*[-–]\s*(\d{1,2})[:h.](\d{2})(?::00)?)?", re.ASCII
)
_DAY = 1440


def clocks(header: Sequence[str]) -> tuple[int, ...]:
    """Where a header has the clocks of a row a day; empty if it has too few, or none."""
    places = tuple(i for i, name in enumerate(header) if _CLOCK.fullmatch(name.strip()))
    return places if len(places) >= FEWEST else ()


def _minutes(name: str) -> tuple[int, int | None]:
    """Minute of the day at which a column begins, and at which it ends if it says so."""
    found = _CLOCK.fullmatch(name.strip())
    assert found is not None
    begin = int(found[1]) * 60 + int(found[2])
    return begin, None if found[3] is None else int(found[3]) * 60 + int(found[4])


def spans(names: Sequence[str], stamp: str) -> list[tuple[str, str]]:
    """Begin and end of each column of a row a day.

    :param stamp: "end" where the clock is the end of its interval; a last 0:00 shows it as well
    :raises ValueError: clocks that do not go on
    """
    begins, ends = zip(*map(_minutes, names), strict=True)
    if None in ends:
        by_end = stamp == "end" or (begins[0] > 0 and begins[-1] in (0, _DAY))
        marks = [*begins[:-1], begins[-1] or _DAY] if by_end else list(begins)
        first = 2 * marks[0] - marks[1]  # as long as the second one
        edges = [max(first, 0), *marks] if by_end else [*marks, _DAY]
        pairs = list(pairwise(edges))
    else:
        pairs = [(begin, end or _DAY) for begin, end in zip(begins, ends, strict=True)]
    if any(begin >= end or end > _DAY for begin, end in pairs):
        raise ValueError(f"{names[0].strip()} to {names[-1].strip()} do not go through a day")
    return [(_clock(begin), _clock(end)) for begin, end in pairs]


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def found(layout: Layout) -> Layout:
    """The layout of a wide header with the places of its values."""
    if layout.time:
        return replace(layout, value=clocks(layout.header))
    named = [i for i, name in enumerate(layout.header) if _is_named(layout, name)]
    return replace(layout, value=tuple(i for i in range(len(layout.header)) if i not in named))


def transposed(layout: Layout, rows: Iterable[Row], label: str) -> Iterator[Row]:
    """Each cell of a wide table as a row of its own: begin, end, value, and the other cells.

    An empty cell of a row a day is none, so that no hour is asked for that summer time skips.

    :raises InputError: a row that does not fit the header
    """
    width, header = len(layout.header), layout.header
    others = [i for i in range(width) if i not in layout.value]
    try:
        names = [header[place] for place in layout.value]
        between = spans(names, layout.shape.stamp) if layout.time else []
    except ValueError as error:
        raise bad(label, 1, error) from None
    for line, row in rows:
        if len(row) != width:
            raise bad(label, line, f"{len(row)} fields where the header has {width}")
        rest = [row[i] for i in others]
        if not layout.time:
            yield from ((line, [header[i], "", row[i], *rest]) for i in layout.value)
            continue
        date = row[layout.time[0]].strip()
        for place, (begin, end) in zip(layout.value, between, strict=True):
            if row[place].strip():
                yield line, [f"{date} {begin}", f"{date} {end}", row[place], *rest]


def narrow(layout: Layout) -> Layout:
    """The layout of `transposed` rows."""
    others = [i for i in range(len(layout.header)) if i not in layout.value]

    def moved(place: int | None) -> int | None:
        return None if place is None else 3 + others.index(place)

    return Layout(
        replace(layout.shape, stamp="start"),
        ("begin", "end", "value", *(layout.header[i] for i in others)),
        (0,),
        (2,),
        until=(1,) if layout.time else (),
        unit=moved(layout.unit),
        household=moved(layout.household),
        register=moved(layout.register),
        quantity=layout.quantity,
        factor=layout.factor,
    )


def _is_named(layout: Layout, name: str) -> bool:
    return any(matches(name, (column,)) for column in layout.shape.needs)
