"""The way back: references, void orders, meters that are replaced, customers who come and go."""

from datetime import timedelta

import pytest
from budgetmeter import orders
from budgetmeter.errors import InputError
from budgetmeter.office import books, customers, payments, privacy, restore, withdraw
from budgetmeter.office.office import Office
from meterproto.codes import Kind, TokenStatus

from tests.cards.desk import GOOD, METER, Desk
from tests.firmware.bench import executed
from tests.firmware.support import clock, mc

NEW = 987_654_321


def order(kind, **given):
    return orders.read(kind, given)


TOP_UP = order("top-up", amount="20.00")


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request):
    url = "sqlite://" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    made = Desk(url=url).enrol()
    yield made
    account = made.account()
    assert account.adds_up
    made.office.engine.dispose()


# ---- One payment, one token ----------------------------------------------------------------------


def test_a_reference_given_again_gives_the_same_token_in_another_office(desk):
    first = desk.office.issue(METER, TOP_UP, reference="bank-1")
    other = Office(str(desk.office.engine.url), desk.keys, now=desk.office.now)
    if desk.office.database.file != "":  # in memory each office has its own books
        assert other.issue(METER, TOP_UP, reference="bank-1") == first
    assert desk.office.issue(METER, TOP_UP, reference="bank-1") == first
    assert desk.money() == (mc(20), 0, 0)
    assert desk.office.issue(METER, TOP_UP, reference="bank-2").number == first.number + 1
    other.engine.dispose()


@pytest.mark.parametrize(
    ("meter", "wanted"),
    [
        (METER, order("top-up", amount="25.00")),
        (METER, order("support", amount="20.00")),
        (NEW, TOP_UP),
    ],
    ids=["amount", "kind", "meter"],
)
def test_a_reference_of_another_payment_is_refused(desk, meter, wanted):
    desk.office.add_meter(NEW, "wallonia-card")
    desk.office.issue(METER, TOP_UP, reference="bank-1")
    with pytest.raises(InputError, match=r"^reference bank-1 was another payment's: top-up 20\.00"):
        desk.office.issue(meter, wanted, reference="bank-1")
    assert desk.money() == (mc(20), 0, 0)


def test_a_payment_at_the_terminal_is_booked_once_for_its_reference(desk):
    first = desk.terminal.exchange(desk.card, mc(20), "till-7")
    again = desk.terminal.exchange(desk.card, mc(20), "till-7")
    assert (first.repeated, again.repeated) == (False, True)
    assert (again.paid, again.carried, again.tokens) == (mc(20), mc(20), 1)
    assert desk.insert() == GOOD
    desk.terminal.exchange(desk.card, mc(20), "till-7")  # taken meanwhile: still the same payment
    assert desk.money() == (0, mc(20), 0)
    with pytest.raises(InputError, match="was another payment's"):
        desk.terminal.exchange(desk.card, mc(25), "till-7")
    with pytest.raises(InputError, match="a reference is of a payment"):
        desk.terminal.exchange(desk.card, 0, "till-8")


@pytest.mark.parametrize("bad", ["", "x" * 65, "a\nb"])
def test_references_that_are_none(desk, bad):
    with pytest.raises(InputError, match="--reference: 1 to 64 printable"):
        desk.office.issue(METER, TOP_UP, reference=bad)


def test_payments_without_reference_are_listed(desk):
    desk.office.issue(METER, TOP_UP, reference="bank-1")
    bare = desk.office.issue(METER, TOP_UP)
    desk.office.issue(METER, order("support", amount="5"))
    found = desk.office.reading(lambda c: payments.without_reference(c, METER))
    assert found == [bare.order]


# ---- Void ----------------------------------------------------------------------------------------


def test_a_void_payment_on_a_card_never_reaches_the_balance(desk):
    desk.pay(50)
    withdraw.void(desk.office, METER, 1)
    copied = type(desk.card)(bytes(desk.card.data))
    assert desk.pay().carried == 0
    assert desk.insert() == GOOD
    desk.pay()
    assert desk.account().void == mc(50)
    assert desk.insert(copied) == GOOD  # the copy still carries it: the order is closed
    assert desk.balance == mc(15)


def test_a_payment_that_the_meter_took_before_it_was_void_is_taken(desk):
    desk.pay(50)
    assert desk.insert() == GOOD
    closing = withdraw.void(desk.office, METER, 1)
    assert executed(desk.meter.enter(closing.token))
    desk.insert()
    desk.pay()
    assert desk.balance == mc(65)
    assert desk.money() == (0, mc(50), 0)
    with pytest.raises(InputError, match="order 1 is taken"):
        withdraw.void(desk.office, METER, 1)


