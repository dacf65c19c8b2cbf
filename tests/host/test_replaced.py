"""A meter that takes another's place: what it gets, and what it does not."""

import sqlite3
from contextlib import closing

import pytest
from budgetmeter import orders, profiles
from budgetmeter.errors import InputError
from budgetmeter.office import books, overview, restore, withdraw
from budgetmeter.office.keys import KeyFile
from meterproto.codes import Kind

from tests.cards.counter import METER, Counter
from tests.command import run
from tests.firmware.bench import executed
from tests.firmware.support import mc
from tests.host.test_read_port import report

NEW = 987_654_321


def order(kind, **given):
    return orders.read(kind, given)


def issued(counter, meter=NEW):
    """Orders that were issued for a meter, in their order."""
    return [
        orders.Order(Kind(row["kind"]), row["value"], row["second"])
        for row in counter.office.tokens(meter)
    ]


def type_in(counter, wanted, **more):
    """An order by a typed token; its order id."""
    token = counter.office.issue(METER, wanted, **more)
    assert executed(counter.meter.enter(token.token))
    return token.order_id


@pytest.fixture
def counter():
    return Counter("wallonia-digital").enrol()


def test_what_was_in_force_goes_on_at_the_new_meter(counter):
    hold, price = order("hold", until="2021-07-03"), order("price", price="0.30")
    for wanted in (order("hold", until="2021-06-01"), hold, price):
        type_in(counter, wanted)
    type_in(counter, order("overdraft", amount="50", until="2021-03-31"))
    counter.put(credit=mc(-20))
    books.accept_wire(counter.office, report(counter))
    assert withdraw.replace(counter.office, METER, NEW) == mc(-20)
    left = order("overdraft", amount="30", until="2021-03-31")  # 20 of it are used
    assert issued(counter) == [price, left, hold]


def test_what_has_ended_does_not_begin_again(counter):
    type_in(counter, order("hold", until="2021-07-03"))
    type_in(counter, order("overdraft", amount="50", until="2021-03-31"))
    type_in(counter, order("end-hold"))
    type_in(counter, order("top-up", amount="5"))  # ends the negative limit
    books.accept_wire(counter.office, report(counter))
    withdraw.replace(counter.office, METER, NEW)
    assert issued(counter) == [order("support", amount="20")]


def test_a_deactivated_meter_is_replaced_by_one(counter):
    type_in(counter, order("payment-mode", mode="credit"))
    books.accept_wire(counter.office, report(counter))
    withdraw.replace(counter.office, METER, NEW)
    off = order("payment-mode", mode="credit")
    assert issued(counter) == [order("support", amount="15"), off]


def test_the_last_word_is_the_last_at_the_new_meter_too(counter):
    """An older hold that was printed again, and one that the old meter would not take any more."""
    first, last = order("hold", until="2021-07-03"), order("hold", until="2021-08-31")
    old = counter.office.issue(METER, first)
    counter.office.issue(METER, last)
    counter.office.issue(METER, first, order_id=old.order_id)
    counter.office.issue(METER, order("price", price="0.20"))  # never typed in
    type_in(counter, order("price", price="0.30"))
    books.accept_wire(counter.office, report(counter))
    withdraw.replace(counter.office, METER, NEW)
    found = issued(counter)
    assert [one for one in found if one.kind == Kind.HOLD] == [first, last]
    assert [one for one in found if one.kind == Kind.PRICE] == [order("price", price="0.30")]


def test_money_that_the_old_meter_may_have_taken_is_not_given_twice(counter):
    paid = type_in(counter, order("top-up", amount="20"))
    for _ in range(256):
        type_in(counter, order("test"))
    type_in(counter, order("payment-mode", mode="credit"))  # its total of credit tells no more
    books.accept_wire(counter.office, report(counter))
    withdraw.replace(counter.office, METER, NEW)
    credit = [one for one in issued(counter) if one.kind != Kind.PAYMENT_MODE]
    assert credit == [order("support", amount="35")]
    (old,) = overview.of_all(counter.office, METER)
    assert [(one, value) for one, value, _ in old.unclear] == [(paid, mc(20))]
    assert withdraw.void(counter.office, METER, paid) is None
    assert counter.account().void == mc(20)


