"""Money that was typed in and that the books never settle.

A genuine report that says what the meter took, or that a token's expiry is over, settles an order
whatever way its token went.
"""

import pytest
from budgetmeter import orders

from tests.cards.counter import METER, Counter
from tests.firmware.bench import executed
from tests.firmware.support import mc


@pytest.fixture
def counter():
    return Counter().enrol()


def report(counter):
    """The meter's report reaches the office."""
    counter.insert()
    return counter.pay().reading


def test_a_typed_top_up_is_taken_once_the_report_says_so(counter):
    token = counter.office.issue(METER, orders.read("top-up", {"amount": "20.00"}))
    assert executed(counter.meter.enter(token.token))
    assert report(counter).took(token.order_id)
    assert counter.money() == (0, mc(20), 0)


def test_a_typed_top_up_past_its_expiry_is_no_longer_on_its_way(counter):
    ends = counter.office.now_s // 60 + 10
    token = counter.office.issue(METER, orders.read("top-up", {"amount": "30.00"}), expiry=ends)
    counter.wait(30)
    assert not executed(counter.meter.enter(token.token))
    assert report(counter).took(token.order_id) is False
    assert counter.money() == (0, 0, mc(30))


def test_an_item_sent_by_network_is_settled_by_the_report_on_the_card(counter):
    item = counter.queue("support", amount="50.00")
    assert executed(counter.meter.enter(counter.pending.send(item.item).token))
    report(counter)
    assert counter.money() == (0, mc(50), 0)
    assert counter.pending.item(item.item).state == "taken"