def test_a_void_token_typed_after_its_closing_has_no_effect(desk):
    """Both numbers are spent: the meter's total of credit tells which came first."""
    token = desk.office.issue(METER, TOP_UP)
    closing = withdraw.void(desk.office, METER, token.order)
    for one in (closing, token):
        assert executed(desk.meter.enter(one.token))
    assert desk.money() == (mc(20), 0, 0)  # until the meter tells
    desk.insert()
    desk.pay()
    assert desk.balance == mc(15)
    assert desk.account().void == mc(20)
    with pytest.raises(InputError, match=f"order {token.order} is void"):
        desk.office.issue(METER, TOP_UP, order_id=token.order)


def test_a_payment_refunded_while_the_meter_is_deactivated_stays_void(desk):
    desk.insert()
    desk.pay()
    desk.pay(50)
    off = desk.office.issue(METER, order("payment-mode", mode="credit"))
    assert executed(desk.meter.enter(off.token))
    old = type(desk.card)(bytes(desk.card.data))
    desk.insert()
    desk.pay()
    withdraw.void(desk.office, METER, 1)
    desk.pay()
    assert desk.insert() == GOOD
    on = desk.office.issue(METER, order("payment-mode", mode="prepayment"))
    assert executed(desk.meter.enter(on.token))
    before = desk.balance
    desk.insert(old)
    assert desk.balance == before
    desk.pay()
    assert desk.account().void == mc(50)


# ---- Replaced and retired ------------------------------------------------------------------------


def test_a_replaced_meter_hands_over_balance_work_and_rights(desk):
    desk.queue("overdraft", amount="50.00", until="2021-03-31")
    desk.deliver()
    desk.pay(20)
    desk.insert()
    desk.pay(30)  # on the card when the meter breaks; the report tells of 35 EUR
    desk.queue("price", price="0.30")
    desk.office._load_profile = lambda name: desk.profile
    desk.office.issue(METER, order("top-up", amount="5"), reference="bank-5")
    assert withdraw.replace(desk.office, METER, NEW) == mc(35)
    assert desk.account().void == mc(35)
    assert desk.money() == (0, mc(20), 0)
    now = desk.office.reading(lambda c: books.account(c, NEW))
    assert now.adds_up
    assert now.on_the_way == mc(30 + 5 + 35)
    assert [item.order.kind for item in desk.pending.items(NEW)] == [Kind.PRICE]
    for refused in (
        lambda: desk.office.issue(METER, TOP_UP),
        lambda: withdraw.retire(desk.office, METER),
    ):
        with pytest.raises(InputError, match="retired"):
            refused()
    again = desk.office.issue(NEW, order("top-up", amount="5"), reference="bank-5")
    assert desk.office.reading(lambda c: books.account(c, NEW)) == now
    assert again.meter == NEW
    with pytest.raises(InputError, match="granted before"):
        desk.pending.queue(NEW, order("overdraft", amount="50", until="2021-03-31"))


def test_a_campaign_reaches_the_meter_that_hangs_there(desk):
    withdraw.replace(desk.office, METER, NEW)
    assert [item.meter for item in desk.pending.campaign("winter-2020")] == [NEW]
    assert desk.pending.campaign("winter-2020") == []


def test_a_meter_of_another_customer_is_no_replacement(desk):
    desk.office.add_meter(NEW, "wallonia-card", customer="K2")
    with pytest.raises(InputError, match="has a customer of its own: K2"):
        withdraw.replace(desk.office, METER, NEW)
    assert desk.office.meter(METER)["retired_s"] is None


# ---- Customers -----------------------------------------------------------------------------------


def test_rights_are_the_customers_not_the_meters(desk):
    grant = order("overdraft", amount="50", until="2021-03-31")
    desk.office.issue(METER, grant)
    with pytest.raises(InputError, match="granted before"):
        desk.pending.queue(METER, grant)
    customers.move_in(desk.office, METER, "K2")
    desk.pending.queue(METER, grant)
    with pytest.raises(InputError, match="granted before"):
        desk.office.issue(METER, grant)