def test_a_meter_that_hangs_no_more_replaces_none(counter):
    counter.office.add_meter(NEW, "wallonia-digital")
    withdraw.retire(counter.office, NEW)
    with pytest.raises(InputError, match=f"^meter {NEW} is retired"):
        withdraw.replace(counter.office, METER, NEW)
    assert counter.office.meter(METER)["retired_s"] is None


def test_a_gas_meter_replaces_no_electricity_meter(counter):
    counter.office._load_profile = profiles.load
    with pytest.raises(InputError, match="is for gas, meter 123456789 for electricity"):
        withdraw.replace(counter.office, METER, NEW, "wallonia-gas")
    assert counter.office.reading(lambda c: counter.office.row(c, NEW)) is None


def test_the_clerk_is_told_what_is_not_moved(tmp_path):
    counter = Counter("wallonia-digital", url=f"sqlite:///{tmp_path}/vending.db")
    key = tmp_path / "vending.key"
    key.write_text('{"vending_keys": {"1": "' + bytes(range(32)).hex() + '"}}')
    key.chmod(0o600)
    counter.office._keys = KeyFile(key)
    counter.enrol()
    counter.put(arrears=mc(30), credit=mc(10))
    books.accept_wire(counter.office, report(counter))
    counter.wait(1)
    restore.mark_all(counter.office)
    counter.office.engine.dispose()
    where = ("--db", f"sqlite:///{tmp_path}/vending.db", "--key", key)
    done = run("office", "replace", METER, NEW, *where)
    assert (done.status, "balance moved: 10.00 EUR" in done.said) == (0, True), done.error
    assert "owes 30.00 EUR on the old meter" in done.error
    assert "meter 123456789: its payments wait: the books were restored" in done.error


# ---- Restored books and keys ---------------------------------------------------------------------


def copy(source, target):
    """Copy a database as SQLite's online backup does."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


@pytest.mark.parametrize("profile", ["wallonia-card", "wallonia-digital"])
def test_books_from_before_a_key_change_learn_the_key(tmp_path, profile):
    file, backup = tmp_path / "vending.db", tmp_path / "backup.db"
    counter = Counter(profile, url=f"sqlite:///{file}").enrol()
    copy(file, backup)
    counter.keys.add_revision()
    type_in(counter, order("key-change"))
    copy(backup, file)
    counter.wait(1)
    restore.mark_all(counter.office)
    if profile == "wallonia-card":
        counter.insert()
        said = counter.pay().said
    else:
        said = books.accept_wire(counter.office, report(counter))[1].said
    assert any("key revision 1 to 2" in line for line in said)
    type_in(counter, order("top-up", amount="20"))
    assert counter.balance == mc(35)
    counter.office.engine.dispose()


def test_a_key_change_that_the_books_have_lost_is_in_force_again(tmp_path):
    file, backup = tmp_path / "vending.db", tmp_path / "backup.db"
    counter = Counter(url=f"sqlite:///{file}").enrol()
    copy(file, backup)
    counter.keys.add_revision()
    counter.queue("key-change")
    assert counter.pay().tokens == 1
    copy(backup, file)
    counter.pay()  # the card brings the key change back
    counter.insert()
    type_in(counter, order("top-up", amount="20"))
    assert counter.balance == mc(35)
    counter.office.engine.dispose()


def test_a_void_payment_stays_void_in_books_from_before(tmp_path):
    """The card brings the token that closes it: the books have lost that it is void."""
    file, backup = tmp_path / "vending.db", tmp_path / "backup.db"
    counter = Counter(url=f"sqlite:///{file}").enrol()
    counter.insert()
    counter.pay(50)
    copy(file, backup)
    withdraw.void(counter.office, METER, 1)
    counter.pay()
    copy(backup, file)
    counter.wait(1)
    restore.mark_all(counter.office)
    counter.pay()
    counter.insert()
    counter.pay(20)
    counter.insert()
    counter.pay()
    account = counter.account()
    assert counter.balance == mc(35)
    assert (account.taken, account.void, account.on_the_way) == (mc(20), mc(50), 0)
    counter.office.engine.dispose()
