"""What the books say of a meter: what is on its way, what belongs on its card, its money.

Functions over a connection; whoever calls them holds the transaction.
"""

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from construct import ConstructError
from meterproto import cards as layout
from meterproto.codes import Kind
from meterproto.kinds import CREDIT

from budgetmeter.errors import InputError
from budgetmeter.office import reports, restore, settle
from budgetmeter.office.payments import Issued
from budgetmeter.office.reports import Reading, history, latest, mode_at, parse
from budgetmeter.office.settle import LAPSED, OUT, RENEWED, SUPERSEDED, TAKEN, VOID
from budgetmeter.office.tables import deliveries, issued
from budgetmeter.orders import Order

__all__ = ["Reading", "history", "latest", "mode_at", "parse"]
MOST_MONEY = layout.MOST_TOKENS - 2  # on one card: what is not money finds room beside it


@dataclass(frozen=True)
class Taken:
    """What a report brought into the books.

    :ivar reading: a `reports.Reading`; None where there is nothing to take
    :ivar doubt: why its time is no evidence, or why it was not taken; "" if it is
    :ivar said: what else is to be said of it
    """

    reading: Any = None
    doubt: str = ""
    said: list = field(default_factory=list)


def accept_card(connection, office, meter, image):
    """Take what a card brings into the books: tokens that they have lost, and its report."""
    row = office.row(connection, meter)
    adopted = restore.adopt_card(connection, office, row, image)
    said = [f"tokens on the card that the books had lost: {adopted}"] if adopted else []
    held = reports.on_card(office, meter, image)
    if held is None:
        return Taken(None, "no report on the card: it has not been in the meter", said)
    try:
        taken = accept(connection, office, meter, held)
    except ValueError as error:
        return Taken(None, str(error), said)
    return Taken(taken.reading, taken.doubt, [*said, *taken.said])


def accept_wire(office, held):
    """Take the bytes of a report that came over the wire into the books: (meter, `Taken`).

    :raises InputError: not the genuine report of a meter in the books, or an old one
    """
    try:
        meter = layout.report(held)["head"].meter
    except (ConstructError, ValueError):
        raise InputError("the report cannot be read") from None

    def work(connection):
        office.known(connection, meter)
        try:
            return meter, accept(connection, office, meter, held)
        except ValueError as error:
            raise InputError(f"meter {meter}: {error}") from None

    return office.transaction(work)


def accept(connection, office, meter, held):
    """Take the bytes of a report into the books, whatever way they came.

    :raises ValueError: why they are not taken, for the person at the terminal
    """
    reading = reports.keep(connection, office, office.row(connection, meter), held)
    row = office.row(connection, meter)
    said = []
    doubt = reports.doubt_of(office, reading)
    raised = restore.raise_to(connection, office, row, reading)
    if raised:
        said.append(raised)
    if not restore.was_read(connection, office, row, reading):
        said.append("the report was made before the books were restored")
    else:
        row = office.row(connection, meter)
        settle.settle(connection, office, row, reading, certain=not doubt)
    return Taken(reading, doubt, said)


# ---- Orders on their way -------------------------------------------------------------------------


def hand_out(connection, office, meter, order, on_card, expiry=0, order_id=None, reference=None):
    """Issue a token of an order."""
    return office.issue_in(connection, meter, order, expiry, order_id, on_card, reference)


def for_the_card(connection, meter):
    """What belongs on a customer's card now, in the order in which the meter is to take it."""
    query = (
        sa.select(issued)
        .join(
            deliveries,
            sa.and_(
                deliveries.c.meter == issued.c.meter,
                sa.func.coalesce(deliveries.c.closing, deliveries.c.number) == issued.c.number,
            ),
        )
        .where(
            deliveries.c.meter == meter,
            deliveries.c.state == OUT,
            deliveries.c.on_card.is_(True),
            deliveries.c.doubt == "",
        )
    )
    rows = list(connection.execute(query).all())
    rows.sort(key=lambda row: (row.key_revision, rank(row), row.number))
    return [Issued(meter, r.number, r.order_id, r.kind, bytes(r.token)) for r in rows], [
        Order(Kind(r.kind), r.value, r.extra) for r in rows
    ]


