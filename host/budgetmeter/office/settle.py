"""Settling: what a genuine report says of every order on its way, whatever way its tokens went.

An order is settled only by a report that can have seen its token. What 256 later orders have
overtaken is settled by the meter's own total of credit, where that leaves no doubt.
"""

import sqlalchemy as sa
from meterproto.codes import Kind, PaymentMode
from meterproto.kinds import ADDS
from meterproto.tokens import WINDOW

from budgetmeter.office.tables import deliveries, issued
from budgetmeter.orders import Order

OUT, TAKEN, LAPSED = "out", "taken", "lapsed"
VOID = "void"  # taken back by the office, and closed at the meter or on the card
SUPERSEDED = "superseded"  # spent without effect: a later order set the same
RENEWED = "renewed"  # another order was issued in its place

MOST_CHOICES = 4096  # of void payments that are looked through

# Why an order on its way is not settled by what the meter marks.
OVERTAKEN = "overtaken by 256 orders and not taken"
UNCLEAR = "overtaken by 256 orders: no report tells whether it was taken"
UNCLEAR_VOID = "void, and no report tells whether it was taken before"
RESTORED = "the books were restored: the meter's mark may be another token's"

CONFLICT = "the books were restored: another token of this order id is about"
DEAD = (RESTORED, UNCLEAR, OVERTAKEN, UNCLEAR_VOID)  # the meter takes no token of these any more


def settle(connection, office, row, reading, certain):
    """Bring the orders of a meter up to what it reports.

    :param row: the meter's row of the books
    :param certain: whether the report's time is sure
    """
    meter = row["meter"]
    reasons = {a.number: a.reason for a in reading.answers}
    overtaken, closing = [], []
    for order in open_orders(connection, meter):
        if reading.order <= (order.after_revision, order.after_sequence):
            continue  # it was made before the token
        if order.closing is not None:
            closing.append(order)
            continue
        if order.doubt in (RESTORED, CONFLICT):
            continue
        took, answer = reading.took(order.order_id), reasons.get(order.number, order.answer)
        if took:
            state = SUPERSEDED if reading.came_late(order.order_id) else TAKEN
            change(connection, order, state=state, answer=reasons.get(order.number, 0), doubt="")
        elif took is None:
            overtaken.append(order)
        elif certain and 0 < order.expiry <= reading.state.clock:
            change(connection, order, state=LAPSED)
        else:
            change(connection, order, state=OUT, answer=answer)
            if _stale(order, reading):
                wanted = Order(order.kind, order.value, order.extra)
                office.issue_in(
                    connection, meter, wanted, order.expiry, order.order_id, on_card=True
                )
    if overtaken:
        _settle_overtaken(connection, office, row, reading, overtaken)
    both = [order for order in closing if _settle_void(connection, office, reading, order)]
    if both:
        _settle_both(connection, office, row, reading, both)


def open_orders(connection, meter):
    """What is not settled for good, oldest token first."""
    query = sa.select(deliveries).where(
        deliveries.c.meter == meter, deliveries.c.state.in_([OUT, LAPSED])
    )
    return connection.execute(query.order_by(deliveries.c.number)).all()


def change(connection, order, **values):
    """Change an order's row."""
    where = sa.and_(deliveries.c.meter == order.meter, deliveries.c.order_id == order.order_id)
    connection.execute(deliveries.update().where(where).values(values))


def _stale(order, reading):
    """Whether a card's token is to be issued again: its key is gone, or its number too old."""
    if not order.on_card or order.kind == Kind.KEY_CHANGE:
        return False
    gone = order.revision < reading.head.key_revision
    return gone or reading.head.number - order.number >= WINDOW


def _settle_void(connection, office, reading, order):
    """A void order: closed, or taken before it could be, as the numbers of its tokens tell.

    Whether they do not: the meter took both tokens, one of them without effect.
    """
    if not reading.took(order.order_id):
        gone = order.revision < reading.head.key_revision
        if gone or reading.head.number - order.closing >= WINDOW:
            office.close_in(connection, order)
        return False
    own, closing = _numbers(connection, order)
    if all(reading.spent(number) is False for number in own):
        change(connection, order, state=VOID, doubt="")
    elif all(reading.spent(number) is False for number in closing):
        change(connection, order, state=TAKEN, doubt="")
    elif order.kind not in ADDS:
        change(connection, order, state=VOID, doubt="")
    else:
        return True
    return False


