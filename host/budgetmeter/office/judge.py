"""One judge through which every order goes, whether it is queued, typed or sent.

Limits of amounts are in `budgetmeter.orders`; here is what depends on customer, meter and day.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa
from meterfw.account import calendar
from meterproto.codes import Kind, PaymentMode, WinterBar
from meterproto.tokens import WINDOW

from budgetmeter import profiles, units
from budgetmeter.casebook import terms
from budgetmeter.errors import InputError
from budgetmeter.office import cases, customers, forecast, reports, settle
from budgetmeter.office.tables import deliveries, items
from budgetmeter.orders import Order

FOR_PROTECTED = {Kind.LIMITER_ENABLE: "the limiter", Kind.AID: "winter aid"}  # OC-18, WG-30
GUARANTEE_MONTHS = 6  # the limiter after a judge's order (WE-34)


def judge(connection, office, meter, order, expiry=0, profile=None, has_case=True):
    """Whether an order may be given now; answers its expiry.

    :param profile: of the meter, where it is known
    :param has_case: False where the meter is known to have none
    :raises InputError: a rule refuses it: winter, guarantee, once only, not eligible, or a
        payment that the meter would refuse
    """
    now_s = office.now_s
    profile = office.profile_in(connection, meter) if profile is None else profile
    if has_case:
        cases.ask(connection, office, meter, order)
    check_now(connection, office, meter, order)
    if order.kind == Kind.AID and not profile.gas:
        raise InputError("winter aid is for gas")
    check_protected(connection, office, meter, order)
    if order.kind == Kind.PAYMENT_MODE:
        _coupled(connection, office, meter, order, profile)
    if order.kind == Kind.TOP_UP:
        _sold(connection, office, meter, order)
    if order.kind == Kind.OVERDRAFT:
        _once(connection, office, meter, profile)
        if order.extra > now_s // 60:  # no token of it lives longer than it does
            return min(expiry or order.extra, order.extra)
    if order.kind == Kind.AID:
        return _aid(profile, expiry, now_s)
    return expiry


def check_protected(connection, office, meter, order):
    """What is for protected customers is for who is protected on the day it is handed out."""
    what = FOR_PROTECTED.get(order.kind)
    if what and not customers.protected(connection, meter, office.now_s):
        raise InputError(f"{what} is for protected customers")


def check_now(connection, office, meter, order):
    """What was right when it was queued may be wrong in winter (WE-39)."""
    if order.kind != Kind.MINIMUM_SUPPLY_DISABLE:
        return
    profile = office.profile_in(connection, meter)
    contract = customers.contract(connection, meter)
    earliest = earliest_withdrawal(profile, contract, office.now_s)
    if earliest > office.now_s:
        raise InputError(f"minimum supply may not end before {local(earliest)}")


def holder(connection, meter):
    """Whose rights count at a meter: the customer's number."""
    contract = customers.contract(connection, meter)
    return contract["customer"] if contract else f"{meter:09d}"


def _coupled(connection, office, meter, order, profile):
    """The limiter comes with prepayment for a protected customer, and for nobody else (WE-33)."""
    values = profile.values
    if order.value != PaymentMode.PREPAYMENT or not values["limiter_fitted"]:
        return
    protected = customers.protected(connection, meter, office.now_s)
    if protected and not order.extra and not values["limiter_available"]:
        raise InputError("the customer is protected: the limiter comes along, --protected")
    if order.extra and not protected:
        raise InputError("the customer is not protected: prepayment comes without --protected")


def _once(connection, office, meter, profile):
    """A negative credit limit is activated once for a customer and an energy (OC-12, AMB-22).

    One that was handed out counts, until a report proves that the meter never took it.
    """
    same = sa.and_(deliveries.c.meter == items.c.meter, deliveries.c.order_id == items.c.order_id)
    rows = connection.execute(
        sa.select(items, deliveries.c.state)
        .select_from(items.join(deliveries, same, isouter=True))
        .where(
            items.c.kind == int(Kind.OVERDRAFT),
            items.c.customer == holder(connection, meter),
            items.c.energy == profile.values["energy"],
            items.c.cancelled.is_(False),
        )
    )
    for row in rows:
        unused = row.state in (settle.LAPSED, settle.VOID)
        waiting_over = row.state is None and 0 < row.expiry * 60 <= office.now_s
        if not (unused or waiting_over):
            raise InputError(f"a negative credit limit was granted before: item {row.item}")


def _sold(connection, office, meter, order):
    """What the meter would refuse by its last report is not sold, whatever way it would go."""
    known = reports.latest(connection, office, meter)
    if known is None:
        return
    way = (
        sa.select(deliveries.c.kind, deliveries.c.value, deliveries.c.extra)
        .where(
            deliveries.c.meter == meter,
            deliveries.c.state == settle.OUT,
            deliveries.c.closing.is_(None),
        )
        .order_by(deliveries.c.number.desc())
        .limit(WINDOW)  # of older ones the meter takes none any more
    )
    orders = [Order(Kind(kind), *values) for kind, *values in connection.execute(way)][::-1]
    forecast.check_payment(meter, known, orders, order.value)


def _aid(profile, expiry, now_s):
    """Aid is given within the winter of the profile, and ends with it (WG-30)."""
    record, day = profile.record(), calendar.local(now_s // 60) // 1440
    if not calendar.winter_at(record, day):
        raise InputError(
            f"winter aid is given from {profiles.shown('winter_from', record.winter_from)} "
            f"to {profiles.shown('winter_to', record.winter_to)}"
        )
    while calendar.winter_at(record, day):
        day += 1
    end = _midnight(day)
    return min(expiry or end, end)


def add_months(at_s, count):
    """A time (s since 2000 UTC+1) some calendar months later; the 31st becomes the last day."""
    moment = units.from_clock(at_s // 60)
    later = datetime.combine(terms.add_months(moment.date(), count), moment.time())
    return _clock(later) * 60 + at_s % 60


def _midnight(day):
    """Clock value at which a day begins, counted from 2000-01-01."""
    return _clock(units.EPOCH + timedelta(days=day))


def _clock(moment):
    """Its clock value; what lies behind the calendar is at its end."""
    return units.to_clock(min(moment, units.END - timedelta(minutes=1)))


def earliest_withdrawal(profile, contract, at_s):
    """When minimum supply may end: not before the judge's guarantee is over, nor in winter.

    The later of the ends counts (WE-34, WE-39, AMB-16).
    """
    earliest = at_s
    if contract is not None and contract["judge_s"] is not None:
        earliest = max(earliest, add_months(contract["judge_s"], GUARANTEE_MONTHS))
        earliest = max(earliest, contract["judge_until_s"] or 0)
    if profile.values["winter_bars"] & WinterBar.MINIMUM_SUPPLY:
        record, day = profile.record(), calendar.local(earliest // 60) // 1440
        winter = False
        while calendar.winter_at(record, day):
            winter, day = True, day + 1
        if winter:
            earliest = max(earliest, _midnight(day) * 60)
    return earliest


def local(at_s):
    """Belgian local time of seconds since 2000 UTC+1, as text."""
    return f"{units.from_clock(at_s // 60):%Y-%m-%d %H:%M}"
