"""The people behind the meters: how they pay, and what they do when something happens.

Portable. `next_action` says what somebody does now, the caller does it, and tells of what followed
with `notice`. `m` and `p` are the meter's state and profile. Plans are clock values, 0 for none.
"""

from meterfw.account.calendar import local
from meterfw.account.record import Profile, State
from meterfw.layouts import (
    CONTROL_STATE_READY,
    EMERGENCY_STATUS_SELECTABLE,
    EUR,
    EVENT_DISCONNECTED,
    EVENT_EMERGENCY_IN_USE,
    EVENT_KEPT_ON,
    EVENT_LIMITER_ENGAGED,
    EVENT_LOW_CREDIT,
    EVENT_MODE_CHANGED,
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
from budgetmeter.fleet.rows import Config, Household, Tables

NOTHING = 0  # actions: nothing more, the button, or the kind of an order of `household.value`
BUTTON = -1
NOTE = 5 * EUR  # people pay whole notes
_WARNINGS = EVENT_LOW_CREDIT | EVENT_EMERGENCY_IN_USE | EVENT_KEPT_ON


def move_in(household: Household, config: Config, m: State, p: Profile, tables: Tables) -> None:
    """Who lives here: rhythm and size of top-ups, how fast they react; the first plans."""
    household.rhythm_min = (
        one_of(tables.quantiles, tables.spans[2], draw(config, household.meter, RHYTHM, 0)) * 1440
    )
    cover = between(tables.quantiles, tables.spans[3], draw(config, household.meter, COVER, 0))
    household.errand_h = between(
        tables.quantiles, tables.spans[4], draw(config, household.meter, ERRANDS, 0)
    )
    household.limited_h = between(
        tables.quantiles, tables.spans[5], draw(config, household.meter, LIMITED, 0)
    )
    year_mc = (household.base_wh + household.heating_wh) // 1000 * p.price
    household.amount = notes(p, year_mc // 365 * (household.rhythm_min // 1440) // 100 * cover)
    household.enrol = 0
    if m.payment_mode == PAYMENT_MODE_PREPAYMENT:
        household.enrol = chance(draw(config, household.meter, PROTECTED, 0), config.protected_pct)
        if m.limiter_available == 1 or p.limiter_fitted == 0:
            household.enrol = 0
        first = 1 + below(
            draw(config, household.meter, FIRST_VISIT, 0), household.rhythm_min // 1440
        )
        plan_visit(household, config, m.clock + (first - 1) * 1440 - household.rhythm_min)
        if p.limiter_repay == LIMITER_REPAY_INVOICE:  # OC-23
            household.bill_at = m.clock + config.bill_days * 1440


def notes(p: Profile, amount: int) -> int:
    """An amount in whole notes, up, within what a top-up may be."""
    return min(max((amount + NOTE - 1) // NOTE * NOTE, NOTE), p.top_up_max)


def in_hours(first: int, last: int, clock: int) -> int:
    """The clock value, or the same minute of the next hour from `first` to `last` (local)."""
    hour = local(clock) % 1440 // 60
    if hour < first:
        return clock + (first - hour) * 60
    if hour >= last:
        return clock + (24 + first - hour) * 60
    return clock


def plan_visit(household: Household, config: Config, clock: int) -> None:
    """The next regular top-up, a rhythm after a clock value, at some minute of the open hours."""
    after = clock + household.rhythm_min
    day = local(after) // 1440
    minute = below(
        draw(config, household.meter, VISIT_TIME, day), (config.closes - config.opens) * 60
    )
    household.visit_at = max(after - local(after) % 1440 + config.opens * 60 + minute, clock + 1)


def plan_errand(household: Household, config: Config, m: State, within_h: int) -> None:
    """A top-up out of turn within so many hours, unless one is planned earlier."""
    minutes = 60 + below(draw(config, household.meter, ERRAND, m.clock), within_h * 60)
    at = in_hours(config.opens, config.closes, m.clock + minutes)
    if household.errand_at == 0 or at < household.errand_at:
        household.errand_at = at


def can_press(m: State) -> int:
    """1 when the button may do something."""
    if m.control_state == CONTROL_STATE_READY or m.emergency_status == EMERGENCY_STATUS_SELECTABLE:
        return 1
    if m.reasons & REASON_CREDIT and m.limiter_available == 1 and m.minimum_supply_disabled == 0:
        return 1
    return 0


def plan_press(household: Household, config: Config, m: State) -> None:
    """Somebody goes to the meter, if the button may do something."""
    if household.press_at == 0 and can_press(m) == 1:
        within = config.notice_min
        if careful(household, m) == 1:
            within = config.trip_min
        minutes = 1 + below(draw(config, household.meter, PRESS, m.clock), within)
        household.press_at = in_hours(config.wakes, config.sleeps, m.clock + minutes)


def careful(household: Household, m: State) -> int:
    """1 while the load is kept below the limit, after an overload."""
    if m.clock < household.careful_until:
        return 1
    return 0


def at_ease(household: Household, config: Config, m: State) -> int:
    """1 when a hold lets people put off what they would have paid."""
    if m.hold_until <= m.clock:
        return 0
    return chance(draw(config, household.meter, AT_EASE, m.clock), config.hold_skip_pct)


def heeded(household: Household, config: Config, m: State) -> int:
    """1 when a warning is acted on."""
    if at_ease(household, config, m) == 1:
        return 0
    return chance(draw(config, household.meter, HEED, m.clock), config.heed_pct)


def notice(household: Household, config: Config, m: State, events: int) -> None:
    """Something happened at the meter (a mask of layouts.EVENT_…)."""
    if events == 0:
        return
    if events & EVENT_OVERLOAD:
        household.careful_until = m.clock + config.careful_h * 60
    if events & EVENT_MODE_CHANGED:
        household.visit_at = household.errand_at = household.press_at = 0
        if m.payment_mode == PAYMENT_MODE_PREPAYMENT:  # somebody goes for credit on the same day
            plan_errand(household, config, m, 1)
            plan_visit(household, config, m.clock)
    if m.payment_mode == PAYMENT_MODE_PREPAYMENT:
        if events & EVENT_DISCONNECTED and m.reasons & REASON_CREDIT:
            plan_errand(household, config, m, household.errand_h)
        elif events & EVENT_LIMITER_ENGAGED:
            plan_errand(household, config, m, household.limited_h)
        elif events & _WARNINGS and heeded(household, config, m) == 1:
            plan_errand(household, config, m, config.heed_h)
    plan_press(household, config, m)


def restrained(household: Household, m: State, rate: int, ma: int) -> int:
    """A rate while people take care: at most the limit in force."""
    if careful(household, m) == 1 and m.limiter_engaged == 1:
        if m.limit_ma > 0 and ma > m.limit_ma:
            return rate * m.limit_ma // ma
        if m.limit_w > 0 and rate > m.limit_w:
            return m.limit_w
    return rate


def next_action(household: Household, config: Config, m: State, p: Profile) -> int:
    """What somebody does now: NOTHING, BUTTON, or an order's kind, its amount in
    `household.value`.
    """
    if household.careful_until <= m.clock:
        household.careful_until = 0
    if household.again == 1:  # what was done did not help: go on
        household.again = 0
        if m.reasons & REASON_CREDIT:
            plan_errand(household, config, m, household.errand_h)
        plan_press(household, config, m)
    if household.enrol == 1:  # WE-33
        household.enrol = 0
        household.value = 0
        return KIND_LIMITER_ENABLE
    if 0 < household.bill_at <= m.clock:
        household.bill_at += config.bill_days * 1440
        if (
            m.arrears > 0
            and chance(draw(config, household.meter, BILL, m.clock), config.bill_paid_pct) == 1
        ):
            household.value = m.arrears
            return KIND_ARREARS_PAID
    if 0 < household.visit_at <= m.clock:
        day = local(m.clock) // 1440
        plan_visit(household, config, m.clock)
        skipped = chance(draw(config, household.meter, SKIP, day), config.skip_pct)
        if (
            skipped == 0
            and at_ease(household, config, m) == 0
            and m.credit - m.emergency_used < household.amount // 100 * config.enough_pct
        ):
            household.value = household.amount
            return KIND_TOP_UP
    if 0 < household.errand_at <= m.clock:
        household.errand_at = 0
        if m.credit - m.emergency_used < NOTE or m.limiter_engaged == 1:
            household.again = 1
            household.value = notes(
                p, max(household.amount, m.emergency_used - m.credit + p.restore_min)
            )
            return KIND_TOP_UP
    if 0 < household.press_at <= m.clock:
        household.press_at = 0
        if can_press(m) == 1:
            household.again = 1
            return BUTTON
    return NOTHING


def sooner(at: int, plan: int) -> int:
    """The earlier of a clock value and a plan."""
    if 0 < plan < at:
        return plan
    return at


def next_plan(household: Household, at: int) -> int:
    """Clock value of the next plan, at the latest `at`."""
    if household.again == 1 or household.enrol == 1:
        return 1
    at = sooner(at, household.visit_at)
    at = sooner(at, household.errand_at)
    at = sooner(at, household.press_at)
    at = sooner(at, household.bill_at)
    return sooner(at, household.careful_until)
