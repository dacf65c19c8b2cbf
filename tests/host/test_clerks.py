"""Mistakes of clerks that cost somebody money: refused in one line, or mended where they stand."""

import subprocess
import sys

import pytest
from budgetmeter import orders
from budgetmeter.errors import InputError
from budgetmeter.office import books, cases, customers, privacy, withdraw
from budgetmeter.office.office import Office
from budgetmeter.office.tables import metadata
from meterproto.codes import Kind

from tests.cards.counter import METER, Counter
from tests.firmware.bench import executed
from tests.firmware.support import mc
from tests.host.test_read_port import report

NEW = 987_654_321


def order(kind, **given):
    return orders.read(kind, given)


TOP_UP = order("top-up", amount="20.00")


@pytest.fixture
def counter():
    return Counter("wallonia-digital").enrol()


# ---- References and numbers ----------------------------------------------------------------------


@pytest.mark.parametrize("ended", ["closing", "void", "retired"])
def test_the_reference_of_a_payment_that_was_taken_back_sells_nothing(counter, ended):
    paid = counter.office.issue(METER, TOP_UP, reference="bank-1")
    if ended == "retired":
        withdraw.retire(counter.office, METER)
    else:
        closing = withdraw.void(counter.office, METER, paid.order_id)
        if ended == "void":
            assert executed(counter.meter.enter(closing.token))
            books.accept_wire(counter.office, report(counter))
            assert counter.account().void == mc(20)
    with pytest.raises(InputError, match=r"^reference bank-1: its order 1 was taken back"):
        counter.office.issue(METER, TOP_UP, reference="bank-1")


def test_a_card_does_not_say_paid_for_a_payment_that_was_taken_back():
    counter = Counter().enrol()
    counter.terminal.exchange(counter.card, mc(20), "till-7")
    withdraw.void(counter.office, METER, 1)
    with pytest.raises(InputError, match="was taken back"):
        counter.terminal.exchange(counter.card, mc(20), "till-7")


def test_an_earlier_order_takes_no_reference(counter):
    paid = counter.office.issue(METER, TOP_UP)
    with pytest.raises(InputError, match="--reference is of a new payment"):
        counter.office.issue(METER, TOP_UP, order_id=paid.order_id, reference="bank-1")


@pytest.mark.parametrize("text", [" ", "a ", " a", "e\u0301", "\uff11", "\u00a0a", "a\u200bb", ""])
def test_what_looks_like_another_identifier_is_none(counter, text):
    with pytest.raises(InputError, match=r"^--reference: "):
        counter.office.issue(METER, TOP_UP, reference=text)
    with pytest.raises(InputError, match=r"^the customer's number: "):
        customers.move_in(counter.office, METER, text)
    assert counter.account().issued == 0


# ---- What is sold --------------------------------------------------------------------------------


def test_a_typed_token_above_the_meters_own_cap_is_not_sold(counter):
    cap = counter.office.issue(METER, order("parameter", name="top_up_max", to="100.00"))
    assert executed(counter.meter.enter(cap.token))
    books.accept_wire(counter.office, report(counter))
    dear = order("top-up", amount="100.01")
    for way in (counter.office.issue, counter.pending.queue):
        with pytest.raises(InputError, match=r"takes at most 100\.00 EUR"):
            way(METER, dear)
    assert executed(
        counter.meter.enter(counter.office.issue(METER, order("top-up", amount="100")).token)
    )


def test_a_typed_token_is_not_sold_for_an_account_that_is_full(counter):
    """What was sold since the report counts, what was taken back does not."""
    counter.put(credit=mc(9_800))
    books.accept_wire(counter.office, report(counter))
    most = order("top-up", amount="190")
    back = counter.office.issue(METER, most)
    with pytest.raises(InputError, match=r"takes at most 10\.00 EUR"):
        counter.office.issue(METER, most)
    withdraw.void(counter.office, METER, back.order_id)
    counter.office.issue(METER, most)


def test_a_typed_token_is_not_sold_to_a_meter_that_takes_no_money(counter):
    off = counter.office.issue(METER, order("payment-mode", mode="credit"))
    assert executed(counter.meter.enter(off.token))
    books.accept_wire(counter.office, report(counter))
    with pytest.raises(InputError, match="is not in prepayment: it takes no top-up"):
        counter.office.issue(METER, TOP_UP)
    counter.office.issue(METER, order("payment-mode", mode="prepayment"))  # on its way
    counter.office.issue(METER, TOP_UP)


# ---- What waits ----------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["issue", "queue"])
def test_an_order_that_is_past_takes_nothing_back(counter, way):
    waiting = counter.queue("hold", until="2021-03-31")
    past = order("hold", until="2020-01-01")
    getattr(counter.office if way == "issue" else counter.pending, way)(METER, past)
    assert counter.pending.item(waiting.item).state == "queued"
    counter.queue("hold", until="2021-02-28")
    assert counter.pending.item(waiting.item).state == "cancelled"


def test_rights_that_wait_are_not_of_the_next_customer():
    counter = Counter().enrol(customer="K1")
    counter.pending.campaign("winter-2020")
    for kind, given in (
        ("hold", {"until": "2021-03-31"}),
        ("overdraft", {"amount": "50", "until": "2021-03-31"}),
        ("price", {"price": "0.30"}),
    ):
        counter.queue(kind, **given)
    customers.move_in(counter.office, METER, "K2")
    counter.wait(1)
    counter.insert()
    assert [item.order.kind for item in counter.pay().given] == [Kind.PRICE]
    counter.office.add_meter(NEW, "wallonia-card", customer="K1", since_s=0)
    made = counter.pending.campaign("winter-2020")  # each has it where they live now
    assert sorted(item.meter for item in made) == [METER, NEW]


