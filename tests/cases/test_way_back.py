"""An order that more than 256 later ones have overtaken, and that no meter takes any more.

The office made no token of it, or the meter never saw the one that was made: it can still be
delivered, once.
"""

import pytest
from budgetmeter import orders

from tests.cards.counter import METER, Counter
from tests.firmware.bench import executed
from tests.firmware.support import mc

TEST = orders.read("test", {})
TOP_UP = orders.read("top-up", {"amount": "20.00"})


@pytest.fixture
def counter():
    return Counter().enrol()


def later(counter, count=260):
    """So many later orders arrive by network."""
    for _ in range(count):
        assert executed(counter.meter.enter(counter.office.issue(METER, TEST).token))


def visit(counter, times=3):
    """The card goes to the meter and to the terminal in turn."""
    for _ in range(times):
        counter.insert()
        counter.pay()


def test_support_that_waited_in_the_queue_is_delivered(counter):
    item = counter.queue("support", amount="50.00")
    later(counter)
    visit(counter)
    assert counter.balance == mc(65)
    assert counter.money() == (0, mc(50), 0)
    assert counter.pending.item(item.item).state == "taken"


def test_a_paid_token_that_was_lost_is_issued_again(counter):
    """Reports before, on the way and after tell the office that the meter did not take it."""
    lost = counter.office.issue(METER, TOP_UP)
    for _ in range(4):
        visit(counter, 1)
        later(counter, 65)
    visit(counter, 1)
    again = counter.office.issue(METER, TOP_UP, order_id=lost.order_id)
    assert executed(counter.meter.enter(again.token))
    assert counter.balance == mc(35)
    assert not executed(counter.meter.enter(lost.token))
    assert counter.balance == mc(35)


def test_a_paid_card_from_a_drawer_is_made_whole(counter):
    counter.pay(20)
    later(counter)
    visit(counter)
    assert counter.balance == mc(35)
    assert counter.money() == (0, mc(20), 0)
