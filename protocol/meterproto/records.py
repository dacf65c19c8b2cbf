"""The meter's two records, declared once: its state and its profile.

The MicroPython record class, the NumPy dtype of the fleet and the stored record all come from
these declarations. Every value is a signed integer inside ±2^30, the small-int range of 32-bit
MicroPython.
Units: mc = millicent (1 EUR = 100,000 mc); clock = minutes since 2000-01-01 00:00 UTC+1; time =
minutes of the day; date = month × 100 + day, 0 none; weekdays = a bit each, bit 0 Monday.
"""

from meterproto.codes import (
    Code,
    ControlState,
    EmergencyStatus,
    Energy,
    LimiterRepay,
    PaymentMode,
    Reason,
    WinterBar,
)
from meterproto.quantity import Quantity, Record, flag, one_of

EUR = 100_000  # mc
BALANCE_LIMIT = 10_000 * EUR  # the account stays within ± this
OVERDRAFT_LIMIT = 500 * EUR
TOP_UP_LIMIT = 250 * EUR  # one token at most (B-8)
PRESET_LIMIT = 250 * EUR
PRICE_LIMIT = 2 * EUR  # per kWh
CLOCK_LIMIT = 100 * 365 * 1440 + 25 * 1440 - 1  # last minute of 2099
REGISTER_LIMIT = 1_000_000_000  # rolls over like six digits and three decimals
TOTAL_LIMIT = 2**30 - 1
ORDER_LIMIT = 2**30 - 1
POWER_LIMIT = 100_000  # W
UNCERTAIN_LIMIT = 1440  # powered minutes that windows and holds protect on uncertain time


def mc(low: int, high: int) -> Quantity:
    return Quantity("l", "mc", low, high)


def euros(low: int = 0) -> Quantity:
    return Quantity("l", "EUR", low, TOTAL_LIMIT)


def clock() -> Quantity:
    return Quantity("l", "clock", 0, CLOCK_LIMIT)


def seconds(high: int) -> Quantity:
    return Quantity("h", "s", 0, high)


def watts() -> Quantity:
    return Quantity("l", "W", 0, POWER_LIMIT)


def register(unit: str) -> Quantity:
    return Quantity("l", unit, 0, REGISTER_LIMIT - 1)


def bits(high: int, codes: type[Code] | None = None) -> Quantity:
    return Quantity("b", "bits", 0, high, codes)


State = Record(
    "clock" / clock() * "the time",
    "second" / Quantity("b", "s", 0, 59) * "seconds of the running minute",
    # The account (design 3.1)
    "payment_mode" / one_of(PaymentMode) * "prepayment, credit or limiter-only",
    "credit" / mc(-BALANCE_LIMIT, BALANCE_LIMIT) * "signed balance of the token credit",
    "emergency_preset" / mc(0, PRESET_LIMIT) * "emergency credit on offer",
    "emergency_used" / mc(0, PRESET_LIMIT) * "emergency credit owed",
    "emergency_status" / one_of(EmergencyStatus) * "status of the emergency credit",
    "emergency_next" / mc(-1, PRESET_LIMIT) * "preset waiting until nothing is owed; -1 none",
    "emergency_wh"
    / Quantity("l", "Wh", 0, 1_000_000)
    * "preset as energy, re-priced with the price; 0: money",
    "arrears" / mc(0, BALANCE_LIMIT) * "owed for minimum supply",
    "overdraft" / mc(0, OVERDRAFT_LIMIT) * "negative credit limit in force; 0 none",
    "overdraft_until" / clock() * "its end",
    "overdraft_order" / Quantity("l", "", 0, ORDER_LIMIT) * "order it came from; 0 never",
    "hold_until" / clock() * "no disconnection for credit before; 0 none",
    "granted" / bits(3) * "grants of this batch not yet judged: 1 overdraft, 2 hold",
    "price" / Quantity("l", "mc/kWh", 0, PRICE_LIMIT) * "price in force",
    "price_next" / Quantity("l", "mc/kWh", 0, PRICE_LIMIT) * "price to come",
    "price_from" / clock() * "when it comes; 0 none",
    "remainder" / Quantity("h", "mc/1000", 0, 999) * "charge carried, below a millicent",
    "warned" / flag() * "low credit warning given",
    "kept" / flag() * "credit used up and kept connected by a window or hold",
    "charge_stopped" / flag() * "account at its limit: energy is counted as unbilled",
    # Limiter
    "limiter_available" / flag() * "minimum supply is available when credit is used up",
    "limiter_engaged" / flag() * "limit in force",
    "minimum_supply_disabled" / flag() * "minimum supply stopped by the operator",
    "limit_ma" / Quantity("l", "mA", 0, 500_000) * "limit per phase; 0 none",
    "limit_w" / watts() * "limit of the total power; 0 none",
    "limit_until" / clock() * "end of a raised limit; 0 none",
    "connection_w" / watts() * "original power of the connection; 0 unknown",
    "over_s" / seconds(3600) * "time above the limit",
    "rearm_left_s" / seconds(3600) * "time until the limiter re-arms",
    # Supply
    "control_state" / one_of(ControlState) * "supply control switch",
    "reasons" / bits(31, Reason) * "why supply is open",
    "leak_left_s" / seconds(3600) * "gas: time left in the leak test",
    "tamper_wh" / Quantity("l", "Wh", 0, REGISTER_LIMIT - 1) * "counted since supply opened",
    # Books and registers
    "credited_eur" / euros() * "all credit booked, whole euros",
    "credited_mc" / mc(0, EUR - 1) * "and millicents",
    "charged_eur" / euros() * "all energy charged, whole euros",
    "charged_mc" / mc(0, EUR - 1) * "and millicents",
    "settled_eur" / euros(-TOTAL_LIMIT) * "balances taken out of the account, whole euros, floored",
    "settled_mc" / mc(0, EUR - 1) * "and millicents",
    "energy_wh" / register("Wh") * "energy register",
    "limited_wh" / register("Wh") * "of it under the limiter",
    "unbilled_wh" / register("Wh") * "of it not charged",
    "volume_l" / register("l") * "gas: volume register",
    "volume_remainder" / Quantity("h", "Wh/1000", 0, 999) * "gas: energy carried, below a Wh",
    "last_top_up" / mc(0, TOP_UP_LIMIT) * "last amount booked",
    "last_top_up_clock" / clock() * "when",
    # Derived from clock and profile, recomputed when the clock reaches `calendar_until`
    "window" / flag() * "friendly hours now",
    "winter" / flag() * "winter period now",
    "calendar_until"
    / Quantity("l", "clock", 0, CLOCK_LIMIT + 1440)  # on the last day it lies behind the calendar
    * "next change of either; 0 recompute",
    "events" / Quantity("l", "bits", 0, 2**30 - 1) * "what happened since last asked (codes.Event)",
    # New fields go to the end: a stored record of an older layout is a prefix (stored.HISTORY)
    "uncertain" / flag() * "the time is a lower bound since a cut without a battery clock",
    "uncertain_min" / Quantity("h", "min", 0, UNCERTAIN_LIMIT) * "powered minutes since",
)


