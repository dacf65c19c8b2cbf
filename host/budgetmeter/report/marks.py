"""What is marked on a plot: top-ups, aid, orders and presses, friendly hours and holds."""

from collections.abc import Iterator
from typing import NamedTuple

from meterproto.codes import Kind

from budgetmeter.report.trace import Trace

TOP_UPS = (Kind.TOP_UP,)
GIVEN = (Kind.SUPPORT, Kind.AID)


class Row(NamedTuple):
    """A row of marks.

    :ivar name: key of its message in the section "mark"
    :ivar points: when, seconds since 2000 UTC+1, and the kind of order; "" where it is plain
    :ivar spans: stretches of time instead: begin and end
    """

    name: str
    points: tuple[tuple[int, str], ...] = ()
    spans: tuple[tuple[int, int], ...] = ()


def rows(trace: Trace) -> list[Row]:
    """The rows in which anything is, in the order they are drawn from the top."""
    return [row for row in _all(trace) if row.points or row.spans]


def _all(trace: Trace) -> Iterator[Row]:
    taken = trace.orders
    yield Row("topup", tuple((one.at_s, "") for one in taken if one.kind in TOP_UPS))
    yield Row("given", tuple((one.at_s, "") for one in taken if one.kind in GIVEN))
    named = [one for one in taken if one.kind not in TOP_UPS + GIVEN]
    yield Row("order", tuple((one.at_s, one.kind.word) for one in named))
    yield Row("press", tuple((at, "") for at in trace.presses))
    yield Row("friendly", spans=tuple(trace.friendly))
    yield Row("hold", spans=tuple(trace.holds))
