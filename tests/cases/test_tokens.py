"""Attacks on tokens: forged, changed, mistyped, twice, of another meter, and a port locked by them.

Nothing but what the office sealed for this meter is taken, and that once. Wrong tokens cost whoever
enters them time; they do not keep the customer's genuine token out.
"""

import random

import pytest
from meterfw.wire import text
from meterproto import tokens
from meterproto.codes import Kind

from tests.firmware.bench import METER, VENDING_KEY, Bench, executed
from tests.firmware.support import mc

ANYTHING = tokens.ALPHABET + "ILOU!"  # what people type


@pytest.fixture
def bench():
    return Bench()


def test_a_genuine_token_is_taken_while_the_port_is_locked(bench):
    wrong = bytearray(bench.office.token(Kind.TOP_UP, mc(20)))
    wrong[-1] ^= 1
    good = bench.office.token(Kind.TOP_UP, mc(20))
    for _ in range(5):
        assert not executed(bench.enter(bytes(wrong)))
    assert executed(bench.enter(good))
    assert bench.state.credit == mc(35)


def variants(token, seed, count):
    """A token with each bit turned, cut off, made longer, and with some octets at random."""
    rng = random.Random(seed)
    for i in range(len(token) * 8):
        changed = bytearray(token)
        changed[i >> 3] ^= 1 << (i & 7)
        yield bytes(changed)
    yield from (token[:i] for i in range(len(token)))
    yield from (token + bytes(i) for i in range(1, 40))
    for _ in range(count):
        changed = bytearray(token)
        for _ in range(rng.randint(2, 5)):
            changed[rng.randrange(len(token))] = rng.randrange(256)
        if changed != token:
            yield bytes(changed)


def of_kind(bench, kind):
    if kind == Kind.KEY_CHANGE:
        return bench.office.change_key(bytes(32))
    return bench.office.token(kind, mc(20))


@pytest.mark.parametrize("kind", [Kind.TOP_UP, Kind.KEY_CHANGE])
def test_no_change_of_a_token_makes_another_one(bench, kind):
    token = of_kind(bench, kind)
    assert not [one for one in variants(token, 7, 2000) if executed(bench.meter.enter(one, False))]
    assert executed(bench.meter.enter(token, False))


def test_one_wrong_character_is_never_read_as_another_token(bench):
    """Meter and host read what is typed alike."""
    token = bench.office.token(Kind.TOP_UP, mc(20))
    typed = tokens.to_text(token).replace("-", "")
    for i in range(len(typed)):
        for character in ANYTHING:
            tried = typed[:i] + character + typed[i + 1 :]
            try:
                read = tokens.from_text(tried)
            except ValueError:
                read = None
            assert read in (None, token)
            assert text.token_from(tried) == read


def test_a_token_of_another_meter_is_not_taken(bench):
    other = Bench.office_type(METER + 1, VENDING_KEY, derive=True)
    assert not executed(bench.enter(other.token(Kind.TOP_UP, mc(20))))
    assert bench.state.credit == mc(15)


def test_a_token_twice_on_a_card_counts_once(bench):
    token = bench.office.token(Kind.TOP_UP, mc(20))
    assert [executed(answer) for answer in bench.meter.till.enter_all([token, token])] == [
        True,
        False,
    ]
    assert bench.state.credit == mc(35)


def test_two_tokens_of_one_order_on_a_card_count_once(bench):
    batch = [bench.office.token(Kind.TOP_UP, mc(20), order_id=9) for _ in range(2)]
    assert all(executed(answer) for answer in bench.meter.till.enter_all(batch))
    assert bench.state.credit == mc(35)


def test_a_key_change_on_a_card_ends_the_tokens_of_the_old_key(bench):
    old = bench.office.token(Kind.TOP_UP, mc(20))
    change = bench.office.change_key(bytes(range(32)))
    new = bench.office.token(Kind.TOP_UP, mc(5))
    answers = bench.meter.till.enter_all([change, old, new])
    assert [executed(answer) for answer in answers] == [True, False, True]
    assert bench.state.credit == mc(20)