def rank(row):
    """Where an order stands among those that a meter takes at once.

    The time first, then prepayment, money, the rest; what ends prepayment, or a key, last.
    """
    if row.kind == Kind.CLOCK:
        return -1
    if row.kind == Kind.PAYMENT_MODE:
        return 0 if row.value == 2 else 3
    if row.kind == Kind.KEY_CHANGE:
        return 4
    return 1 if row.kind in CREDIT else 2


def credit_orders(connection, meter, kinds=CREDIT):
    """Money that was handed out: (order id, mc), each order once whatever tokens it had."""
    rows = connection.execute(
        sa.select(deliveries.c.order_id, deliveries.c.value).where(
            deliveries.c.meter == meter, _is_money(kinds), deliveries.c.state != RENEWED
        )
    )
    return [tuple(row) for row in rows]


def _is_money(kinds=CREDIT):
    return deliveries.c.kind.in_([int(kind) for kind in kinds])


@dataclass(frozen=True)
class Account:
    """Credit issued for a meter as the books know it, mc. It adds up, always.

    :ivar dead: what no meter takes any more: lapsed, or superseded
    """

    issued: int = 0
    taken: int = 0
    on_the_way: int = 0
    void: int = 0
    dead: int = 0

    @property
    def adds_up(self):
        """Whether every cent stands in one place."""
        return self.issued == self.taken + self.on_the_way + self.void + self.dead


def account(connection, meter):
    """The `Account` of a meter."""
    return accounts(connection, meter, meter).get(meter, Account())


def accounts(connection, first, last):
    """The `Account` of each meter of a range that was ever issued credit, by its number.

    What was issued is summed from the tokens, and not from what became of their orders.
    """
    totals = _issued(connection, first, last)
    sums = {meter: dict.fromkeys(_STATES, 0) for meter in totals}
    query = (
        sa.select(deliveries.c.meter, deliveries.c.state, sa.func.sum(deliveries.c.value))
        .where(
            deliveries.c.meter.between(first, last),
            _is_money(),
            deliveries.c.state != RENEWED,
        )
        .group_by(deliveries.c.meter, deliveries.c.state)
    )
    for meter, state, total in connection.execute(query):
        sums.setdefault(meter, dict.fromkeys(_STATES, 0))[state] += int(total)
    return {
        meter: Account(
            totals.get(meter, 0),
            states[TAKEN],
            states[OUT],
            states[VOID],
            states[LAPSED] + states[SUPERSEDED],
        )
        for meter, states in sums.items()
    }


_STATES = (OUT, TAKEN, LAPSED, VOID, SUPERSEDED)


def _issued(connection, first, last):
    """Credit of all orders with a token, by meter; one that was renewed counts once."""
    each = (
        sa.select(issued.c.meter, issued.c.order_id, sa.func.max(issued.c.value).label("value"))
        .where(
            issued.c.meter.between(first, last),
            issued.c.kind.in_([int(kind) for kind in CREDIT]),
        )
        .group_by(issued.c.meter, issued.c.order_id)
        .subquery()
    )
    renewed = (
        sa.select(deliveries.c.order_id)
        .where(
            deliveries.c.meter == each.c.meter,
            deliveries.c.order_id == each.c.order_id,
            deliveries.c.state == RENEWED,
        )
        .exists()
    )
    query = sa.select(each.c.meter, sa.func.sum(each.c.value)).where(~renewed)
    return {meter: int(total) for meter, total in connection.execute(query.group_by(each.c.meter))}


def money(connection, meter):
    """Credit handed out for a meter as the books know it: (on its way, taken, lapsed), mc."""
    sums = account(connection, meter)
    return sums.on_the_way, sums.taken, sums.dead
