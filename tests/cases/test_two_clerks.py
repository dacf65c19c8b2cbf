"""Two clerks at one office on PostgreSQL: what one reads is no longer true when he writes it.

What is checked and what is done are one: of two requests that exclude each other the office serves
one. The second request runs to its end between the first one's look into the books and its first
writing, or is made to wait, and is then refused after a moment.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from budgetmeter import orders
from budgetmeter.card import MemoryCard
from budgetmeter.errors import InputError
from budgetmeter.office.office import Office
from budgetmeter.office.pending import Pending
from budgetmeter.office.terminal import Terminal

from tests.cards.counter import METER, Counter
from tests.firmware.support import mc

PATIENCE = "&options=-c%20lock_timeout%3D500"  # of the second clerk, where the first has a lock
OVERDRAFT = orders.read("overdraft", {"amount": "50", "until": "2098-12-31"})


@pytest.fixture
def counter(postgres_url):
    counter = Counter(url=postgres_url).enrol(protected=True)
    yield counter
    counter.office.engine.dispose()


@pytest.fixture
def clerk(counter, postgres_url):
    """Opens the office once more; gives its pending work."""
    opened = []

    def another(more=""):
        opened.append(Office(postgres_url + more, counter.keys, now=counter.office.now))
        opened[-1].meter(METER)
        return Pending(opened[-1])

    yield another
    for office in opened:
        office.engine.dispose()


def granted(deed):
    """Whether the office does what is asked."""
    try:
        deed()
    except InputError:
        return False
    return True


def meanwhile(first, deed, second):
    """The answers to a clerk's deed and to a second one, done before the first one writes."""
    waiting, answers = [second], []

    @sa.event.listens_for(first.office.engine, "before_cursor_execute")
    def look(_connection, _cursor, statement, *_):
        if waiting and statement.lstrip().startswith(("INSERT", "UPDATE", "DELETE")):
            answers.append(granted(waiting.pop()))

    answers.append(granted(deed))
    assert len(answers) == 2
    return answers


def test_a_negative_limit_is_granted_to_one_of_two_clerks(clerk):
    first, second = clerk(), clerk(PATIENCE)
    answers = meanwhile(
        first,
        lambda: first.queue(METER, OVERDRAFT),
        lambda: second.queue(METER, OVERDRAFT),
    )
    assert answers.count(True) == 1
    assert len(first.items(METER)) == 1


@pytest.mark.parametrize("deeds", [("cancel", "send"), ("send", "cancel")])
def test_an_item_is_sent_or_cancelled(counter, clerk, deeds):
    item = counter.queue("support", amount="50.00").item
    first, second = clerk(), clerk(PATIENCE)
    answers = meanwhile(
        first,
        lambda: getattr(first, deeds[0])(item),
        lambda: getattr(second, deeds[1])(item),
    )
    assert answers.count(True) == 1


def test_eight_copies_of_a_card_at_eight_terminals_are_eight_payments(counter, clerk):
    copies = [MemoryCard(bytes(counter.card.data)) for _ in range(8)]
    terminals = [Terminal(clerk().office) for _ in copies]
    barrier = threading.Barrier(len(copies))

    def pay(terminal, card):
        barrier.wait()
        return terminal.exchange(card, mc(20)).written

    with ThreadPoolExecutor(len(copies)) as pool:
        assert all(pool.map(pay, terminals, copies))
    assert counter.money() == (mc(160), 0, 0)
    numbers = [row["number"] for row in counter.office.tokens(METER)]
    assert numbers == list(range(1, 9))
