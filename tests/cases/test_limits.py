"""A payment that the office sells and the meter refuses.

The office knows from the meter's last report what the meter would refuse: the terminal says what
would be taken instead, and books nothing. What is not money finds room on a card full of payments.
"""

import pytest
from budgetmeter.errors import InputError

from tests.cards.counter import GOOD, Counter
from tests.firmware.support import mc


@pytest.fixture
def capped():
    """A counter of a meter that reports a cap of 100 EUR for one top-up."""
    counter = Counter().enrol()
    counter.queue("parameter", name="top_up_max", to="100.00")
    counter.deliver()
    counter.insert()
    assert counter.pay().reading.profile.top_up_max == mc(100)
    return counter


@pytest.fixture
def rich():
    """A counter of a meter that reports 9,950 EUR; an account holds 10,000 at most."""
    counter = Counter().enrol()
    counter.put(credit=mc(9950))
    counter.insert()
    counter.pay()
    return counter


def test_a_payment_above_the_meters_own_cap_is_not_sold(capped):
    with pytest.raises(InputError, match=r"100\.00"):
        capped.pay(200)
    assert capped.money() == (0, 0, 0)


def test_a_payment_at_the_meters_own_cap_is_sold(capped):
    assert capped.pay(100).written
    assert capped.insert() == GOOD
    assert capped.balance == mc(115)


def test_a_payment_that_the_account_cannot_hold_is_not_sold(rich):
    with pytest.raises(InputError, match=r"50\.00"):
        rich.pay(100)
    assert rich.money() == (0, 0, 0)


def test_what_is_on_the_card_counts_towards_the_accounts_limit(rich):
    assert rich.pay(30).written
    with pytest.raises(InputError, match=r"20\.00"):
        rich.pay(30)
    assert rich.money() == (mc(30), 0, 0)


def test_a_card_full_of_payments_has_room_for_what_is_not_money():
    counter = Counter().enrol()
    for _ in range(20):
        try:
            counter.pay(5)
        except InputError:
            break
    for to in ("250.00", "200.00"):
        counter.queue("parameter", name="top_up_max", to=to)
        counter.queue("price", price="0.30")
    receipt = counter.pay()
    assert len(receipt.given) >= 2, [why for _, why in receipt.withheld]
