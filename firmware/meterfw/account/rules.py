"""The rule book: what the meter does with energy, time and its button.

Pure functions over the state `m`, changed in place, and the profile `p`, both declared in
`meterproto.records`. Written in the portable subset (integers, comparisons, attributes, `if`,
`while`, `for range`, calls between rules). So the same source runs in MicroPython on the board, in
CPython in the emulator, and compiled by Numba in the fleet. What the operator asks for is
in `orders`, local time in `calendar`. Comments name the rule ids; the account is this invariant:

    credit - emergency_used - arrears == credited - charged + settled

Money in mc (1/100,000 EUR), energy in Wh, current in mA, power in W, time in s, clock in minutes.
"""

from meterfw.account.calendar import look_up
from meterfw.account.record import Profile, State
from meterfw.layouts import (
    BALANCE_LIMIT,
    CLOCK_LIMIT,
    CONTROL_STATE_CONNECTED,
    CONTROL_STATE_DISCONNECTED,
    CONTROL_STATE_READY,
    EMERGENCY_STATUS_CONSUMED,
    EMERGENCY_STATUS_ENABLED,
    EMERGENCY_STATUS_IN_USE,
    EMERGENCY_STATUS_SELECTABLE,
    ENERGY_GAS,
    EUR,
    EVENT_CONNECTED,
    EVENT_DISCONNECTED,
    EVENT_EMERGENCY_CONSUMED,
    EVENT_EMERGENCY_IN_USE,
    EVENT_EMERGENCY_RESTORED,
    EVENT_EMERGENCY_SELECTABLE,
    EVENT_HOLD_ENDED,
    EVENT_KEPT_ON,
    EVENT_LEAK_TEST_FAILED,
    EVENT_LEAK_TEST_STARTED,
    EVENT_LIMIT_CHANGED,
    EVENT_LIMITER_ENGAGED,
    EVENT_LIMITER_RELEASED,
    EVENT_LOW_CREDIT,
    EVENT_OVERDRAFT_ENDED,
    EVENT_OVERLOAD,
    EVENT_PRICE_CHANGED,
    EVENT_READY,
    EVENT_TAMPER,
    EVENT_UNBILLED,
    LIMITER_REPAY_TOPUP_SHARE,
    PAYMENT_MODE_PREPAYMENT,
    PRESET_LIMIT,
    REASON_CREDIT,
    REASON_LEAK_TEST,
    REASON_OVERLOAD,
    REASON_TAMPER,
    REGISTER_LIMIT,
    UNCERTAIN_LIMIT,
)

GRANT_OVERDRAFT = 1
GRANT_HOLD = 2
STEP_WH = 5000  # most energy of one step: price and energy multiplied stay inside the small ints
STEP_S = 3600  # longest step


# ---- The account -------------------------------------------------------------------------------


def balance(m: State) -> int:
    """The balance that the customer sees, mc."""
    return m.credit - m.emergency_used


def kept_on(m: State) -> int:
    """1 while friendly hours or a hold bar disconnection for credit (B-3, B-7).

    On uncertain time they do for UNCERTAIN_LIMIT powered minutes.
    """
    if m.uncertain == 1 and m.uncertain_min >= UNCERTAIN_LIMIT:
        return 0
    if m.window == 1 or m.hold_until > m.clock:
        return 1
    return 0


def at_floor(m: State) -> int:
    """1 when credit is used up: down to the negative credit limit if there is one (OC-14, AMB-05)."""
    if m.credit <= -m.overdraft:
        return 1
    return 0


def emergency_left(m: State) -> int:
    """Emergency credit not yet used, mc."""
    return m.emergency_preset - m.emergency_used


def limiter_usable(m: State) -> int:
    """1 when minimum supply can start (OC-19, WE-33, FE-30)."""
    if m.limiter_available == 1 and m.limiter_engaged == 0 and m.minimum_supply_disabled == 0:
        return 1
    return 0


def book_charged(m: State, amount: int) -> None:
    """Add to the lifetime total of energy charged."""
    m.charged_mc += amount
    m.charged_eur += m.charged_mc // EUR
    m.charged_mc = m.charged_mc % EUR