def _numbers(connection, order):
    """Numbers of all tokens of an order, and of those that close it: any of them can be the one."""
    query = sa.select(issued.c.number, issued.c.kind).where(
        issued.c.meter == order.meter, issued.c.order_id == order.order_id
    )
    rows = connection.execute(query).all()
    return (
        {order.number, *(row.number for row in rows if row.kind == order.kind)},
        {order.closing, *(row.number for row in rows if row.kind != order.kind)},
    )


def _settle_both(connection, office, row, reading, orders):
    """Void payments of which the meter took both tokens: its total of credit tells which counted.

    It does where one choice of them alone makes up what the books cannot explain.
    """
    missing = unexplained(connection, office, row, reading)
    counted = None if missing is None else _choice([order.value for order in orders], missing)
    for i, order in enumerate(orders):
        if counted is None:
            change(connection, order, doubt=UNCLEAR_VOID)
        else:
            change(connection, order, state=TAKEN if i in counted else VOID, doubt="")


def _choice(values, total):
    """The one choice of places whose values make up a total; None if there is none, or several."""
    choices = [(0, ())]
    for place, value in enumerate(values):
        more = [(s + value, (*places, place)) for s, places in choices if s + value <= total]
        choices += more
        if len(choices) > MOST_CHOICES:
            return None
    found = [places for s, places in choices if s == total]
    return found[0] if len(found) == 1 else None


# ---- Overtaken -----------------------------------------------------------------------------------


def _settle_overtaken(connection, office, row, reading, orders):
    """Orders of which the meter no longer tells: its total of credit does, for money."""
    money = [order for order in orders if order.kind in ADDS]
    for order in orders:
        if order.kind not in ADDS:
            change(connection, order, state=LAPSED, doubt=UNCLEAR)
    missing = unexplained(connection, office, row, reading)
    if missing == 0:
        for order in money:
            change(connection, order, doubt=OVERTAKEN)
            if order.on_card and order.state == OUT:
                renew(connection, office, order)
    elif missing == sum(order.value for order in money) and not row["raised"]:
        for order in money:
            change(connection, order, state=TAKEN, doubt="")
    else:
        for order in money:
            change(connection, order, doubt=UNCLEAR)


def unexplained(connection, office, row, reading):
    """Credit that a meter booked and the books do not know of, mc; None if that cannot be told.

    It cannot where the payment mode was changed, for that books a reserve.
    """
    meter = row["meter"]
    query = sa.select(deliveries.c.order_id).where(
        deliveries.c.meter == meter, deliveries.c.kind == int(Kind.PAYMENT_MODE)
    )
    if connection.execute(query.limit(1)).first() is not None:
        return None
    values = office.profile_in(connection, meter).record()
    reserve = values.initial_reserve if values.payment_mode == PaymentMode.PREPAYMENT else 0
    known = connection.execute(
        sa.select(sa.func.sum(deliveries.c.value)).where(
            deliveries.c.meter == meter,
            deliveries.c.state == TAKEN,
            deliveries.c.kind.in_([int(kind) for kind in ADDS]),
        )
    ).scalar()
    return reading.credited - reserve - int(known or 0)


def renew(connection, office, order):
    """Issue an order that no meter takes any more under a new id; its new token.

    Safe only where a report proves that the meter did not take the old one, and cannot.
    """
    change(connection, order, state=RENEWED, reference=None)
    wanted = Order(Kind(order.kind), order.value, order.extra)
    token = office.issue_in(
        connection,
        order.meter,
        wanted,
        order.expiry,
        on_card=order.on_card,
        reference=order.reference,
    )
    change(connection, order, became=token.order_id)
    where = sa.and_(deliveries.c.meter == order.meter, deliveries.c.order_id == token.order_id)
    connection.execute(deliveries.update().where(where).values(at_s=order.at_s))
    office.moved_item(connection, order.meter, order.order_id, token.order_id)
    office.note_in(
        connection, "renew", order.meter, token.number, f"order {order.order_id}: {OVERTAKEN}"
    )
    return token
