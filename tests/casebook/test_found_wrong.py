"""Seventeen things that the meter and its books once did against the sources, each tried again.

Those that a case forbids on every way are in `test_gate`; how minimum supply is estimated and which
windows are settled is in `tests/cards/test_vectors`; the months of Brussels are in the meter's own
tests. Here is the rest.
"""

from datetime import date, timedelta

import pytest
from budgetmeter import orders, units
from budgetmeter.errors import InputError
from budgetmeter.office import customers, privacy, withdraw
from budgetmeter.office.cases import CaseBook
from meterproto.codes import TokenStatus

from tests.cards.counter import METER, Counter
from tests.cards.test_vectors import dues, in_minimum_supply
from tests.firmware.support import clock, mc

RULES = "wallonia-electricity+ores-covid"
NEW = METER + 1


def order(kind, **given):
    return orders.read(kind, given)


@pytest.fixture
def counter():
    made = Counter().enrol()  # 8 December 2020
    yield made
    made.office.engine.dispose()


def opened(counter, rules=RULES, customer="4711", **given):
    book = CaseBook(counter.office)
    book.case = book.open(customer, rules, date(2020, 7, 1), METER, **given)
    return book


def loaded(book, case=None):
    return book.load(book.find(case=case or book.case))


# ---- Tokens that nobody judged (C2) --------------------------------------------------------------


@pytest.mark.rule("OC-18", "WE-34", "WG-30")
@pytest.mark.parametrize(
    ("profile", "at", "contract", "kind", "given", "why"),
    [
        ("wallonia-card", "2020-12-08 12:00", {}, "limiter-enable", {}, "protected customers"),
        ("wallonia-card", "2020-12-08 12:00",
         {"protected": True, "judge_s": clock("2020-10-20 00:00") * 60}, "minimum-supply-disable",
         {}, "not end before 2021-04-20"),
        ("wallonia-gas", "2021-07-08 12:00", {}, "aid", {"amount": "20.00"}, "for protected"),
        ("wallonia-gas", "2021-07-08 12:00", {"protected": True}, "aid", {"amount": "20.00"},
         "aid is given from"),
        ("wallonia-card", "2021-01-12 12:00", {"protected": True}, "minimum-supply-disable", {},
         "not end before 2021-03-16"),
    ],
)  # fmt: skip
def test_a_token_is_judged_as_a_queued_order_is(profile, at, contract, kind, given, why):
    counter = Counter(profile, at).enrol(**contract)
    for give in (counter.office.issue, counter.pending.queue):
        with pytest.raises(InputError, match=why):
            give(METER, order(kind, **given))
    counter.office.engine.dispose()


def test_a_meter_whose_bar_was_taken_away_is_barred_by_the_books(counter):
    """C13: the parameter empties the meter's own bar, not the law."""
    counter.office.issue(METER, order("parameter", name="winter_bars", to=[]))
    with pytest.raises(InputError, match="not end before 2021-03-16"):
        counter.office.issue(METER, order("minimum-supply-disable"))


# ---- Once (C3) -----------------------------------------------------------------------------------


@pytest.mark.rule("OC-12", "AMB-22")
def test_a_negative_limit_that_was_handed_out_counts_until_a_report_proves_it_unused(counter):
    second = order("overdraft", amount="50.00", until="2021-03-31")
    counter.office.issue(METER, order("overdraft", amount="50.00", until="2020-12-20"))
    counter.at("2021-01-08 12:00")  # its period is over, and nobody read the card
    with pytest.raises(InputError, match="granted before"):
        counter.office.issue(METER, second)
    counter.insert()
    counter.pay()  # the card tells: the meter never saw that token, and takes it no more
    counter.office.issue(METER, second)


@pytest.mark.rule("OC-12")
def test_a_negative_limit_that_the_meter_took_was_the_one(counter):
    first = counter.office.issue(METER, order("overdraft", amount="50.00", until="2020-12-20"))
    assert counter.meter.enter(first.token)[0] == TokenStatus.EXECUTED
    counter.at("2021-01-08 12:00")
    counter.insert()
    counter.pay()
    with pytest.raises(InputError, match="granted before"):
        counter.office.issue(METER, order("overdraft", amount="50.00", until="2021-03-31"))


