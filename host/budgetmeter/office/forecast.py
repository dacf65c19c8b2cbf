"""What a meter would make of a payment: its own rules, applied to the state that it reported.

So shares, emergency credit, negative limits, caps and parameters count as they will (AMB-08).
"""

from meterfw import layouts
from meterfw.account import orders as meter_orders
from meterfw.account import record
from meterfw.account import rules as meter_rules
from meterproto.codes import Kind, PaymentMode
from meterproto.records import Profile, State

from budgetmeter import units
from budgetmeter.errors import InputError
from budgetmeter.orders import Order

LEAST, MOST = 5 * units.EUR, 250 * units.EUR  # one payment (B-8)


def still_needed(reading, orders, pay, at_s):
    """Least payment after which supply is there, and what `pay` lacks of it, mc.

    :param orders: on the card, the payment among them
    """
    others = [o for o in orders if o.kind != Kind.TOP_UP]
    paid = sum(o.value for o in orders if o.kind == Kind.TOP_UP)
    total = required(reading, others, at_s)
    return max(LEAST, total - (paid - pay)), max(0, total - paid)


def check_payment(meter, reading, orders, pay):
    """Whether the meter would take a payment after what is on the card.

    :raises InputError: it would refuse it; the line says what it would take
    """
    m, p = _account(reading)
    for order in _with_payment(orders, 0):
        meter_orders.apply(m, p, order.kind, order.value, order.extra, 1)
    result = meter_orders.apply(m, p, Kind.TOP_UP, pay, 0, 1)
    if result <= layouts.RESULT_NO_EFFECT:
        return
    if result == layouts.RESULT_WRONG_MODE:
        raise InputError(f"meter {meter} is not in prepayment: it takes no top-up")
    most = min(p.top_up_max, layouts.BALANCE_LIMIT - m.credit) // 1000 * 1000
    if most < LEAST:
        raise InputError(f"meter {meter} would refuse it: its account is full")
    raise InputError(f"meter {meter} would refuse it: it takes at most {units.euros(most)} EUR")


def required(reading, orders, at_s):
    """Least top-up (mc) after which a meter supplies outside friendly hours; 0 if it does anyhow.

    The firmware's own rules answer: they are applied to the state that the meter reported, so that
    shares, emergency credit, negative limits and parameters count as they will (AMB-08).
    """
    low, high = 0, 2 * 10_000 * 100  # cents
    if supplies(reading, orders, 0, at_s):
        # A payment ends a negative limit, and may so open a supply that is on (OC-16, AMB-06).
        low = LEAST // 1000 - 1
        if supplies(reading, orders, LEAST, at_s):
            return 0
    if not supplies(reading, orders, high * 1000, at_s):
        return 0  # no payment would help: another reason keeps it open
    while high - low > 1:
        middle = (low + high) // 2
        if supplies(reading, orders, middle * 1000, at_s):
            high = middle
        else:
            low = middle
    return high * 1000


def supplies(reading, orders, pay, at_s):
    """Whether a meter is closed, or can be, as far as credit goes, after orders and a payment."""
    m, p = _account(reading)
    meter_rules.set_time(m, p, max(at_s // 60, m.clock), 0)
    m.window, m.hold_until = 0, 0
    for order in _with_payment(orders, pay):
        meter_orders.apply(m, p, order.kind, order.value, order.extra, 1)
    m.window, m.hold_until = 0, 0
    meter_rules.judge(m, p)
    return not m.reasons & layouts.REASON_CREDIT


def _with_payment(orders, pay):
    """Orders as the meter takes them: the payment, in tokens of at most 250 EUR, with the money."""
    parts = [min(MOST, pay - paid) for paid in range(0, pay, MOST)]
    money = [Order(Kind.TOP_UP, part) for part in parts]
    first = [o for o in orders if o.kind == Kind.PAYMENT_MODE and o.value == PaymentMode.PREPAYMENT]
    return [*first, *money, *(o for o in orders if o not in first)]


def _account(reading):
    """State and profile of a report, as the firmware's rules want them."""
    m, p = record.State(), record.Profile()
    record.unpack(m, State.build(reading.state), layouts.STATE_FORMAT, layouts.STATE_FIELDS)
    record.unpack(p, Profile.build(reading.profile), layouts.PROFILE_FORMAT, layouts.PROFILE_FIELDS)
    return m, p
