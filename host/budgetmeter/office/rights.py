"""What is in force at a meter by its last report, as orders for the meter that takes its place."""

from collections.abc import Iterator
from typing import Any

from meterproto.codes import Kind

from budgetmeter.orders import Order


def in_force(state: Any, values: Any, now: int) -> Iterator[Order]:
    """What a state has in force that a new meter would not have by itself.

    The mode comes first: it ends what was granted before. Of a negative limit what was not used is
    left.

    :param state: of the report, as `meterproto.records.State` has it
    :param values: of the new meter's profile, as a record
    :param now: clock value of the day
    """
    m = state
    overdraft = m.overdraft + min(m.credit, 0)
    if m.payment_mode != values.payment_mode:
        yield Order(Kind.PAYMENT_MODE, m.payment_mode)
    if m.price != values.price:
        yield Order(Kind.PRICE, m.price)
    if m.price_from > now:
        yield Order(Kind.PRICE, m.price_next, m.price_from)
    if overdraft > 0 and m.overdraft_until > now:
        yield Order(Kind.OVERDRAFT, overdraft, m.overdraft_until)
    if m.hold_until > now:
        yield Order(Kind.HOLD, m.hold_until)
    if m.limit_until > now:
        yield Order(Kind.LIMIT, m.limit_until, m.connection_w if m.limit_w else 0)
    if m.limiter_available and not values.limiter_available and values.limiter_fitted:
        yield Order(Kind.LIMITER_ENABLE)
    if m.minimum_supply_disabled:
        yield Order(Kind.MINIMUM_SUPPLY_DISABLE)
