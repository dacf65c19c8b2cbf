"""Display pages: four lines of 16 characters, built only when something on them changes."""

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


HEADLINES = (  # one text, as octets: the P1 port sends it too, and may not allocate
    b"OFF: CALL,OFF BY OPERATOR,TEST,OFF: PRESS (EC),OFF: PRESS (LIM),OFF: TOP UP,OFF: OVERLOAD,"
    b"PRESS TO CONNECT,LIMITED,NO PREPAYMENT,EMERGENCY CREDIT,KEPT ON,LOW CREDIT,"
)
TESTING = 2  # the seconds left follow


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


def headline(m: State, p: Profile) -> str:
    """The same as one line of text."""
    place = headline_of(m, p)
    word = str(HEADLINES, "ascii").split(",")[place]
    return "%s %d s" % (word, m.leak_left_s) if place == TESTING else word


def limit_text(m: State) -> str:
    """The limit in force."""
    if m.limit_ma > 0:
        return "%d.%d A" % (m.limit_ma // 1000, m.limit_ma // 100 % 10)
    if m.limit_w > 0:
        return "%d W" % m.limit_w
    return "none"


_OUTCOMES = (  # one text: a tuple of texts takes several times the memory
    "WAIT,BLANK,NOT A CARD,DAMAGED,OTHER METER,TOO NEW,NOT STORED,NO ANSWER,REFUSED IN PART,GOOD"
)


def card_page(m: State, p: Profile, outcome: int, taken: int) -> "tuple[str, ...]":
    """The page while a card is in: the outcome as a figure, 9 for good (B-5), and the balance."""
    word = _OUTCOMES.split(",")[outcome]
    if taken > 0 and outcome == CARD_OUTCOME_GOOD:
        word = "loaded %d" % taken
    return ("CARD %d" % outcome, word, euros(balance(m)), headline(m, p))


def page(m: State, p: Profile, number: int) -> "tuple[str, ...]":
    """The four lines of a page."""
    head = headline(m, p)
    if number == 0:
        if m.payment_mode == PAYMENT_MODE_LIMITER_ONLY:
            return ("LIMIT", limit_text(m), "", head)
        return ("CREDIT EUR", euros(balance(m)), "", head)
    if number == 1:
        left = emergency_left(m)
        return ("EMERGENCY EUR", "left " + euros(left), "owed " + euros(m.emergency_used), head)
    if number == 2:
        state = "connected" if m.control_state == CONTROL_STATE_CONNECTED else "off"
        kept = "friendly hours" if kept_on(m) else ""
        return (state, kept, time_of_day(m.clock), head)
    if number == 3:
        return (
            "limit " + limit_text(m),
            "overdr. " + euros(m.overdraft),
            "arrears " + euros(m.arrears),
            head,
        )
    volume = "%d l" % m.volume_l if p.energy == ENERGY_GAS else ""
    return (
        kwh(m.energy_wh) + " kWh",
        volume,
        "lim " + kwh(m.limited_wh),
        head,
    )
