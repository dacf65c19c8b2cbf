"""The catalogue's vectors through real card images and the real terminal."""

import pytest
from budgetmeter.errors import InputError
from budgetmeter.loads import NOTHING
from budgetmeter.office import settlement
from meterfw import layouts
from meterproto.codes import CardOutcome, CardType, Kind

from tests.cards.counter import GOOD, METER, REFUSED, Counter
from tests.firmware.support import clock, conserved, mc

LONG = {"overdraft": mc(50), "overdraft_until": clock("2021-03-31 23:59")}


@pytest.fixture
def counter():
    return Counter().enrol(protected=True)


@pytest.mark.rule("OC-16", "AMB-06", "AMB-07", "AMB-08")
@pytest.mark.parametrize(
    ("paid", "ready", "balance"), [("50.49", False, "0.49"), ("50.50", True, "0.50")]
)
def test_t3_at_the_limit_everything_is_repaid_and_fifty_cents_must_remain(
    counter, paid, ready, balance
):
    counter.put(credit=-mc(50), **LONG)
    assert counter.insert() == GOOD
    assert counter.pay().needed == mc("50.50")
    receipt = counter.pay(paid)
    assert receipt.lacking == (0 if ready else mc("0.01"))
    assert counter.insert() == GOOD
    assert counter.balance == mc(balance)
    assert counter.ready == ready
    assert conserved(counter.state)


@pytest.mark.rule("OC-16", "AMB-06")
def test_a_payment_on_a_meter_that_is_on_may_open_it_and_the_terminal_says_so(counter):
    counter.put(credit=-mc(30), **LONG)
    assert not counter.off
    counter.insert()
    assert counter.pay().needed == mc("30.01")  # above the floor again: nothing opens
    receipt = counter.pay("10.00")
    assert receipt.lacking == mc("20.01")
    counter.insert()
    assert counter.off


@pytest.mark.rule("OC-13", "OC-17", "AMB-05")
def test_t4_off_with_emergency_credit_used_a_technical_card_makes_ready(counter):
    counter.put(credit=0, emergency_used=mc(12), emergency_status=layouts.EMERGENCY_STATUS_CONSUMED)
    assert counter.off
    assert not counter.ready
    item = counter.queue("overdraft", amount="50.00", until="2021-03-31T23:59")
    technical = counter.terminal.new_card(METER, CardType.TECHNICAL, item.item)
    assert counter.insert(technical) == GOOD
    assert counter.ready
    assert counter.state.overdraft == mc(50)  # floor -62: 50, and 12 of emergency credit
    assert counter.balance == -mc(12)


@pytest.mark.rule("OC-19", "OC-20", "OC-18")
def test_t5_off_a_limiter_never_available_needs_credit_first(counter):
    counter.put(credit=-mc("4.50"), emergency_used=0)
    assert counter.off
    counter.queue("limiter-enable")
    counter.insert()
    receipt = counter.pay()
    assert len(receipt.given) == 1
    assert counter.insert() == REFUSED
    assert counter.state.limiter_available == 0
    # The token is not spent: it waits on the card, behind the top-up that makes it possible.
    assert counter.pay("5.00").tokens == 2
    assert counter.insert() == GOOD
    assert counter.state.limiter_available == 1
    assert counter.ready
    assert counter.balance == mc("0.50")


@pytest.mark.rule("OC-20")
def test_t5_one_cent_less_is_not_enough(counter):
    counter.put(credit=-mc("4.51"))
    counter.queue("limiter-enable")
    counter.deliver()
    counter.pay("5.00")
    assert counter.insert() == REFUSED
    assert counter.state.limiter_available == 0
    assert counter.off


@pytest.mark.rule("OC-18")
def test_the_limiter_is_for_protected_customers_only():
    counter = Counter().enrol()
    with pytest.raises(InputError, match="protected"):
        counter.queue("limiter-enable")


@pytest.mark.rule("OC-12", "OC-13", "AMB-22")
def test_t6_a_second_negative_limit_is_refused_and_a_second_token_has_no_effect(counter):
    item = counter.queue("overdraft", amount="50.00", until="2021-03-31T23:59")
    counter.deliver()
    assert counter.state.overdraft == mc(50)
    with pytest.raises(InputError, match="granted before"):
        counter.queue("overdraft", amount="50.00", until="2021-05-31T23:59")
    # Another token of the same order, on a technical card: a no-op in the meter.
    counter.put(overdraft=0, overdraft_until=0)
    technical = counter.terminal.new_card(METER, CardType.TECHNICAL, item.item)
    assert counter.insert(technical) == GOOD
    assert (
        counter.report(technical)["answers"][0].reason == layouts.TOKEN_REASON_RESULT + 1
    )  # no effect
    assert counter.state.overdraft == 0


