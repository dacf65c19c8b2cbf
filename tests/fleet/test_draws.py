"""Draws: the published generator, the same in both interpreters, and what is made of them."""

from collections import Counter
from types import SimpleNamespace

import pytest
from budgetmeter.fleet import compiled, draws
from hypothesis import given
from hypothesis import strategies as st

# Known answers of Random123 (philox2x32, ten rounds): counter, key, first word.
KNOWN = [
    ((0x00000000, 0x00000000), 0x00000000, 0xFF1DAE59),
    ((0xFFFFFFFF, 0xFFFFFFFF), 0xFFFFFFFF, 0x2C3F628B),
    ((0x243F6A88, 0x85A308D3), 0x13198A2E, 0xDD7CE038),
]
words = st.integers(0, draws.WORD)


@pytest.fixture(scope="module")
def fast():
    return compiled.compile_rules((draws,)).philox


@pytest.mark.parametrize(("counter", "key", "word"), KNOWN)
def test_the_generator_is_philox(counter, key, word, fast):
    assert draws.philox(key, *counter) == word
    assert fast(key, *counter) == word


def test_both_interpreters_draw_the_same(fast):
    @given(words, words, words)
    def same(key, counter, other):
        assert fast(key, counter, other) == draws.philox(key, counter, other)

    same()


def test_meters_purposes_and_days_do_not_share_draws():
    c = SimpleNamespace(seed=1)
    drawn = [draws.draw(c, m, p, i) for m in range(20) for p in range(20) for i in range(20)]
    assert len(set(drawn)) > len(drawn) - 5


def test_chance_is_that_of_its_percentage():
    c = SimpleNamespace(seed=7)
    hits = sum(draws.chance(draws.draw(c, 3, 1, i), 30) for i in range(20_000))
    assert 5700 < hits < 6300  # 30 % give or take four and a half deviations
    assert draws.chance(0, 0) == 0
    assert draws.chance(draws.WORD, 100) == 1


@given(words)
def test_quantiles_are_met_in_order(word):
    values, span = [9, 10, 20, 50, 9], (1, 3)
    assert 10 <= draws.between(values, span, word) <= 50
    assert draws.between([7], (0, 1), word) == 7
    assert draws.one_of(values, span, word) in (10, 20, 50)


def test_quantiles_divide_the_homes_evenly():
    c = SimpleNamespace(seed=1)
    values = [draws.between([0, 100, 1000], (0, 3), draws.draw(c, m, 0, 0)) for m in range(4000)]
    assert 1900 < sum(value < 100 for value in values) < 2100
    choices = Counter(draws.one_of([1, 2, 3], (0, 3), draws.draw(c, m, 1, 0)) for m in range(3000))
    assert all(900 < choices[n] < 1100 for n in (1, 2, 3))
