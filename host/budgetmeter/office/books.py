"""What the books say of a meter: the reports its cards brought back, and the orders on their way.

Functions over a connection; whoever calls them holds the transaction.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from construct import ConstructError
from meterproto import cards as layout
from meterproto.codes import Kind
from meterproto.tokens import WINDOW

from budgetmeter.errors import InputError
from budgetmeter.office.office import EPOCH, Issued, Office
from budgetmeter.office.tables import contracts, deliveries, issued, modes, readings
from budgetmeter.orders import Order

CREDIT = (Kind.TOP_UP, Kind.SUPPORT, Kind.AID)  # kinds that carry money
AHEAD_S = 600  # a meter's clock may be so far ahead of the office's
OUT, TAKEN, LAPSED = "out", "taken", "lapsed"


@dataclass(frozen=True)
class Reading:
    """A report, genuine; parts as `meterproto.cards.report` gives them."""

    head: Any
    state: Any
    profile: Any
    answers: list[Any]
    captures: list[Any]
    events: list[Any]

    @property
    def at_s(self) -> int:
        """The meter's time."""
        return self.state.clock * 60 + self.state.second

    @property
    def order(self) -> tuple[int, int]:
        """What sorts reports of one meter by age."""
        return self.head.key_revision, self.head.sequence

    def took(self, order_id: int) -> bool | None:
        """Whether the meter took an order; None where it can no longer tell."""
        age = self.head.order - order_id
        if age < 0:
            return False
        if age >= WINDOW:
            return None
        return bool(self.head.orders[age >> 3] >> (age & 7) & 1)


def parse(held: bytes, office: Office, meter: int) -> Reading:
    """The reading of a report's bytes.

    :raises ValueError: what is wrong with it, for the person at the terminal
    """
    try:
        reading = Reading(**layout.report(held))
        key = office.keys.meter_key(reading.head.meter, reading.head.key_revision)
    except (ConstructError, ValueError, InputError):
        raise ValueError("the report on the card cannot be read") from None
    if reading.head.meter != meter:
        raise ValueError("the report on the card is of another meter")
    if not layout.report_genuine(held, key):
        raise ValueError("the report on the card is not genuine")
    return reading


def latest(connection: sa.Connection, office: Office, meter: int) -> Reading | None:
    """The newest reading in the books, or None."""
    row = connection.execute(
        sa.select(readings.c.report)
        .where(readings.c.meter == meter)
        .order_by(readings.c.key_revision.desc(), readings.c.sequence.desc())
        .limit(1)
    ).scalar()
    return None if row is None else parse(bytes(row), office, meter)


def history(connection: sa.Connection, office: Office, meter: int) -> list[Reading]:
    """All readings in the books, oldest first."""
    rows = connection.execute(
        sa.select(readings.c.report)
        .where(readings.c.meter == meter)
        .order_by(readings.c.key_revision, readings.c.sequence)
    ).scalars()
    return [parse(bytes(row), office, meter) for row in rows]


def accept(
    connection: sa.Connection, office: Office, meter: int, image: bytes
) -> tuple[Reading | None, str]:
    """Take a card's report into the books.

    Answers the reading, None where there is nothing to take, and why it is not fresh data, "" if it
    is (OC-05).
    """
    found = layout.newest(image, layout.OUTWARD, layout.OUTWARD_SIZE)
    if found is None:
        return None, "no report on the card: it has not been in the meter"
    held = bytes(found[2])
    try:
        reading = parse(held, office, meter)
    except ValueError as error:
        return None, str(error)
    known = latest(connection, office, meter)
    if known is not None and reading.order < known.order:
        return None, "the report on the card is older than one that was read before"
    if known is None or reading.order > known.order:
        connection.execute(
            readings.insert().values(
                meter=meter,
                key_revision=reading.head.key_revision,
                sequence=reading.head.sequence,
                at_s=office.now_s,
                report=held,
            )
        )
        _note_mode(connection, meter, reading)
    if reading.state.uncertain:
        doubt = "the time of the report is uncertain"
    elif reading.at_s > office.now_s + AHEAD_S:
        doubt = "the meter's clock is ahead"
    else:
        doubt = ""
    _settle(connection, office, meter, reading, certain=not doubt)
    return reading, doubt


def _note_mode(connection: sa.Connection, meter: int, reading: Reading) -> None:
    """Remember when the payment mode changed."""
    if reading.state.payment_mode == mode_at(connection, meter, reading.at_s):
        return
    row = {"meter": meter, "at_s": reading.at_s, "mode": reading.state.payment_mode}
    same = sa.and_(modes.c.meter == meter, modes.c.at_s == reading.at_s)
    connection.execute(modes.delete().where(same))
    connection.execute(modes.insert().values(row))


def mode_at(connection: sa.Connection, meter: int, at_s: int) -> int | None:
    """The payment mode at a time, or None before the meter was in service."""
    return connection.execute(
        sa.select(modes.c.mode)
        .where(modes.c.meter == meter, modes.c.at_s <= at_s)
        .order_by(modes.c.at_s.desc())
        .limit(1)
    ).scalar()


def contract(connection: sa.Connection, meter: int) -> Any:
    """The customer's side of a meter, or None."""
    found = connection.execute(sa.select(contracts).where(contracts.c.meter == meter))
    return found.mappings().first()


# ---- Orders on their way -------------------------------------------------------------------------


