"""Supply rule by rule: limiter, reconnection, gas valve, tamper, the operator, winter."""

import unittest

from meterfw import layouts
from meterfw.account import rules

from tests.firmware.support import (
    Cause,
    Kind,
    LimiterRepay,
    PaymentMode,
    Result,
    books,
    clock,
    conserved,
    events,
    fields,
    mc,
    meter,
    off,
    order,
    ready,
    rule,
    use,
)

LIMITED = {"emergency_used": mc(12), "emergency_status": 4, "limiter_available": 1}


def limited(name="wallonia-card", at="2020-12-08 12:00", **state):
    """A meter under the limiter."""
    m, p = meter(name, at, **(LIMITED | state))
    if not m.limiter_engaged:
        rules.press(m, p, 0)
        rules.press(m, p, 0)
    assert m.limiter_engaged == 1
    assert not off(m)
    m.events = 0
    return m, p


class Limiter(unittest.TestCase):
    @rule("WE-35", "OC-19", "B-4")
    def test_protected_customer_falls_to_ten_amperes_by_the_button(self):
        m, p = meter("wallonia-card", **LIMITED)
        assert off(m)
        assert rules.press(m, p, 0) == 1
        assert m.limiter_engaged == 1
        assert ready(m)
        rules.press(m, p, 0)
        assert not off(m)
        assert m.limit_ma == 10_000

    @rule("WE-35")
    def test_digital_meter_falls_to_minimum_supply_by_itself(self):
        m, p = meter("wallonia-digital", credit=mc(1), limiter_available=1)
        use(m, p, 17)
        assert m.limiter_engaged == 1
        assert not off(m)
        assert m.arrears == mc(1)

    @rule("OC-19")
    def test_the_limiter_survives_a_power_cut_but_cannot_be_enabled_after_the_cut(self):
        m, p = meter("wallonia-card", credit=-mc(1), emergency_preset=0)
        assert order(m, p, Kind.LIMITER_ENABLE) == Result.NEEDS_CREDIT
        m, p = meter("wallonia-card", credit=mc(1), emergency_preset=0)
        assert order(m, p, Kind.LIMITER_ENABLE) == Result.DONE
        use(m, p, 1)
        rules.power_up(m, p)
        rules.press(m, p, 0)
        assert m.limiter_engaged == 1

    @rule("OC-20", "AMB-09")
    def test_off_at_exactly_zero_also_needs_fifty_cents(self):
        m, p = meter("wallonia-card", credit=0, emergency_preset=0)
        assert off(m)
        order(m, p, Kind.TOP_UP, mc("0.49"))
        assert order(m, p, Kind.LIMITER_ENABLE) == Result.NEEDS_CREDIT
        order(m, p, Kind.TOP_UP, mc("0.01"))
        assert order(m, p, Kind.LIMITER_ENABLE) == Result.DONE
        assert order(m, p, Kind.LIMITER_ENABLE) == Result.NO_EFFECT

    @rule("OC-22", "FE-26")
    def test_energy_under_the_limiter_is_owed_and_moves_no_balance(self):
        m, p = limited()
        before = m.credit - m.emergency_used
        rules.advance(m, p, 3600, 2000, 8700, 2000)
        assert m.credit - m.emergency_used == before
        assert m.arrears == mc("0.50")
        assert m.limited_wh == 2000
        assert conserved(m)

    @rule("OC-23", "AMB-10", "WE-40")
    def test_in_wallonia_full_power_returns_with_the_last_cent_of_arrears(self):
        m, p = limited(arrears=mc(20))
        order(m, p, Kind.TOP_UP, mc(100))
        assert (m.limiter_engaged, m.arrears, m.credit) == (1, mc(20), mc(88))
        order(m, p, Kind.ARREARS_PAID, mc("19.99"))
        assert m.limiter_engaged == 1
        order(m, p, Kind.ARREARS_PAID, mc("0.01"))
        assert (m.limiter_engaged, m.arrears) == (0, 0)
        assert not off(m)
        assert conserved(m)

    @rule("OC-23")
    def test_paid_too_much_becomes_credit(self):
        m, p = limited(arrears=mc(20), emergency_used=mc(12))
        order(m, p, Kind.ARREARS_PAID, mc(25))
        assert (m.arrears, m.credit) == (0, mc(5))
        assert conserved(m)

    @rule("AMB-10")
    def test_whole_top_ups_release_when_arrears_are_gone_and_fifty_cents_remain(self):
        repay = {"limiter_repay": LimiterRepay.TOPUP_ALL}
        m, p = meter("wallonia-digital", changes=repay, **LIMITED, arrears=mc(20))
        assert m.limiter_engaged == 1
        order(m, p, Kind.TOP_UP, mc("32.49"))  # the preset is 15, of which 12 are owed
        assert (m.emergency_used, m.arrears, m.credit, m.limiter_engaged) == (0, 0, mc("0.49"), 1)
        order(m, p, Kind.TOP_UP, mc("0.01"))
        assert m.limiter_engaged == 0

    @rule("FE-22", "FE-21")
    def test_in_flanders_a_top_up_releases_while_arrears_remain(self):
        m, p = meter(
            "flanders-2003", emergency_used=mc("12.50"), emergency_status=4, arrears=mc(40)
        )
        assert m.limiter_engaged == 1
        order(m, p, Kind.TOP_UP, mc(20))
        assert (m.emergency_used, m.arrears, m.credit) == (mc("5.50"), mc(40), mc(13))
        assert m.limiter_engaged == 0

    @rule("WE-40", "AMB-13")
    def test_release_by_the_operator_judges_the_floor_again(self):
        m, p = limited(at="2021-04-08 12:00", arrears=mc(20))
        assert order(m, p, Kind.LIMITER_RELEASE) == Result.DONE
        assert m.limiter_engaged == 0
        assert off(m)  # no credit: supply opens, the limiter is on offer
        assert order(m, p, Kind.LIMITER_RELEASE) == Result.NO_EFFECT

    @rule("WE-39", "WE-40")
    def test_no_release_without_credit_in_winter(self):
        """It would open supply: minimum supply would end, which winter forbids."""
        for at, credit, answer in (
            ("2021-03-15 12:00", 0, Result.BARRED),
            ("2021-03-15 12:00", 1, Result.DONE),
            ("2021-03-16 12:00", 0, Result.DONE),
        ):
            with self.subTest(at=at, credit=credit):
                m, p = limited(at=at)
                m.credit = credit
                assert order(m, p, Kind.LIMITER_RELEASE) == answer
                assert off(m) == (answer == Result.DONE and credit == 0)

    @rule("OC-21", "FE-25", "AMB-12")
    def test_a_load_above_the_limit_stops_the_meter_again_and_again(self):
        m, p = limited()
        for _ in range(3):
            rules.advance(m, p, 59, 30, 10_100, 2323)
            assert not off(m)
            rules.advance(m, p, 1, 1, 10_100, 2323)
            assert m.reasons == layouts.REASON_OVERLOAD
            assert "OVERLOAD" in events(m)
            assert rules.press(m, p, 0) == 0
            rules.advance(m, p, 60, 0, 0, 0)
            assert ready(m)
            assert rules.press(m, p, 0) == 1
            assert not off(m)

    @rule("OC-21")
    def test_a_pause_below_the_limit_starts_the_time_again(self):
        m, p = limited()
        rules.advance(m, p, 59, 30, 10_100, 2323)
        rules.advance(m, p, 1, 0, 10_000, 2300)  # exactly the limit is no overload
        rules.advance(m, p, 59, 30, 10_100, 2323)
        assert not off(m)

    @rule("AMB-12")
    def test_three_phases_are_limited_in_all(self):
        m, _ = limited("wallonia-card", changes={"phases": 3})
        assert (m.limit_ma, m.limit_w) == (0, 2300)

    @rule("OC-21", "B-3")
    def test_a_trip_opens_inside_friendly_hours_too(self):
        m, p = limited(at="2020-12-08 15:00")
        order(m, p, Kind.CLOCK, clock("2020-12-08 20:00"))
        assert m.window == 1
        rules.advance(m, p, 60, 30, 10_100, 2323)
        assert off(m)

    @rule("BE-01")
    def test_brussels_limits_to_2300_watts_from_the_start(self):
        m, p = meter("brussels-limiter")
        assert (m.limiter_engaged, m.limit_w, m.limit_ma) == (1, 2300, 0)
        rules.advance(m, p, 3600, 2300, 10_000, 2300)
        assert not off(m)
        rules.advance(m, p, 60, 40, 10_100, 2301)
        assert off(m)

    @rule("BE-06")
    def test_supply_without_limit_in_winter_only(self):
        m, p = meter("brussels-limiter", "2020-12-08 12:00")
        assert order(m, p, Kind.LIMIT, clock("2021-04-02 00:00"), 0) == Result.BARRED
        assert order(m, p, Kind.LIMIT, clock("2021-04-01 00:00"), 0) == Result.DONE
        assert (m.limit_w, m.limit_ma) == (0, 0)
        rules.advance(m, p, 3600, 5000, 40_000, 9200)
        assert not off(m)
        order(m, p, Kind.CLOCK, clock("2021-04-01 00:00"))
        assert m.limit_w == 2300
        assert order(m, p, Kind.LIMIT, clock("2021-04-20 00:00"), 0) == Result.BARRED

    @rule("BE-02", "BE-03")
    def test_a_raise_is_renewed_after_its_end(self):
        m, p = meter("brussels-limiter", "2020-12-08 12:00")
        for until in ("2021-06-08 12:00", "2021-12-08 12:00"):
            assert order(m, p, Kind.LIMIT, clock(until), 9200) == Result.DONE
            assert m.limit_w == 4600
            order(m, p, Kind.CLOCK, clock(until))
            assert m.limit_w == 2300

    @rule("BE-02")
    def test_six_months_of_a_raise_are_months_of_the_calendar(self):
        for begin, last, later in (
            ("2021-02-01 12:00", "2021-08-02 00:00", "2021-08-02 00:01"),  # 181 days
            ("2021-08-31 00:00", "2022-03-01 00:00", "2022-03-01 00:01"),  # February lacks the 31st
            ("2023-08-31 23:59", "2024-03-01 00:00", "2024-03-01 00:01"),  # a leap year
            ("2021-12-31 12:00", "2022-07-01 00:00", "2022-07-01 00:01"),
        ):
            with self.subTest(begin=begin):
                m, p = meter("brussels-limiter", begin)
                assert order(m, p, Kind.LIMIT, clock(later), 9200) == Result.TOO_LONG
                assert order(m, p, Kind.LIMIT, clock(last), 9200) == Result.DONE

    @rule("WE-39", "AMB-17")
    def test_minimum_supply_is_not_stopped_in_winter(self):
        m, p = limited(at="2021-03-15 12:00")
        assert order(m, p, Kind.MINIMUM_SUPPLY_DISABLE) == Result.BARRED
        order(m, p, Kind.CLOCK, clock("2021-03-16 12:00"))
        assert order(m, p, Kind.MINIMUM_SUPPLY_DISABLE) == Result.DONE
        assert off(m)

    @rule("FE-28", "FE-27")
    def test_no_cut_for_bad_will_in_the_flemish_winter(self):
        m, p = meter("flanders-2003", "2004-02-15 12:00", credit=mc(5))
        assert order(m, p, Kind.DISCONNECT, Cause.BAD_WILL) == Result.BARRED
        assert order(m, p, Kind.DISCONNECT, Cause.FRAUD) == Result.DONE
        assert order(m, p, Kind.DISCONNECT, Cause.SAFETY) == Result.NO_EFFECT
        order(m, p, Kind.RECONNECT)
        assert order(m, p, Kind.RECONNECT) == Result.NO_EFFECT
        order(m, p, Kind.CLOCK, clock("2004-02-16 12:00"))
        assert order(m, p, Kind.DISCONNECT, Cause.BAD_WILL) == Result.DONE

    @rule("OC-18")
    def test_gas_has_no_limiter(self):
        m, p = meter("wallonia-gas", credit=mc(1))
        before = fields(m)
        for kind in (Kind.LIMITER_ENABLE, Kind.MINIMUM_SUPPLY_DISABLE, Kind.LIMIT):
            assert order(m, p, kind, m.clock + 60, 4000) == Result.NOT_FITTED
        assert order(m, p, Kind.PAYMENT_MODE, PaymentMode.LIMITER_ONLY) == Result.NOT_FITTED
        assert fields(m) == before