# ---- Coupled (C5) --------------------------------------------------------------------------------


@pytest.mark.rule("WE-33", "OC-18")
def test_prepayment_comes_with_the_limiter_for_a_protected_customer_and_for_nobody_else():
    alone = order("payment-mode", mode="prepayment")
    coupled = order("payment-mode", mode="prepayment", protected=True)
    for protected, right, wrong, why in (
        (True, coupled, alone, "the limiter comes along"),
        (False, alone, coupled, "comes without --protected"),
    ):
        counter = Counter().enrol(protected=protected)
        with pytest.raises(InputError, match=why):
            counter.pending.queue(METER, wrong)
        for step in (order("payment-mode", mode="credit"), right):
            counter.meter.enter(counter.office.issue(METER, step).token)
        assert counter.state.limiter_available == int(protected)
        counter.office.engine.dispose()


# ---- Arrears that vanished (C14) -----------------------------------------------------------------


@pytest.mark.rule("AMB-20", "WE-30", "WE-40")
def test_arrears_that_no_bill_has_yet_stand_against_deactivation_and_release(counter):
    book = opened(counter)
    book.record(book.case, "prepayment-asked", date(2020, 7, 1))
    book.record(book.case, "activation", date(2020, 7, 10))
    book.record(book.case, "deactivation-asked", date(2020, 12, 1))
    counter.put(arrears=mc(25))
    counter.insert()
    counter.pay()
    ends = order("payment-mode", mode="credit")
    for blocked in (ends, order("limiter-release")):
        with pytest.raises(InputError, match=r"25\.00 EUR of minimum supply that is not billed"):
            counter.office.issue(METER, blocked)
    book.record(book.case, "minimum-bill", date(2020, 12, 8), amount="25.00")
    with pytest.raises(InputError, match=r"AMB-20: 25\.00 EUR is owed on minimum"):
        counter.office.issue(METER, ends)
    counter.office.issue(METER, order("arrears-paid", amount="25.00"))
    counter.office.issue(METER, ends)


# ---- Aid has an account and a cap (C15) ----------------------------------------------------------


@pytest.mark.rule("WG-30", "WG-31")
def test_aid_is_owed_and_ends_with_what_the_commission_decided():
    counter = Counter("wallonia-gas", "2020-12-08 12:00").enrol(protected=True)
    book = opened(counter, "wallonia-gas+ores-covid", main_residence=True)
    book.record(book.case, "prepayment-asked", date(2020, 7, 1))
    book.record(book.case, "activation", date(2020, 7, 10))
    aid = order("aid", amount="100.00")
    with pytest.raises(InputError, match="there is no aid-request"):
        counter.office.issue(METER, aid)
    book.record(book.case, "aid-request", date(2020, 12, 8))
    counter.office.issue(METER, aid)
    book.record(book.case, "aid-decision", date(2020, 12, 8), amount="150.00")
    with pytest.raises(InputError, match=r"WG-31: of what the commission decided 50\.00 EUR is l"):
        counter.office.issue(METER, aid)
    counter.office.issue(METER, order("aid", amount="50.00"))
    assert loaded(book).owes("aid", date(2020, 12, 8)) == 4500  # 30 % of 150.00
    counter.office.engine.dispose()


# ---- Deactivation with a debt (C16) --------------------------------------------------------------


@pytest.mark.rule("FE-16")
def test_flanders_ends_the_budget_function_when_all_bills_are_paid():
    counter = Counter("flanders-2003", "2003-12-08 12:00").enrol()
    book = CaseBook(counter.office)
    case = book.open("1", "flanders-2003", date(2003, 7, 1), METER)
    book.record(case, "deactivation-asked", date(2003, 12, 1))
    book.record(case, "operator-bill", date(2003, 12, 1), amount="100.00")
    ends = order("payment-mode", mode="credit")
    with pytest.raises(InputError, match=r"FE-16: 100\.00 EUR is owed on operator"):
        counter.pending.queue(METER, ends)
    book.record(case, "operator-payment", date(2003, 12, 5), amount="99.99")
    with pytest.raises(InputError, match=r"0\.01 EUR is owed"):
        counter.pending.queue(METER, ends)
    book.record(case, "operator-payment", date(2003, 12, 5), amount="0.01")
    counter.pending.queue(METER, ends)
    counter.office.engine.dispose()