@pytest.mark.rule("OC-12")
def test_a_negative_limit_never_activated_may_be_granted_again_after_its_end(counter):
    counter.queue("overdraft", amount="50.00", until="2020-12-20T12:00")
    with pytest.raises(InputError, match="granted before"):
        counter.queue("overdraft", amount="50.00", until="2021-03-31T23:59")
    counter.at("2020-12-21 12:00")
    counter.queue("overdraft", amount="50.00", until="2021-03-31T23:59")


@pytest.mark.rule("OC-05", "OC-03", "OC-04")
def test_t7_terminal_first_gives_nothing_meter_terminal_meter_gives_fifty_once(counter):
    counter.put(credit=0)
    assert len(counter.pending.campaign("winter-2020")) == 1
    receipt = counter.pay()  # the card never was in the meter
    assert receipt.given == []
    assert "not been in the meter" in receipt.withheld[0][1]
    assert counter.insert() == GOOD
    assert counter.balance == 0
    assert len(counter.pay().given) == 1  # whoever holds the card
    assert counter.balance == 0  # step 3 is missing: the credit stays on the card
    assert counter.money() == (mc(50), 0, 0)
    assert counter.insert() == GOOD
    assert counter.balance == mc(50)
    assert counter.pay().given == []
    assert counter.money() == (0, mc(50), 0)


@pytest.mark.rule("OC-05")
def test_t8_the_same_card_again_changes_nothing(counter):
    counter.put(credit=0)
    counter.pending.campaign("winter-2020")
    counter.deliver()
    before = counter.balance
    for _ in range(3):
        assert counter.insert() == GOOD
        assert counter.meter.slot.taken == 0
    assert counter.balance == before == mc(50)
    assert counter.pending.campaign("winter-2020") == []  # nor the same campaign (OC-04)


@pytest.mark.rule("OC-05")
def test_a_report_from_before_the_queueing_is_not_fresh(counter):
    counter.insert()
    counter.wait(1)
    counter.pending.campaign("winter-2020")
    receipt = counter.pay()
    assert [why for _, why in receipt.withheld] == ["the card has to go into the meter first"]
    counter.queue("price", price="0.30")  # a price needs no fresh data
    assert [item.order.kind for item in counter.pay().given] == [Kind.PRICE]


# ---- T9, T10: settlement of minimum supply -------------------------------------------------------


def dues(counter):
    return counter.office.transaction(lambda c: settlement.due(c, counter.office, METER))


def limited(since="2020-09-01 00:00"):
    """A protected customer's meter with the limiter's function active."""
    counter = Counter(at=since, changes={"limiter_available": True})
    counter.enrol(protected=True, since_s=clock(since) * 60)
    counter.insert()
    return counter


@pytest.mark.rule("WE-36", "AMB-14")
def test_t9_small_top_ups_do_not_keep_the_settlement_away():
    counter = limited()
    counter.at("2020-09-20 10:00")
    counter.top_up("9.99")
    counter.at("2020-11-10 10:00")
    counter.top_up("10.00")
    counter.at("2020-11-30 23:59")
    assert dues(counter) == []
    counter.at("2020-12-01 00:00")
    (due,) = dues(counter)
    assert (due.since_s, due.until_s) == (
        clock("2020-09-01 00:00") * 60,
        clock("2020-12-01 00:00") * 60,
    )


@pytest.mark.rule("WE-36", "AMB-14")
def test_t10_a_top_up_above_ten_begins_the_window_anew():
    counter = limited()
    counter.at("2020-10-15 10:00")
    counter.top_up("10.01")
    counter.at("2021-01-14 23:00")
    assert dues(counter) == []
    counter.at("2021-01-15 11:00")
    (due,) = dues(counter)
    assert due.since_s == clock("2020-10-15 10:00") * 60


@pytest.mark.rule("WE-36", "AMB-14")
def test_support_does_not_count_as_a_top_up():
    counter = limited()
    counter.queue("support", amount="50.00")
    counter.deliver()
    counter.at("2020-12-02 00:00")
    assert len(dues(counter)) == 1