class Gas(unittest.TestCase):
    def test_litres_become_energy_exactly(self):
        m, p = meter("wallonia-gas", changes={"wh_per_m3": 10_503}, credit=mc(50))
        for litres in (1, 10, 7, 3, 100):
            rules.advance(m, p, 0, litres, 0, 0)
        assert m.volume_l == 121
        assert m.energy_wh * 1000 + m.volume_remainder == 121 * 10_503
        assert conserved(m)

    @rule("B-4")
    def test_gas_reopens_after_five_seconds_and_twelve_minutes_without_flow(self):
        m, p = meter("wallonia-gas", credit=mc(1))
        use(m, p, 1)
        assert off(m)
        assert rules.press(m, p, 4) == 0
        assert rules.press(m, p, 5) == 1  # emergency credit, and the leak test in the same press
        assert m.reasons == layouts.REASON_LEAK_TEST
        assert not off(m)  # the valve is open for the test
        assert m.control_state == layouts.CONTROL_STATE_DISCONNECTED
        rules.advance(m, p, 719, 0, 0, 0)
        assert m.control_state == layouts.CONTROL_STATE_DISCONNECTED
        rules.advance(m, p, 1, 0, 0, 0)
        assert m.control_state == layouts.CONTROL_STATE_CONNECTED
        assert "CONNECTED" in events(m)

    @rule("B-4")
    def test_the_leak_test_starts_again_after_flow_or_a_power_cut(self):
        for disturbance in ["flow", "power cut", "operator"]:
            with self.subTest(disturbance=disturbance):
                m, p = meter("wallonia-gas", credit=-mc(1))
                order(m, p, Kind.TOP_UP, mc(20))
                rules.press(m, p, 5)
                rules.advance(m, p, 700, 0, 0, 0)
                if disturbance == "flow":
                    rules.advance(m, p, 1, 1, 0, 0)
                elif disturbance == "power cut":
                    rules.power_up(m, p)
                else:
                    order(m, p, Kind.DISCONNECT, Cause.SAFETY)
                    assert m.reasons == layouts.REASON_OPERATOR
                    order(m, p, Kind.RECONNECT)
                assert off(m)
                assert ready(m)
                assert "LEAK_TEST_FAILED" in events(m)
                rules.press(m, p, 5)
                assert m.leak_left_s == 720
                rules.advance(m, p, 720, 0, 0, 0)
                assert m.control_state == layouts.CONTROL_STATE_CONNECTED


