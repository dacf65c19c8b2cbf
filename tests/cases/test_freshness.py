"""A meter whose clock is wrong, and a customer sent from the terminal to the meter in vain.

A card that went into the meter after a terminal wrote on it proves that its report is fresh, by
the number of what the terminal wrote. A wrong clock costs one round more, and is told.
"""

from datetime import timedelta

import pytest
from budgetmeter.office.office import EPOCH

from tests.cards.counter import Counter


def behind(minutes):
    """A counter of a meter whose clock is behind the office's by so many minutes."""
    counter = Counter().enrol()
    counter.office._now = lambda: EPOCH + timedelta(seconds=counter.board.now_s + minutes * 60)
    return counter


def rounds(counter, most):
    """How many rounds by way of the meter a support takes; None if more than so many."""
    counter.queue("support", amount="50.00")
    for count in range(1, most + 1):
        counter.wait(5)
        counter.insert()
        if counter.pay().given:
            return count
    return None


@pytest.mark.parametrize("minutes", [0, 3, -9])
def test_a_clock_that_is_about_right_takes_one_round(minutes):
    assert rounds(behind(minutes), 2) == 1


@pytest.mark.parametrize("minutes", [0, -9, -3])
def test_a_report_that_the_books_had_before_the_request_is_never_fresh(minutes):
    counter = behind(minutes)
    counter.insert()
    counter.pay()
    counter.wait(1)
    counter.queue("support", amount="50.00")
    assert counter.pay().given == []


@pytest.mark.parametrize("minutes", [20, 24 * 60, -11], ids=["20 min", "a day", "11 min fast"])
def test_a_wrong_clock_takes_one_round_more(minutes):
    assert rounds(behind(minutes), 2) is not None


def test_a_clock_that_a_power_cut_left_uncertain_takes_one_round_more():
    counter = Counter().enrol()
    counter.board.has_clock = False
    counter.cut_power()
    assert rounds(counter, 2) is not None


@pytest.mark.parametrize(
    "minutes",
    [
        24 * 60,
        -11,
    ],
    ids=["a day slow", "11 min fast"],
)
def test_the_terminal_says_that_the_clock_is_the_reason(minutes):
    counter = behind(minutes)
    counter.queue("support", amount="50.00")
    counter.wait(5)
    counter.insert()
    receipt = counter.pay()
    assert receipt.given == []
    assert "clock" in " ".join([receipt.doubt, *(why for _, why in receipt.withheld)])
