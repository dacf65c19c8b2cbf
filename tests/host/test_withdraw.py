"""The way back: references, void orders, meters that are replaced, customers who come and go."""

from datetime import timedelta

import pytest
from budgetmeter import orders
from budgetmeter.errors import InputError
from budgetmeter.office import books, customers, overview, privacy, restore, withdraw
from budgetmeter.office.office import Office
from meterproto.codes import Kind, TokenStatus

from tests.cards.counter import GOOD, METER, Counter
from tests.firmware.bench import executed
from tests.firmware.support import clock, mc
from tests.host.test_read_port import report

NEW = 987_654_321


def order(kind, **given):
    return orders.read(kind, given)


TOP_UP = order("top-up", amount="20.00")


@pytest.fixture(params=["sqlite", "postgresql"])
def counter(request):
    url = "sqlite://" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    made = Counter(url=url).enrol()
    yield made
    account = made.account()
    assert account.adds_up
    made.office.engine.dispose()


# ---- One payment, one token ----------------------------------------------------------------------


def test_a_reference_given_again_gives_the_same_token_in_another_office(counter):
    first = counter.office.issue(METER, TOP_UP, reference="bank-1")
    other = Office(str(counter.office.engine.url), counter.keys, now=counter.office.now)
    if counter.office.database.file != "":  # in memory each office has its own books
        assert other.issue(METER, TOP_UP, reference="bank-1") == first
    assert counter.office.issue(METER, TOP_UP, reference="bank-1") == first
    assert counter.money() == (mc(20), 0, 0)
    assert counter.office.issue(METER, TOP_UP, reference="bank-2").number == first.number + 1
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
def test_a_reference_of_another_payment_is_refused(counter, meter, wanted):
    counter.office.add_meter(NEW, "wallonia-card")
    counter.office.issue(METER, TOP_UP, reference="bank-1")
    with pytest.raises(InputError, match=r"^reference bank-1 was another payment's: top-up 20\.00"):
        counter.office.issue(meter, wanted, reference="bank-1")
    assert counter.money() == (mc(20), 0, 0)


def test_a_payment_at_the_terminal_is_booked_once_for_its_reference(counter):
    first = counter.terminal.exchange(counter.card, mc(20), "till-7")
    again = counter.terminal.exchange(counter.card, mc(20), "till-7")
    assert (first.repeated, again.repeated) == (False, True)
    assert (again.paid, again.carried, again.tokens) == (mc(20), mc(20), 1)
    assert counter.insert() == GOOD
    counter.terminal.exchange(
        counter.card, mc(20), "till-7"
    )  # taken meanwhile: still the same payment
    assert counter.money() == (0, mc(20), 0)
    with pytest.raises(InputError, match="was another payment's"):
        counter.terminal.exchange(counter.card, mc(25), "till-7")
    with pytest.raises(InputError, match="a reference is of a payment"):
        counter.terminal.exchange(counter.card, 0, "till-8")


@pytest.mark.parametrize("bad", ["", "x" * 65, "a\nb"])
def test_references_that_are_none(counter, bad):
    with pytest.raises(InputError, match="--reference: 1 to 64 printable"):
        counter.office.issue(METER, TOP_UP, reference=bad)


def test_payments_without_reference_are_listed(counter):
    counter.office.issue(METER, TOP_UP, reference="bank-1")
    bare = counter.office.issue(METER, TOP_UP)
    counter.office.issue(METER, order("support", amount="5"))
    (found,) = overview.of_all(counter.office, METER)
    assert found.bare == [bare.order_id]


# ---- Void ----------------------------------------------------------------------------------------


def test_a_void_payment_on_a_card_never_reaches_the_balance(counter):
    counter.pay(50)
    withdraw.void(counter.office, METER, 1)
    copied = type(counter.card)(bytes(counter.card.data))
    assert counter.pay().carried == 0
    assert counter.insert() == GOOD
    counter.pay()
    assert counter.account().void == mc(50)
    assert counter.insert(copied) == GOOD  # the copy still carries it: the order is closed
    assert counter.balance == mc(15)


