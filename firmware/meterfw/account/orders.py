"""What the operator or the office asks of the meter: top-ups, grants, modes, prices.

In the portable subset of `rules`. Each order answers a `codes.Result`; one that is not done changes
nothing. Orders are applied first, all those of a card insertion together, and judged once
afterwards with `rules.judge` (AMB-08).
"""

from meterfw.account.calendar import local, look_up, months_after, winter_at
from meterfw.account.record import Profile, State
from meterfw.account.rules import (
    GRANT_HOLD,
    GRANT_OVERDRAFT,
    at_floor,
    change_price,
    default_limit,
    emergency_wh_value,
    end_overdraft,
    judge,
    release_limiter,
    set_time,
)
from meterfw.layouts import (
    BALANCE_LIMIT,
    CAUSE_BAD_WILL,
    CAUSE_SAFETY,
    CLOCK_LIMIT,
    CONTROL_STATE_CONNECTED,
    EMERGENCY_STATUS_ENABLED,
    EMERGENCY_STATUS_SELECTABLE,
    ENERGY_GAS,
    EUR,
    EVENT_ARREARS_PAID,
    EVENT_CREDITED,
    EVENT_HOLD_ENDED,
    EVENT_HOLD_GRANTED,
    EVENT_LIMIT_CHANGED,
    EVENT_LIMITER_AVAILABLE,
    EVENT_MINIMUM_SUPPLY_CHANGED,
    EVENT_MODE_CHANGED,
    EVENT_OVERDRAFT_GRANTED,
    KIND_AID,
    KIND_ARREARS_PAID,
    KIND_CLEAR_TAMPER,
    KIND_CLOCK,
    KIND_DISCONNECT,
    KIND_EMERGENCY_PRESET,
    KIND_HOLD,
    KIND_LIMIT,
    KIND_LIMITER_ENABLE,
    KIND_LIMITER_RELEASE,
    KIND_MINIMUM_SUPPLY_DISABLE,
    KIND_MINIMUM_SUPPLY_ENABLE,
    KIND_OVERDRAFT,
    KIND_PAYMENT_MODE,
    KIND_PRICE,
    KIND_RECONNECT,
    KIND_TOP_UP,
    LIMITER_REPAY_INVOICE,
    OVERDRAFT_LIMIT,
    PAYMENT_MODE_CREDIT,
    PAYMENT_MODE_LIMITER_ONLY,
    PAYMENT_MODE_PREPAYMENT,
    POWER_LIMIT,
    PRESET_LIMIT,
    PRICE_LIMIT,
    REASON_CREDIT,
    REASON_OPERATOR,
    REASON_OVERLOAD,
    REASON_TAMPER,
    RESULT_ABOVE_CAP,
    RESULT_BALANCE_LIMIT,
    RESULT_BARRED,
    RESULT_DONE,
    RESULT_EXPIRED,
    RESULT_NEEDS_CREDIT,
    RESULT_NO_EFFECT,
    RESULT_NOT_FITTED,
    RESULT_OUT_OF_RANGE,
    RESULT_TOO_LONG,
    RESULT_UNKNOWN,
    RESULT_WRONG_MODE,
    WINTER_BAR_BAD_WILL,
    WINTER_BAR_MINIMUM_SUPPLY,
)

# ---- Credit ------------------------------------------------------------------------------------


def book_credited(m: State, amount: int) -> None:
    """Add to the lifetime total of credit booked."""
    m.credited_mc += amount
    m.credited_eur += m.credited_mc // EUR
    m.credited_mc = m.credited_mc % EUR


def book_settled(m: State, amount: int) -> None:
    """Add to the balances taken out of the account; euros are rounded down, millicents are not."""
    m.settled_mc += amount
    m.settled_eur += m.settled_mc // EUR
    m.settled_mc = m.settled_mc % EUR


def share_of(p: Profile, amount: int) -> int:
    """Part of a top-up that may repay what is owed (FE-22, AMB-01, AMB-02), rounded down."""
    shared = amount
    above = 0
    if p.topup_knee > 0 and amount > p.topup_knee:
        shared = p.topup_knee
        above = amount - p.topup_knee
    return shared // 100 * p.topup_share_pct + shared % 100 * p.topup_share_pct // 100 + above


