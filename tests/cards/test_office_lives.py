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

from tests.cards.desk import METER, Desk
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
        self.desk = desk = Desk(url=url).enrol()
        desk.office._now = lambda: EPOCH + timedelta(seconds=desk.board.now_s - ahead * 60)
        other = Office(url, desk.keys, now=desk.office._now, load_profile=lambda name: desk.profile)
        self.offices = [desk.office, other]
        self.cards = [desk.card]
        self.papers = []  # tokens that a customer has in hand
        self.first = credited(desk.state)
        self.paid = 0
        self.references = 0

    def teardown(self):
        if not hasattr(self, "desk"):
            return
        desk = self.desk
        for _ in range(4):
            for card in self.cards:
                desk.wait(1)
                desk.insert(card)
                with suppress(InputError):  # it was replaced
                    assert desk.pay(card=card).written
            for paper in self.papers:
                desk.meter.enter(paper.token)
        desk.insert()
        desk.pay()
        account = desk.account()
        assert account.on_the_way == 0
        assert credited(desk.state) - self.first == account.taken
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
        self.desk.meter.enter(self.papers[which % len(self.papers)].token)

    @rule(which=CARD, minutes=st.integers(0, 3))
    def insert(self, which, minutes):
        self.desk.wait(minutes)
        self.desk.insert(self.cards[which % len(self.cards)])

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
        self.desk.cut_power()

    @invariant()
    def every_cent_is_in_one_place(self):
        if not hasattr(self, "desk"):
            return
        account = self.desk.account()
        booked = credited(self.desk.state) - self.first
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

    desk = Desk(url=f"sqlite:///{file}").enrol()
    desk.pay(20)
    copy(file, backup)
    spent = desk.office.issue(METER, orders.read("top-up", {"amount": "7"}))
    desk.meter.enter(spent.token)
    desk.pay(30)
    paper = desk.office.issue(METER, orders.read("top-up", {"amount": "11"}))
    copy(backup, file)
    restore.mark_all(desk.office)
    restore.adopt(desk.office, METER, paper.token)
    desk.wait(1)
    desk.insert()
    desk.pay(5)
    desk.meter.enter(paper.token)
    for _ in range(2):
        desk.insert()
        desk.pay()
    assert desk.balance == (15 + 20 + 7 + 30 + 11 + 5) * EUR
    account = desk.account()
    # What was typed and is gone from the books stays unknown: the meter's total tells of it.
    assert account.on_the_way == 0
    assert account.taken == (20 + 30 + 11 + 5) * EUR
    assert (
        desk.office.reading(
            lambda c: books.settle.unexplained(
                c, desk.office, desk.office.row(c, METER), books.latest(c, desk.office, METER)
            )
        )
        == 7 * EUR
    )
    desk.office.engine.dispose()
    shutil.rmtree(folder)


if __name__ == "__main__":
    import sys

    from hypothesis.stateful import run_state_machine_as_test

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    chosen = settings(max_examples=count, stateful_step_count=40, deadline=None, database=None)
    run_state_machine_as_test(Lives, settings=chosen)
    print(f"{count} lives of 40 steps: every cent is in one place")