def test_a_payment_that_the_meter_took_before_it_was_void_is_taken(counter):
    counter.pay(50)
    assert counter.insert() == GOOD
    closing = withdraw.void(counter.office, METER, 1)
    assert executed(counter.meter.enter(closing.token))
    counter.insert()
    counter.pay()
    assert counter.balance == mc(65)
    assert counter.money() == (0, mc(50), 0)
    with pytest.raises(InputError, match="order 1 is taken"):
        withdraw.void(counter.office, METER, 1)


def test_a_void_token_typed_after_its_closing_has_no_effect(counter):
    """Both numbers are spent: the meter's total of credit tells which came first."""
    token = counter.office.issue(METER, TOP_UP)
    closing = withdraw.void(counter.office, METER, token.order_id)
    for one in (closing, token):
        assert executed(counter.meter.enter(one.token))
    assert counter.money() == (mc(20), 0, 0)  # until the meter tells
    counter.insert()
    counter.pay()
    assert counter.balance == mc(15)
    assert counter.account().void == mc(20)
    with pytest.raises(InputError, match=f"order {token.order_id} is void"):
        counter.office.issue(METER, TOP_UP, order_id=token.order_id)


def test_a_payment_refunded_while_the_meter_is_deactivated_stays_void(counter):
    counter.insert()
    counter.pay()
    counter.pay(50)
    off = counter.office.issue(METER, order("payment-mode", mode="credit"))
    assert executed(counter.meter.enter(off.token))
    old = type(counter.card)(bytes(counter.card.data))
    counter.insert()
    counter.pay()
    withdraw.void(counter.office, METER, 1)
    counter.pay()
    assert counter.insert() == GOOD
    on = counter.office.issue(METER, order("payment-mode", mode="prepayment"))
    assert executed(counter.meter.enter(on.token))
    before = counter.balance
    counter.insert(old)
    assert counter.balance == before
    counter.pay()
    assert counter.account().void == mc(50)


# ---- Replaced and retired ------------------------------------------------------------------------


def test_a_replaced_meter_hands_over_balance_work_and_rights(counter):
    counter.queue("overdraft", amount="50.00", until="2021-03-31")
    counter.deliver()
    counter.pay(20)
    counter.insert()
    counter.pay(30)  # on the card when the meter breaks; the report tells of 35 EUR
    counter.queue("price", price="0.30")
    counter.office._load_profile = lambda name: counter.profile
    counter.office.issue(METER, order("top-up", amount="5"), reference="bank-5")
    assert withdraw.replace(counter.office, METER, NEW) == mc(35)
    assert counter.account().void == mc(35)
    assert counter.money() == (0, mc(20), 0)
    now = counter.office.reading(lambda c: books.account(c, NEW))
    assert now.adds_up
    assert now.on_the_way == mc(30 + 5 + 35)
    assert [item.order.kind for item in counter.pending.items(NEW)] == [Kind.PRICE]
    for refused in (
        lambda: counter.office.issue(METER, TOP_UP),
        lambda: withdraw.retire(counter.office, METER),
    ):
        with pytest.raises(InputError, match="retired"):
            refused()
    again = counter.office.issue(NEW, order("top-up", amount="5"), reference="bank-5")
    assert counter.office.reading(lambda c: books.account(c, NEW)) == now
    assert again.meter == NEW
    with pytest.raises(InputError, match="granted before"):
        counter.pending.queue(NEW, order("overdraft", amount="50", until="2021-03-31"))


def test_a_campaign_reaches_the_meter_that_hangs_there(counter):
    withdraw.replace(counter.office, METER, NEW)
    assert [item.meter for item in counter.pending.campaign("winter-2020")] == [NEW]
    assert counter.pending.campaign("winter-2020") == []


def test_a_meter_of_another_customer_is_no_replacement(counter):
    counter.office.add_meter(NEW, "wallonia-card", customer="K2")
    with pytest.raises(InputError, match="has a customer of its own: K2"):
        withdraw.replace(counter.office, METER, NEW)
    assert counter.office.meter(METER)["retired_s"] is None


# ---- Customers -----------------------------------------------------------------------------------