def top_up(m: State, p: Profile, kind: int, amount: int) -> int:
    """Book credit: paid (OC-16, FE-21), support (AMB-26) or aid of a supply card (WG-30).

    Top-ups of two channels, a card and a token, add up (OS-02).
    WE-29, WG-12: debt from before activation is not in the account, so none of it is recovered.
    """
    if m.payment_mode != PAYMENT_MODE_PREPAYMENT:  # OC-04: an active budget meter only
        return RESULT_WRONG_MODE
    if amount <= 0:  # AMB-21: an exchange without payment is no top-up
        return RESULT_OUT_OF_RANGE
    if amount > p.top_up_max:
        return RESULT_ABOVE_CAP
    if m.credit + amount > BALANCE_LIMIT:
        return RESULT_BALANCE_LIMIT
    if kind == KIND_TOP_UP and m.overdraft > 0 and p.overdraft_ends_on_top_up == 1:  # AMB-06
        end_overdraft(m)
    left = share_of(p, amount)
    rest = amount - left
    part = min(left, m.emergency_used)
    m.emergency_used -= part
    left -= part
    if p.limiter_repay != LIMITER_REPAY_INVOICE:  # AMB-10, FE-21
        part = min(left, m.arrears)
        m.arrears -= part
        left -= part
    m.credit += rest + left
    book_credited(m, amount)
    m.charge_stopped = 0
    m.last_top_up = amount
    m.last_top_up_clock = m.clock
    m.events |= EVENT_CREDITED
    return RESULT_DONE


def arrears_paid(m: State, p: Profile, amount: int) -> int:
    """Minimum supply paid by invoice; what is paid too much becomes credit (OC-23, WE-40)."""
    if m.payment_mode != PAYMENT_MODE_PREPAYMENT:
        return RESULT_WRONG_MODE
    if amount <= 0 or amount > BALANCE_LIMIT:
        return RESULT_OUT_OF_RANGE
    part = min(amount, m.arrears)
    rest = amount - part
    if rest > p.top_up_max:
        return RESULT_ABOVE_CAP
    if m.credit > BALANCE_LIMIT - rest:
        return RESULT_BALANCE_LIMIT
    m.arrears -= part
    m.credit += rest
    book_credited(m, amount)
    m.charge_stopped = 0
    m.events |= EVENT_ARREARS_PAID
    # Without credit to go on with, a payment must not open supply: minimum supply stays (WE-35).
    if m.arrears == 0 and m.limiter_engaged == 1 and at_floor(m) == 0:
        release_limiter(m)
    return RESULT_DONE


# ---- Grants ------------------------------------------------------------------------------------


def overdraft(m: State, amount: int, until: int, order_id: int) -> int:
    """The negative credit limit, once for each order (OC-12, OC-13, OC-17, AMB-22)."""
    if m.payment_mode != PAYMENT_MODE_PREPAYMENT:
        return RESULT_WRONG_MODE
    if amount <= 0 or amount > OVERDRAFT_LIMIT or until > CLOCK_LIMIT or order_id <= 0:
        return RESULT_OUT_OF_RANGE
    if order_id == m.overdraft_order:
        return RESULT_NO_EFFECT
    if until <= m.clock:
        return RESULT_EXPIRED
    m.overdraft = amount
    m.overdraft_until = until
    m.overdraft_order = order_id
    m.granted |= GRANT_OVERDRAFT
    m.events |= EVENT_OVERDRAFT_GRANTED
    return RESULT_DONE


def hold(m: State, until: int) -> int:
    """No disconnection for credit before `until`; 0 ends the hold (B-7, OC-01)."""
    if m.payment_mode != PAYMENT_MODE_PREPAYMENT:
        return RESULT_WRONG_MODE
    if until < 0 or until > CLOCK_LIMIT:
        return RESULT_OUT_OF_RANGE
    if until == 0:
        if m.hold_until == 0:
            return RESULT_NO_EFFECT
        m.hold_until = 0
        m.events |= EVENT_HOLD_ENDED
        return RESULT_DONE
    if until <= m.clock:
        return RESULT_EXPIRED
    m.hold_until = until
    m.granted |= GRANT_HOLD
    m.events |= EVENT_HOLD_GRANTED
    return RESULT_DONE


