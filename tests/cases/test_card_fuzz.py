"""A card whose holder has edited it, its checks made right again, so that the terminal stumbles.

Whatever stands on a card, the terminal takes it or refuses it in one line before anything is
booked; every payment that is booked reaches the meter once, and the office learns of it. An area
whose sequence is at its end counts as damaged.
"""

import pytest
from budgetmeter.errors import InputError
from meterproto import cards as layout
from meterproto.tokens import NUMBER_LIMIT

from tests.cards.counter import METER, Counter
from tests.firmware.support import mc
from tests.host.test_cards_cli import one_line

AREAS = {
    "terminal": (layout.INWARD, layout.INWARD_SIZE),
    "meter": (layout.OUTWARD, layout.OUTWARD_SIZE),
}


@pytest.fixture
def counter():
    """A counter with 20 EUR on a card that has been in the meter."""
    counter = Counter().enrol()
    counter.insert()
    counter.pay(20)
    return counter


def rewrite(card, area, older=False, sequence=None, size=None, change=lambda held: held):
    """Write one of a pair of areas anew, its check right."""
    at, room = AREAS[area]
    which, last, held = layout.newest(bytes(card.data), at, room)
    held = change(held)
    size = len(held) if size is None else size
    octets = (last + 2 if sequence is None else sequence).to_bytes(4, "little")
    octets += size.to_bytes(2, "little") + held.ljust(size, b"\0")[: min(size, room - 10)]
    octets += layout.crc_of(octets)
    at += (which ^ older) * room
    card.data[at : at + len(octets)] = octets


def visit(counter, euros=0):
    """An exchange at the terminal; what was booked of the payment."""
    before = sum(counter.money())
    try:
        assert counter.pay(euros).written
    except InputError:
        assert sum(counter.money()) == before
        counter.card = counter.terminal.new_card(METER)
    except Exception as crash:
        pytest.fail(f"{(sum(counter.money()) - before) / 1e5} EUR booked, then {crash!r}")
    return sum(counter.money()) - before


def check(counter):
    """Payments go on, reach the meter once, and are settled."""
    paid = mc(20)
    for euros in (5, 7):
        paid += visit(counter, euros)
        counter.insert()
    for _ in range(2):
        visit(counter)
        counter.insert()
    assert counter.balance == mc(15) + paid
    assert counter.money() == (0, paid, 0)


@pytest.mark.parametrize("older", [False, True], ids=["newest", "older"])
@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("sequence", [0, NUMBER_LIMIT + 1, 2**32 - 1])
def test_sequences_that_are_old_or_none(counter, area, sequence, older):
    rewrite(counter.card, area, older, sequence)
    check(counter)


@pytest.mark.parametrize("older", [False, True], ids=["newest", "older"])
@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("left", [0, 1])
def test_sequences_at_their_end(counter, area, left, older):
    rewrite(counter.card, area, older, NUMBER_LIMIT - left)
    check(counter)


@pytest.mark.parametrize("size", [0, 4, -10, -9, 65_535])
@pytest.mark.parametrize("area", AREAS)
def test_sizes_at_their_limits(counter, area, size):
    """Negative ones count from the end of the area."""
    rewrite(counter.card, area, size=size if size >= 0 else AREAS[area][1] + size)
    check(counter)


@pytest.mark.parametrize(
    ("next_event", "count"),
    [
        (0, 0),
        (0, layout.MOST_TOKENS),
        (0, layout.MOST_TOKENS + 1),
        (NUMBER_LIMIT, 1),
        (NUMBER_LIMIT + 1, 1),
        (2**32 - 1, 255),
    ],
)
def test_what_the_terminals_area_says_it_holds(counter, next_event, count):
    def change(held):
        return next_event.to_bytes(4, "little") + bytes([count]) + held[5:]

    rewrite(counter.card, "terminal", change=change)
    check(counter)


@pytest.mark.parametrize("length", [0, 37, 255])
def test_lengths_of_a_token(counter, length):
    rewrite(counter.card, "terminal", change=lambda held: held[:5] + bytes([length]) + held[6:])
    check(counter)


def test_files_of_another_size_are_no_cards(cli, tmp_path):
    whole = (tmp_path / "a.card").read_bytes()
    for size in (0, 1, 31, 32, layout.SIZE - 1, layout.SIZE + 1):
        (tmp_path / "b.card").write_bytes(whole[:size].ljust(size, b"\xff"))
        for verb in (["terminal", "exchange", "b.card", "--pay", "20"], ["card", "show", "b.card"]):
            assert f"{size} octets, a card has {layout.SIZE}" in one_line(cli(*verb))
