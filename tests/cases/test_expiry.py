"""A token whose time is over, taken by a meter whose clock fell back.

A meter that lost power, and has no clock chip, goes on from the time it stored. It does not take a
token whose expiry may be over until it knows the time again.
"""

from contextlib import suppress

import pytest
from budgetmeter.client import TokenRefused
from budgetmeter.testing import MeterUnderTest


@pytest.mark.parametrize(
    "has_clock",
    [
        True,
        False,
    ],
    ids=["clock chip", "no clock chip"],
)
def test_a_token_is_not_taken_weeks_after_its_expiry(has_clock):
    meter = MeterUnderTest(start="2020-06-02 12:00")
    meter.world.board.has_clock = has_clock
    token = meter.vending.issue("support", amount="50.00", expiry="2020-06-03 12:00")
    meter.top_up("5.00")  # the meter stores what it has, and the time
    meter.cut_power(hours=24 * 30)
    before = meter.balance
    with suppress(TokenRefused):
        meter.enter(token)
    assert meter.balance == before