# ---- Limiter -----------------------------------------------------------------------------------


def limiter_enable(m: State, p: Profile) -> int:
    """The limiter becomes available, but not to a meter that is off for credit (OC-19, OC-20)."""
    if p.limiter_fitted == 0:  # OC-18: not on gas
        return RESULT_NOT_FITTED
    if m.limiter_available == 1:
        return RESULT_NO_EFFECT
    if m.control_state != CONTROL_STATE_CONNECTED and m.credit < p.restore_min:
        return RESULT_NEEDS_CREDIT
    m.limiter_available = 1
    m.events |= EVENT_LIMITER_AVAILABLE
    return RESULT_DONE


def limiter_release(m: State, p: Profile) -> int:
    """Back to full power by the operator's word (WE-40); the floor is judged again.

    Without credit supply would open; in winter minimum supply does not end like that (WE-39).
    """
    if m.payment_mode == PAYMENT_MODE_LIMITER_ONLY:
        return RESULT_WRONG_MODE
    if m.limiter_engaged == 0:
        return RESULT_NO_EFFECT
    if m.winter == 1 and p.winter_bars & WINTER_BAR_MINIMUM_SUPPLY and at_floor(m) == 1:
        return RESULT_BARRED
    release_limiter(m)
    return RESULT_DONE


def minimum_supply(m: State, p: Profile, disabled: int) -> int:
    """Stop the minimum supply, or allow it again (FE-30, AMB-11, AMB-13)."""
    if p.limiter_fitted == 0:
        return RESULT_NOT_FITTED
    if m.payment_mode == PAYMENT_MODE_LIMITER_ONLY:
        return RESULT_WRONG_MODE
    if m.minimum_supply_disabled == disabled:
        return RESULT_NO_EFFECT
    if disabled == 1 and m.winter == 1 and p.winter_bars & WINTER_BAR_MINIMUM_SUPPLY:  # WE-39
        return RESULT_BARRED
    m.minimum_supply_disabled = disabled
    m.events |= EVENT_MINIMUM_SUPPLY_CHANGED
    if disabled == 1 and m.limiter_engaged == 1:
        release_limiter(m)
    return RESULT_DONE


