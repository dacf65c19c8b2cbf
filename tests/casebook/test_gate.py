"""The one gate: orders to a meter pass its case, on every way, in both databases."""

from datetime import date

import pytest
from budgetmeter import orders
from budgetmeter.errors import InputError
from budgetmeter.office.cases import CaseBook, of_meter, words
from meterproto.codes import Kind

from tests.cards.counter import METER, Counter
from tests.firmware.support import mc

RULES = "wallonia-electricity+ores-covid"


def order(kind, **given):
    return orders.read(kind, given)


@pytest.fixture(params=["sqlite", "postgresql"])
def counter(request):
    url = "sqlite://" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    made = Counter(url=url).enrol()  # 8 December 2020
    yield made
    made.office.engine.dispose()


@pytest.fixture
def book(counter):
    made = CaseBook(counter.office)
    made.case = made.open("4711", RULES, date(2020, 7, 1), METER)
    made.record(made.case, "prepayment-asked", date(2020, 7, 1))
    made.record(made.case, "activation", date(2020, 7, 10))
    return made


def audited(counter):
    return [(row["action"], row["detail"]) for row in counter.office.log()]


def test_a_meter_without_a_case_is_judged_by_none(counter):
    counter.office.issue(METER, order("limiter-release"))
    counter.office.issue(METER, order("payment-mode", mode="credit"))


@pytest.mark.rule("OC-01", "AMB-31")
def test_a_bad_will_cut_is_refused_in_the_freeze_for_a_postpaid_customer_too(counter, book):
    cut = order("disconnect", cause="bad-will")
    for _ in range(2):
        with pytest.raises(InputError, match=r"OC-01, AMB-31: .* allowed from 2021-04-01"):
            counter.office.issue(METER, cut)
        with pytest.raises(InputError, match="OC-01"):
            counter.pending.queue(METER, cut)
        book.record(book.case, "deactivation", date(2020, 12, 8))
    counter.office.issue(METER, order("disconnect", cause="safety"))


@pytest.mark.rule("OC-23", "WE-40")
def test_a_limiter_is_not_released_with_a_cent_owed(counter, book):
    book.record(book.case, "minimum-bill", date(2020, 11, 1), amount="25.00")
    release = order("limiter-release")
    with pytest.raises(InputError, match=r"WE-40, OC-23: 25.00 EUR is owed on minimum"):
        counter.pending.queue(METER, release)
    counter.office.issue(METER, order("arrears-paid", amount="24.99"))
    with pytest.raises(InputError, match=r"0.01 EUR is owed"):
        counter.office.issue(METER, release)
    counter.office.issue(METER, order("arrears-paid", amount="0.01"))
    counter.office.issue(METER, release)


@pytest.mark.rule("AMB-20", "WE-30")
def test_a_meter_is_not_deactivated_with_a_debt(counter, book):
    book.record(book.case, "deactivation-asked", date(2020, 12, 1))
    book.record(book.case, "invoice", date(2020, 11, 1), amount="100.00")
    with pytest.raises(InputError, match=r"WE-30: 100.00 EUR is owed on supplier"):
        counter.office.issue(METER, order("payment-mode", mode="credit"))
    book.record(book.case, "payment", date(2020, 12, 2), amount="100.00")
    counter.office.issue(METER, order("payment-mode", mode="credit"))


@pytest.mark.rule("OC-12", "AMB-22")
def test_a_second_overdraft_is_refused_also_when_the_first_was_never_read_back(counter, book):
    """C3: activated by a technical card, its report never came, its period is over."""
    first = order("overdraft", amount="50.00", until="2020-12-20")
    counter.office.issue(METER, first)
    counter.at("2021-01-08 12:00")
    with pytest.raises(InputError, match="OC-12"):
        counter.office.issue(METER, order("overdraft", amount="50.00", until="2021-03-01"))
    with pytest.raises(InputError, match="OC-12"):
        counter.pending.queue(METER, order("overdraft", amount="50.00", until="2021-03-01"))


@pytest.mark.rule("OC-18", "WE-33")
def test_the_limiter_is_judged_by_the_case(counter, book):
    with pytest.raises(InputError, match="OC-18, WE-33: the customer is not protected"):
        counter.office.issue(METER, order("limiter-enable"))


def test_who_goes_against_it_says_why_and_that_is_audited(counter, book):
    counter.office.despite = "judgment of 7 December"
    counter.office.issue(METER, order("disconnect", cause="bad-will"))
    found = [detail for action, detail in audited(counter) if action == "despite"]
    assert len(found) == 1
    assert found[0].startswith("disconnect bad-will: judgment of 7 December; against ")
    assert "OC-01" in found[0]


def test_an_item_that_was_right_is_judged_again_when_it_goes_out(counter, book):
    item = counter.pending.queue(METER, order("limiter-release"))
    book.record(book.case, "minimum-bill", date(2020, 12, 8), amount="1.00")
    with pytest.raises(InputError, match="WE-40"):
        counter.pending.send(item.item)
    counter.office.despite = "the bill was wrong"
    counter.pending.send(item.item)
    counter.office.despite = ""
    counter.pending.send(item.item)  # its order was given: nothing is asked again