def fill(m: State, amount: int) -> int:
    """Charge into the first bucket with room; what did not fit is returned (FE-02, OC-15)."""
    if m.limiter_engaged == 1:  # OC-22, FE-26: owed afterwards
        m.arrears += amount
        return 0
    room = m.credit + m.overdraft
    if room > 0:
        part = min(room, amount)
        m.credit -= part
        return amount - part
    if m.emergency_status == EMERGENCY_STATUS_IN_USE:
        part = min(emergency_left(m), amount)
        m.emergency_used += part
        return amount - part
    m.credit -= amount  # B-3: a window or hold lets the account go on down
    return 0


def would_pass_limit(m: State, amount: int) -> int:
    """1 when charging an amount would bring credit or arrears beyond BALANCE_LIMIT."""
    owed = amount
    if m.limiter_engaged == 0:
        if m.credit - amount < -BALANCE_LIMIT:
            return 1
        owed = amount - max(m.credit + m.overdraft, 0)  # the limiter may engage on the way
    if owed > 0 and m.arrears + owed > BALANCE_LIMIT:
        return 1
    return 0


def charge(m: State, p: Profile, wh: int) -> None:
    """Charge energy at the price in force; the remainder below a millicent is carried."""
    if m.payment_mode != PAYMENT_MODE_PREPAYMENT:  # OC-10, FE-18: nothing is charged
        return
    scaled = wh * m.price + m.remainder
    amount = scaled // 1000
    if m.charge_stopped == 0 and would_pass_limit(m, amount) == 1:
        m.charge_stopped = 1
        m.events |= EVENT_UNBILLED
    if m.charge_stopped == 1:
        m.unbilled_wh = (m.unbilled_wh + wh) % REGISTER_LIMIT
        return
    m.remainder = scaled % 1000
    book_charged(m, amount)
    while amount > 0:
        amount = fill(m, amount)
        if amount > 0:
            judge_account(m, p)


# ---- Emergency credit, limiter, floor ----------------------------------------------------------


def start_emergency(m: State) -> None:
    """Emergency credit comes in use, by itself (FE-02, B-4) or by the button (OC-15)."""
    m.emergency_status = EMERGENCY_STATUS_IN_USE
    m.reasons &= ~REASON_CREDIT
    m.events |= EVENT_EMERGENCY_IN_USE


def engage_limiter(m: State) -> None:
    """Minimum supply under the limiter begins (WE-35, FE-24)."""
    m.limiter_engaged = 1
    m.over_s = 0
    m.reasons &= ~REASON_CREDIT
    m.events |= EVENT_LIMITER_ENGAGED


def release_limiter(m: State) -> None:
    """Back to full power; whether there is credit for it is judged afterwards."""
    m.limiter_engaged = 0
    m.over_s = 0
    m.rearm_left_s = 0
    m.reasons &= ~REASON_OVERLOAD
    m.events |= EVENT_LIMITER_RELEASED