def raise_limit(m: State, p: Profile, until: int, connection_w: int) -> int:
    """A higher limit for a time: the connection's original power up to a ceiling (BE-02, BE-03).

    `connection_w` 0 lifts the limit altogether, in winter only (BE-06).
    """
    if p.limit_raised_w == 0:
        return RESULT_NOT_FITTED
    if connection_w < 0 or connection_w > POWER_LIMIT or until > CLOCK_LIMIT:
        return RESULT_OUT_OF_RANGE
    if until <= m.clock:
        return RESULT_EXPIRED
    # Six months are months of the calendar, whose days are 181 to 184 (BE-02).
    last = months_after(local(m.clock) // 1440, p.limit_raised_days // 30)
    if local(until - 1) // 1440 > last:
        return RESULT_TOO_LONG
    if connection_w == 0:
        if m.winter == 0 or winter_at(p, local(until - 1) // 1440) == 0:
            return RESULT_BARRED
        m.limit_w = 0
    else:
        m.connection_w = connection_w
        m.limit_w = min(connection_w, p.limit_raised_w)
    m.limit_ma = 0
    m.limit_until = until
    m.events |= EVENT_LIMIT_CHANGED
    return RESULT_DONE


# ---- Price and presets -------------------------------------------------------------------------


def set_price(m: State, price: int, since: int) -> int:
    """A price, at once or from a time on (B-20). One of today leaves the announced one alone."""
    if price < 0 or price > PRICE_LIMIT or since < 0 or since > CLOCK_LIMIT:
        return RESULT_OUT_OF_RANGE
    if since > m.clock:
        m.price_next = price
        m.price_from = since
    else:
        if since > 0:  # announced, and already to hold: it takes the place of one to come
            m.price_from = 0
        change_price(m, price)
    return RESULT_DONE


def set_emergency_preset(m: State, value: int, as_energy: int) -> int:
    """Emergency credit on offer, as money or as energy at the price (FE-14, AMB-27, B-1, B-2).

    It waits until no emergency credit is owed.
    """
    if value < 0:
        return RESULT_OUT_OF_RANGE
    if as_energy == 1:
        if value > 1_000_000:
            return RESULT_OUT_OF_RANGE
        m.emergency_wh = value
        m.emergency_next = emergency_wh_value(m)
    else:
        if value > PRESET_LIMIT:
            return RESULT_OUT_OF_RANGE
        m.emergency_wh = 0
        m.emergency_next = value
    return RESULT_DONE


def set_clock(m: State, p: Profile, clock: int) -> int:
    """Set the clock to a minute."""
    if clock < 0 or clock > CLOCK_LIMIT:
        return RESULT_OUT_OF_RANGE
    set_time(m, p, clock, 0)
    return RESULT_DONE


# ---- Mode --------------------------------------------------------------------------------------


def freeze(m: State) -> None:
    """Leave prepayment: grants end, nothing is offered, balances stay as they are (OC-10)."""
    m.overdraft = 0
    m.overdraft_until = 0
    m.hold_until = 0
    m.granted = 0
    m.limiter_engaged = 0
    m.over_s = 0
    m.rearm_left_s = 0
    m.kept = 0
    m.warned = 0
    m.reasons &= ~(REASON_CREDIT | REASON_OVERLOAD)
    if m.emergency_status == EMERGENCY_STATUS_SELECTABLE:
        m.emergency_status = EMERGENCY_STATUS_ENABLED


def activate(m: State, p: Profile, protected: int) -> None:
    """Begin prepayment from zero plus the initial reserve (OC-11, AMB-20, WE-29, WG-12)."""
    book_settled(m, -m.credit)
    book_settled(m, m.emergency_used)
    book_settled(m, m.arrears)
    m.credit = p.initial_reserve
    book_credited(m, p.initial_reserve)
    m.emergency_used = 0
    m.emergency_status = EMERGENCY_STATUS_ENABLED
    m.arrears = 0
    m.charge_stopped = 0
    if p.limiter_fitted == 1:
        if protected == 1 or p.limiter_available == 1:  # WE-33; AMB-15: never taken away by itself
            m.limiter_available = 1
        default_limit(m, p)


def set_mode(m: State, p: Profile, mode: int, protected: int) -> int:
    """Deactivate (OC-09, WE-30, WG-13, FE-16), reactivate (OC-11) or limit only (FE-18)."""
    if mode < PAYMENT_MODE_CREDIT or mode > PAYMENT_MODE_LIMITER_ONLY:
        return RESULT_OUT_OF_RANGE
    if mode == m.payment_mode:
        return RESULT_NO_EFFECT
    if mode == PAYMENT_MODE_LIMITER_ONLY and p.limiter_fitted == 0:
        return RESULT_NOT_FITTED
    freeze(m)
    m.payment_mode = mode
    m.events |= EVENT_MODE_CHANGED
    if mode == PAYMENT_MODE_PREPAYMENT:
        activate(m, p, protected)
    elif mode == PAYMENT_MODE_LIMITER_ONLY:  # BE-01
        default_limit(m, p)
        m.limiter_engaged = 1
    return RESULT_DONE


def disconnect(m: State, p: Profile, cause: int) -> int:
    """The operator opens supply (FE-27); a hold leaves only safety (OC-01)."""
    if cause < CAUSE_SAFETY or cause > CAUSE_BAD_WILL:
        return RESULT_OUT_OF_RANGE
    if cause != CAUSE_SAFETY and m.hold_until > m.clock:
        return RESULT_BARRED
    if cause == CAUSE_BAD_WILL and m.winter == 1 and p.winter_bars & WINTER_BAR_BAD_WILL:  # FE-28
        return RESULT_BARRED
    if m.reasons & REASON_OPERATOR:
        return RESULT_NO_EFFECT
    m.reasons |= REASON_OPERATOR
    return RESULT_DONE


def reconnect(m: State) -> int:
    """The operator's disconnection ends (FE-34)."""
    if m.reasons & REASON_OPERATOR == 0:
        return RESULT_NO_EFFECT
    m.reasons &= ~REASON_OPERATOR
    return RESULT_DONE


def clear_tamper(m: State) -> int:
    """Tamper seen and settled; what was counted while disconnected starts again."""
    if m.reasons & REASON_TAMPER == 0 and m.tamper_wh == 0:
        return RESULT_NO_EFFECT
    m.reasons &= ~REASON_TAMPER
    m.tamper_wh = 0
    return RESULT_DONE


# ---- All together ------------------------------------------------------------------------------


def install(m: State, p: Profile, clock: int) -> None:
    """Put a fresh state into service; supply is closed."""
    m.clock = clock
    look_up(m, p)
    m.price = p.price
    m.emergency_wh = p.emergency_wh
    m.emergency_preset = p.emergency_preset
    if p.emergency_wh > 0:
        m.emergency_preset = emergency_wh_value(m)
    m.emergency_next = -1
    m.control_state = CONTROL_STATE_CONNECTED
    m.payment_mode = PAYMENT_MODE_CREDIT
    set_mode(m, p, p.payment_mode, 0)
    judge(m, p)
    m.events = 0


def start_empty(m: State, p: Profile) -> None:
    """After the account was lost: nothing is invented, not even the initial reserve."""
    m.credit = 0
    m.credited_eur = 0
    m.credited_mc = 0
    judge(m, p)
    m.events = 0


def consistent(p: Profile) -> int:
    """1 when the values of a profile go together, as its file is checked too."""
    if p.energy == ENERGY_GAS:
        if p.wh_per_m3 == 0 or p.limiter_fitted == 1:  # OC-18
            return 0
    elif p.leak_test_s > 0:
        return 0
    if p.limiter_fitted == 1 and p.limit_w == 0:
        return 0
    if p.limiter_fitted == 0:
        if p.limiter_available == 1 or p.payment_mode == PAYMENT_MODE_LIMITER_ONLY:
            return 0
    if p.emergency_wh > 0 and p.emergency_preset > 0:
        return 0
    if p.winter_from > 0 and p.winter_to == 0:
        return 0
    return 1


def apply_grant(m: State, p: Profile, kind: int, value: int, extra: int, order_id: int) -> int:
    """Orders that only a budget meter or a limiter knows."""
    if kind == KIND_OVERDRAFT:
        return overdraft(m, value, extra, order_id)
    if kind == KIND_HOLD:
        return hold(m, value)
    if kind == KIND_LIMITER_ENABLE:
        return limiter_enable(m, p)
    if kind == KIND_LIMIT:
        return raise_limit(m, p, value, extra)
    if kind == KIND_LIMITER_RELEASE:
        return limiter_release(m, p)
    if kind == KIND_MINIMUM_SUPPLY_DISABLE:
        return minimum_supply(m, p, 1)
    if kind == KIND_MINIMUM_SUPPLY_ENABLE:
        return minimum_supply(m, p, 0)
    return RESULT_UNKNOWN


def apply(m: State, p: Profile, kind: int, value: int, extra: int, order_id: int) -> int:
    """Carry out one order (`codes.Kind`); answers a `codes.Result`. `rules.judge` comes after."""
    if kind >= KIND_TOP_UP and kind <= KIND_AID:
        return top_up(m, p, kind, value)
    if kind == KIND_ARREARS_PAID:
        return arrears_paid(m, p, value)
    if kind == KIND_PRICE:
        return set_price(m, value, extra)
    if kind == KIND_EMERGENCY_PRESET:
        return set_emergency_preset(m, value, extra)
    if kind == KIND_PAYMENT_MODE:
        return set_mode(m, p, value, extra)
    if kind == KIND_DISCONNECT:
        return disconnect(m, p, value)
    if kind == KIND_RECONNECT:
        return reconnect(m)
    if kind == KIND_CLEAR_TAMPER:
        return clear_tamper(m)
    if kind == KIND_CLOCK:
        return set_clock(m, p, value)
    return apply_grant(m, p, kind, value, extra, order_id)
