"""Books restored from a backup that give out used numbers and orders again.

The meter's genuine report proves which numbers and orders are spent. The office raises its counters
to what a report proves and no further, so that a payment after the restore reaches the balance, and
the books do not take the meter's old marks for it.
"""

import json
import sqlite3
from contextlib import closing

import pytest
from budgetmeter import orders

from tests.cards.counter import GOOD, METER, Counter
from tests.firmware.bench import executed
from tests.firmware.support import mc


def copy(source, target):
    """Copy a database as SQLite's online backup does."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def top_up(amount):
    return orders.read("top-up", {"amount": amount})


@pytest.fixture
def counter(tmp_path):
    """A counter whose books have lost a day; the card carries the meter's report of that day."""
    file, backup = tmp_path / "vending.db", tmp_path / "backup.db"
    counter = Counter(url=f"sqlite:///{file}").enrol()
    copy(file, backup)
    for amount, order in (("20", None), ("30", None), ("30", 2)):  # the last is printed anew
        token = counter.office.issue(METER, top_up(amount), order_id=order)
        assert executed(counter.meter.enter(token.token))
    assert counter.insert() == GOOD
    assert counter.balance == mc(65)
    copy(backup, file)
    yield counter
    counter.office.engine.dispose()


def test_the_counters_rise_to_what_the_report_proves_and_no_further(counter):
    assert counter.pay().reading.head.number == 3
    row = counter.office.meter(METER)
    assert (row["last_number"], row["last_order"]) == (3, 2)


def test_every_payment_after_a_restore_reaches_the_balance(counter):
    for paid in (25, 50, 75, 100):
        counter.pay(25)
        assert counter.insert() == GOOD
        assert counter.balance == mc(65 + paid)


def test_the_books_take_no_payment_for_taken_before_the_meter_has_seen_it(counter):
    counter.pay(25)
    counter.pay()  # the same card with the same report
    assert counter.money() == (mc(25), 0, 0)


def test_a_token_issued_once_the_report_is_read_is_new_to_the_meter(counter):
    counter.pay()
    assert executed(counter.meter.enter(counter.office.issue(METER, top_up("25")).token))
    assert counter.balance == mc(90)


def test_a_card_paid_after_a_restore_is_worth_what_was_paid(cli, tmp_path):
    """The same from the command line: 20, then a backup, 30, the restore, and 40."""
    meter = ("card", "insert", "a.card", "--meter-dir", "m", "--json")
    cli("terminal", "exchange", "a.card", "--pay", "20", at="09:00")
    cli(*meter, at="09:10")
    copy(tmp_path / "vending.db", tmp_path / "backup.db")
    cli("terminal", "exchange", "a.card", "--pay", "30", at="10:00")
    cli(*meter, at="10:10")
    copy(tmp_path / "backup.db", tmp_path / "vending.db")
    assert cli("terminal", "exchange", "a.card", "--pay", "40", at="11:00").returncode == 0
    assert json.loads(cli(*meter, at="11:10").stdout)["balance"] == "105.00000"