def emergency_wh_value(m: State) -> int:
    """Preset given as energy, at the price in force, mc (FE-14, AMB-27)."""
    whole = m.emergency_wh // 1000 * m.price
    return min(whole + m.emergency_wh % 1000 * m.price // 1000, PRESET_LIMIT)


def emergency_restored(m: State, p: Profile) -> int:
    """1 when emergency credit that was consumed is available again."""
    if p.emergency_refill == 1:  # B-2: in Flanders as it is repaid
        if emergency_left(m) > 0:
            return 1
    elif m.emergency_used == 0 and m.credit >= -m.overdraft:  # B-4, OC-16: all is repaid
        return 1
    return 0


def judge_emergency(m: State, p: Profile) -> None:
    """Bring the status of the emergency credit up to date with what is owed."""
    if m.emergency_next >= 0 and m.emergency_used == 0:  # FE-14: not on credit in use
        m.emergency_preset = m.emergency_next
        m.emergency_next = -1
    if m.emergency_status == EMERGENCY_STATUS_IN_USE:
        if emergency_left(m) <= 0:
            m.emergency_status = EMERGENCY_STATUS_CONSUMED
            m.events |= EVENT_EMERGENCY_CONSUMED
        elif m.credit >= p.restore_min:
            m.emergency_status = EMERGENCY_STATUS_ENABLED
            m.events |= EVENT_EMERGENCY_RESTORED
    if m.emergency_status == EMERGENCY_STATUS_CONSUMED and emergency_restored(m, p) == 1:
        m.emergency_status = EMERGENCY_STATUS_ENABLED
        m.events |= EVENT_EMERGENCY_RESTORED


def judge_release(m: State, p: Profile) -> None:
    """Full power with credit again, once use under the limiter is repaid (OC-23, AMB-10)."""
    if m.limiter_engaged == 1 and m.credit >= p.restore_min:
        if m.arrears == 0 or p.limiter_repay == LIMITER_REPAY_TOPUP_SHARE:  # FE-22
            release_limiter(m)


def judge_restore(m: State, p: Profile) -> None:
    """Clear the reason "credit" when supply may come back (OC-16, OC-17, OC-20, AMB-07, AMB-09)."""
    if m.reasons & REASON_CREDIT:
        if m.credit >= p.restore_min:
            m.reasons &= ~REASON_CREDIT
        # OC-17: granted while off. A later end of it, or a paid top-up, has reset `overdraft`.
        if m.granted & GRANT_OVERDRAFT and m.overdraft > 0 and at_floor(m) == 0:
            m.reasons &= ~REASON_CREDIT
        if m.granted & GRANT_HOLD and m.hold_until > m.clock:
            m.reasons &= ~REASON_CREDIT
    m.granted = 0


def short(m: State) -> int:
    """1 at the floor, or off for credit and not restored."""
    if at_floor(m) == 1 or m.reasons & REASON_CREDIT:
        return 1
    return 0


def judge_floor(m: State, p: Profile) -> None:
    """At the floor, outside windows and holds: emergency credit, else the limiter, else open.

    A meter already off for credit is taken as at the floor until it may be restored.
    """
    if m.limiter_engaged == 1 or m.emergency_status == EMERGENCY_STATUS_IN_USE or short(m) == 0:
        m.kept = 0
        return
    if kept_on(m) == 1:  # nothing starts by itself, nothing opens
        if m.kept == 0 and m.reasons & REASON_CREDIT == 0:
            m.kept = 1
            m.events |= EVENT_KEPT_ON
        return
    m.kept = 0
    if m.emergency_status != EMERGENCY_STATUS_CONSUMED and emergency_left(m) > 0:
        if p.emergency_auto == 1 and m.reasons & REASON_CREDIT == 0:  # FE-02, B-4
            start_emergency(m)
        else:  # OC-15: offered, supply open until the button
            m.reasons |= REASON_CREDIT
    elif limiter_usable(m) == 1 and p.limiter_auto == 1:  # WE-35, FE-24
        engage_limiter(m)
    else:  # OC-15, FE-30; AMB-23 when a negative credit limit has just ended
        m.reasons |= REASON_CREDIT


def judge_offer(m: State, p: Profile) -> None:
    """Emergency credit is selectable while off with too little credit to reconnect."""
    if m.reasons & REASON_CREDIT and m.credit < p.restore_min and emergency_left(m) > 0:
        if m.emergency_status == EMERGENCY_STATUS_ENABLED:
            m.emergency_status = EMERGENCY_STATUS_SELECTABLE
            m.events |= EVENT_EMERGENCY_SELECTABLE
    elif m.emergency_status == EMERGENCY_STATUS_SELECTABLE:
        m.emergency_status = EMERGENCY_STATUS_ENABLED


def judge_warning(m: State, p: Profile) -> None:
    """Warn once when the credit above the floor runs low (B-5)."""
    if m.limiter_engaged == 0:
        if m.credit + m.overdraft >= p.low_credit:
            m.warned = 0
        elif m.warned == 0:
            m.warned = 1
            m.events |= EVENT_LOW_CREDIT


def judge_account(m: State, p: Profile) -> None:
    """What the balance means: emergency credit, limiter, supply (FE-01); in prepayment only."""
    judge_emergency(m, p)
    judge_release(m, p)
    judge_restore(m, p)
    judge_floor(m, p)
    judge_offer(m, p)
    judge_warning(m, p)


# ---- The supply control switch -----------------------------------------------------------------


def supply_on(m: State) -> int:
    """1 when current or gas may flow: connected, or the valve open for the leak test."""
    if m.control_state == CONTROL_STATE_CONNECTED or m.reasons == REASON_LEAK_TEST:
        return 1
    return 0


def connect(m: State) -> None:
    """Close supply."""
    m.control_state = CONTROL_STATE_CONNECTED
    m.tamper_wh = 0
    m.over_s = 0
    m.events |= EVENT_CONNECTED


def stop_leak_test(m: State) -> None:
    """Close the valve again: flow, a power cut or another reason in the middle of the test."""
    m.reasons &= ~REASON_LEAK_TEST
    m.leak_left_s = 0
    m.events |= EVENT_LEAK_TEST_FAILED


def switch(m: State, p: Profile) -> None:
    """Control state from the reasons."""
    if m.reasons & REASON_LEAK_TEST and m.reasons != REASON_LEAK_TEST:
        stop_leak_test(m)
    if m.reasons != 0:
        if m.control_state == CONTROL_STATE_CONNECTED:
            m.tamper_wh = 0
            m.events |= EVENT_DISCONNECTED
        m.control_state = CONTROL_STATE_DISCONNECTED
    elif m.control_state == CONTROL_STATE_DISCONNECTED:
        if p.close_auto == 1 and p.leak_test_s == 0:
            connect(m)
        else:  # OC-16: armed, closed by hand
            m.control_state = CONTROL_STATE_READY
            m.events |= EVENT_READY


def judge(m: State, p: Profile) -> None:
    """Judge account and supply. Every change is followed by it; twice is the same as once."""
    if m.payment_mode == PAYMENT_MODE_PREPAYMENT:
        judge_account(m, p)
    switch(m, p)


def reopen(m: State, p: Profile) -> int:
    """Close supply by hand when ready; on a gas meter the leak test comes first (B-4)."""
    if m.control_state != CONTROL_STATE_READY:
        return 0
    if p.leak_test_s > 0:  # the valve opens, but nothing may flow yet
        m.reasons |= REASON_LEAK_TEST
        m.control_state = CONTROL_STATE_DISCONNECTED
        m.leak_left_s = p.leak_test_s
        m.events |= EVENT_LEAK_TEST_STARTED
    else:
        connect(m)
    judge(m, p)
    return 1


def press(m: State, p: Profile, pressed_s: int) -> int:
    """The button, pressed for so long. 1 if it did something; else it turns the page."""
    if pressed_s < p.reopen_hold_s:  # B-4: five seconds on a gas meter
        return 0
    if m.reasons == REASON_CREDIT:
        if m.emergency_status == EMERGENCY_STATUS_SELECTABLE:  # OC-15
            start_emergency(m)
        elif limiter_usable(m) == 1:  # B-4: protected customers
            engage_limiter(m)
        else:
            return 0
        judge(m, p)
        if p.leak_test_s > 0:  # B-4: on a gas meter the same five seconds start the leak test
            reopen(m, p)
        return 1
    return reopen(m, p)


def power_up(m: State, p: Profile) -> None:
    """After a power cut: a leak test starts again from the button."""
    if m.reasons & REASON_LEAK_TEST:
        stop_leak_test(m)
    m.over_s = 0
    judge(m, p)


# ---- Energy and time ---------------------------------------------------------------------------


def count(m: State, p: Profile, pulses: int) -> None:
    """Count pulses (Wh, or litres of gas) into the registers and charge them."""
    wh = pulses
    if p.energy == ENERGY_GAS:
        m.volume_l = (m.volume_l + pulses) % REGISTER_LIMIT
        scaled = pulses * p.wh_per_m3 + m.volume_remainder
        wh = scaled // 1000
        m.volume_remainder = scaled % 1000
    m.energy_wh = (m.energy_wh + wh) % REGISTER_LIMIT
    if m.limiter_engaged == 1 and m.payment_mode == PAYMENT_MODE_PREPAYMENT:  # OC-22
        m.limited_wh = (m.limited_wh + wh) % REGISTER_LIMIT
    if m.reasons & REASON_LEAK_TEST:  # B-4: any flow during the test
        stop_leak_test(m)
    elif m.control_state != CONTROL_STATE_CONNECTED:
        before = m.tamper_wh
        m.tamper_wh = min(before + wh, REGISTER_LIMIT - 1)
        if before < p.tamper_wh and p.tamper_wh <= m.tamper_wh:
            m.events |= EVENT_TAMPER
            if p.tamper_latch == 1:
                m.reasons |= REASON_TAMPER
    charge(m, p, wh)


def over_limit(m: State, ma: int, w: int) -> int:
    """1 when the load is above the limit in force (FE-25, WE-35, BE-01, AMB-12)."""
    if m.limiter_engaged == 1 and m.control_state == CONTROL_STATE_CONNECTED:
        if m.limit_ma > 0 and ma > m.limit_ma:
            return 1
        if m.limit_w > 0 and w > m.limit_w:
            return 1
    return 0


def watch_limit(m: State, p: Profile, seconds: int, ma: int, w: int) -> None:
    """Trip after `over_s` above the limit; re-arm `rearm_s` later (OC-21)."""
    if m.reasons & REASON_OVERLOAD:
        m.rearm_left_s = max(m.rearm_left_s - seconds, 0)
        if m.rearm_left_s == 0:
            m.reasons &= ~REASON_OVERLOAD
    if over_limit(m, ma, w) == 0:
        m.over_s = 0
        return
    m.over_s = min(m.over_s + seconds, p.over_s)
    if m.over_s == p.over_s:
        m.over_s = 0
        m.rearm_left_s = p.rearm_s
        m.reasons |= REASON_OVERLOAD
        m.events |= EVENT_OVERLOAD


def default_limit(m: State, p: Profile) -> None:
    """The limit of the profile: per phase on single-phase, else in all (AMB-12)."""
    m.limit_until = 0
    if p.phases == 1 and p.limit_ma > 0:
        m.limit_ma = p.limit_ma
        m.limit_w = 0
    else:
        m.limit_ma = 0
        m.limit_w = p.limit_w


def change_price(m: State, price: int) -> None:
    """A new price; an emergency credit given as energy follows it (FE-14)."""
    m.price = price
    if m.emergency_wh > 0:
        m.emergency_next = emergency_wh_value(m)
    m.events |= EVENT_PRICE_CHANGED


def end_overdraft(m: State) -> None:
    """The negative credit limit is over; its order is remembered (AMB-22)."""
    m.overdraft = 0
    m.overdraft_until = 0
    m.events |= EVENT_OVERDRAFT_ENDED


def expire(m: State, p: Profile) -> None:
    """End what the clock has reached. All ends are clock values."""
    if m.clock >= m.calendar_until:
        look_up(m, p)
    if m.price_from > 0 and m.clock >= m.price_from:
        m.price_from = 0
        change_price(m, m.price_next)
    if m.overdraft > 0 and m.clock >= m.overdraft_until:  # AMB-23
        end_overdraft(m)
    if m.hold_until > 0 and m.clock >= m.hold_until:  # B-7
        m.hold_until = 0
        m.events |= EVENT_HOLD_ENDED
    if m.limit_until > 0 and m.clock >= m.limit_until:  # BE-02: back by itself
        default_limit(m, p)
        m.events |= EVENT_LIMIT_CHANGED


def pass_time(m: State, p: Profile, seconds: int) -> None:
    """Move the clock."""
    if m.reasons & REASON_LEAK_TEST:
        m.leak_left_s = max(m.leak_left_s - seconds, 0)
        if m.leak_left_s == 0:
            m.reasons &= ~REASON_LEAK_TEST
            connect(m)
    total = m.second + seconds
    m.second = total % 60
    if total >= 60:
        if m.uncertain == 1:
            m.uncertain_min = min(m.uncertain_min + total // 60, UNCERTAIN_LIMIT)
        m.clock = min(m.clock + total // 60, CLOCK_LIMIT)
        expire(m, p)


def set_time(m: State, p: Profile, clock: int, second: int) -> None:
    """Put the clock to the time. Ends are clock values, so what it has passed ends."""
    m.clock = clock
    m.second = second
    m.uncertain = 0
    m.uncertain_min = 0
    m.calendar_until = 0
    expire(m, p)


def resume(m: State, p: Profile, minutes: int) -> None:
    """After a cut without a battery clock: at least so many minutes later, and uncertain.

    Restarts move an uncertain clock by UNCERTAIN_LIMIT in all, or who pulls the plug makes time.
    """
    if m.uncertain_min >= UNCERTAIN_LIMIT:
        minutes = 0
    if m.uncertain == 1:
        m.uncertain_min = min(m.uncertain_min + minutes, UNCERTAIN_LIMIT)
    m.uncertain = 1
    m.clock = min(m.clock + minutes, CLOCK_LIMIT)
    m.calendar_until = 0
    expire(m, p)


def advance(m: State, p: Profile, seconds: int, pulses: int, ma: int, w: int) -> None:
    """One step: `pulses` counted over the last `seconds` at a load of `ma` and `w`.

    At most STEP_S seconds and STEP_WH Wh (500 Wh on a board) in one step.
    """
    if pulses > 0:
        count(m, p, pulses)
    watch_limit(m, p, seconds, ma, w)
    pass_time(m, p, seconds)
    judge(m, p)


# ---- The stride: how long nothing can happen ---------------------------------------------------


def quiet_mc(m: State, p: Profile) -> int:
    """Amount that can be charged without reaching any threshold of the account, mc."""
    if m.limiter_engaged == 1:
        return BALANCE_LIMIT - m.arrears
    room = m.credit + m.overdraft
    if room > 0:
        quiet = room - 1
        if m.warned == 0:
            quiet = min(quiet, room - p.low_credit)
        return quiet
    if m.emergency_status == EMERGENCY_STATUS_IN_USE:
        return min(emergency_left(m) - 1, BALANCE_LIMIT - m.arrears)
    return min(m.credit + BALANCE_LIMIT, BALANCE_LIMIT - m.arrears)


def quiet_wh(m: State, p: Profile) -> int:
    """Energy that can be counted without anything happening, at most STEP_WH."""
    if m.reasons & REASON_LEAK_TEST:
        return 0
    wh = STEP_WH
    if m.control_state != CONTROL_STATE_CONNECTED and m.tamper_wh < p.tamper_wh:
        wh = min(wh, p.tamper_wh - m.tamper_wh - 1)
    if m.payment_mode == PAYMENT_MODE_PREPAYMENT and m.charge_stopped == 0 and m.price > 0:
        quiet = quiet_mc(m, p)
        if quiet < STEP_WH // 1000 * m.price:
            wh = min(wh, max((quiet * 1000 + 999 - m.remainder) // m.price, 0))
    return wh


def quiet_pulses(m: State, p: Profile) -> int:
    """Pulses that can be counted without anything happening."""
    pulses = quiet_wh(m, p)
    if p.energy == ENERGY_GAS and p.wh_per_m3 > 0:
        pulses = max(pulses * 1000 - m.volume_remainder, 0) // p.wh_per_m3
    return pulses


def quiet_s(m: State, p: Profile, ma: int, w: int) -> int:
    """Seconds in which no end, window or countdown falls, at most STEP_S."""
    until = m.calendar_until
    if m.price_from > 0:
        until = min(until, m.price_from)
    if m.overdraft > 0:
        until = min(until, m.overdraft_until)
    if m.hold_until > 0:
        until = min(until, m.hold_until)
    if m.limit_until > 0:
        until = min(until, m.limit_until)
    if m.uncertain == 1 and m.uncertain_min < UNCERTAIN_LIMIT:
        until = min(until, m.clock + UNCERTAIN_LIMIT - m.uncertain_min)
    quiet = STEP_S
    if until - m.clock <= 60:
        quiet = (until - m.clock) * 60 - m.second
    if m.reasons & REASON_OVERLOAD:
        quiet = min(quiet, m.rearm_left_s)
    if m.reasons & REASON_LEAK_TEST:
        quiet = min(quiet, m.leak_left_s)
    if over_limit(m, ma, w) == 1:
        quiet = min(quiet, p.over_s - m.over_s)
    return quiet


def stride(m: State, p: Profile, limit_s: int, rate: int, ma: int, w: int) -> int:
    """Longest step, up to `limit_s`, that ends as stepping every second would.

    `rate` is pulses per hour: the load in W, or litres of gas per hour. At least 1.
    """
    steps = min(limit_s, quiet_s(m, p, ma, w))
    if rate > 0:
        steps = min(steps, quiet_pulses(m, p) * 3600 // rate)
    return max(steps, 1)