@pytest.mark.rule("WE-37", "B-17")
def test_the_settlement_is_estimated_until_a_card_brings_the_index_of_the_day():
    counter = limited()
    counter.put(credit=0, emergency_status=layouts.EMERGENCY_STATUS_CONSUMED, emergency_used=mc(12))
    counter.put(limiter_engaged=1, control_state=layouts.CONTROL_STATE_CONNECTED, reasons=0)
    counter.board.draw = NOTHING._replace(rate=100, wanted=100, ma=500, w=100)
    counter.at("2020-09-11 00:00")
    counter.insert()
    counter.pay()
    counter.at("2020-10-21 00:00")
    counter.insert()
    counter.pay()
    before = counter.state.limited_wh
    counter.at("2020-12-05 10:00")
    (due,) = dues(counter)
    assert not due.read
    assert due.ask_until_s == clock("2020-12-16 00:00") * 60
    # From the last read-out and the use before it: 41 days at 100 W.
    assert due.limited_wh == pytest.approx(before + 41 * 2400, abs=300)
    counter.insert()  # the late exchange corrects it: the meter captured the index at midnight
    counter.pay()
    (due,) = dues(counter)
    assert due.read
    captured = [c for c in counter.report()["captures"] if c.clock == clock("2020-12-01 00:00")]
    assert due.limited_wh == captured[0].limited_wh
    assert due.arrears == captured[0].arrears > 0


def in_minimum_supply(since, watts=100):
    """Such a meter whose household draws so much under the limiter."""
    counter = limited(since)
    counter.put(credit=0, emergency_status=layouts.EMERGENCY_STATUS_CONSUMED, emergency_used=mc(12))
    counter.put(limiter_engaged=1, control_state=layouts.CONTROL_STATE_CONNECTED, reasons=0)
    draw(counter, watts)
    return counter