def test_protected_status_begins_and_ends_on_its_day(desk):
    enable = order("limiter-enable")
    with pytest.raises(InputError, match="protected customers"):
        desk.office.issue(METER, enable)
    customers.protect(desk.office, METER, True, clock("2020-12-10 00:00") * 60)
    with pytest.raises(InputError, match="protected customers"):
        desk.office.issue(METER, enable)  # not yet
    desk.at("2020-12-10 00:00")
    desk.office.issue(METER, enable)
    customers.protect(desk.office, METER, False)
    with pytest.raises(InputError, match="protected customers"):
        desk.office.issue(METER, enable)
    with pytest.raises(InputError, match="is not protected"):
        customers.protect(desk.office, METER, False)
    kinds = [(row.kind, row.until_s is None) for row in
             desk.office.reading(lambda c: customers.history(c, METER))]  # fmt: skip
    assert kinds == [("tenancy", True), ("protected", False)]


def test_a_customer_is_exported_and_forgotten_once_they_have_left(desk):
    customers.move_in(desk.office, METER, "Jeanne")
    desk.office.issue(METER, TOP_UP)
    desk.queue("support", amount="5")
    found = privacy.export(desk.office, "Jeanne")
    assert [row["value"] for row in found["orders"]] == [mc(20)]
    assert len(found["items"]) == 1
    with pytest.raises(InputError, match="lives behind"):
        privacy.forget(desk.office, "Jeanne")
    customers.move_in(desk.office, METER, "K2")
    instead = privacy.forget(desk.office, "Jeanne")
    with pytest.raises(InputError, match="no customer Jeanne"):
        privacy.export(desk.office, "Jeanne")
    assert len(privacy.export(desk.office, instead)["items"]) == 1
    assert "Jeanne" not in str(desk.office.log())


# ---- Restored ------------------------------------------------------------------------------------


def test_after_a_restore_payments_wait_until_a_report_made_since(desk):
    desk.insert()
    desk.wait(1)
    assert restore.mark_all(desk.office) == 1
    for refused in (lambda: desk.pay(20), lambda: desk.office.issue(METER, TOP_UP)):
        with pytest.raises(InputError, match="waits: the books were restored"):
            refused()
    assert any("before the books were restored" in line for line in desk.pay().said)
    desk.insert()
    assert desk.pay(20).tokens == 1
    assert desk.insert() == GOOD
    assert desk.balance == mc(35)


def test_a_slow_clock_does_not_make_a_restored_meter_wait_for_ever(desk):
    desk.pay()
    now = desk.office._now
    desk.office._now = lambda: now() + timedelta(days=1)
    restore.mark_all(desk.office)
    desk.pay()
    desk.insert()
    assert desk.pay(20).tokens == 1


def test_a_paid_card_that_the_books_have_lost_is_taken_into_them(desk):
    lost = Desk()
    lost.enrol()
    lost.pay(30)
    desk.card = lost.card  # sealed with the same key, by books that are gone
    receipt = desk.pay()
    assert receipt.carried == mc(30)
    assert any("had lost: 1" in line for line in receipt.said)
    assert desk.insert() == GOOD
    desk.pay(5)
    assert desk.insert() == GOOD
    desk.pay()
    assert desk.balance == mc(50)
    assert desk.money() == (0, mc(35), 0)
    assert desk.office.meter(METER)["raised"]


def test_a_token_on_paper_that_the_books_have_lost_is_adopted(desk):
    paper = Desk().enrol().office.issue(METER, TOP_UP)
    restore.adopt(desk.office, METER, paper.token)
    assert desk.money() == (mc(20), 0, 0)
    assert desk.office.issue(METER, TOP_UP).number == paper.number + 1
    with pytest.raises(InputError, match="no genuine token"):
        restore.adopt(desk.office, METER, paper.token)
    assert desk.meter.enter(paper.token)[0] == TokenStatus.EXECUTED


def test_a_mark_that_may_be_of_a_lost_token_settles_nothing(desk):
    """Sold by restored books under a number that the meter has spent for another payment."""
    other = Desk().enrol()
    spent = [other.office.issue(METER, order("top-up", amount="40")) for _ in range(2)]
    for token in spent:
        assert executed(desk.meter.enter(token.token))
    sold = desk.office.issue(METER, TOP_UP)
    desk.insert()
    receipt = desk.pay()
    assert any("behind the meter" in line for line in receipt.said)
    assert desk.money() == (mc(20), 0, 0)
    with pytest.raises(InputError, match="the books were restored"):
        desk.office.issue(METER, TOP_UP, order_id=sold.order)
    assert withdraw.void(desk.office, METER, sold.order) is None
    assert desk.account().void == mc(20)
