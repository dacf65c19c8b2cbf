"""The account rule by rule: charging, emergency credit, top-ups, grants, modes."""

import unittest

from meterfw import layouts
from meterfw.account import orders, rules

from tests.firmware.support import (
    EUR,
    Cause,
    Kind,
    PaymentMode,
    Result,
    books,
    clock,
    conserved,
    events,
    fields,
    installed,
    mc,
    meter,
    off,
    order,
    out_of_range,
    profile,
    ready,
    rule,
    spend,
    use,
)

UNTIL = "2021-03-31 23:59"


def close(m, p):
    """Close supply by hand, after the leak test of a gas meter."""
    rules.press(m, p, 5)
    rules.advance(m, p, p.leak_test_s, 0, 0, 0)
    assert m.control_state == layouts.CONTROL_STATE_CONNECTED


class Charging(unittest.TestCase):
    def test_energy_times_price_never_rounds_across_price_changes(self):
        m, p = meter("wallonia-card", credit=mc(100))
        charged = 0
        for wh, price in ((1, 25_001), (3, 19_999), (7, 33_333), (1, 1), (999, 27_183)):
            order(m, p, Kind.PRICE, price)
            rules.advance(m, p, 0, wh, 0, 0)
            charged += wh * price
        assert m.charged_mc + m.charged_eur * EUR == charged // 1000
        assert m.remainder == charged % 1000
        assert conserved(m)

    @rule("FE-02", "FE-24", "FE-26", "FE-01")
    def test_flanders_splits_one_step_exactly_over_credit_aid_and_minimum_supply(self):
        m, p = meter("flanders-2003", credit=mc(1))
        assert m.emergency_preset == 50 * 25_000  # FE-14: 50 kWh at 0.25
        rules.advance(m, p, 3600, 60_000 // 12, 0, 0)  # 5 kWh, 1.25 EUR
        assert (m.credit, m.emergency_used) == (0, mc("0.25"))
        assert m.emergency_status == layouts.EMERGENCY_STATUS_IN_USE
        m.emergency_used = m.emergency_preset - mc("0.10")
        books(m, mc("0.25") - m.emergency_used)
        rules.advance(m, p, 0, 1000, 0, 0)  # 0.25 EUR: 0.10 aid credit, 0.15 minimum supply
        assert (m.credit, m.emergency_used, m.arrears) == (0, m.emergency_preset, mc("0.15"))
        assert m.limiter_engaged == 1
        assert not off(m)
        assert conserved(m)

    @rule("B-3")
    def test_friendly_hours_let_the_account_go_on_down_and_open_at_their_end(self):
        m, p = meter("wallonia-card", "2020-12-08 20:00", credit=mc(1))
        use(m, p, 5)
        assert (m.credit, m.kept) == (-mc(4), 1)
        assert not off(m)
        assert "KEPT_ON" in events(m)
        order(m, p, Kind.CLOCK, clock("2020-12-09 07:59"))
        rules.advance(m, p, 59, 0, 0, 0)
        assert not off(m)
        rules.advance(m, p, 1, 0, 0, 0)
        assert off(m)
        assert m.emergency_status == layouts.EMERGENCY_STATUS_SELECTABLE

    @rule("B-3")
    def test_the_start_of_a_window_closes_nothing(self):
        m, p = meter("wallonia-card", "2020-12-08 15:59", credit=-mc(1))
        assert off(m)
        rules.advance(m, p, 120, 0, 0, 0)
        assert m.window == 1
        assert off(m)

    def test_beyond_ten_thousand_euros_charging_stops_and_energy_is_counted_apart(self):
        m, p = meter("wallonia-card", "2020-12-08 20:00", credit=-mc("9999.90"))
        rules.advance(m, p, 0, 400, 0, 0)  # 0.10 EUR: exactly to the limit
        assert (m.credit, m.charge_stopped) == (-mc(10_000), 0)
        rules.advance(m, p, 0, 1, 0, 0)
        assert (m.credit, m.charge_stopped, m.unbilled_wh) == (-mc(10_000), 1, 1)
        assert "UNBILLED" in events(m)
        rules.advance(m, p, 0, 500, 0, 0)
        assert m.unbilled_wh == 501
        assert m.energy_wh == 901
        assert order(m, p, Kind.TOP_UP, mc(250)) == Result.DONE
        rules.advance(m, p, 0, 4, 0, 0)
        assert (m.charge_stopped, m.unbilled_wh) == (0, 501)
        assert conserved(m)

    def test_whatever_pays_or_begins_anew_lets_charging_go_on(self):
        for kind, value in ((Kind.TOP_UP, mc(5)), (Kind.ARREARS_PAID, mc(5))):
            m, p = meter("wallonia-card", credit=mc(1), arrears=mc(5), charge_stopped=1)
            assert order(m, p, kind, value) == Result.DONE
            assert m.charge_stopped == 0
        m, p = meter("wallonia-card", credit=mc(1))
        order(m, p, Kind.PAYMENT_MODE, PaymentMode.CREDIT)
        m.charge_stopped = 1
        order(m, p, Kind.PAYMENT_MODE, PaymentMode.PREPAYMENT)
        assert m.charge_stopped == 0

    def test_a_clock_that_is_set_is_sure_again(self):
        m, p = meter("wallonia-card", credit=mc(1), uncertain=1, uncertain_min=500)
        rules.set_time(m, p, m.clock + 1, 30)
        assert (m.uncertain, m.uncertain_min) == (0, 0)

    def test_a_top_up_that_would_pass_ten_thousand_euros_changes_nothing(self):
        m, p = meter("wallonia-card", credit=mc(9_800))
        before = fields(m)
        assert order(m, p, Kind.TOP_UP, mc(201)) == Result.BALANCE_LIMIT
        assert fields(m) == before
        assert order(m, p, Kind.TOP_UP, mc(200)) == Result.DONE
        assert out_of_range(m) is None

    @rule("B-5")
    def test_low_credit_is_warned_of_once_until_topped_up(self):
        m, p = meter("wallonia-card", credit=mc("5.01"))
        use(m, p, "0.01")
        assert "LOW_CREDIT" not in events(m)
        use(m, p, "0.01")
        assert "LOW_CREDIT" in events(m)
        use(m, p, "1.00")
        assert "LOW_CREDIT" not in events(m)
        order(m, p, Kind.TOP_UP, mc(10))
        use(m, p, 10)
        assert "LOW_CREDIT" in events(m)


class EmergencyCredit(unittest.TestCase):
    @rule("OC-15", "B-4")
    def test_card_meter_offers_emergency_credit_and_opens_without_the_button(self):
        m, p = meter("wallonia-card", credit=mc(1))
        use(m, p, 1)
        assert off(m)
        assert events(m) >= {"EMERGENCY_SELECTABLE", "DISCONNECTED"}
        rules.press(m, p, 0)
        rules.press(m, p, 0)
        assert not off(m)
        use(m, p, "11.99")
        assert not off(m)
        use(m, p, "0.01")
        assert off(m)
        assert m.emergency_status == layouts.EMERGENCY_STATUS_CONSUMED
        assert rules.press(m, p, 0) == 0  # nothing left to offer

    @rule("B-4")
    def test_wallonia_offers_emergency_credit_again_only_when_wholly_repaid(self):
        m, p = meter("wallonia-card", emergency_used=mc(12), emergency_status=4)
        order(m, p, Kind.TOP_UP, mc(11))
        assert (m.emergency_used, m.credit) == (mc(1), 0)
        assert m.emergency_status == layouts.EMERGENCY_STATUS_CONSUMED
        assert off(m)
        order(m, p, Kind.TOP_UP, mc("1.30"))
        assert (m.emergency_used, m.credit) == (0, mc("0.30"))
        # off with less than 0.50: emergency credit is on offer although credit is above the floor
        assert m.emergency_status == layouts.EMERGENCY_STATUS_SELECTABLE
        assert off(m)
        rules.press(m, p, 0)
        rules.press(m, p, 0)
        assert not off(m)
        use(m, p, "0.40")
        assert (m.credit, m.emergency_used) == (0, mc("0.10"))

    @rule("B-2")
    def test_flanders_refills_emergency_credit_as_it_is_repaid(self):
        m, p = meter("flanders-digital", emergency_used=mc(50), emergency_status=4, arrears=mc(2))
        assert m.limiter_engaged == 1
        order(m, p, Kind.TOP_UP, mc(20))  # 7 repaid, 13 credit
        assert (m.emergency_used, m.credit, m.limiter_engaged) == (mc(43), mc(13), 0)
        use(m, p, 13)
        assert m.emergency_status == layouts.EMERGENCY_STATUS_IN_USE
        use(m, p, 7)
        assert m.emergency_status == layouts.EMERGENCY_STATUS_CONSUMED
        assert m.limiter_engaged == 1

    @rule("FE-14", "AMB-27")
    def test_aid_credit_in_energy_follows_the_price_but_not_while_it_is_owed(self):
        m, p = meter("flanders-2003", credit=mc(5))
        order(m, p, Kind.PRICE, 30_000)
        assert m.emergency_preset == mc(15)
        use(m, p, 6)
        assert m.emergency_used == mc(1)
        order(m, p, Kind.PRICE, 20_000)
        assert m.emergency_preset == mc(15)
        order(m, p, Kind.TOP_UP, mc(20))
        assert (m.emergency_used, m.emergency_preset) == (0, mc(10))

    def test_a_preset_as_money_waits_until_nothing_is_owed(self):
        m, p = meter("wallonia-card", credit=0, emergency_used=mc(2), emergency_status=3)
        assert order(m, p, Kind.EMERGENCY_PRESET, mc(15)) == Result.DONE
        assert m.emergency_preset == mc(12)
        order(m, p, Kind.TOP_UP, mc(5))
        assert (m.emergency_preset, m.emergency_next) == (mc(15), -1)

    @rule("FE-02")
    def test_digital_meter_starts_emergency_credit_by_itself(self):
        m, p = meter("wallonia-digital", credit=mc(1))
        use(m, p, 2)
        assert not off(m)
        assert (m.credit, m.emergency_used) == (0, mc(1))


class Grants(unittest.TestCase):
    @rule("OC-14")
    def test_exactly_the_limit_is_the_limit(self):
        m, p = meter("wallonia-card", credit=mc(1))
        order(m, p, Kind.OVERDRAFT, mc(50), clock(UNTIL), 1)
        use(m, p, "50.99")
        assert not off(m)
        use(m, p, "0.01")
        assert m.credit == -mc(50)
        assert off(m)

    @rule("OC-17")
    def test_a_limit_granted_before_supply_opened_does_not_close_it(self):
        m, p = meter("wallonia-card", credit=mc(1))
        order(m, p, Kind.OVERDRAFT, mc(50), clock(UNTIL), 1)
        use(m, p, 51)
        assert off(m)
        order(m, p, Kind.SUPPORT, mc(10))
        assert (m.credit, m.overdraft) == (-mc(40), mc(50))
        assert m.control_state == layouts.CONTROL_STATE_DISCONNECTED

    @rule("OC-17", "AMB-05")
    def test_limit_granted_while_emergency_credit_is_in_use(self):
        m, p = meter("wallonia-card", credit=0, emergency_used=mc(5), emergency_status=3)
        order(m, p, Kind.OVERDRAFT, mc(50), clock(UNTIL), 1)
        assert not off(m)
        use(m, p, 50)
        assert (m.credit, m.emergency_used) == (-mc(50), mc(5))
        assert not off(m)  # the rest of the emergency credit, without another press
        use(m, p, 7)
        assert off(m)
        assert m.credit - m.emergency_used == -mc(62)

    @rule("OC-17")
    def test_limit_granted_below_itself_leaves_the_meter_off(self):
        m, p = meter("wallonia-card", credit=-mc(60))
        order(m, p, Kind.OVERDRAFT, mc(50), clock(UNTIL), 1)
        assert m.control_state == layouts.CONTROL_STATE_DISCONNECTED

    @rule("AMB-06", "OC-16")
    def test_a_small_payment_ends_the_limit_and_opens_outside_windows(self):
        m, p = meter("wallonia-card", credit=0)
        order(m, p, Kind.OVERDRAFT, mc(50), clock(UNTIL), 1)
        rules.press(m, p, 0)
        use(m, p, 30)
        order(m, p, Kind.TOP_UP, mc(10))
        assert (m.credit, m.overdraft) == (-mc(20), 0)
        assert off(m)
        assert m.emergency_status == layouts.EMERGENCY_STATUS_SELECTABLE

    @rule("AMB-06")
    def test_the_other_reading_lets_the_limit_live_until_its_end(self):
        m, p = meter("wallonia-card", changes={"overdraft_ends_on_top_up": 0}, credit=0)
        order(m, p, Kind.OVERDRAFT, mc(50), clock(UNTIL), 1)
        rules.press(m, p, 0)
        use(m, p, 30)
        order(m, p, Kind.TOP_UP, mc(10))
        assert (m.credit, m.overdraft) == (-mc(20), mc(50))
        assert not off(m)

    @rule("AMB-21", "AMB-26")
    def test_support_is_booked_first_to_what_is_owed_and_leaves_the_limit_alone(self):
        m, p = meter("wallonia-card", credit=-mc(20), emergency_used=mc(12), emergency_status=4)
        order(m, p, Kind.OVERDRAFT, mc(50), clock(UNTIL), 1)
        assert order(m, p, Kind.TOP_UP, 0) == Result.OUT_OF_RANGE  # an exchange without payment
        assert m.overdraft == mc(50)
        order(m, p, Kind.SUPPORT, mc(30))
        assert (m.emergency_used, m.credit, m.overdraft) == (0, -mc(2), mc(50))

    @rule("OC-12", "OC-13")
    def test_grants_say_why_they_are_refused(self):
        m, p = meter("wallonia-card", credit=mc(1))
        before = fields(m)
        assert order(m, p, Kind.OVERDRAFT, mc(50), m.clock, 1) == Result.EXPIRED
        assert order(m, p, Kind.OVERDRAFT, mc("500.01"), clock(UNTIL), 1) == Result.OUT_OF_RANGE
        assert order(m, p, Kind.OVERDRAFT, mc(50), clock(UNTIL), 0) == Result.OUT_OF_RANGE
        assert order(m, p, Kind.HOLD, m.clock) == Result.EXPIRED
        assert order(m, p, Kind.HOLD, 0) == Result.NO_EFFECT
        assert order(m, p, 99, 1) == Result.UNKNOWN
        assert fields(m) == before

    @rule("B-7", "OC-01")
    def test_a_hold_makes_ready_bars_cuts_for_debt_and_ends_by_order(self):
        m, p = meter("wallonia-card", credit=-mc(3))
        assert off(m)
        order(m, p, Kind.HOLD, clock(UNTIL))
        assert ready(m)
        rules.press(m, p, 0)
        assert order(m, p, Kind.DISCONNECT, Cause.FRAUD) == Result.BARRED
        assert order(m, p, Kind.DISCONNECT, Cause.SAFETY) == Result.DONE
        assert off(m)
        assert order(m, p, Kind.RECONNECT) == Result.DONE
        rules.press(m, p, 0)
        assert not off(m)
        assert order(m, p, Kind.HOLD, 0) == Result.DONE
        assert off(m)

    def test_ready_by_a_hold_is_over_when_the_hold_is(self):
        m, p = meter("wallonia-card", "2020-12-08 10:00", credit=-mc(3))
        order(m, p, Kind.HOLD, clock("2020-12-08 11:00"))
        assert ready(m)
        order(m, p, Kind.CLOCK, clock("2020-12-08 11:00"))
        assert m.control_state == layouts.CONTROL_STATE_DISCONNECTED
        assert m.reasons == layouts.REASON_CREDIT

    @rule("OC-14", "OC-15", "OC-16", "OC-17")
    def test_the_covid_campaign_on_every_walloon_profile(self):
        for name in ("wallonia-card", "wallonia-digital", "wallonia-gas"):
            with self.subTest(name=name):
                self.go_through_the_campaign(name)

    def go_through_the_campaign(self, name):
        """Negative limit while off, down to it, emergency credit, off, everything repaid."""
        m, p = meter(name, credit=-mc(1))
        if p.emergency_auto:
            spend(m, p, rules.emergency_left(m))
        assert off(m)
        owed = m.emergency_used
        order(m, p, Kind.OVERDRAFT, mc(50), clock(UNTIL), 1)
        assert ready(m)
        close(m, p)
        use(m, p, 40)
        assert not off(m)
        spend(m, p, m.credit + mc(50))
        if m.emergency_status != layouts.EMERGENCY_STATUS_CONSUMED:
            assert off(m)
            rules.press(m, p, 5)  # offered at the limit, by the button
            close(m, p)
            spend(m, p, m.emergency_preset - owed)
        assert off(m)
        assert m.emergency_status == layouts.EMERGENCY_STATUS_CONSUMED
        due = m.emergency_used - m.credit
        order(m, p, Kind.TOP_UP, due + mc("0.49"))
        assert m.control_state == layouts.CONTROL_STATE_DISCONNECTED
        order(m, p, Kind.TOP_UP, mc("0.01"))
        assert ready(m)
        assert m.credit - m.emergency_used == mc("0.50")
        assert conserved(m)


class Modes(unittest.TestCase):
    @rule("OC-10", "WG-13", "WE-30")
    def test_deactivation_freezes_balances_and_ends_everything_for_credit(self):
        for name in ["wallonia-card", "wallonia-digital", "wallonia-gas"]:
            with self.subTest(name=name):
                m, p = meter(name, credit=-mc(5))
                order(m, p, Kind.HOLD, clock(UNTIL))
                order(m, p, Kind.OVERDRAFT, mc(50), clock(UNTIL), 1)
                assert order(m, p, Kind.PAYMENT_MODE, PaymentMode.CREDIT) == Result.DONE
                assert (m.hold_until, m.overdraft, m.limiter_engaged) == (0, 0, 0)
                assert not m.reasons
                balance = m.credit - m.emergency_used
                rules.advance(m, p, 3600, 400, 0, 0)
                assert m.credit - m.emergency_used == balance
                assert order(m, p, Kind.TOP_UP, mc(20)) == Result.WRONG_MODE
                assert order(m, p, Kind.PAYMENT_MODE, PaymentMode.CREDIT) == Result.NO_EFFECT
                assert conserved(m)

    @rule("OC-10")
    def test_deactivation_of_a_meter_that_is_off_makes_it_ready(self):
        m, p = meter("wallonia-card", credit=-mc(5))
        order(m, p, Kind.PAYMENT_MODE, PaymentMode.CREDIT)
        assert ready(m)
        rules.press(m, p, 0)
        assert not off(m)

    @rule("OC-11", "AMB-20", "WE-29", "WG-12")
    def test_reactivation_starts_from_zero_plus_the_reserve(self):
        for balance in [-700, 0, 850]:
            with self.subTest(balance=balance):
                m, p = meter("wallonia-card", "2020-12-08 20:00", credit=mc(balance), arrears=mc(3))
                order(m, p, Kind.PAYMENT_MODE, PaymentMode.CREDIT)
                order(m, p, Kind.PAYMENT_MODE, PaymentMode.PREPAYMENT)
                assert (m.credit, m.emergency_used, m.arrears) == (mc(15), 0, 0)
                assert conserved(m)
                assert out_of_range(m) is None

    @rule("WE-33", "AMB-15")
    def test_activation_for_a_protected_customer_makes_the_limiter_available(self):
        m, p = meter("wallonia-card", credit=mc(1))
        for protected in (1, 0):
            order(m, p, Kind.PAYMENT_MODE, PaymentMode.CREDIT)
            order(m, p, Kind.PAYMENT_MODE, PaymentMode.PREPAYMENT, protected)
            assert m.limiter_available == 1  # and losing the status takes nothing away by itself
            assert m.limiter_engaged == 0

    @rule("FE-18", "BE-01")
    def test_limiter_only_charges_nothing_and_always_limits(self):
        m, p = meter("flanders-2003", credit=-mc(1))
        order(m, p, Kind.PAYMENT_MODE, PaymentMode.LIMITER_ONLY)
        before = m.credit, m.emergency_used, m.arrears
        rules.advance(m, p, 60, 100, 6500, 1500)
        assert (m.credit, m.emergency_used, m.arrears) == before
        assert m.reasons == layouts.REASON_OVERLOAD

    @rule("FE-16")
    def test_switching_the_budget_function_off_and_on_keeps_the_books(self):
        m, p = meter("flanders-2003", credit=mc(2))
        use(m, p, 20)
        order(m, p, Kind.PAYMENT_MODE, PaymentMode.CREDIT)
        order(m, p, Kind.PAYMENT_MODE, PaymentMode.PREPAYMENT)
        assert conserved(m)
        assert m.limiter_available == 1  # FE-24

    def test_orders_out_of_range_change_nothing(self):
        m, p = meter("wallonia-card", credit=mc(1))
        before = fields(m)
        for kind, value, extra in (
            (Kind.TOP_UP, -1, 0),
            (Kind.PRICE, 200_001, 0),
            (Kind.PRICE, -1, 0),
            (Kind.PRICE, 25_000, layouts.CLOCK_LIMIT + 1),
            (Kind.EMERGENCY_PRESET, mc(250) + 1, 0),
            (Kind.EMERGENCY_PRESET, 1_000_001, 1),
            (Kind.EMERGENCY_PRESET, -1, 0),
            (Kind.PAYMENT_MODE, 4, 0),
            (Kind.DISCONNECT, 0, 0),
            (Kind.CLOCK, -1, 0),
            (Kind.CLOCK, layouts.CLOCK_LIMIT + 1, 0),
            (Kind.HOLD, layouts.CLOCK_LIMIT + 1, 0),
            (Kind.ARREARS_PAID, 0, 0),
        ):
            assert order(m, p, kind, value, extra, 1) == Result.OUT_OF_RANGE, kind
            assert fields(m) == before
        assert order(m, p, Kind.TOP_UP, mc(250) + 1) == Result.ABOVE_CAP

    def test_values_at_the_very_edge_are_taken(self):
        m, p = meter("wallonia-card", credit=mc(1))
        assert order(m, p, Kind.OVERDRAFT, mc(500), layouts.CLOCK_LIMIT, 1) == Result.DONE
        assert order(m, p, Kind.HOLD, layouts.CLOCK_LIMIT) == Result.DONE
        assert order(m, p, Kind.PRICE, 200_000, layouts.CLOCK_LIMIT) == Result.DONE
        assert order(m, p, Kind.PRICE, 0) == Result.DONE
        assert order(m, p, Kind.EMERGENCY_PRESET, mc(250)) == Result.DONE
        assert order(m, p, Kind.EMERGENCY_PRESET, 1_000_000, 1) == Result.DONE
        assert order(m, p, Kind.CLOCK, layouts.CLOCK_LIMIT) == Result.DONE
        assert order(m, p, Kind.CLOCK, 0) == Result.DONE
        assert out_of_range(m) is None
        m, p = meter("wallonia-card", credit=mc(9_990), arrears=mc(5))
        assert order(m, p, Kind.ARREARS_PAID, mc("15.00001")) == Result.BALANCE_LIMIT
        assert order(m, p, Kind.ARREARS_PAID, mc(15)) == Result.DONE
        assert m.credit == mc(10_000)
        m, p = meter("wallonia-card", credit=0, arrears=mc(5))
        assert order(m, p, Kind.ARREARS_PAID, mc("255.00001")) == Result.ABOVE_CAP
        assert order(m, p, Kind.ARREARS_PAID, mc(255)) == Result.DONE
        m, p = meter("brussels-limiter")
        until = clock("2021-06-09 00:00")  # six months after 8 December 2020, that day included
        assert order(m, p, Kind.LIMIT, until, 100_001) == Result.OUT_OF_RANGE
        assert order(m, p, Kind.LIMIT, layouts.CLOCK_LIMIT + 1, 3000) == Result.OUT_OF_RANGE
        assert order(m, p, Kind.LIMIT, until + 1, 100_000) == Result.TOO_LONG
        assert order(m, p, Kind.LIMIT, until, 100_000) == Result.DONE

    def test_an_overdraft_granted_exactly_at_its_floor_changes_nothing_yet(self):
        m, p = meter("wallonia-card", credit=-mc(50))
        order(m, p, Kind.OVERDRAFT, mc(50), clock(UNTIL), 1)
        assert m.control_state == layouts.CONTROL_STATE_DISCONNECTED

    def test_a_price_from_a_later_time_comes_at_that_time(self):
        m, p = meter("wallonia-card", "2020-12-08 12:00", credit=mc(50))
        assert order(m, p, Kind.PRICE, 30_000, m.clock + 1) == Result.DONE
        rules.advance(m, p, 60, 1000, 0, 0)  # still at the old price
        assert m.credit == mc("49.75")
        rules.advance(m, p, 1, 1000, 0, 0)
        assert m.credit == mc("49.45")

    def test_installing_books_the_reserve(self):
        p = profile("wallonia-card")
        m = installed(p)
        assert m.credit == mc(15)
        assert conserved(m)
        assert out_of_range(m) is None
        assert orders.share_of(p, mc(20)) == mc(20)
