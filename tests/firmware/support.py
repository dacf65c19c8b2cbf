"""Short ways to set up a state and a profile for tests of the rules; runs on both interpreters.

Profiles come as plain data from `given.json`, since MicroPython reads no TOML.
"""

import json

from meterfw import layouts
from meterfw.account import calendar, orders, record, rules

try:
    import pytest

    rule = pytest.mark.rule
except ImportError:  # MicroPython: a test carries its rule ids for pytest alone

    def rule(*_):
        return lambda test: test


EUR = layouts.EUR
NOON = "2020-12-08 12:00"  # a Tuesday, outside friendly hours


def golden(name):
    """Contents of a JSON file of this folder."""
    with open(__file__.rpartition("/")[0] + "/" + name) as file:
        return json.load(file)


GIVEN = golden("given.json")


def _codes(prefix):
    """The codes of a class, named as in `meterproto.codes`."""

    class Codes:
        pass

    for name, value in GIVEN["codes"][prefix].items():
        setattr(Codes, name, value)
    return Codes


Cause = _codes("CAUSE")
ControlState = _codes("CONTROL_STATE")
EmergencyStatus = _codes("EMERGENCY_STATUS")
Kind = _codes("KIND")
LimiterRepay = _codes("LIMITER_REPAY")
LogCode = _codes("LOG_CODE")
Message = _codes("MESSAGE")
PaymentMode = _codes("PAYMENT_MODE")
Reason = _codes("REASON")
Result = _codes("RESULT")
TokenReason = _codes("TOKEN_REASON")
TokenStatus = _codes("TOKEN_STATUS")


def day(text):
    """Day number of a date such as "2020-12-08"."""
    year, month, date = [int(part) for part in text.split("-")]
    return calendar.day_of(year - 2000, month, date)


def clock(text):
    """Clock value of a Belgian local time such as "2020-12-08 12:00"."""
    date, time = text.split(" ")
    hour, minute = [int(part) for part in time.split(":")]
    local = day(date) * 1440 + hour * 60 + minute
    return local - 60 if calendar.summer(local - 60) else local


def mc(euros):
    """Millicents of euros: a whole number, or text such as "-0.50"."""
    whole, _, places = str(euros).partition(".")
    assert len(places) <= 5, euros
    amount = abs(int(whole)) * EUR + int((places + "00000")[:5])
    return -amount if whole.startswith("-") else amount


def profile(name, **changes):
    """The firmware's record of a profile, some fields replaced (in the meter's units)."""
    filled = record.Profile()
    for values in (GIVEN["profiles"][name], changes):
        for key in values:
            setattr(filled, key, values[key])
    return filled


def installed(p, at=NOON, **state):
    """A state put into service, some fields replaced."""
    m = record.State()
    orders.install(m, p, clock(at))
    for key, value in state.items():
        setattr(m, key, value)
    return m


def meter(name, at=NOON, changes=None, **state):
    """State and profile, judged; `conserved` holds if the credit given is also booked."""
    p = profile(name, **(changes or {}))
    m = installed(p, at)
    books(m, -m.credit)
    m.credit = 0
    for key, value in state.items():
        setattr(m, key, value)
    books(m, rules.balance(m) - m.arrears)
    rules.judge(m, p)
    m.events = 0
    return m, p


def books(m, amount):
    """Adjust `settled` so that the invariant holds after fields were set by hand."""
    orders.book_settled(m, amount)


def conserved(m):
    """The invariant of the account."""
    account = m.credit - m.emergency_used - m.arrears
    credited = m.credited_eur * EUR + m.credited_mc
    charged = m.charged_eur * EUR + m.charged_mc
    settled = m.settled_eur * EUR + m.settled_mc
    return account == credited - charged + settled


def order(m, p, kind, value=0, extra=0, order_id=0):
    """One order, judged."""
    result = orders.apply(m, p, kind, value, extra, order_id)
    rules.judge(m, p)
    return result


def charged(m):
    """Lifetime total of energy charged, mc."""
    return m.charged_eur * EUR + m.charged_mc


def use(m, p, euros):
    """Consume energy worth so many euros."""
    spend(m, p, mc(euros))


def spend(m, p, amount):
    """Consume energy worth an amount in small bites within the minute; pulses of gas are litres."""
    target = charged(m) + amount
    while charged(m) < target:
        bite = min((target - charged(m)) * 1000 // m.price, 100)
        if p.wh_per_m3 > 0:
            bite = bite * 1000 // p.wh_per_m3
        rules.advance(m, p, 0, max(bite, 1), 1000, 230)


def off(m):
    return rules.supply_on(m) == 0


def ready(m):
    return m.control_state == layouts.CONTROL_STATE_READY


def events(m):
    """Names of the events that happened, cleared."""
    words = layouts.EVENT_WORDS.upper().replace("-", "_").split()
    seen = {word for i, word in enumerate(words) if m.events >> i & 1}
    m.events = 0
    return seen


def fields(m):
    """All fields of the state as a dictionary."""
    return {name: getattr(m, name) for name in layouts.STATE_FIELDS}


def out_of_range(m):
    """Name of the first field out of its declared range, or None."""
    return record.in_range(m, layouts.STATE_FIELDS, layouts.STATE_LOW, layouts.STATE_HIGH)
