"""The people behind the meters: how they pay, and what they do when something happens.

Portable. `next_action` says what somebody does now, the caller does it, and tells of what followed
with `notice`. `h` is the household, `c` the habits all share, `m` and `p` the meter. Plans
are clock values, 0 for none.
"""

from meterfw.account.calendar import local
from meterfw.layouts import (
    CONTROL_STATE_READY,
    EMERGENCY_STATUS_SELECTABLE,
    EUR,
    EVENT_DISCONNECTED,
    EVENT_EMERGENCY_IN_USE,
    EVENT_KEPT_ON,
    EVENT_LIMITER_ENGAGED,
    EVENT_LOW_CREDIT,
    EVENT_OVERLOAD,
    KIND_ARREARS_PAID,
    KIND_LIMITER_ENABLE,
    KIND_TOP_UP,
    LIMITER_REPAY_INVOICE,
    PAYMENT_MODE_PREPAYMENT,
    REASON_CREDIT,
)

from budgetmeter.fleet.draws import (
    AT_EASE,
    BILL,
    COVER,
    ERRAND,
    ERRANDS,
    FIRST_VISIT,
    HEED,
    LIMITED,
    PRESS,
    PROTECTED,
    RHYTHM,
    SKIP,
    VISIT_TIME,
    below,
    between,
    chance,
    draw,
    one_of,
)

NOTHING = 0  # actions: nothing more, the button, or the kind of an order of `h.value`
BUTTON = -1
NOTE = 5 * EUR  # people pay whole notes
_WARNINGS = EVENT_LOW_CREDIT | EVENT_EMERGENCY_IN_USE | EVENT_KEPT_ON


