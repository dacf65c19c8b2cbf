"""Display pages: four lines of 16 characters, built only when something on them changes."""

from meterfw import const
from meterfw.account.record import Profile, State
from meterfw.account.rules import balance, emergency_left, kept_on, limiter_usable
from meterfw.layouts import (
    CARD_OUTCOME_GOOD,
    CONTROL_STATE_CONNECTED,
    CONTROL_STATE_READY,
    EMERGENCY_STATUS_IN_USE,
    EMERGENCY_STATUS_SELECTABLE,
    ENERGY_GAS,
    PAYMENT_MODE_LIMITER_ONLY,
    PAYMENT_MODE_PREPAYMENT,
    REASON_CREDIT,
    REASON_LEAK_TEST,
    REASON_OPERATOR,
    REASON_OVERLOAD,
    REASON_TAMPER,
)
from meterfw.wire.text import euros, kwh, time_of_day

PAGES = 5  # balance, emergency credit, state, limits, registers

# One text, as octets: the P1 port sends headlines too, and may not allocate. The file "words" has
# another language in the same order, which is that of `host/budgetmeter/data/display.toml`.
WORDS = (
    b"OFF: CALL,OFF BY OPERATOR,TEST,OFF: PRESS (EC),OFF: PRESS (LIM),OFF: TOP UP,OFF: OVERLOAD,"
    b"PRESS TO CONNECT,LIMITED,NO PREPAYMENT,EMERGENCY CREDIT,KEPT ON,LOW CREDIT,,"
    b"WAIT,BLANK,NOT A CARD,DAMAGED,OTHER METER,TOO NEW,NOT STORED,NO ANSWER,REFUSED IN PART,GOOD,"
    b"CARD,loaded,LIMIT,none,CREDIT EUR,EMERGENCY EUR,left,owed,connected,off,friendly hours,"
    b"limit,overdr.,arrears,lim"
)
TESTING = 2  # the seconds left follow
_OUTCOMES = const(14)  # the place of the first outcome of a card
_PAGES = const(24)  # the place of the first word of the pages


def headline_of(m: State, p: Profile) -> int:
    """What the customer most needs to know: its place among the headlines, the last is empty."""
    if m.reasons & REASON_TAMPER:
        return 0
    if m.reasons & REASON_OPERATOR:
        return 1
    if m.reasons & REASON_LEAK_TEST:
        return TESTING
    if m.reasons & REASON_CREDIT:
        if m.emergency_status == EMERGENCY_STATUS_SELECTABLE:
            return 3
        if limiter_usable(m):
            return 4
        return 5
    if m.reasons & REASON_OVERLOAD:
        return 6
    if m.control_state == CONTROL_STATE_READY:
        return 7
    if m.limiter_engaged == 1:
        return 8
    if m.payment_mode != PAYMENT_MODE_PREPAYMENT:
        return 9
    if m.emergency_status == EMERGENCY_STATUS_IN_USE:
        return 10
    if m.kept == 1:
        return 11
    if m.warned == 1:
        return 12
    return 13


def headline(m: State, p: Profile, words: bytes = WORDS) -> str:
    """The same as one line of text."""
    return _headline(m, p, _split(words))


def _split(words: bytes) -> "list[str]":
    return str(words, "ascii").split(",")


def _headline(m: State, p: Profile, words: "list[str]") -> str:
    place = headline_of(m, p)
    return "%s %d s" % (words[place], m.leak_left_s) if place == TESTING else words[place]


def limit_text(m: State, none: str = "none") -> str:
    """The limit in force."""
    if m.limit_ma > 0:
        return "%d.%d A" % (m.limit_ma // 1000, m.limit_ma // 100 % 10)
    if m.limit_w > 0:
        return "%d W" % m.limit_w
    return none


def card_page(
    m: State, p: Profile, outcome: int, taken: int, words: bytes = WORDS
) -> "tuple[str, ...]":
    """The page while a card is in: the outcome as a figure, 9 for good (B-5), and the balance."""
    split = _split(words)
    card, loaded = split[_PAGES : _PAGES + 2]
    word = split[_OUTCOMES + outcome]
    if taken > 0 and outcome == CARD_OUTCOME_GOOD:
        word = "%s %d" % (loaded, taken)
    return ("%s %d" % (card, outcome), word, euros(balance(m)), _headline(m, p, split))


def page(m: State, p: Profile, number: int, words: bytes = WORDS) -> "tuple[str, ...]":
    """The four lines of a page."""
    split = _split(words)
    head = _headline(m, p, split)
    limit, none, credit, emergency, left, owed, on, off, hours, at, overdraft, arrears, lim = split[
        _PAGES + 2 :
    ]
    if number == 0:
        if m.payment_mode == PAYMENT_MODE_LIMITER_ONLY:
            return (limit, limit_text(m, none), "", head)
        return (credit, euros(balance(m)), "", head)
    if number == 1:
        return (
            emergency,
            left + " " + euros(emergency_left(m)),
            owed + " " + euros(m.emergency_used),
            head,
        )
    if number == 2:
        state = on if m.control_state == CONTROL_STATE_CONNECTED else off
        return (state, hours if kept_on(m) else "", time_of_day(m.clock), head)
    if number == 3:
        return (
            at + " " + limit_text(m, none),
            overdraft + " " + euros(m.overdraft),
            arrears + " " + euros(m.arrears),
            head,
        )
    volume = "%d l" % m.volume_l if p.energy == ENERGY_GAS else ""
    return (kwh(m.energy_wh) + " kWh", volume, lim + " " + kwh(m.limited_wh), head)