def minute_of_day() -> Quantity:
    return Quantity("h", "time", 0, 1440)


def month_day() -> Quantity:
    return Quantity("h", "date", 0, 1231)


Profile = Record(
    "energy" / one_of(Energy) * "what is metered",
    "payment_mode" / one_of(PaymentMode) * "mode at installation",
    "price" / Quantity("l", "mc/kWh", 0, PRICE_LIMIT) * "price at installation",
    "initial_reserve" / mc(0, TOP_UP_LIMIT) * "credited at installation and reactivation",
    "wh_per_m3" / Quantity("l", "Wh/m3", 0, 100_000) * "calorific value of the gas",
    "phases" / Quantity("b", "", 1, 3) * "phases of the connection",
    "restore_min" / mc(1, TOP_UP_LIMIT) * "credit that makes ready for reconnection, inclusive",
    "low_credit" / mc(0, TOP_UP_LIMIT) * "credit above the floor below which the meter warns",
    "top_up_max" / mc(0, TOP_UP_LIMIT) * "largest amount of one token",
    "topup_share_pct"
    / Quantity("b", "%", 0, 100)
    * "part of a top-up that repays emergency credit and arrears",
    "topup_knee" / mc(0, TOP_UP_LIMIT) * "above this a top-up repays with all of it; 0 no knee",
    "overdraft_ends_on_top_up" / flag() * "a paid top-up ends the negative credit limit",
    # Emergency credit
    "emergency_preset" / mc(0, PRESET_LIMIT) * "emergency credit; 0 none",
    "emergency_wh" / Quantity("l", "Wh", 0, 1_000_000) * "emergency credit as energy; 0: as money",
    "emergency_auto" / flag() * "starts by itself at the floor",
    "emergency_refill" / flag() * "again as it is repaid, not only when wholly repaid",
    # Limiter
    "limiter_fitted" / flag() * "the meter can limit power",
    "limiter_available" / flag() * "available from installation",
    "limiter_auto" / flag() * "starts by itself when emergency credit is used up",
    "limiter_repay" / one_of(LimiterRepay) * "how minimum supply is repaid",
    "limit_ma" / Quantity("l", "mA", 0, 500_000) * "limit per phase, single-phase; 0: in watts",
    "limit_w" / watts() * "limit of the total power",
    "limit_raised_w" / watts() * "ceiling of a raised limit; 0: not offered",
    "limit_raised_days"
    / Quantity("h", "days", 0, 366)
    * "longest raise, by the calendar: a month for every 30 days",
    "over_s" / Quantity("h", "s", 1, 3600) * "time above the limit until supply opens",
    "rearm_s" / seconds(3600) * "time until it may be closed again",
    # Reconnection
    "close_auto" / flag() * "supply closes by itself when ready",
    "leak_test_s" / seconds(3600) * "gas: leak test before supply counts as connected; 0 none",
    "reopen_hold_s" / seconds(60) * "how long the button is held to close supply",
    "tamper_wh" / Quantity("l", "Wh", 1, 1_000_000) * "counted while disconnected: tamper",
    "tamper_latch" / flag() * "tamper bars reconnection until cleared",
    # Calendar, in Belgian local time
    "window_from" / minute_of_day() * "friendly hours begin",
    "window_to" / minute_of_day() * "friendly hours end; equal: none",
    "window_days" / Quantity("h", "weekdays", 0, 127) * "days friendly throughout",
    "window_holidays" / flag() * "public holidays friendly throughout",
    "winter_from" / month_day() * "first day of winter",
    "winter_to" / month_day() * "last day of winter, inclusive",
    "winter_bars" / bits(3, WinterBar) * "what is refused in winter (codes.WinterBar)",
)