def move_in(h, c, m, p, t):
    """Who lives here: rhythm and size of top-ups, how fast they react; the first plans."""
    h.rhythm_min = one_of(t.quantiles, t.spans[2], draw(c, h.meter, RHYTHM, 0)) * 1440
    cover = between(t.quantiles, t.spans[3], draw(c, h.meter, COVER, 0))
    h.errand_h = between(t.quantiles, t.spans[4], draw(c, h.meter, ERRANDS, 0))
    h.limited_h = between(t.quantiles, t.spans[5], draw(c, h.meter, LIMITED, 0))
    year_mc = (h.base_wh + h.heating_wh) // 1000 * p.price
    h.amount = notes(p, year_mc // 365 * (h.rhythm_min // 1440) // 100 * cover)
    h.enrol = 0
    if m.payment_mode == PAYMENT_MODE_PREPAYMENT:
        h.enrol = chance(draw(c, h.meter, PROTECTED, 0), c.protected_pct)
        if m.limiter_available == 1 or p.limiter_fitted == 0:
            h.enrol = 0
        first = 1 + below(draw(c, h.meter, FIRST_VISIT, 0), h.rhythm_min // 1440)
        plan_visit(h, c, m.clock + (first - 1) * 1440 - h.rhythm_min)
        if p.limiter_repay == LIMITER_REPAY_INVOICE:  # OC-23
            h.bill_at = m.clock + c.bill_days * 1440


def notes(p, amount):
    """An amount in whole notes, up, within what a top-up may be."""
    return min(max((amount + NOTE - 1) // NOTE * NOTE, NOTE), p.top_up_max)


def in_hours(first, last, clock):
    """The clock value, or the same minute of the next hour from `first` to `last` (local)."""
    hour = local(clock) % 1440 // 60
    if hour < first:
        return clock + (first - hour) * 60
    if hour >= last:
        return clock + (24 + first - hour) * 60
    return clock


def plan_visit(h, c, clock):
    """The next regular top-up, a rhythm after a clock value, at some minute of the open hours."""
    after = clock + h.rhythm_min
    day = local(after) // 1440
    minute = below(draw(c, h.meter, VISIT_TIME, day), (c.closes - c.opens) * 60)
    h.visit_at = max(after - local(after) % 1440 + c.opens * 60 + minute, clock + 1)


def plan_errand(h, c, m, within_h):
    """A top-up out of turn within so many hours, unless one is planned earlier."""
    minutes = 60 + below(draw(c, h.meter, ERRAND, m.clock), within_h * 60)
    at = in_hours(c.opens, c.closes, m.clock + minutes)
    if h.errand_at == 0 or at < h.errand_at:
        h.errand_at = at


def can_press(m):
    """1 when the button may do something."""
    if m.control_state == CONTROL_STATE_READY or m.emergency_status == EMERGENCY_STATUS_SELECTABLE:
        return 1
    if m.reasons & REASON_CREDIT and m.limiter_available == 1 and m.minimum_supply_disabled == 0:
        return 1
    return 0


def plan_press(h, c, m):
    """Somebody goes to the meter, if the button may do something."""
    if h.press_at == 0 and can_press(m) == 1:
        within = c.notice_min
        if careful(h, m) == 1:
            within = c.trip_min
        minutes = 1 + below(draw(c, h.meter, PRESS, m.clock), within)
        h.press_at = in_hours(c.wakes, c.sleeps, m.clock + minutes)


def careful(h, m):
    """1 while the load is kept below the limit, after an overload."""
    if m.clock < h.careful_until:
        return 1
    return 0


def at_ease(h, c, m):
    """1 when a hold lets people put off what they would have paid."""
    if m.hold_until <= m.clock:
        return 0
    return chance(draw(c, h.meter, AT_EASE, m.clock), c.hold_skip_pct)


def heeded(h, c, m):
    """1 when a warning is acted on."""
    if at_ease(h, c, m) == 1:
        return 0
    return chance(draw(c, h.meter, HEED, m.clock), c.heed_pct)


def notice(h, c, m, events):
    """Something happened at the meter (a mask of layouts.EVENT_…)."""
    if events == 0:
        return
    if events & EVENT_OVERLOAD:
        h.careful_until = m.clock + c.careful_h * 60
    if m.payment_mode == PAYMENT_MODE_PREPAYMENT:
        if events & EVENT_DISCONNECTED and m.reasons & REASON_CREDIT:
            plan_errand(h, c, m, h.errand_h)
        elif events & EVENT_LIMITER_ENGAGED:
            plan_errand(h, c, m, h.limited_h)
        elif events & _WARNINGS and heeded(h, c, m) == 1:
            plan_errand(h, c, m, c.heed_h)
    plan_press(h, c, m)


def restrained(h, m, w, ma):
    """Power while people take care: at most the limit in force."""
    if careful(h, m) == 1 and m.limiter_engaged == 1:
        if m.limit_ma > 0 and ma > m.limit_ma:
            return w * m.limit_ma // ma
        if m.limit_w > 0 and w > m.limit_w:
            return m.limit_w
    return w


def next_action(h, c, m, p):
    """What somebody does now: an order's kind with its amount in `h.value`, BUTTON, or NOTHING."""
    if h.careful_until <= m.clock:
        h.careful_until = 0
    if h.again == 1:  # what was done did not help: go on
        h.again = 0
        if m.reasons & REASON_CREDIT:
            plan_errand(h, c, m, h.errand_h)
        plan_press(h, c, m)
    if h.enrol == 1:  # WE-33
        h.enrol = 0
        h.value = 0
        return KIND_LIMITER_ENABLE
    if 0 < h.bill_at <= m.clock:
        h.bill_at += c.bill_days * 1440
        if m.arrears > 0 and chance(draw(c, h.meter, BILL, m.clock), c.bill_paid_pct) == 1:
            h.value = m.arrears
            return KIND_ARREARS_PAID
    if 0 < h.visit_at <= m.clock:
        day = local(m.clock) // 1440
        plan_visit(h, c, m.clock)
        skipped = chance(draw(c, h.meter, SKIP, day), c.skip_pct)
        if (
            skipped == 0
            and at_ease(h, c, m) == 0
            and m.credit - m.emergency_used < h.amount // 100 * c.enough_pct
        ):
            h.value = h.amount
            return KIND_TOP_UP
    if 0 < h.errand_at <= m.clock:
        h.errand_at = 0
        if m.credit - m.emergency_used < NOTE or m.limiter_engaged == 1:
            h.again = 1
            h.value = notes(p, max(h.amount, m.emergency_used - m.credit + p.restore_min))
            return KIND_TOP_UP
    if 0 < h.press_at <= m.clock:
        h.press_at = 0
        if can_press(m) == 1:
            h.again = 1
            return BUTTON
    return NOTHING


def sooner(at, plan):
    """The earlier of a clock value and a plan."""
    if 0 < plan < at:
        return plan
    return at


def next_plan(h, at):
    """Clock value of the next plan, at the latest `at`."""
    if h.again == 1 or h.enrol == 1:
        return 1
    at = sooner(at, h.visit_at)
    at = sooner(at, h.errand_at)
    at = sooner(at, h.press_at)
    at = sooner(at, h.bill_at)
    return sooner(at, h.careful_until)
