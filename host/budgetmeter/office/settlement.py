"""Settlement of minimum supply after three months without a real top-up (WE-36).

Worked out from the office's own top-up log and from what the cards brought back, for many meters
with a few questions to the books.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from meterproto.codes import Event, Kind, PaymentMode

from budgetmeter import units
from budgetmeter.office import reports, settle
from budgetmeter.office.judge import add_months
from budgetmeter.office.reports import Reading
from budgetmeter.office.tables import contracts, deliveries, modes, readings

if TYPE_CHECKING:
    from budgetmeter.office.office import Office

MONTHS = 3
THRESHOLD = 10 * units.EUR  # a top-up counts above it (WE-36, AMB-14)
ASK_DAYS = 15  # how long the customer has to bring an index (WE-37)


@dataclass(frozen=True)
class Settlement:
    """An order to settle: a window in seconds since 2000 UTC+1, and what was used in it.

    :ivar limited_wh: energy under the limiter until the end of the window; None if nothing is known
    :ivar arrears: owed for it, mc; None if nothing is known
    :ivar read: from an index at or after the end; else estimated from earlier ones
    :ivar ask_until_s: until when an index is asked of the customer
    """

    since_s: int
    until_s: int
    limited_wh: int | None
    arrears: int | None
    read: bool

    @property
    def ask_until_s(self) -> int:
        return self.until_s + ASK_DAYS * units.DAY_S


def due(connection: sa.Connection, office: "Office", meter: int) -> list[Settlement]:
    """The settlement orders of a meter due by the office's time, oldest first.

    :raises InputError: when it is not in the books
    """
    row = office.known(connection, meter)
    last = reports.latest(connection, office, meter)
    return due_of(connection, office, [row], {} if last is None else {meter: last})[meter]


def due_of(
    connection: sa.Connection,
    office: "Office",
    rows: Iterable[Mapping[str, Any]],
    last: Mapping[int, Reading],
) -> dict[int, list[Settlement]]:
    """The same for many meters, by number.

    :param rows: of the table `meters`
    :param last: the newest reading of those that have one
    """
    found: dict[int, list[Settlement]] = defaultdict(list)
    protected = _protected(connection, office, list(rows), last)
    # Without a limiter in the newest report none is due.
    active = [m for m, reading in last.items() if reading.state.limiter_available]
    histories = _histories(connection, office, active, last)
    since = {m: begun for m in active if (begun := _active_since(histories[m])) is not None}
    begun_at = _prepaid_since(connection, protected)
    for meter, begins in begun_at.items():
        since[meter] = min(since.get(meter, begins), begins)
    counted = _top_ups(connection, since)
    for meter, begins in since.items():
        points = _indexes(histories.get(meter, []))
        found[meter] = _windows(begins, counted[meter], points, office.now_s)
    return found


def _windows(
    since: int, log: list[int], points: list[tuple[int, int, int]], now_s: int
) -> list[Settlement]:
    """The windows of three months without a top-up in them, from a time on."""
    found: list[Settlement] = []
    while add_months(since, MONTHS) <= now_s:
        end = add_months(since, MONTHS)
        within = [at for at in log if since < at <= end]
        if within:
            since = within[-1]
            continue
        found.append(Settlement(since, end, *_used(points, end)))
        since = end
    return found


def _protected(
    connection: sa.Connection,
    office: "Office",
    rows: list[Mapping[str, Any]],
    last: Mapping[int, Reading],
) -> list[int]:
    """Meters of protected customers with a limiter: their function is active anyhow (WE-33)."""
    known = contracts.c.meter.in_([row["meter"] for row in rows])
    query = sa.select(contracts.c.meter).where(known, contracts.c.protected)
    marked = set(connection.execute(query).scalars())
    return [
        row["meter"]
        for row in rows
        if row["meter"] in marked
        and (row["meter"] not in last or last[row["meter"]].state.limiter_available)
        and office.profile_of(row).values["limiter_fitted"]
    ]


def _histories(
    connection: sa.Connection, office: "Office", active: list[int], last: Mapping[int, Reading]
) -> dict[int, list[Reading]]:
    """All readings of meters, oldest first; the newest is not parsed again."""
    found: dict[int, list[Reading]] = {meter: [] for meter in active}
    query = sa.select(readings).where(readings.c.meter.in_(active))
    order = (readings.c.meter, readings.c.key_revision, readings.c.sequence)
    for row in connection.execute(query.order_by(*order)):
        newest = last[row.meter]
        same = newest.order == (row.key_revision, row.sequence)
        found[row.meter].append(
            newest if same else reports.parse(bytes(row.report), office, row.meter)
        )
    return found


def _active_since(history: list[Reading]) -> int | None:
    """Since when the limiter's function is active, by what a meter reported."""
    starts: list[int] = []
    for reading in history:
        if reading.state.limiter_available:
            told = [e for e in reading.events if e.code == Event.LIMITER_AVAILABLE]
            starts += [e.clock * 60 + e.second for e in told] or [reading.at_s]
    return min(starts, default=None)


def _prepaid_since(connection: sa.Connection, chosen: list[int]) -> dict[int, int]:
    """When meters were first in prepayment."""
    query = (
        sa.select(modes.c.meter, sa.func.min(modes.c.at_s))
        .where(modes.c.meter.in_(chosen), modes.c.mode == int(PaymentMode.PREPAYMENT))
        .group_by(modes.c.meter)
    )
    return dict(connection.execute(query).all())  # type: ignore[arg-type]


def _top_ups(connection: sa.Connection, chosen: Iterable[int]) -> dict[int, list[int]]:
    """When meters got top-ups that count, oldest first."""
    query = sa.select(deliveries.c.meter, deliveries.c.at_s).where(
        deliveries.c.meter.in_(list(chosen)),
        deliveries.c.kind == int(Kind.TOP_UP),
        deliveries.c.state.not_in([settle.RENEWED, settle.VOID]),
        deliveries.c.value > THRESHOLD,
    )
    found: dict[int, list[int]] = defaultdict(list)
    for meter, at_s in connection.execute(query.order_by(deliveries.c.at_s)):
        found[meter].append(at_s)
    return found


def _indexes(history: list[Reading]) -> list[tuple[int, int, int]]:
    """Known (time in s, limited Wh, arrears), oldest first, each time once."""
    points: dict[int, tuple[int, int]] = {}
    for reading in history:
        for capture in reading.captures:
            points[capture.clock * 60] = (capture.limited_wh, capture.arrears)
        points[reading.at_s] = (reading.state.limited_wh, reading.state.arrears)
    return sorted((at, *values) for at, values in points.items())


def _used(points: list[tuple[int, int, int]], end: int) -> tuple[int | None, int | None, bool]:
    """Limited energy and arrears at a time, and whether they were read."""
    after = [point for point in points if point[0] >= end]
    if after:
        return after[0][1], after[0][2], True
    if not points:
        return None, None, False
    last = points[-1]
    if len(points) == 1 or points[-2][0] == last[0]:
        return last[1], last[2], False
    before = points[-2]
    span, ahead = last[0] - before[0], end - last[0]
    # WE-37: the last card read-out plus the use between the last two
    grown = [max(last[i] - before[i], 0) * ahead // span for i in (1, 2)]
    return last[1] + grown[0], last[2] + grown[1], False
