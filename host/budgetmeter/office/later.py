"""What sets, the last request wins: a later one withdraws an older one that still waits.

Of what is sealed, the meter keeps the last by its order id, which an order has from its first token
on. So an older request must not be sealed after a later one.
"""

import sqlalchemy as sa
from meterproto import kinds
from meterproto.codes import Kind, Setting

from budgetmeter.office.tables import items
from budgetmeter.orders import Order, past

RIGHTS = {  # of a customer, whatever meter hangs there
    *(Kind.SUPPORT, Kind.AID, Kind.ARREARS_PAID),
    *(Kind.OVERDRAFT, Kind.HOLD, Kind.LIMIT, Kind.LIMITER_ENABLE),
}
ENDED_BY_MODE = {int(Setting.HOLD), int(Setting.OVERDRAFT), int(Setting.LIMIT)}


def withdraw_older(connection, office, meter, order, expiry=0):
    """Take back what waits for a meter and sets the same, for an order that is asked for now.

    A change of the payment mode ends holds, negative limits and limits too. An order that is past
    takes nothing back: the meter will refuse it.
    """
    if past(order, expiry, office.now_s // 60):
        return
    overtaken = set(_settings(order))
    if not overtaken:
        return
    for row in _waiting(connection, meter):
        if kinds.setting(row.kind, row.value, row.extra) in overtaken:
            _withdraw(connection, office, row, "a later order sets the same")


def withdraw_rights(connection, office, meter, comes):
    """Take back what waits for a meter and is a right of a customer who leaves it.

    What a campaign gave, it may give again where they live then.

    :param comes: the number of the customer who comes
    """
    for row in _waiting(connection, meter):
        if row.kind in RIGHTS and row.customer != comes:
            _withdraw(connection, office, row, "its customer has moved out", campaign=None)


def _waiting(connection, meter):
    where = sa.and_(items.c.meter == meter, items.c.order_id == 0, ~items.c.cancelled)
    return connection.execute(sa.select(items).where(where)).all()


def _withdraw(connection, office, row, why, **values):
    there = items.c.item == row.item
    connection.execute(items.update().where(there).values(cancelled=True, **values))
    office.note_in(connection, "withdraw", row.meter, detail=f"item {row.item}: {why}")


def _settings(order: Order):
    """The settings of which an order is the last word."""
    setting = kinds.setting(order.kind, order.value, order.extra)
    if setting is not None:
        yield setting
    if order.kind == Kind.PAYMENT_MODE:
        yield from ENDED_BY_MODE