@pytest.mark.parametrize(
    ("profile", "kind", "given"),
    [("wallonia-card", "limiter-enable", {}), ("wallonia-gas", "aid", {"amount": "50"})],
)
def test_what_waits_for_a_protected_customer_ends_with_the_status(profile, kind, given):
    counter = Counter(profile).enrol(protected=True)
    item = counter.queue(kind, **given)
    customers.protect(counter.office, METER, False)
    counter.wait(1)
    counter.insert()
    receipt = counter.pay()
    assert (receipt.given, len(receipt.withheld)) == ([], 1)
    assert "is for protected customers" in receipt.withheld[0][1]
    with pytest.raises(InputError, match="is for protected customers"):
        counter.pending.send(item.item)


def test_a_meter_that_hangs_no_more_gets_no_card():
    counter = Counter().enrol()
    withdraw.retire(counter.office, METER)
    with pytest.raises(InputError, match="is retired"):
        counter.terminal.new_card(METER)


def test_nobody_moves_in_behind_a_meter_that_was_replaced(counter):
    withdraw.replace(counter.office, METER, NEW)
    for change in (
        lambda: customers.move_in(counter.office, METER, "K2"),
        lambda: customers.protect(counter.office, METER, True),
    ):
        with pytest.raises(InputError, match=f"^meter {METER} is retired"):
            change()
    customers.move_in(counter.office, NEW, "K2")


# ---- Customers who are forgotten, and their cases ------------------------------------------------


def test_nothing_in_the_books_names_who_is_forgotten(counter):
    """Not the meter that was replaced, nor the case."""
    office = counter.office
    customers.move_in(office, METER, "Jeanne")
    book = cases.CaseBook(office)
    number = book.open("Jeanne", "wallonia-electricity", cases._day(office.now_s), METER)
    withdraw.replace(office, METER, NEW)
    assert book.find(meter=NEW).case == number
    found = privacy.export(office, "Jeanne")
    assert [row["case"] for row in found["cases"][0]["facts"]] == [number]
    customers.move_in(office, NEW, "K2")
    privacy.forget(office, "Jeanne")
    with pytest.raises(InputError, match="no customer Jeanne"):
        privacy.export(office, "Jeanne")
    tables = metadata.sorted_tables
    held = office.reading(lambda c: [c.execute(table.select()).all() for table in tables])
    assert "Jeanne" not in str(held)


def test_the_case_of_a_replaced_meter_knows_what_was_paid_before(counter):
    office, book = counter.office, cases.CaseBook(counter.office)
    book.open("K1", "wallonia-electricity", cases._day(office.now_s), METER)
    token = office.issue(METER, TOP_UP)
    assert executed(counter.meter.enter(token.token))
    books.accept_wire(office, report(counter))
    withdraw.replace(office, METER, NEW)
    office.issue(NEW, order("top-up", amount="30"))
    facts = [f for f in book.load(book.find(meter=NEW)).facts if f.name == "top-up"]
    assert [fact.given["amount"] for fact in facts] == [2000, 3000]
    assert len({fact.number for fact in facts}) == 2


# ---- Two offices in one process ------------------------------------------------------------------

OTHER = """
import contextlib, sqlite3, sys
with contextlib.closing(sqlite3.connect(sys.argv[1])) as books:
    print(*books.execute("SELECT count(*) FROM tokens").fetchone())
"""


def test_an_office_that_is_opened_ends_no_lock_of_another(tmp_path):
    """Where a process closes a file, POSIX ends every lock that it has there.

    Another process that comes and goes then takes itself for the last one, and clears away what
    the first office still writes to.
    """
    file = tmp_path / "vending.db"
    office = Counter(url=f"sqlite:///{file}").enrol().office
    for number in (1, 2, 3):
        Office(f"sqlite:///{file}", office.keys).engine.dispose()
        assert office.issue(METER, TOP_UP).number == number
        other = [sys.executable, "-c", OTHER, str(file)]
        found = subprocess.run(other, capture_output=True, text=True, check=True).stdout
        assert int(found) == number
    office.engine.dispose()


# ---- The last day of the calendar ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "kind", "given"),
    [
        ("wallonia-digital", "hold", {}),
        ("wallonia-digital", "overdraft", {"amount": "50"}),
        ("brussels-limiter", "limit", {"power": "4600"}),
    ],
)
def test_an_end_on_the_last_day_of_the_calendar_works(profile, kind, given):
    counter = Counter(profile, at="2099-12-01 12:00").enrol()
    last = order(kind, until="2099-12-31", **given)
    ends = orders.expiry("2099-12-31")
    assert executed(counter.meter.enter(counter.office.issue(METER, last, ends).token))


def test_a_winter_that_the_calendar_does_not_end_ends_with_it():
    counter = Counter("wallonia-gas", at="2099-12-15 12:00").enrol(protected=True)
    counter.office.issue(METER, order("aid", amount="50"))
    assert counter.office.tokens(METER)[0]["expiry"] == orders.expiry("2099-12-31")
    counter = Counter("wallonia-digital", at="2099-12-15 12:00").enrol()
    with pytest.raises(InputError, match="may not end before 2099-12-31 23:59"):
        counter.office.issue(METER, order("minimum-supply-disable"))


def test_who_moves_in_later_has_no_rights_before(counter):
    office = counter.office
    with pytest.raises(InputError, match="Jeanne has not moved in yet"):
        customers.move_in(office, METER, "Jeanne", office.now_s + 86_400)
    customers.move_in(office, METER, "Jeanne", office.now_s)
    with office.engine.connect() as connection:
        assert customers.contract(connection, METER)["customer"] == "Jeanne"