class Operator(unittest.TestCase):
    def test_fifty_wh_while_disconnected_is_tamper_and_is_charged(self):
        m, p = meter("wallonia-card", credit=-mc(1))
        rules.advance(m, p, 60, 49, 0, 0)
        assert not m.reasons & layouts.REASON_TAMPER
        rules.advance(m, p, 60, 1, 0, 0)
        assert m.reasons & layouts.REASON_TAMPER
        assert "TAMPER" in events(m)
        assert m.credit == -mc(1) - 50 * 25
        order(m, p, Kind.TOP_UP, mc(20))
        assert m.reasons == layouts.REASON_TAMPER
        assert order(m, p, Kind.CLEAR_TAMPER) == Result.DONE
        assert ready(m)
        assert conserved(m)

    @rule("FE-27")
    def test_in_flanders_tamper_is_reported_but_cuts_nobody_off(self):
        m, p = meter("flanders-2003", credit=mc(5))
        order(m, p, Kind.DISCONNECT, Cause.SAFETY)
        rules.advance(m, p, 60, 60, 0, 0)
        assert "TAMPER" in events(m)
        order(m, p, Kind.RECONNECT)
        assert ready(m)

    def test_a_disconnection_by_the_operator_outlasts_top_ups(self):
        m, p = meter("wallonia-card", credit=mc(5))
        order(m, p, Kind.DISCONNECT, Cause.SAFETY)
        assert off(m)
        order(m, p, Kind.TOP_UP, mc(20))
        assert rules.press(m, p, 0) == 0
        assert off(m)

    def test_supply_closes_by_itself_where_the_profile_says_so(self):
        m, p = meter("wallonia-card", changes={"close_auto": 1}, credit=-mc(1))
        assert off(m)
        order(m, p, Kind.TOP_UP, mc(5))
        assert m.control_state == layouts.CONTROL_STATE_CONNECTED

    def test_books_helper_keeps_the_invariant(self):
        m, _ = meter("wallonia-card", credit=mc(7), arrears=mc(3))
        assert conserved(m)
        books(m, 1)
        assert not conserved(m)
