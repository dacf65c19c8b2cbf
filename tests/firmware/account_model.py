"""A reference model of the meter's account, to hold the meter's rules against.

It answers the same orders, presses and load as the meter and shows the same fields, but shares no
code with it and is built from other material: money is `Decimal` euros, the state one dictionary of
words and sets, and the calendar is asked of `zoneinfo` and `holidays`. Only the numbers that stand
for words (`meterproto.codes`) are common to both. What each rule means is said in the design, 3.1.

Money is in EUR, energy in Wh, times are minutes since 2000-01-01 00:00 UTC+1.
"""

from datetime import datetime, timedelta, timezone
from decimal import ROUND_DOWN, ROUND_FLOOR, Decimal
from zoneinfo import ZoneInfo

import holidays
from dateutil.relativedelta import relativedelta
from meterproto import codes
from meterproto.codes import Cause, Kind, LimiterRepay, PaymentMode, Result, WinterBar

MC = Decimal("0.00001")  # a millicent in EUR
ZERO = Decimal(0)
BALANCE_LIMIT = Decimal(10_000)
OVERDRAFT_LIMIT = Decimal(500)
PRESET_LIMIT = Decimal(250)
PRICE_LIMIT = Decimal(2)
LAST_MINUTE = 52_595_999  # of 2099
REGISTER_SIZE = 1_000_000_000

EPOCH = datetime(2000, 1, 1, tzinfo=timezone(timedelta(hours=1)))
BELGIUM = ZoneInfo("Europe/Brussels")
HOLIDAYS = holidays.country_holidays("BE", language="en_US")
SUNDAYS = ("Easter Sunday", "Pentecost")  # listed there, but no paid holidays of the law of 1974

# How the state is shown: words of a code; amounts; flags and numbers as they stand; and books, as
# whole euros and millicents.
WORDS = {
    "payment_mode": PaymentMode,
    "emergency_status": codes.EmergencyStatus,
    "control_state": codes.ControlState,
}
MONEY = ("credit", "emergency_preset", "emergency_used", "arrears", "overdraft", "price")
BOOKS = ("credited", "charged", "settled")
FLAGS = (
    *("warned", "kept", "charge_stopped", "window", "winter"),
    *("limiter_available", "limiter_engaged", "minimum_supply_disabled", "uncertain"),
)
NUMBERS = (
    *("clock", "second", "emergency_wh", "overdraft_until", "overdraft_order", "hold_until"),
    *("limit_ma", "limit_w", "limit_until", "connection_w", "over_s", "rearm_left_s"),
    *("leak_left_s", "tamper_wh", "energy_wh", "limited_wh", "unbilled_wh"),
    "uncertain_min",
    *("volume_l", "volume_remainder"),
)


def euros(millicents):
    """An amount in EUR."""
    return millicents * MC


def whole_mc(amount):
    """The amount without what lies below a millicent."""
    return amount.quantize(MC, ROUND_DOWN)


def local(clock):
    """Belgian local time of a clock value."""
    return (EPOCH + timedelta(minutes=clock)).astimezone(BELGIUM)


def in_range(value, first, last):
    """Whether value lies in first to last, going round past the end where last comes first."""
    return first <= value <= last if first <= last else value >= first or value <= last