def test_rights_are_the_customers_not_the_meters(counter):
    grant = order("overdraft", amount="50", until="2021-03-31")
    counter.office.issue(METER, grant)
    with pytest.raises(InputError, match="granted before"):
        counter.pending.queue(METER, grant)
    customers.move_in(counter.office, METER, "K2")
    counter.pending.queue(METER, grant)
    with pytest.raises(InputError, match="granted before"):
        counter.office.issue(METER, grant)


def test_protected_status_begins_and_ends_on_its_day(counter):
    enable = order("limiter-enable")
    with pytest.raises(InputError, match="protected customers"):
        counter.office.issue(METER, enable)
    customers.protect(counter.office, METER, True, clock("2020-12-10 00:00") * 60)
    with pytest.raises(InputError, match="protected customers"):
        counter.office.issue(METER, enable)  # not yet
    counter.at("2020-12-10 00:00")
    counter.office.issue(METER, enable)
    customers.protect(counter.office, METER, False)
    with pytest.raises(InputError, match="protected customers"):
        counter.office.issue(METER, enable)
    with pytest.raises(InputError, match="is not protected"):
        customers.protect(counter.office, METER, False)
    kinds = [(row.kind, row.until_s is None) for row in
             counter.office.reading(lambda c: customers.history(c, METER))]  # fmt: skip
    assert kinds == [("tenancy", True), ("protected", False)]


def test_an_access_point_stays_where_meters_change(counter):
    """Code, tenancy and protected status go on, with the dates on which they began."""
    office = counter.office
    customers.describe_point(office, METER, ean="541448820000000017", residence=False)
    customers.protect(office, METER, True)
    begun = office.reading(lambda c: customers.history(c, METER))
    counter.wait(90)
    withdraw.replace(office, METER, NEW)
    assert office.reading(lambda c: customers.history(c, NEW)) == begun
    point = office.reading(lambda c: customers.point_of(c, NEW))
    assert (point.point, point.ean, point.residence) == (METER, "541448820000000017", False)
    office.issue(NEW, order("limiter-enable"))
    customers.move_in(office, NEW, "K2")
    ended = office.reading(lambda c: customers.history(c, NEW))
    assert [row.until_s is None for row in ended] == [False, False, True]


@pytest.mark.parametrize("ean", ["", "5414488200000000", "54144882000000001x", "٥" * 18])
def test_what_is_no_code_of_an_access_point(counter, ean):
    with pytest.raises(InputError, match="18 digits"):
        customers.describe_point(counter.office, METER, ean=ean)


def test_the_code_of_another_access_point_is_refused(counter):
    counter.office.add_meter(NEW, "wallonia-card")
    customers.describe_point(counter.office, METER, ean="541448820000000017")
    with pytest.raises(InputError, match="another access point"):
        customers.describe_point(counter.office, NEW, ean="541448820000000017")
    customers.describe_point(counter.office, METER, ean="541448820000000017")


def test_orders_of_every_meter_that_hung_there_are_exported(counter):
    customers.move_in(counter.office, METER, "Jeanne")
    counter.office.issue(METER, TOP_UP)
    counter.wait(1)
    withdraw.replace(counter.office, METER, NEW)
    counter.office.issue(NEW, TOP_UP)
    found = privacy.export(counter.office, "Jeanne")
    assert {row["meter"] for row in found["orders"]} == {METER, NEW}


def test_a_customer_is_exported_and_forgotten_once_they_have_left(counter):
    customers.move_in(counter.office, METER, "Jeanne")
    counter.office.issue(METER, TOP_UP)
    counter.queue("support", amount="5")
    found = privacy.export(counter.office, "Jeanne")
    assert [row["value"] for row in found["orders"]] == [mc(20)]
    assert len(found["items"]) == 1
    with pytest.raises(InputError, match="lives at access point"):
        privacy.forget(counter.office, "Jeanne")
    customers.move_in(counter.office, METER, "K2")
    instead = privacy.forget(counter.office, "Jeanne")
    with pytest.raises(InputError, match="no customer Jeanne"):
        privacy.export(counter.office, "Jeanne")
    assert len(privacy.export(counter.office, instead)["items"]) == 1
    assert "Jeanne" not in str(counter.office.log())