def draw(counter, watts):
    counter.board.draw = NOTHING._replace(rate=watts, wanted=watts, ma=watts * 1000 // 230, w=watts)


def exchange(counter):
    counter.insert()
    counter.pay()


@pytest.mark.rule("WE-37")
@pytest.mark.parametrize(
    ("busy", "read"),
    [("2021-02-01 06:00", "2021-02-01 07:00"), ("2021-02-01 00:00", "2021-02-01 00:05")],
)
def test_one_busy_hour_before_the_card_is_read_is_no_profile(busy, read):
    counter = in_minimum_supply("2020-12-01 00:00")
    counter.at(busy)
    draw(counter, 2000)
    counter.at(read)
    exchange(counter)
    draw(counter, 100)
    counter.at("2021-03-01 00:00")
    true = counter.state.arrears
    counter.at("2021-03-02 10:00")
    (due,) = dues(counter)
    assert not due.read
    assert true == pytest.approx(mc(54), rel=0.02)  # 90 days of 2.4 kWh at 0.25 EUR
    assert due.arrears == pytest.approx(true, rel=0.05)


@pytest.mark.rule("WE-37")
def test_the_profile_is_the_same_season_of_the_year_before_where_it_is_known():
    """Summer draws 50 W, winter 200 W: an estimate for winter from a read-out in autumn."""
    counter = in_minimum_supply("2019-09-01 00:00", watts=200)
    for month, watts in (("2019-10", 200), ("2020-01", 200), ("2020-04", 50), ("2020-07", 50)):
        counter.at(f"{month}-01 00:00")
        draw(counter, watts)
        exchange(counter)
    counter.at("2020-10-01 00:00")
    exchange(counter)
    draw(counter, 200)
    counter.at("2020-12-02 00:00")
    due = dues(counter)[-1]
    assert (due.since_s, due.read) == (clock("2020-09-01 00:00") * 60, False)
    # September was read; October and November are as they were a year before.
    assert due.limited_wh == pytest.approx(30 * 24 * 50 + 61 * 24 * 200, rel=0.02)


@pytest.mark.rule("WE-37")
def test_without_a_week_of_history_the_bill_is_what_was_read():
    counter = in_minimum_supply("2020-12-01 00:00")
    counter.at("2020-12-07 00:00")
    exchange(counter)
    counter.at("2021-03-02 10:00")
    (due,) = dues(counter)
    assert (due.limited_wh, due.read) == (pytest.approx(6 * 2400, abs=2), False)


@pytest.mark.rule("WE-36", "WE-37")
def test_each_window_has_its_own_energy_and_closes_once_it_is_paid():
    counter = in_minimum_supply("2020-09-01 00:00")
    counter.at("2020-12-02 10:00")
    exchange(counter)
    counter.at("2021-03-02 10:00")
    exchange(counter)
    first, second = dues(counter)
    assert first.limited_wh == pytest.approx(91 * 2400, abs=300)
    assert second.limited_wh == pytest.approx(90 * 2400, abs=300)
    assert first.arrears + second.arrears == pytest.approx(counter.state.arrears, rel=0.01)
    counter.queue("arrears-paid", amount="54.60")
    counter.at("2021-03-02 11:00")
    exchange(counter)
    counter.insert()
    assert dues(counter) == []  # what lies before the payment was billed
    counter.at("2021-06-02 10:00")
    exchange(counter)
    (third,) = dues(counter)
    # What was paid within the window is no longer on the meter, but was used all the same.
    assert third.arrears == pytest.approx(92 * 60000, rel=0.01)


@pytest.mark.rule("WE-36", "WE-33")
def test_a_time_without_prepayment_is_no_window():
    counter = in_minimum_supply("2020-09-01 00:00")
    counter.at("2020-10-15 10:00")
    exchange(counter)
    counter.queue("payment-mode", mode="credit")
    counter.deliver()
    exchange(counter)
    counter.at("2021-02-01 10:00")
    assert dues(counter) == []
    counter.queue("payment-mode", mode="prepayment", protected="true")
    counter.deliver()
    exchange(counter)
    counter.at("2021-04-30 23:00")
    assert dues(counter) == []
    counter.at("2021-05-03 10:00")
    (due,) = dues(counter)
    assert due.since_s >= clock("2021-02-01 10:00") * 60


# ---- T11: withdrawal -----------------------------------------------------------------------------


@pytest.mark.rule("WE-34", "WE-39", "AMB-16")
def test_t11_a_withdrawal_waits_for_the_guarantee_and_the_end_of_winter():
    counter = Counter(at="2021-02-01 10:00")
    counter.enrol(protected=True, judge_s=clock("2020-09-10 00:00") * 60)
    with pytest.raises(InputError, match="2021-03-16 00:00"):
        counter.queue("minimum-supply-disable")
    counter.at("2021-03-15 23:59")
    with pytest.raises(InputError, match="2021-03-16 00:00"):
        counter.queue("minimum-supply-disable")
    counter.at("2021-03-16 00:00")
    counter.queue("minimum-supply-disable")
    counter.deliver()
    assert counter.state.minimum_supply_disabled == 1


@pytest.mark.rule("WE-34", "AMB-16")
def test_the_judges_own_date_counts_when_it_is_the_latest():
    counter = Counter(at="2021-04-01 10:00")
    ends = {"judge_s": "2020-09-10 00:00", "judge_until_s": "2021-06-01 00:00"}
    counter.enrol(protected=True, **{key: clock(text) * 60 for key, text in ends.items()})
    with pytest.raises(InputError, match="2021-06-01 00:00"):
        counter.queue("minimum-supply-disable")


@pytest.mark.rule("WE-39")
def test_a_withdrawal_queued_before_winter_is_not_delivered_in_it():
    counter = Counter(at="2020-10-30 10:00").enrol(protected=True)
    item = counter.queue("minimum-supply-disable")
    counter.at("2020-11-02 10:00")
    counter.insert()
    receipt = counter.pay()
    assert receipt.given == []
    assert "2021-03-16" in receipt.withheld[0][1]
    with pytest.raises(InputError, match="2021-03-16"):
        counter.pending.send(item.item)


# ---- T12 to T15: what a top-up repays ------------------------------------------------------------


@pytest.mark.rule("WE-29")
def test_t12_debt_from_before_activation_takes_nothing_of_a_top_up(counter):
    counter.put(credit=0)
    counter.top_up("40.00")
    assert counter.balance == mc(40)
    assert counter.state.arrears == 0


@pytest.mark.rule("FE-21", "FE-22", "AMB-01", "AMB-02")
@pytest.mark.parametrize(
    ("name", "debt", "paid", "recovered"),
    [
        pytest.param("flanders-2003", "100.00", "20.00", "7.00", id="T13"),
        pytest.param("flanders-digital", "100.00", "80.00", "47.50", id="T14"),
        pytest.param("flanders-2003", "3.00", "20.00", "3.00", id="T15"),
    ],
)
def test_t13_to_t15_a_share_of_the_top_up_repays(name, debt, paid, recovered):
    counter = Counter(name).enrol(protected=True)
    counter.put(credit=0, arrears=mc(debt))
    counter.top_up(paid)
    assert counter.state.arrears == mc(debt) - mc(recovered)
    assert counter.state.credit == mc(paid) - mc(recovered)
    assert conserved(counter.state)


# ---- T19, T21 ------------------------------------------------------------------------------------


@pytest.mark.rule("OC-09", "OC-10", "B-17")
def test_t19_a_deactivation_card_ends_prepayment_and_freezes_the_balance(counter):
    counter.put(credit=-mc(5))
    assert counter.off
    counter.insert()
    counter.pay()  # the own card before the request: no effect
    item = counter.queue("payment-mode", mode="credit")
    one_shot = counter.terminal.new_card(METER, CardType.DEACTIVATION, item.item)
    assert counter.insert(one_shot) == GOOD
    counter.board.press(0)
    counter.meter.poll()
    counter.board.draw = NOTHING._replace(rate=1000, wanted=1000, ma=4000, w=1000)
    counter.wait(60)
    assert not counter.off
    assert counter.balance == -mc(5)
    assert counter.state.energy_wh == 1000
    # The second leg: the own card brings the final balance back (AMB-20).
    counter.insert()
    reading = counter.pay().reading
    assert reading.state.credit == -mc(5)
    with pytest.raises(InputError, match="not in prepayment"):
        counter.pay("20.00")


@pytest.mark.rule("OC-09", "OC-05")
def test_the_deactivation_may_come_by_the_own_card_but_not_before_the_request(counter):
    counter.insert()
    counter.wait(1)
    counter.queue("payment-mode", mode="credit")
    assert counter.pay().given == []
    counter.deliver()
    assert counter.state.payment_mode == layouts.PAYMENT_MODE_CREDIT
    other = Counter()
    other.keys, other.office = counter.keys, counter.office
    assert other.insert(counter.card) == GOOD  # same meter number; another number:
    stranger = Counter()
    stranger.meter.gateway.meter = 1
    assert stranger.insert(counter.card) == CardOutcome.OTHER_METER


@pytest.mark.rule("OC-11", "AMB-20")
def test_reactivation_and_a_top_up_on_one_card_come_in_the_right_order(counter):
    counter.queue("payment-mode", mode="credit")
    counter.deliver()
    counter.wait(1)
    counter.queue("payment-mode", mode="prepayment", protected="true")
    counter.insert()
    assert len(counter.pay().given) == 1
    counter.pay("20.00")
    assert counter.insert() == GOOD
    assert counter.state.credit == counter.meter.profile.initial_reserve + mc(20)
    assert counter.state.limiter_available == 1


@pytest.mark.rule("WG-30")
def test_t21_aid_is_given_until_the_15th_of_march():
    counter = Counter("wallonia-gas", at="2021-03-14 12:00").enrol(protected=True)
    item = counter.queue("aid", amount="50.00")
    before = counter.balance
    supply = counter.terminal.new_card(METER, CardType.SUPPLY, item.item)
    late = counter.terminal.new_card(METER, CardType.SUPPLY, counter.queue("aid", amount="5").item)
    assert counter.insert(supply) == GOOD
    assert counter.balance == before + mc(50)
    assert counter.insert(supply) == GOOD
    assert counter.balance == before + mc(50)
    counter.at("2021-03-16 00:00")
    assert counter.insert(late) == REFUSED  # the card ends with the window
    with pytest.raises(InputError, match="winter aid is given from"):
        counter.queue("aid", amount="50.00")
    # What was not taken by then has lapsed, as the next report tells; what was is the customer's.
    counter.insert()
    counter.pay()
    assert counter.money() == (0, mc(50), mc(5))


@pytest.mark.rule("WG-30")
def test_aid_is_for_protected_gas_customers():
    with pytest.raises(InputError, match="gas"):
        Counter().enrol(protected=True).queue("aid", amount="50.00")
    with pytest.raises(InputError, match="protected"):
        Counter("wallonia-gas").enrol().queue("aid", amount="50.00")
