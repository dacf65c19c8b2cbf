"""Codes and the words for them."""

import pytest
from meterproto import codes
from meterproto.codes import CODES, Cause, Event, LogCode, PaymentMode, logged


def test_a_word_is_the_name_as_people_write_it():
    assert PaymentMode.LIMITER_ONLY.word == "limiter-only"
    assert Cause.words() == ["safety", "fraud", "bad-will"]


@pytest.mark.parametrize("kind", CODES)
def test_every_word_finds_its_member(kind):
    assert [kind.of_word(word) for word in kind.words()] == list(kind)


@pytest.mark.parametrize("word", ["LIMITER_ONLY", "limiter only", "", None, 3, ["credit"]])
def test_what_is_no_word_is_refused_with_those_there_are(word):
    with pytest.raises(ValueError, match="is not one of credit, prepayment, limiter-only"):
        PaymentMode.of_word(word)


def test_a_log_entry_is_an_event_or_a_log_code():
    assert [logged(int(event)) for event in Event] == list(Event)
    assert [logged(int(code)) for code in LogCode] == list(LogCode)
    assert max(Event) < codes.FIRST_LOG_CODE == min(LogCode)
    with pytest.raises(ValueError, match="255"):
        logged(255)
