"""`office read URL`: the report of a meter's port settles what it proves, in every region."""

from datetime import timedelta

import pytest
from budgetmeter.client import Meter
from budgetmeter.emulator.loopback import LoopbackLine
from budgetmeter.errors import InputError
from budgetmeter.office import books, restore
from budgetmeter.office.tables import deliveries
from budgetmeter.orders import read
from meterproto import cards as layout
from meterproto.codes import Kind

from tests.cards.counter import METER, Counter
from tests.emulate.process import Emulated
from tests.firmware.support import mc
from tests.host.test_cards_cli import METER as NUMBER
from tests.host.test_cards_cli import cli, one_line, told

__all__ = ["cli"]
TWENTY = read("top-up", {"amount": "20.00"})


class _Port:
    """What a loopback line wants of a meter."""

    def __init__(self, counter):
        self.counter, self.board = counter, counter.board

    def receive(self, octets):
        self.board.received += octets
        while self.board.received:
            self.counter.meter.poll()


def report(counter):
    """The octets of the report that the meter's port gives."""
    return Meter(LoopbackLine(_Port(counter))).report()


@pytest.mark.parametrize("name", ["wallonia-digital", "wallonia-card", "flanders-digital"])
def test_a_typed_token_is_settled_by_the_report_of_the_port(name):
    counter = Counter(name).enrol()
    token = counter.office.issue(METER, TWENTY)
    books.accept_wire(counter.office, report(counter))
    assert counter.money() == (mc(20), 0, 0)
    counter.meter.enter(token.token)
    meter, taken = books.accept_wire(counter.office, report(counter))
    assert (meter, taken.doubt, taken.said) == (METER, "", [])
    assert counter.money() == (0, mc(20), 0)


def test_what_a_token_expired_before_is_no_longer_on_its_way():
    counter = Counter("wallonia-digital").enrol()
    counter.office.issue(METER, TWENTY, counter.board.now_s // 60 + 30)
    counter.wait(60)
    books.accept_wire(counter.office, report(counter))
    assert counter.money() == (0, 0, mc(20))


def test_what_lapsed_is_taken_after_all_where_the_clock_was_put_back():
    counter = Counter("wallonia-digital").enrol()
    token = counter.office.issue(METER, TWENTY, counter.board.now_s // 60 + 30)
    back = counter.office.issue(METER, read("clock", {"time": "2020-12-08T12:10"}))
    counter.wait(60)
    books.accept_wire(counter.office, report(counter))
    assert counter.money() == (0, 0, mc(20))
    for one in (back, token):
        counter.meter.enter(one.token)
    assert counter.balance == mc(35)
    books.accept_wire(counter.office, report(counter))
    assert counter.money() == (0, mc(20), 0)


def test_a_report_of_before_its_token_settles_no_order():
    counter = Counter("wallonia-digital").enrol()
    token = counter.office.issue(METER, TWENTY)
    counter.meter.enter(token.token)
    told = report(counter)  # it marks the order as taken, whoever's order that was
    sequence = layout.report(told)["head"].sequence
    for after, money in ((sequence, (mc(20), 0, 0)), (sequence - 1, (0, mc(20), 0))):
        known = {"after_revision": 1, "after_sequence": after}
        counter.office.transaction(
            lambda c, known=known: c.execute(deliveries.update().values(known))
        )
        books.accept_wire(counter.office, told)
        assert counter.money() == money


def test_an_answer_without_the_meters_tag_settles_nothing():
    counter = Counter().enrol()
    counter.meter.enter(counter.office.issue(METER, TWENTY).token)
    genuine = report(counter)
    for at in range(0, len(genuine), 7):
        changed = bytearray(genuine)
        changed[at] ^= 4
        with pytest.raises(InputError):
            books.accept_wire(counter.office, bytes(changed))
    assert counter.money() == (mc(20), 0, 0)
    books.accept_wire(counter.office, genuine)
    assert counter.money() == (0, mc(20), 0)


def test_an_older_report_is_refused():
    counter = Counter().enrol()
    old = report(counter)
    counter.meter.enter(counter.office.issue(METER, TWENTY).token)
    books.accept_wire(counter.office, report(counter))
    with pytest.raises(InputError, match="older than one that was read before"):
        books.accept_wire(counter.office, old)


def test_a_meter_without_a_card_is_read_after_a_restore():
    counter = Counter("wallonia-digital").enrol()
    counter.wait(1)
    restore.mark_all(counter.office)
    with pytest.raises(InputError, match="office read URL"):
        counter.office.issue(METER, TWENTY)
    counter.wait(20)
    books.accept_wire(counter.office, report(counter))
    assert counter.office.issue(METER, TWENTY).kind == Kind.TOP_UP


def test_a_slow_clock_is_put_right_before_the_wait_ends():
    """Nothing but the clock may be sent while the meter waits."""
    counter = Counter("wallonia-digital").enrol()
    tomorrow = counter.office.now() + timedelta(days=1)
    counter.office._now = lambda: tomorrow
    restore.mark_all(counter.office)
    counter.wait(20)
    _, taken = books.accept_wire(counter.office, report(counter))
    assert taken.said == ["the report was made before the books were restored"]
    with pytest.raises(InputError, match="waits"):
        counter.office.issue(METER, TWENTY)
    counter.office.issue(METER, read("clock", {"time": "2020-12-09T12:00"}))


# ---- The command -------------------------------------------------------------------------------


def test_by_hand(cli):
    typed = told(cli("token", "issue", "top-up", "--meter", NUMBER, "--amount", "20", "--json"))
    with Emulated("--meter", NUMBER, "--key", "vending.key", "--watts", "0") as emulated:
        with Meter(emulated.url) as meter:
            meter.enter(typed["text"])
        done = cli("office", "read", emulated.url)
        assert f"meter {NUMBER}, balance 35.00 EUR" in done.stdout
    (one,) = told(cli("office", "report", "--json"))
    assert (one["money"]["taken"], one["money"]["on_the_way"]) == ("20.00000", "0.00000")


def test_a_meter_of_another_office_is_refused(cli):
    with Emulated("--meter", NUMBER, "--watts", "0") as emulated:
        assert "not genuine" in one_line(cli("office", "read", emulated.url))
    with Emulated("--meter", "7", "--key", "vending.key", "--watts", "0") as emulated:
        assert "no meter 7 in the books" in one_line(cli("office", "read", emulated.url))


@pytest.mark.parametrize("source", ["socket://127.0.0.1:1", "nothing.card", "."])
def test_what_is_no_meter_is_one_line(cli, source):
    one_line(cli("office", "read", source))