@pytest.mark.rule("OC-04", "OC-06")
def test_a_campaign_leaves_out_whom_a_case_excludes(counter, book):
    book.record(book.case, "support-2", date(2020, 12, 5))
    assert counter.pending.campaign("winter-2020") == []
    reasons = counter.pending.left_out("winter-2020")
    assert any("OC-06" in reason for reason in reasons)


def test_the_books_tell_a_case_what_they_know(counter, book):
    counter.office.issue(METER, order("top-up", amount="20.00"))
    counter.office.issue(METER, order("overdraft", amount="50.00", until="2021-01-31"))
    case = book.load(book.find(meter=METER))
    names = [(fact.name, fact.amount) for fact in case.facts if fact.number >= 1_000_000]
    assert names == [("top-up", 2000), ("overdraft", 5000)]
    assert counter.money() == (mc(20), 0, 0)


def test_facts_are_appended_and_read_back_as_they_were(counter, book):
    given = {"amount": "123.45", "combined": "yes", "note": "première facture"}
    made = book.record(book.case, "invoice", date(2020, 8, 1), **given)
    again = [fact for fact in book.load(book.find(case=book.case)).facts if fact.name == "invoice"]
    assert again == [made]
    assert made.given == {"amount": 12345, "combined": True, "note": "première facture"}
    assert made.number == 4
    with pytest.raises(InputError, match="did you mean invoice"):
        book.record(book.case, "invoce", date(2020, 8, 1))
    with pytest.raises(InputError, match="no case 99"):
        book.record(99, "invoice", date(2020, 8, 1), amount="1.00")


def test_one_case_for_a_meter(counter, book):
    with pytest.raises(InputError, match="has a case already"):
        book.open("12", RULES, date(2020, 7, 1), METER)
    book.open("4711", "wallonia-gas", date(2023, 7, 1))
    with pytest.raises(InputError, match="several cases of customer 4711"):
        book.find(customer="4711")
    with pytest.raises(InputError, match="no case of meter 5"):
        book.find(meter=5)
    assert of_meter_row(counter).case == book.case
    assert [row.case for row, _ in book.all()] == [book.case, book.case + 1]


def of_meter_row(counter):
    return counter.office.reading(lambda connection: of_meter(connection, METER))


@pytest.mark.rule("FE-22")
def test_a_share_above_35_is_refused_in_flanders():
    """C10: a parameter token cannot pass the cap."""
    counter = Counter("flanders-2003", "2003-12-08 12:00").enrol()
    CaseBook(counter.office).open("1", "flanders-2003", date(2003, 7, 1), METER)
    with pytest.raises(InputError, match="FE-22: share is 60 %, at most 35 %"):
        counter.office.issue(METER, order("parameter", name="topup_share_pct", to=60))
    counter.office.issue(METER, order("parameter", name="topup_share_pct", to=35))
    counter.office.engine.dispose()


@pytest.mark.rule("FE-14")
def test_aid_credit_is_judged_by_the_social_tariff():
    """C9: 50 kWh at the social tariff, whatever the meter's price is."""
    counter = Counter("flanders-2003", "2003-12-08 12:00").enrol()
    book = CaseBook(counter.office)
    case = book.open("1", "flanders-2003", date(2003, 7, 1), METER)
    book.record(case, "social-price", date(2003, 7, 1), price="0.10")
    with pytest.raises(
        InputError, match=r"FE-14, AMB-27: 20.00 EUR asked; the text gives 5.00 EUR"
    ):
        counter.office.issue(METER, order("emergency-preset", amount="20.00"))
    counter.office.issue(METER, order("emergency-preset", amount="5.00"))
    counter.office.engine.dispose()


@pytest.mark.rule("BE-02")
def test_a_raise_in_brussels_is_judged_by_calendar_months():
    """C12: on 1 February 2021 until 1 August at the latest."""
    counter = Counter("brussels-limiter", "2021-02-01 12:00").enrol()
    book = CaseBook(counter.office)
    case = book.open("1", "brussels-2011", date(2021, 1, 1), METER, original_w=9200)
    with pytest.raises(InputError, match="BE-02: there is no cpas-order"):
        counter.office.issue(METER, order("limit", power=4600, until="2021-08-01"))
    book.record(case, "cpas-order", date(2021, 1, 15))
    with pytest.raises(InputError, match="until 2021-08-02 is too long: 2021-08-01 at the latest"):
        counter.office.issue(METER, order("limit", power=4600, until="2021-08-02"))
    with pytest.raises(InputError, match="9200 W asked, at most 4600 W"):
        counter.office.issue(METER, order("limit", power=9200, until="2021-08-01"))
    counter.office.issue(METER, order("limit", power=4600, until="2021-08-01"))
    counter.office.engine.dispose()


def test_orders_in_the_words_of_rule_files():
    assert words(order("payment-mode", mode="prepayment")) == "payment-mode prepayment"
    assert words(order("disconnect", cause="fraud")) == "disconnect fraud"
    assert words(order("parameter", name="topup_share_pct", to=35)) == "parameter topup_share_pct"
    assert words(orders.Order(Kind.LIMITER_RELEASE)) == "limiter-release"
