"""An order that more than 256 later ones have overtaken, and that no meter takes any more.

The office made no token of it, or the meter never saw the one that was made: it can still be
delivered, once.
"""

import pytest
from budgetmeter import orders

from tests.cards.desk import METER, Desk
from tests.firmware.bench import executed
from tests.firmware.support import mc

TEST = orders.read("test", {})
TOP_UP = orders.read("top-up", {"amount": "20.00"})


@pytest.fixture
def desk():
    return Desk().enrol()


def later(desk, count=260):
    """So many later orders arrive by network."""
    for _ in range(count):
        assert executed(desk.meter.enter(desk.office.issue(METER, TEST).token))


def visit(desk, times=3):
    """The card goes to the meter and to the terminal in turn."""
    for _ in range(times):
        desk.insert()
        desk.pay()


def test_support_that_waited_in_the_queue_is_delivered(desk):
    item = desk.queue("support", amount="50.00")
    later(desk)
    visit(desk)
    assert desk.balance == mc(65)
    assert desk.money() == (0, mc(50), 0)
    assert desk.pending.item(item.item).state == "taken"


def test_a_paid_token_that_was_lost_is_issued_again(desk):
    """Reports before, on the way and after tell the office that the meter did not take it."""
    lost = desk.office.issue(METER, TOP_UP)
    for _ in range(4):
        visit(desk, 1)
        later(desk, 65)
    visit(desk, 1)
    again = desk.office.issue(METER, TOP_UP, order_id=lost.order)
    assert executed(desk.meter.enter(again.token))
    assert desk.balance == mc(35)
    assert not executed(desk.meter.enter(lost.token))
    assert desk.balance == mc(35)


def test_a_paid_card_from_a_drawer_is_made_whole(desk):
    desk.pay(20)
    later(desk)
    visit(desk)
    assert desk.balance == mc(35)
    assert desk.money() == (0, mc(20), 0)
