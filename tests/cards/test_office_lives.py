"""Two offices on one database, two terminals, cards and copies, paper, slow and fast clocks.

Whatever happens between them, every cent that was paid stands in one place: the account of the
books adds up after every step, the meter never books more than was paid, and in the end all that
was paid and not taken back is on the meter.
"""

import shutil
import sqlite3
import tempfile
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

from budgetmeter import orders
from budgetmeter.card import MemoryCard
from budgetmeter.errors import InputError
from budgetmeter.office import books, restore, withdraw
from budgetmeter.office.office import EPOCH, Office
from budgetmeter.office.terminal import Terminal
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.cards.counter import METER, Counter
from tests.faults.story import credited
from tests.firmware.support import EUR

AT = st.integers(0, 1)  # which of the two offices
CARD = st.integers(0, 2)
SUM = st.sampled_from([5, 20, 50])


class Killed(Exception):
    """The process ends here."""


class Lives(RuleBasedStateMachine):
    """What can happen to one meter's money."""

    @initialize(ahead=st.sampled_from([0, -20, 20, -1440]))
    def open(self, ahead):
        self.folder = Path(tempfile.mkdtemp())
        url = f"sqlite:///{self.folder / 'vending.db'}"
        self.counter = counter = Counter(url=url).enrol()
        counter.office._now = lambda: EPOCH + timedelta(seconds=counter.board.now_s - ahead * 60)
        other = Office(
            url, counter.keys, now=counter.office._now, load_profile=lambda name: counter.profile
        )
        self.offices = [counter.office, other]
        self.cards = [counter.card]
        self.papers = []  # tokens that a customer has in hand
        self.first = credited(counter.state)
        self.paid = 0
        self.references = 0

    def teardown(self):
        if not hasattr(self, "counter"):
            return
        counter = self.counter
        for _ in range(4):
            for card in self.cards:
                counter.wait(1)
                counter.insert(card)
                with suppress(InputError):  # it was replaced
                    assert counter.pay(card=card).written
            for paper in self.papers:
                counter.meter.enter(paper.token)
        counter.insert()
        counter.pay()
        account = counter.account()
        assert account.on_the_way == 0
        assert credited(counter.state) - self.first == account.taken
        assert account.issued == self.paid
        for office in self.offices:
            office.engine.dispose()
        shutil.rmtree(self.folder)

    def _new_reference(self):
        self.references += 1
        return f"payment-{self.references}"

    @precondition(lambda self: self.paid < 2000 * EUR)
    @rule(at=AT, which=CARD, euros=SUM, killed=st.booleans())
    def pay(self, at, which, euros, killed):
        """At a terminal; one that is killed before it writes the card is asked once more."""
        terminal, card = Terminal(self.offices[at]), self.cards[which % len(self.cards)]
        reference = self._new_reference()
        try:
            if killed:
                terminal.exchange(_Unwritable(card.data), euros * EUR, reference)
            else:
                terminal.exchange(card, euros * EUR, reference)
        except Killed:
            terminal = Terminal(self.offices[1 - at])
            assert terminal.exchange(card, euros * EUR, reference).repeated
        except InputError:
            return  # it waits, or the card is full: nothing was booked
        self.paid += euros * EUR

    @precondition(lambda self: self.paid < 2000 * EUR)
    @rule(at=AT, euros=SUM)
    def sell(self, at, euros):
        """On paper; the answer is lost and asked again at the other office."""
        order, reference = orders.read("top-up", {"amount": str(euros)}), self._new_reference()
        try:
            token = self.offices[at].issue(METER, order, reference=reference)
        except InputError:
            return
        assert self.offices[1 - at].issue(METER, order, reference=reference) == token
        self.papers.append(token)
        self.paid += euros * EUR

    @precondition(lambda self: self.papers)
    @rule(which=st.integers(0, 9))
    def type(self, which):
        self.counter.meter.enter(self.papers[which % len(self.papers)].token)

    @rule(which=CARD, minutes=st.integers(0, 3))
    def insert(self, which, minutes):
        self.counter.wait(minutes)
        self.counter.insert(self.cards[which % len(self.cards)])

    @rule(at=AT, which=CARD)
    def visit(self, at, which):
        Terminal(self.offices[at]).exchange(self.cards[which % len(self.cards)])

    @precondition(lambda self: len(self.cards) < 3)
    @rule(which=CARD)
    def copy(self, which):
        card = self.cards[which % len(self.cards)]
        self.cards.append(MemoryCard(bytes(card.data)))

    @rule(at=AT, which=st.integers(1, 12))
    def void(self, at, which):
        """The closing token goes the way the order went."""
        with suppress(InputError):
            made = withdraw.void(self.offices[at], METER, which)
            if made is not None:
                self.papers.append(made)

    @rule()
    def cut_power(self):
        self.counter.cut_power()

    @invariant()
    def every_cent_is_in_one_place(self):
        if not hasattr(self, "counter"):
            return
        account = self.counter.account()
        booked = credited(self.counter.state) - self.first
        assert account.issued == self.paid
        assert account.taken <= booked <= self.paid


class _Unwritable(MemoryCard):
    """A card in the hands of a process that is killed when it begins to write."""

    def write(self, at, data):
        raise Killed


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=10, stateful_step_count=20, deadline=None)


def test_an_old_backup_loses_no_payment_that_a_card_or_paper_still_has():
    """Backup, a day of payments by card and on paper, the restore, and the next payments."""
    folder = Path(tempfile.mkdtemp())
    file, backup = folder / "vending.db", folder / "backup.db"

    def copy(source, target):
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)

    counter = Counter(url=f"sqlite:///{file}").enrol()
    counter.pay(20)
    copy(file, backup)
    spent = counter.office.issue(METER, orders.read("top-up", {"amount": "7"}))
    counter.meter.enter(spent.token)
    counter.pay(30)
    paper = counter.office.issue(METER, orders.read("top-up", {"amount": "11"}))
    copy(backup, file)
    restore.mark_all(counter.office)
    restore.adopt(counter.office, METER, paper.token)
    counter.wait(1)
    counter.insert()
    counter.pay(5)
    counter.meter.enter(paper.token)
    for _ in range(2):
        counter.insert()
        counter.pay()
    assert counter.balance == (15 + 20 + 7 + 30 + 11 + 5) * EUR
    account = counter.account()
    # What was typed and is gone from the books stays unknown: the meter's total tells of it.
    assert account.on_the_way == 0
    assert account.taken == (20 + 30 + 11 + 5) * EUR
    assert (
        counter.office.reading(
            lambda c: books.settle.unexplained(
                c,
                counter.office,
                counter.office.row(c, METER),
                books.latest(c, counter.office, METER),
            )
        )
        == 7 * EUR
    )
    counter.office.engine.dispose()
    shutil.rmtree(folder)


if __name__ == "__main__":
    import sys

    from hypothesis.stateful import run_state_machine_as_test

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    chosen = settings(max_examples=count, stateful_step_count=40, deadline=None, database=None)
    run_state_machine_as_test(Lives, settings=chosen)
    print(f"{count} lives of 40 steps: every cent is in one place")