# ---- Status, and who lives there (C17) -----------------------------------------------------------


@pytest.mark.rule("WE-04", "WE-05", "OC-18")
def test_protected_status_of_the_books_is_that_of_the_case(counter):
    book = opened(counter)
    assert not loaded(book).view(date(2020, 12, 8)).protected()
    customers.protect(counter.office, METER, True)
    assert loaded(book).view(date(2020, 12, 8)).protected()
    assert loaded(book).view(date(2022, 12, 8)).protected()  # as long as the books say so
    counter.at("2021-01-12 12:00")
    customers.protect(counter.office, METER, False)
    case = loaded(book)
    assert case.view(date(2021, 1, 11)).protected()
    assert not case.view(date(2021, 1, 12)).protected()


def test_a_case_is_of_who_lives_there(counter):
    """A customer moves: the next one is judged by no case, or by one of his own."""
    old = opened(counter)
    counter.office.issue(METER, order("top-up", amount="20.00"))
    old.record(old.case, "minimum-bill", date(2020, 12, 8), amount="5.00")
    release = order("limiter-release")
    with pytest.raises(InputError, match="WE-40"):
        counter.office.issue(METER, release)
    counter.wait(1)
    customers.move_in(counter.office, METER, "K2")
    counter.office.issue(METER, order("top-up", amount="30.00"))
    counter.office.issue(METER, release)
    other = CaseBook(counter.office)
    other.case = other.open("K2", RULES, date(2020, 12, 8), METER)
    other.record(other.case, "minimum-bill", date(2020, 12, 8), amount="7.00")
    with pytest.raises(InputError, match=r"7\.00 EUR is owed"):
        counter.office.issue(METER, release)
    assert other.find(meter=METER).case == other.case
    assert [row.case for row, _ in other.all()] == [old.case, other.case]
    top_ups = [fact.amount for fact in loaded(old).facts if fact.name == "top-up"]
    assert top_ups == [2000]
    assert old.find(customer="4711").case == old.case


def test_a_case_goes_on_at_the_meter_that_is_hung_in_place_of_another(counter):
    book = opened(counter)
    counter.office.issue(METER, order("top-up", amount="20.00"))
    counter.insert()
    counter.pay()
    book.record(book.case, "minimum-bill", date(2020, 12, 8), amount="5.00")
    withdraw.replace(counter.office, METER, NEW)
    with pytest.raises(InputError, match="WE-40"):
        counter.office.issue(NEW, order("limiter-release"))
    assert book.find(meter=NEW).case == book.case
    assert [fact.amount for fact in loaded(book).facts if fact.name == "top-up"] == [2000]


@pytest.mark.rule("OS-10")
def test_the_copy_of_all_data_has_the_case_and_forgetting_takes_its_name_away(counter):
    book = opened(counter, customer="Jeanne")
    book.record(book.case, "invoice", date(2020, 9, 1), amount="150.00", note="kitchen")
    found = privacy.export(counter.office, "Jeanne")
    assert [fact["name"] for fact in found["cases"][0]["facts"]] == ["opened", "invoice"]
    instead = privacy.forget(counter.office, "Jeanne")
    assert book.find(case=book.case).customer == instead
    with pytest.raises(InputError, match="no customer Jeanne"):
        privacy.export(counter.office, "Jeanne")


# ---- Windows that never closed (C7) --------------------------------------------------------------


@pytest.mark.rule("WE-36")
def test_a_bill_of_the_case_closes_the_windows_before_it_and_no_other():
    counter = in_minimum_supply("2020-09-01 00:00")
    book = opened(counter)
    counter.at("2021-03-02 10:00")
    counter.insert()
    counter.pay()
    first, second = dues(counter)
    assert second.since_s == first.until_s
    last = units.from_clock(first.until_s // 60 - 1).date()  # the window ends with that day
    book.record(book.case, "minimum-bill", last - timedelta(days=1), amount="100.00")
    assert dues(counter) == [first, second]  # it was not over yet
    book.record(book.case, "minimum-bill", last, amount="100.00")
    assert dues(counter) == [second]
    book.record(book.case, "settlement-invoice", date(2021, 3, 2))
    assert dues(counter) == []
    counter.office.engine.dispose()
