"""Money that was typed in and that the books never settle.

A genuine report that says what the meter took, or that a token's expiry is over, settles an order
whatever way its token went.
"""

import pytest
from budgetmeter import orders

from tests.cards.desk import METER, Desk
from tests.firmware.bench import executed
from tests.firmware.support import mc


@pytest.fixture
def desk():
    return Desk().enrol()


def report(desk):
    """The meter's report reaches the office."""
    desk.insert()
    return desk.pay().reading


def test_a_typed_top_up_is_taken_once_the_report_says_so(desk):
    token = desk.office.issue(METER, orders.read("top-up", {"amount": "20.00"}))
    assert executed(desk.meter.enter(token.token))
    assert report(desk).took(token.order)
    assert desk.money() == (0, mc(20), 0)


def test_a_typed_top_up_past_its_expiry_is_no_longer_on_its_way(desk):
    ends = desk.office.now_s // 60 + 10
    token = desk.office.issue(METER, orders.read("top-up", {"amount": "30.00"}), expiry=ends)
    desk.wait(30)
    assert not executed(desk.meter.enter(token.token))
    assert report(desk).took(token.order) is False
    assert desk.money() == (0, 0, mc(30))


def test_an_item_sent_by_network_is_settled_by_the_report_on_the_card(desk):
    item = desk.queue("support", amount="50.00")
    assert executed(desk.meter.enter(desk.pending.send(item.item).token))
    report(desk)
    assert desk.money() == (0, mc(50), 0)
    assert desk.pending.item(item.item).state == "taken"