def hand_out(
    connection: sa.Connection,
    office: Office,
    meter: int,
    order: Order,
    on_card: bool,
    expiry: int = 0,
    order_id: int | None = None,
) -> Issued:
    """Issue a token of an order and note that it is on its way."""
    token = office.issue_in(connection, meter, order, expiry, order_id)
    where = sa.and_(deliveries.c.meter == meter, deliveries.c.order_id == token.order_id)
    if connection.execute(sa.select(deliveries).where(where)).first() is None:
        row = {"meter": meter, "order_id": token.order_id, "on_card": on_card, "state": OUT}
        connection.execute(deliveries.insert().values(row))
    elif on_card:
        connection.execute(deliveries.update().where(where).values(on_card=True))
    return token


def _settle(
    connection: sa.Connection, office: Office, meter: int, reading: Reading, certain: bool
) -> None:
    """Bring the orders on their way up to what the meter reports."""
    reasons = {a.number: a.reason for a in reading.answers}
    for row in _on_the_way(connection, meter):
        where = sa.and_(deliveries.c.meter == meter, deliveries.c.order_id == row.order_id)
        took = reading.took(row.order_id)
        if took:
            values = {"state": TAKEN, "answer": reasons.get(row.number, 0)}
        elif certain and took is False and 0 < row.expiry <= reading.state.clock:
            values = {"state": LAPSED}
        else:
            values = {"answer": reasons.get(row.number, row.answer)}
            if took is False and _stale(row, reading):
                order = Order(row.kind, row.value, row.extra)
                office.issue_in(connection, meter, order, row.expiry, row.order_id)
        connection.execute(deliveries.update().where(where).values(values))


def _stale(row: Any, reading: Reading) -> bool:
    """Whether a card's token is to be issued again: its key is gone, or its number too old."""
    if not row.on_card or row.kind == Kind.KEY_CHANGE:
        return False
    gone = row.key_revision < reading.head.key_revision
    return gone or reading.head.number - row.number >= WINDOW


def _on_the_way(connection: sa.Connection, meter: int, on_card: bool | None = None) -> list[Any]:
    """Orders on their way, each with the newest of its tokens."""
    last = (
        sa.select(issued.c.meter, issued.c.order_id, sa.func.max(issued.c.number).label("number"))
        .where(issued.c.meter == meter)
        .group_by(issued.c.meter, issued.c.order_id)
        .subquery()
    )
    query = (
        sa.select(issued, deliveries.c.answer, deliveries.c.on_card)
        .join(last, sa.and_(issued.c.meter == last.c.meter, issued.c.number == last.c.number))
        .join(
            deliveries,
            sa.and_(
                deliveries.c.meter == issued.c.meter, deliveries.c.order_id == issued.c.order_id
            ),
        )
        .where(deliveries.c.state == OUT)
        .order_by(issued.c.number)
    )
    if on_card is not None:
        query = query.where(deliveries.c.on_card == on_card)
    return list(connection.execute(query).all())


def for_the_card(connection: sa.Connection, meter: int) -> tuple[list[Any], list[Order]]:
    """What belongs on a customer's card now, in the order in which the meter is to take it."""
    rows = _on_the_way(connection, meter, True)
    rows.sort(key=lambda row: (row.key_revision, _rank(row), row.number))
    return [Issued(meter, r.number, r.order_id, r.kind, bytes(r.token)) for r in rows], [
        Order(Kind(r.kind), r.value, r.extra) for r in rows
    ]


def _rank(row: Any) -> Any:
    """Prepayment first, then money, then the rest; what ends prepayment, or a key, last."""
    if row.kind == Kind.PAYMENT_MODE:
        return 0 if row.value == 2 else 3
    if row.kind == Kind.KEY_CHANGE:
        return 4
    return 1 if row.kind in CREDIT else 2


def credit_orders(connection: sa.Connection, meter: int) -> Any:
    """Money that was handed out: (order id, mc), each order once whatever tokens it had."""
    rows = connection.execute(
        sa.select(issued.c.order_id, sa.func.max(issued.c.value))
        .where(issued.c.meter == meter, issued.c.kind.in_([int(kind) for kind in CREDIT]))
        .group_by(issued.c.order_id)
    )
    return [tuple(row) for row in rows]


def money(connection: sa.Connection, meter: int) -> Any:
    """Credit handed out for a meter as the books know it: (on its way, taken, lapsed), mc."""
    where = deliveries.c.meter == meter
    query = sa.select(deliveries.c.order_id, deliveries.c.state).where(where)
    states = {row.order_id: row.state for row in connection.execute(query)}
    sums = dict.fromkeys((OUT, TAKEN, LAPSED), 0)
    for order_id, value in credit_orders(connection, meter):
        sums[states.get(order_id, OUT)] += value
    return sums[OUT], sums[TAKEN], sums[LAPSED]


def top_ups(connection: sa.Connection, meter: int) -> Any:
    """The top-up log: (time in s, amount in mc), oldest first."""
    rows = connection.execute(
        sa.select(sa.func.min(issued.c.at), sa.func.max(issued.c.value))
        .where(issued.c.meter == meter, issued.c.kind == int(Kind.TOP_UP))
        .group_by(issued.c.order_id)
        .order_by(sa.func.min(issued.c.number))
    )
    return [(seconds(at), value) for at, value in rows]


def seconds(at: datetime) -> int:
    """A time of the database in seconds since 2000-01-01 00:00 UTC+1; SQLite drops its zone."""
    aware = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return int((aware - EPOCH).total_seconds())
