"""A slice of the card images that `make fuzz` shows to a terminal and a meter."""

import pytest

from tests.cards import fuzz


@pytest.mark.parametrize("seed", [5, 14])
def test_whatever_stands_on_a_card_no_payment_is_lost_or_made(seed):
    fuzz.run(seed, 120)