class AccountModel:
    """One meter: what goes in is `advance`, `press`, `order` with `judge`, and `power_up`."""

    def __init__(self, profile, clock):
        """Puts the meter into service.

        :param profile: fields of `meterproto.records.Profile` with their values, in its units
        :param clock: the time it starts at
        """
        self.p = profile
        self.restore_min = euros(profile["restore_min"])
        self.s = dict.fromkeys(MONEY + BOOKS, ZERO) | dict.fromkeys(FLAGS, False)
        self.s |= dict.fromkeys(NUMBERS, 0)
        self.s |= {
            "clock": clock,
            "payment_mode": "credit",
            "control_state": "connected",
            "emergency_status": "enabled",
            "emergency_next": None,
            "reasons": set(),
            "grants": set(),  # not yet judged: overdraft, hold
            "carried": ZERO,  # charge below a millicent
            "price": euros(profile["price"]),
            "price_next": None,  # (from, price) once one is scheduled
            "emergency_preset": euros(profile["emergency_preset"]),
            "emergency_wh": profile["emergency_wh"],
        }
        if profile["emergency_wh"]:
            self.s["emergency_preset"] = self._worth(profile["emergency_wh"])
        self._look_up_calendar()
        self.order(Kind.PAYMENT_MODE, profile["payment_mode"], 0, 0)
        self.judge()

    # What the outside sees

    def seen(self):
        """The state as the meter shows it: field of `meterproto.records.State` -> int."""
        s = self.s
        shown = {name: int(s[name]) for name in FLAGS + NUMBERS}
        shown |= {name: int(s[name] / MC) for name in MONEY}
        shown |= {name: int(words[s[name].upper()]) for name, words in WORDS.items()}
        for name in BOOKS:
            whole = s[name].to_integral_value(ROUND_FLOOR)
            shown[f"{name}_eur"] = int(whole)
            shown[f"{name}_mc"] = int((s[name] - whole) / MC)
        shown["emergency_next"] = int(
            -1 if s["emergency_next"] is None else s["emergency_next"] / MC
        )
        shown["remainder"] = int(s["carried"] / MC * 1000)
        shown["reasons"] = sum(codes.Reason[reason.upper()] for reason in s["reasons"])
        return shown

    def supply_on(self):
        """Whether energy can flow: also during a leak test that nothing else forbids."""
        return self._connected or self.s["reasons"] == {"leak_test"}

    # Short words for what the rules keep asking

    @property
    def _prepaying(self):
        return self.s["payment_mode"] == "prepayment"

    @property
    def _connected(self):
        return self.s["control_state"] == "connected"

    @property
    def _floor(self):
        return -self.s["overdraft"]

    @property
    def _emergency_left(self):
        return self.s["emergency_preset"] - self.s["emergency_used"]

    @property
    def _held(self):
        return self.s["hold_until"] > self.s["clock"]

    @property
    def _limiter_at_hand(self):
        s = self.s
        return (
            s["limiter_available"] and not s["limiter_engaged"] and not s["minimum_supply_disabled"]
        )

    @property
    def _repay(self):
        return LimiterRepay(self.p["limiter_repay"])

    def _barred_in_winter(self, what):
        return bool(self.s["winter"] and self.p["winter_bars"] & what)

    # Time passes

    def advance(self, seconds, pulses, ma, w):
        """A step of load.

        :param seconds: how long it lasts
        :param pulses: Wh, or litres of gas, counted in it
        :param ma: current in mA
        :param w: power in W
        """
        s = self.s
        if pulses:
            self._count(pulses)
        if "overload" in s["reasons"]:
            s["rearm_left_s"] = max(0, s["rearm_left_s"] - seconds)
            if s["rearm_left_s"] == 0:
                s["reasons"].remove("overload")
        self._watch_limit(seconds, ma, w)
        if "leak_test" in s["reasons"]:
            s["leak_left_s"] = max(0, s["leak_left_s"] - seconds)
            if s["leak_left_s"] == 0:
                s["reasons"].remove("leak_test")
                self._connect()
        minutes, s["second"] = divmod(s["second"] + seconds, 60)
        if minutes:
            self._later(minutes, s["uncertain"])
        self.judge()

    def resume(self, minutes):
        """After a cut without a clock: later by at least so much, and not sure of it."""
        if self.s["uncertain_min"] == 24 * 60:
            minutes = 0
        self._later(minutes, self.s["uncertain"])
        self.s["uncertain"] = True

    def _later(self, minutes, counting):
        s = self.s
        if counting:
            s["uncertain_min"] = min(s["uncertain_min"] + minutes, 24 * 60)
        s["clock"] = min(s["clock"] + minutes, LAST_MINUTE)
        self._apply_ends()

    def power_up(self):
        """The meter starts again after a power cut."""
        self._stop_leak_test()
        self.s["over_s"] = 0
        self.judge()

    def _count(self, pulses):
        """Registers, what pulses mean for a closed or tested supply, and the charge."""
        s, p = self.s, self.p
        wh = pulses
        if p["energy"] == codes.Energy.GAS:
            wh, s["volume_remainder"] = divmod(
                pulses * p["wh_per_m3"] + s["volume_remainder"], 1000
            )
            self._register("volume_l", pulses)
        self._register("energy_wh", wh)
        if self._prepaying and s["limiter_engaged"]:
            self._register("limited_wh", wh)
        if "leak_test" in s["reasons"]:
            self._stop_leak_test()
        elif not self._connected:
            before = s["tamper_wh"]
            s["tamper_wh"] = min(before + wh, REGISTER_SIZE - 1)
            if before < p["tamper_wh"] <= s["tamper_wh"] and p["tamper_latch"]:
                s["reasons"].add("tamper")
        if self._prepaying:
            self._charge(wh)

    def _register(self, name, amount):
        self.s[name] = (self.s[name] + amount) % REGISTER_SIZE

    def _charge(self, wh):
        """Takes the price of energy from the account, bucket after bucket."""
        s = self.s
        due = wh * s["price"] / 1000 + s["carried"]
        amount = whole_mc(due)
        limited = s["limiter_engaged"]
        too_low = not limited and s["credit"] - amount < -BALANCE_LIMIT
        owed = amount if limited else amount - max(ZERO, s["credit"] - self._floor)
        if too_low or (owed > 0 and s["arrears"] + owed > BALANCE_LIMIT):
            s["charge_stopped"] = True
        if s["charge_stopped"]:
            self._register("unbilled_wh", wh)
            return
        s["carried"] = due - amount
        s["charged"] += amount
        while amount:
            part = amount
            if s["limiter_engaged"]:
                s["arrears"] += part
            elif s["credit"] > self._floor:
                part = min(part, s["credit"] - self._floor)
                s["credit"] -= part
            elif s["emergency_status"] == "in_use" and self._emergency_left > 0:
                part = min(part, self._emergency_left)
                s["emergency_used"] += part
            else:
                s["credit"] -= part
            amount -= part
            if amount:
                self._judge_account()

    def _watch_limit(self, seconds, ma, w):
        s, p = self.s, self.p
        above = 0 < s["limit_ma"] < ma or 0 < s["limit_w"] < w
        if not (s["limiter_engaged"] and self._connected and above):
            s["over_s"] = 0
            return
        s["over_s"] = min(s["over_s"] + seconds, p["over_s"])
        if s["over_s"] == p["over_s"]:
            s["over_s"] = 0
            s["rearm_left_s"] = p["rearm_s"]
            s["reasons"].add("overload")

    def _apply_ends(self):
        """What the time brings: calendar, price, and the ends of what was granted."""
        s = self.s
        self._look_up_calendar()
        if s["price_next"] and s["price_next"][0] <= s["clock"]:
            price = s["price_next"][1]
            s["price_next"] = None
            self._set_price(price)
        if s["overdraft"] and s["overdraft_until"] <= s["clock"]:
            self._end_overdraft()
        if not self._held:
            s["hold_until"] = 0
        if s["limit_until"] and s["limit_until"] <= s["clock"]:
            self._default_limit()

    def _look_up_calendar(self):
        self.s["window"] = self._is_window(local(self.s["clock"]))
        self.s["winter"] = self._is_winter(local(self.s["clock"]))

    def _is_window(self, when):
        p = self.p
        start, end = p["window_from"], p["window_to"]
        return (
            (start != end and in_range(when.hour * 60 + when.minute, start, end - 1))
            or bool(p["window_days"] & 1 << when.weekday())
            or bool(p["window_holidays"] and self._is_holiday(when.date()))
        )

    @staticmethod
    def _is_holiday(day):
        return day in HOLIDAYS and HOLIDAYS.get(day) not in SUNDAYS

    def _is_winter(self, when):
        first, last = self.p["winter_from"], self.p["winter_to"]
        return first != 0 and in_range(when.month * 100 + when.day, first, last)

    # Judging

    def judge(self):
        """Settles emergency credit and limiter, then opens or frees the supply switch."""
        if self._prepaying:
            self._judge_account()
        s = self.s
        if s["reasons"] - {"leak_test"}:
            self._stop_leak_test()
        if s["reasons"]:
            if self._connected:
                s["tamper_wh"] = 0
            s["control_state"] = "disconnected"
        elif s["control_state"] == "disconnected":
            if self.p["close_auto"] and not self.p["leak_test_s"]:
                self._connect()
            else:
                s["control_state"] = "ready"

    def _judge_account(self):
        """The account part: what the balance means for emergency credit, limiter and supply."""
        s = self.s
        self._judge_emergency()
        enough = s["credit"] >= self.restore_min
        repaid = self._repay is LimiterRepay.TOPUP_SHARE or not s["arrears"]
        if s["limiter_engaged"] and enough and repaid:
            self._release()
        lent = "overdraft" in s["grants"] and s["overdraft"] and s["credit"] > self._floor
        if enough or lent or ("hold" in s["grants"] and self._held):
            s["reasons"].discard("credit")
        s["grants"].clear()
        self._judge_floor()
        wanted = "credit" in s["reasons"] and not enough and self._emergency_left > 0
        if s["emergency_status"] in ("enabled", "selectable"):
            s["emergency_status"] = "selectable" if wanted else "enabled"
        if not s["limiter_engaged"]:
            s["warned"] = s["credit"] + s["overdraft"] < euros(self.p["low_credit"])

    def _judge_emergency(self):
        s = self.s
        if s["emergency_next"] is not None and not s["emergency_used"]:
            s["emergency_preset"], s["emergency_next"] = s["emergency_next"], None
        if s["emergency_status"] == "in_use":
            if self._emergency_left <= 0:
                s["emergency_status"] = "consumed"
            elif s["credit"] >= self.restore_min:
                s["emergency_status"] = "enabled"
        again = not s["emergency_used"] and s["credit"] >= self._floor
        if self.p["emergency_refill"]:
            again = self._emergency_left > 0
        if s["emergency_status"] == "consumed" and again:
            s["emergency_status"] = "enabled"

    def _judge_floor(self):
        """At the floor: emergency credit, else the limiter, else no supply; unless protected."""
        s, p = self.s, self.p
        down = (
            (s["credit"] <= self._floor or "credit" in s["reasons"])
            and not s["limiter_engaged"]
            and s["emergency_status"] != "in_use"
        )
        trusted = not s["uncertain"] or s["uncertain_min"] < 24 * 60
        protected = trusted and (s["window"] or self._held)
        if not (down and protected):
            s["kept"] = False
        if down and protected:
            s["kept"] = s["kept"] or "credit" not in s["reasons"]
        elif down and s["emergency_status"] != "consumed" and self._emergency_left > 0:
            if p["emergency_auto"] and "credit" not in s["reasons"]:
                self._use_emergency()
            else:
                s["reasons"].add("credit")
        elif down:
            if self._limiter_at_hand and p["limiter_auto"]:
                self._engage()
            else:
                s["reasons"].add("credit")

    # Things that happen to the meter

    def press(self, held_s):
        """The button, pressed for some seconds; True if that did something."""
        s, p = self.s, self.p
        if held_s < p["reopen_hold_s"]:
            return False
        if s["reasons"] == {"credit"}:
            if s["emergency_status"] == "selectable":
                self._use_emergency()
            elif self._limiter_at_hand:
                self._engage()
            else:
                return False
            self.judge()
            if p["leak_test_s"]:
                self._reopen()
            return True
        return self._reopen()

    def _reopen(self):
        s = self.s
        if s["control_state"] != "ready":
            return False
        if self.p["leak_test_s"]:
            s["control_state"] = "disconnected"
            s["reasons"].add("leak_test")
            s["leak_left_s"] = self.p["leak_test_s"]
        else:
            self._connect()
        self.judge()
        return True

    def _connect(self):
        self.s |= {"control_state": "connected", "tamper_wh": 0, "over_s": 0}

    def _stop_leak_test(self):
        self.s["reasons"].discard("leak_test")
        self.s["leak_left_s"] = 0

    def _use_emergency(self):
        self.s["emergency_status"] = "in_use"
        self.s["reasons"].discard("credit")

    def _engage(self):
        self.s |= {"limiter_engaged": True, "over_s": 0}
        self.s["reasons"].discard("credit")

    def _release(self):
        self.s |= {"limiter_engaged": False, "over_s": 0, "rearm_left_s": 0}
        self.s["reasons"].discard("overload")

    def _end_overdraft(self):
        self.s |= {"overdraft": ZERO, "overdraft_until": 0}

    def _default_limit(self):
        p = self.p
        by_phase = p["phases"] == 1 and p["limit_ma"] > 0
        self.s["limit_ma"] = p["limit_ma"] if by_phase else 0
        self.s["limit_w"] = 0 if by_phase else p["limit_w"]
        self.s["limit_until"] = 0

    def _worth(self, wh):
        """What an emergency credit given as energy is worth at the price in force."""
        return min(whole_mc(wh * self.s["price"] / 1000), PRESET_LIMIT)

    def _set_price(self, price):
        self.s["price"] = price
        if self.s["emergency_wh"]:
            self.s["emergency_next"] = self._worth(self.s["emergency_wh"])

    # Orders: each asks its questions in turn, (refused?, result), and acts after the last of them

    def order(self, kind, value, extra, order):
        """Carries an order out, without judging: those of one card are judged together.

        :param kind: a `codes.Kind`, which tells what `value` and `extra` are
        :param order: order id it came from
        :returns: the `codes.Result`
        """
        if kind not in {known.value for known in Kind}:
            return Result.UNKNOWN
        questions = getattr(self, "_order_" + Kind(kind).name.lower())
        for refused, result in questions(value, extra, order):
            if refused:
                return result
        return Result.DONE

    def _order_support(self, value, extra, order):
        s, amount = self.s, euros(value)
        yield not self._prepaying, Result.WRONG_MODE
        yield amount <= 0, Result.OUT_OF_RANGE
        yield amount > euros(self.p["top_up_max"]), Result.ABOVE_CAP
        yield s["credit"] + amount > BALANCE_LIMIT, Result.BALANCE_LIMIT
        up_to_knee = min(amount, euros(self.p["topup_knee"]) or amount)
        share = whole_mc(up_to_knee * self.p["topup_share_pct"] / 100) + amount - up_to_knee
        used = min(s["emergency_used"], share)
        by_invoice = self._repay is LimiterRepay.INVOICE
        arrears = ZERO if by_invoice else min(s["arrears"], share - used)
        s["emergency_used"] -= used
        s["arrears"] -= arrears
        s["credit"] += amount - used - arrears
        s["credited"] += amount
        s["charge_stopped"] = False

    _order_aid = _order_support

    def _order_top_up(self, value, extra, order):
        yield from self._order_support(value, extra, order)
        if self.p["overdraft_ends_on_top_up"]:
            self._end_overdraft()

    def _order_arrears_paid(self, value, extra, order):
        s, amount = self.s, euros(value)
        too_much = max(ZERO, amount - s["arrears"])
        yield not self._prepaying, Result.WRONG_MODE
        yield not 0 < amount <= BALANCE_LIMIT, Result.OUT_OF_RANGE
        yield too_much > euros(self.p["top_up_max"]), Result.ABOVE_CAP
        yield s["credit"] + too_much > BALANCE_LIMIT, Result.BALANCE_LIMIT
        s["arrears"] -= amount - too_much
        s["credit"] += too_much
        s["credited"] += amount
        s["charge_stopped"] = False
        if not s["arrears"] and s["limiter_engaged"] and s["credit"] > self._floor:
            self._release()

    def _order_overdraft(self, value, extra, order):
        s, amount = self.s, euros(value)
        yield not self._prepaying, Result.WRONG_MODE
        yield not 0 < amount <= OVERDRAFT_LIMIT, Result.OUT_OF_RANGE
        yield extra > LAST_MINUTE or order <= 0, Result.OUT_OF_RANGE
        yield order == s["overdraft_order"], Result.NO_EFFECT
        yield extra <= s["clock"], Result.EXPIRED
        s |= {"overdraft": amount, "overdraft_until": extra, "overdraft_order": order}
        s["grants"].add("overdraft")

    def _order_hold(self, value, extra, order):
        s = self.s
        yield not self._prepaying, Result.WRONG_MODE
        yield not 0 <= value <= LAST_MINUTE, Result.OUT_OF_RANGE
        yield value == 0 and s["hold_until"] == 0, Result.NO_EFFECT
        yield 0 < value <= s["clock"], Result.EXPIRED
        s["hold_until"] = value
        s["grants"].add("hold")

    def _order_limiter_enable(self, value, extra, order):
        s = self.s
        yield not self.p["limiter_fitted"], Result.NOT_FITTED
        yield s["limiter_available"], Result.NO_EFFECT
        yield not self._connected and s["credit"] < self.restore_min, Result.NEEDS_CREDIT
        s["limiter_available"] = True

    def _order_limit(self, value, extra, order):
        s, p = self.s, self.p
        yield not p["limit_raised_w"], Result.NOT_FITTED
        yield not 0 <= extra <= 100_000 or value > LAST_MINUTE, Result.OUT_OF_RANGE
        yield value <= s["clock"], Result.EXPIRED
        months = relativedelta(months=p["limit_raised_days"] // 30)
        last = local(s["clock"]).date() + months
        yield local(value - 1).date() > last, Result.TOO_LONG
        in_winter = s["winter"] and self._is_winter(local(value - 1))
        yield extra == 0 and not in_winter, Result.BARRED
        s["connection_w"] = extra or s["connection_w"]
        s |= {"limit_ma": 0, "limit_w": min(extra, p["limit_raised_w"]), "limit_until": value}

    def _order_limiter_release(self, value, extra, order):
        yield self.s["payment_mode"] == "limiter_only", Result.WRONG_MODE
        yield not self.s["limiter_engaged"], Result.NO_EFFECT
        empty = self.s["credit"] <= self._floor
        yield empty and self._barred_in_winter(WinterBar.MINIMUM_SUPPLY), Result.BARRED
        self._release()

    def _order_minimum_supply_disable(self, value, extra, order, disable=True):
        s = self.s
        yield not self.p["limiter_fitted"], Result.NOT_FITTED
        yield s["payment_mode"] == "limiter_only", Result.WRONG_MODE
        yield s["minimum_supply_disabled"] == disable, Result.NO_EFFECT
        yield disable and self._barred_in_winter(WinterBar.MINIMUM_SUPPLY), Result.BARRED
        s["minimum_supply_disabled"] = disable
        if disable and s["limiter_engaged"]:
            self._release()

    def _order_minimum_supply_enable(self, value, extra, order):
        return self._order_minimum_supply_disable(value, extra, order, disable=False)

    def _order_price(self, value, extra, order):
        price = euros(value)
        yield not 0 <= price <= PRICE_LIMIT, Result.OUT_OF_RANGE
        yield not 0 <= extra <= LAST_MINUTE, Result.OUT_OF_RANGE
        if extra > self.s["clock"]:
            self.s["price_next"] = extra, price
        else:
            if extra:
                self.s["price_next"] = None
            self._set_price(price)

    def _order_emergency_preset(self, value, extra, order):
        as_energy = extra == 1
        highest = 1_000_000 if as_energy else PRESET_LIMIT / MC
        yield not 0 <= value <= highest, Result.OUT_OF_RANGE
        self.s["emergency_wh"] = value if as_energy else 0
        self.s["emergency_next"] = self._worth(value) if as_energy else euros(value)

    def _order_payment_mode(self, value, extra, order):
        s, p = self.s, self.p
        yield value not in {mode.value for mode in PaymentMode}, Result.OUT_OF_RANGE
        mode = PaymentMode(value).name.lower()
        yield mode == s["payment_mode"], Result.NO_EFFECT
        yield mode == "limiter_only" and not p["limiter_fitted"], Result.NOT_FITTED
        self._end_overdraft()
        s["grants"].clear()
        s["reasons"] -= {"credit", "overload"}
        s |= {"payment_mode": mode, "hold_until": 0, "kept": False, "warned": False}
        s |= {"over_s": 0, "rearm_left_s": 0}
        s["limiter_engaged"] = mode == "limiter_only"
        if s["emergency_status"] == "selectable":
            s["emergency_status"] = "enabled"
        if mode == "prepayment":
            reserve = euros(p["initial_reserve"])
            s["settled"] -= s["credit"] - s["emergency_used"] - s["arrears"]
            s["credited"] += reserve
            s |= {"credit": reserve, "emergency_used": ZERO, "arrears": ZERO}
            s |= {"emergency_status": "enabled", "charge_stopped": False}
            protected = extra == 1 or p["limiter_available"]
            s["limiter_available"] |= bool(p["limiter_fitted"] and protected)
        if mode != "credit" and p["limiter_fitted"]:
            self._default_limit()

    def _order_disconnect(self, value, extra, order):
        bad_will = value == Cause.BAD_WILL
        yield value not in {cause.value for cause in Cause}, Result.OUT_OF_RANGE
        yield self._held and value != Cause.SAFETY, Result.BARRED
        yield bad_will and self._barred_in_winter(WinterBar.BAD_WILL), Result.BARRED
        yield "operator" in self.s["reasons"], Result.NO_EFFECT
        self.s["reasons"].add("operator")

    def _order_reconnect(self, value, extra, order):
        yield "operator" not in self.s["reasons"], Result.NO_EFFECT
        self.s["reasons"].remove("operator")

    def _order_clear_tamper(self, value, extra, order):
        s = self.s
        yield "tamper" not in s["reasons"] and not s["tamper_wh"], Result.NO_EFFECT
        s["reasons"].discard("tamper")
        s["tamper_wh"] = 0

    def _order_clock(self, value, extra, order):
        yield not 0 <= value <= LAST_MINUTE, Result.OUT_OF_RANGE
        self.s |= {"clock": value, "second": 0, "uncertain": False, "uncertain_min": 0}
        self._apply_ends()