# ---- Restored ------------------------------------------------------------------------------------


def test_after_a_restore_payments_wait_until_a_report_made_since(counter):
    counter.insert()
    counter.wait(1)
    assert restore.mark_all(counter.office) == 1
    for refused in (lambda: counter.pay(20), lambda: counter.office.issue(METER, TOP_UP)):
        with pytest.raises(InputError, match="waits: the books were restored"):
            refused()
    assert any("before the books were restored" in line for line in counter.pay().said)
    counter.insert()
    assert counter.pay(20).tokens == 1
    assert counter.insert() == GOOD
    assert counter.balance == mc(35)


def test_a_slow_clock_does_not_make_a_restored_meter_wait_for_ever(counter):
    counter.pay()
    now = counter.office._now
    counter.office._now = lambda: now() + timedelta(days=1)
    restore.mark_all(counter.office)
    counter.pay()
    counter.insert()
    assert counter.pay(20).tokens == 1


def test_a_paid_card_that_the_books_have_lost_is_taken_into_them(counter):
    lost = Counter()
    lost.enrol()
    lost.pay(30)
    counter.card = lost.card  # sealed with the same key, by books that are gone
    receipt = counter.pay()
    assert receipt.carried == mc(30)
    assert any("had lost: 1" in line for line in receipt.said)
    assert counter.insert() == GOOD
    counter.pay(5)
    assert counter.insert() == GOOD
    counter.pay()
    assert counter.balance == mc(50)
    assert counter.money() == (0, mc(35), 0)
    assert counter.office.meter(METER)["raised"]


def test_a_token_on_paper_that_the_books_have_lost_is_adopted(counter):
    paper = Counter().enrol().office.issue(METER, TOP_UP)
    restore.adopt(counter.office, METER, paper.token)
    assert counter.money() == (mc(20), 0, 0)
    assert counter.office.issue(METER, TOP_UP).number == paper.number + 1
    with pytest.raises(InputError, match="no genuine token"):
        restore.adopt(counter.office, METER, paper.token)
    assert counter.meter.enter(paper.token)[0] == TokenStatus.EXECUTED


def test_a_mark_that_may_be_of_a_lost_token_settles_nothing(counter):
    """Sold by restored books under a number that the meter has spent for another payment."""
    other = Counter().enrol()
    spent = [other.office.issue(METER, order("top-up", amount="40")) for _ in range(2)]
    for token in spent:
        assert executed(counter.meter.enter(token.token))
    sold = counter.office.issue(METER, TOP_UP)
    counter.insert()
    receipt = counter.pay()
    assert any("behind the meter" in line for line in receipt.said)
    assert counter.money() == (mc(20), 0, 0)
    with pytest.raises(InputError, match="the books were restored"):
        counter.office.issue(METER, TOP_UP, order_id=sold.order_id)
    assert withdraw.void(counter.office, METER, sold.order_id) is None
    assert counter.account().void == mc(20)


def test_any_of_two_closing_tokens_closes_an_order():
    counter = Counter("wallonia-digital").enrol()
    paid = counter.office.issue(METER, orders.read("top-up", {"amount": "20.00"}))
    first, _ = (withdraw.void(counter.office, METER, paid.order_id) for _ in range(2))
    before = counter.balance
    for token in (first, paid):
        counter.meter.enter(token.token)
    assert counter.balance == before
    books.accept_wire(counter.office, report(counter))
    account = counter.account()
    assert (account.taken, account.void, account.on_the_way) == (0, mc(20), 0)


def test_any_of_two_tokens_of_an_order_brings_its_money():
    counter = Counter("wallonia-digital").enrol()
    item = counter.queue("support", amount="20.00")
    first, _ = (counter.pending.send(item.item) for _ in range(2))
    closing = withdraw.void(counter.office, METER, first.order_id)
    before = counter.balance
    for token in (first, closing):
        counter.meter.enter(token.token)
    assert counter.balance == before + mc(20)
    books.accept_wire(counter.office, report(counter))
    account = counter.account()
    assert (account.taken, account.void, account.on_the_way) == (mc(20), 0, 0)
