"""The way back: a void order is closed at the meter; a meter is replaced or retired.

A void payment is closed by a token of the same order that changes nothing: whichever of the two
the meter takes first, the other has no effect. Until a report tells, the money is on its way.
"""

import sqlalchemy as sa
from meterfw.account import rules
from meterproto import kinds
from meterproto.codes import Energy, Kind

from budgetmeter.errors import InputError
from budgetmeter.office import books, customers, reports, rights, settle
from budgetmeter.office.office import current
from budgetmeter.office.tables import cards, contracts, deliveries, items, meters, modes
from budgetmeter.orders import Order

OWN = (Kind.KEY_CHANGE, Kind.CLOCK, Kind.CLEAR_TAMPER)  # of one meter, whatever hangs there next
SURE = ("", settle.OVERTAKEN)  # doubts of orders that the meter has not taken, as far as is known


def void(office, meter, order_id):
    """Take back an order of which a token was sealed; the token that closes it at the meter.

    None where the meter can take it no more: then it is void at once.

    :raises InputError: no such order, or one that is settled
    """

    def work(connection):
        order = current(connection, meter, order_id)
        if order is None:
            raise InputError(f"meter {meter} has no order {order_id}")
        if order.state not in (settle.OUT, settle.LAPSED):
            raise InputError(f"meter {meter}: order {order_id} is {order.state}")
        office.note_in(connection, "void", meter, order.number, f"order {order.order_id}")
        if order.doubt in settle.DEAD or office.known(connection, meter)["retired_s"] is not None:
            settle.change(connection, order, state=settle.VOID)
            return None
        return office.close_in(connection, order)

    return office.transaction(work)


def retire(office, meter):
    """No order is issued for a meter any more; what was on its way is void.

    :raises InputError: not in the books, or retired already
    """
    office.transaction(lambda connection: _retire(connection, office, meter, None))


def replace(office, old, new, profile=None):
    """Another meter hangs where one hung: pending work, rights and balance go to it.

    The balance is that of the last report; answers it in mc, None where there was no report. What
    is owed is not moved: the caller says so. An order that the old meter may have taken stays
    there, for the office to look at.

    :param profile: of the new meter, where it is not in the books; that of the old one if left out
    :raises InputError: the same meter, one that is retired, one for another energy, or one with a
        customer of its own
    """
    if old == new:
        raise InputError("a meter does not replace itself")

    def work(connection):
        row = office.known(connection, old)
        if office.row(connection, new) is None:
            office.take_in(connection, new, profile or row["profile"])
        _check_place(connection, office, row, new)
        _take_over(connection, office, old, new)
        reading = reports.latest(connection, office, old)
        waiting = _waiting(connection, old)
        _retire(connection, office, old, new)
        balance = None
        if reading is not None:
            balance = rules.balance(reading.state)
            _move(connection, office, new, reading.state)
        for order in waiting:
            _issue_anew(connection, office, order, new)
        where = sa.and_(items.c.meter == old, items.c.order_id == 0)
        own = sa.and_(where, items.c.kind.in_([int(kind) for kind in OWN]))
        connection.execute(items.update().where(own).values(cancelled=True))
        connection.execute(items.update().where(where, ~items.c.cancelled).values(meter=new))
        office.note_in(connection, "replace", new, detail=f"replaces meter {old}")
        return balance

    return office.transaction(work)


def _check_place(connection, office, row, new):
    """Whether a meter can hang where that of a row of the books hung."""
    successor = office.known(connection, new)
    if successor["retired_s"] is not None:
        raise InputError(f"meter {new} is retired")
    was, now = (Energy(office.profile_of(r).values["energy"]).word for r in (row, successor))
    if was != now:
        raise InputError(f"meter {new} is for {now}, meter {row['meter']} for {was}")


def _waiting(connection, meter):
    """What is on its way to a meter and cannot have been taken, in the order of its issue.

    What sets is left out where the meter has taken a later order of the same.
    """
    found = [
        order
        for order in settle.open_orders(connection, meter)
        if order.state == settle.OUT and order.doubt in SURE
    ]
    query = sa.select(deliveries).where(
        deliveries.c.meter == meter, deliveries.c.state == settle.TAKEN
    )
    last = {}
    for order in connection.execute(query):
        setting = kinds.setting(order.kind, order.value, order.extra)
        last[setting] = max(last.get(setting, 0), order.order_id)
    last[None] = 0  # what adds
    return sorted(
        (o for o in found if o.order_id > last.get(kinds.setting(o.kind, o.value, o.extra), 0)),
        key=lambda order: order.order_id,
    )


def _take_over(connection, office, old, new):
    """Contract, periods, case and the history of payment modes go on at the new meter."""
    was = dict(customers.contract(connection, old))
    now = customers.contract(connection, new)
    if now["customer"] not in (was["customer"], f"{new:09d}"):
        raise InputError(f"meter {new} has a customer of its own: {now['customer']}")
    where = contracts.c.meter == new
    connection.execute(contracts.update().where(where).values({**was, "meter": new}))
    customers.hang(connection, old, new, office.now_s)
    first = sa.select(sa.func.min(modes.c.at_s)).where(modes.c.meter == new)
    begun = connection.execute(first).scalar()
    for row in connection.execute(sa.select(modes).where(modes.c.meter == old)).mappings().all():
        if begun is None or row["at_s"] < begun:
            connection.execute(modes.insert().values({**row, "meter": new}))


def _retire(connection, office, meter, successor):
    row = office.known(connection, meter)
    if row["retired_s"] is not None:
        raise InputError(f"meter {meter} is retired already")
    values = {"retired_s": office.now_s, "successor": successor}
    connection.execute(meters.update().where(meters.c.meter == meter).values(values))
    where = sa.and_(deliveries.c.meter == meter, deliveries.c.state == settle.OUT)
    if successor is not None:
        where = sa.and_(where, deliveries.c.doubt.in_(SURE))
    connection.execute(deliveries.update().where(where).values(state=settle.VOID))
    connection.execute(cards.update().where(cards.c.meter == meter).values(replaced=True))
    office.note_in(connection, "retire", meter)


def _issue_anew(connection, office, order, new):
    """An order that was on its way to a meter that hangs no more, for the one in its place."""
    if order.kind in OWN or order.closing is not None:
        return
    settle.change(connection, order, reference=None)
    wanted = Order(Kind(order.kind), order.value, order.extra)
    token = office.issue_in(
        connection, new, wanted, order.expiry, on_card=True, reference=order.reference
    )
    where = sa.and_(items.c.meter == order.meter, items.c.order_id == order.order_id)
    values = {"meter": new, "order_id": token.order_id}
    connection.execute(items.update().where(where).values(values))


def _move(connection, office, new, state):
    """What was left on the old meter, and what was in force there.

    The balance goes in orders of at most the cap of one top-up.
    """
    values, now = office.profile_in(connection, new).record(), office.now_s // 60
    wanted = list(rights.in_force(state, values, now))
    left = rules.balance(state)
    while left > 0:
        part = min(left, values.top_up_max)
        wanted.append(Order(Kind.SUPPORT, part))
        left -= part
    for order in sorted(wanted, key=books.rank):
        office.issue_in(connection, new, order, on_card=True)
