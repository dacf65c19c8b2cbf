"""Settlement of minimum supply after three months without a real top-up (WE-36).

Worked out from the office's own top-up log and from what the cards brought back, for many meters
with a few questions to the books. What was used until a day is in `indexes`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from meterproto.codes import Event, Kind, PaymentMode

from budgetmeter import units
from budgetmeter.office import indexes, reports, settle
from budgetmeter.office.indexes import History
from budgetmeter.office.judge import add_months
from budgetmeter.office.reports import Reading
from budgetmeter.office.tables import case_facts, cases, contracts, deliveries, modes, readings

if TYPE_CHECKING:
    from budgetmeter.office.office import Office

MONTHS = 3
THRESHOLD = 10 * units.EUR  # a top-up counts above it (WE-36, AMB-14)
ASK_DAYS = 15  # how long the customer has to bring an index (WE-37)
BILLS = ("settlement-invoice", "minimum-bill")  # facts of a case that settle a window

Span = tuple[int, int | None]  # from a time on, until another one or still; s since 2000 UTC+1


@dataclass(frozen=True)
class Settlement:
    """An order to settle: a window in seconds since 2000 UTC+1, and what was used in it.

    :ivar limited_wh: energy under the limiter in the window; None if nothing is known
    :ivar arrears: owed for it, mc; None if nothing is known
    :ivar read: from indexes at or around its ends; else estimated from earlier ones
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
    coupled = set(_protected(connection, office, list(rows), last))
    # Without a limiter in the newest report none is due.
    active = [m for m, reading in last.items() if reading.state.limiter_available]
    histories = _histories(connection, office, active, last)
    chosen = sorted(coupled | set(active))
    prepaid = _prepaid(connection, chosen)
    counted, paid = _top_ups(connection, chosen), _paid(connection, chosen)
    billed = _billed(connection, chosen)
    for meter in chosen:
        since = 0 if meter in coupled else _active_since(histories[meter])
        if since is None:
            continue
        known = indexes.history(histories.get(meter, []))
        done = max([*(at for at, _ in paid[meter]), *billed[meter]], default=0)
        for begins, ends in prepaid[meter]:
            until = office.now_s if ends is None else min(ends, office.now_s)
            for window in _windows(max(begins, since), until, counted[meter]):
                if window[1] > done:
                    found[meter].append(_settled(window, known, paid[meter]))
    return found


def _windows(since: int, until: int, log: list[int]) -> list[tuple[int, int]]:
    """The windows of three months without a top-up in them, between two times."""
    found: list[tuple[int, int]] = []
    while add_months(since, MONTHS) <= until:
        end = add_months(since, MONTHS)
        within = [at for at in log if since < at <= end]
        if within:
            since = within[-1]
            continue
        found.append((since, end))
        since = end
    return found


def _settled(
    window: tuple[int, int], known: History | None, paid: list[tuple[int, int]]
) -> Settlement:
    """What was used and is owed for a window; what was paid in it is owed no more on the meter."""
    since, until = window
    if known is None:
        return Settlement(since, until, None, None, False)
    begin, end = known.at(since), known.at(until)
    within = sum(value for at, value in paid if since < at <= until)
    return Settlement(
        since,
        until,
        max(end.limited_wh - begin.limited_wh, 0),
        max(end.arrears + within - begin.arrears, 0),
        end.read,
    )


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
        one = newest if same else reports.readable(bytes(row.report), office, row.meter)
        if one is not None:
            found[row.meter].append(one)
    return found


def _active_since(history: list[Reading]) -> int | None:
    """Since when the limiter's function is active, by what a meter reported."""
    starts: list[int] = []
    for reading in history:
        if reading.state.limiter_available:
            told = [e for e in reading.events if e.code == Event.LIMITER_AVAILABLE]
            starts += [e.clock * 60 + e.second for e in told] or [reading.at_s]
    return min(starts, default=None)


def _prepaid(connection: sa.Connection, chosen: list[int]) -> dict[int, list[Span]]:
    """When meters were in prepayment: the limiter's function is coupled with it (WE-33, WE-36)."""
    query = sa.select(modes).where(modes.c.meter.in_(chosen)).order_by(modes.c.meter, modes.c.at_s)
    found: dict[int, list[Span]] = defaultdict(list)
    for row in connection.execute(query):
        spans = found[row.meter]
        if row.mode == int(PaymentMode.PREPAYMENT):
            if not spans or spans[-1][1] is not None:
                spans.append((row.at_s, None))
        elif spans and spans[-1][1] is None:
            spans[-1] = (spans[-1][0], row.at_s)
    return found


def _paid(connection: sa.Connection, chosen: list[int]) -> dict[int, list[tuple[int, int]]]:
    """Payments of minimum supply by invoice: when, and mc."""
    query = sa.select(deliveries.c.meter, deliveries.c.at_s, deliveries.c.value).where(
        deliveries.c.meter.in_(chosen),
        deliveries.c.kind == int(Kind.ARREARS_PAID),
        deliveries.c.state.not_in([settle.RENEWED, settle.VOID, settle.LAPSED]),
    )
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for meter, at_s, value in connection.execute(query.order_by(deliveries.c.at_s)):
        found[meter].append((at_s, value))
    return found


def _billed(connection: sa.Connection, chosen: list[int]) -> dict[int, list[int]]:
    """When minimum supply was billed, as the cases of the meters have it: the end of the day."""
    query = (
        sa.select(cases.c.meter, case_facts.c.day)
        .join(case_facts, case_facts.c.case == cases.c.case)
        .where(cases.c.meter.in_(chosen), case_facts.c.name.in_(BILLS))
    )
    found: dict[int, list[int]] = defaultdict(list)
    for meter, day in connection.execute(query):
        found[meter].append(((day - date(2000, 1, 1)).days + 1) * units.DAY_S)
    return found


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
