"""Four readers that nobody here wrote name what the account is, and refuse what is spoilt."""

import json

import pytest
from budgetmeter import profiles
from meterfw.panel.display import WORDS

from tests.p1 import dsmr, lives


@pytest.fixture(scope="module")
def judged():
    return lives.judged(profiles.names(), range(1), all_states=True)


def test_they_name_breaker_limit_fuse_valve_and_text_in_every_state_of_every_profile(judged):
    """Every state there is, and a life of every profile; `make p1` takes a thousand."""
    count, _, wrong = judged
    assert wrong == []
    assert count > 500


def test_what_they_read_were_all_states(judged):
    _, seen, _ = judged
    assert {("breaker", n) for n in range(3)} | {("valve", n) for n in range(3)} <= seen
    assert {("limit_kw", True), ("limit_kw", False), ("fuse_a", True), ("fuse_a", False)} <= seen
    headlines = {word for kind, word in seen if kind == "headline"}
    assert headlines >= {*WORDS.decode().split(",")[:14]}


def test_a_reader_that_is_told_something_else_is_noticed():
    telegram, wanted = next(iter(lives.states("wallonia-card")))
    (answers,) = lives.read([telegram])
    assert lives.differences(wanted, answers) == []
    found = lives.differences({**wanted, "breaker": wanted["breaker"] + 1}, answers)
    assert {reader for reader, *_ in found} == set(answers)


def flips(telegram, every):
    """The telegram with one bit flipped, once for some bit of each octet up to the CRC's last."""
    data = telegram.encode("ascii")
    for i in range(len(data) - 2):
        for bit in range(i % every, 8, every):
            spoilt = bytearray(data)
            spoilt[i] ^= 1 << bit
            yield spoilt.decode("latin-1")


def test_a_flipped_bit_is_never_accepted():
    """By the three readers that check the CRC; p1-reader does not."""
    telegram, _ = next(iter(lives.states("flanders-digital")))
    spoilt = list(flips(telegram, 4))
    assert len(spoilt) > 900
    assert dsmr.read(telegram).get("refused") is None
    for answers in lives.read(spoilt):
        del answers["p1-reader"]
        assert all(said.get("refused") for said in answers.values()), json.dumps(answers)
