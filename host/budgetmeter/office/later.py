"""What sets, the last request wins: a later one withdraws an older one that still waits.

Of what is sealed, the meter keeps the last by its order id, which an order has from its first token
on. So an older request must not be sealed after a later one.
"""

import sqlalchemy as sa
from meterproto import kinds
from meterproto.codes import Kind, Setting

from budgetmeter.office.tables import items
from budgetmeter.orders import Order

ENDED_BY_MODE = {int(Setting.HOLD), int(Setting.OVERDRAFT), int(Setting.LIMIT)}


def withdraw_older(connection, office, meter, order):
    """Take back what waits for a meter and sets the same, for an order that is asked for now.

    A change of the payment mode ends holds, negative limits and limits too.
    """
    overtaken = set(_settings(order))
    if not overtaken:
        return
    where = sa.and_(items.c.meter == meter, items.c.order_id == 0, ~items.c.cancelled)
    for row in connection.execute(sa.select(items).where(where)).all():
        if kinds.setting(row.kind, row.value, row.extra) in overtaken:
            there = items.c.item == row.item
            connection.execute(items.update().where(there).values(cancelled=True))
            office.note_in(
                connection,
                "withdraw",
                meter,
                detail=f"item {row.item}: a later order sets the same",
            )


def _settings(order: Order):
    """The settings of which an order is the last word."""
    setting = kinds.setting(order.kind, order.value, order.extra)
    if setting is not None:
        yield setting
    if order.kind == Kind.PAYMENT_MODE:
        yield from ENDED_BY_MODE
