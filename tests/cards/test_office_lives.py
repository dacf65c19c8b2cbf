"""Two offices on one database, two terminals, cards and copies, paper, network, wrong clocks, kills
between booking and writing, and books that are restored from an old backup.

Whatever happens between them, every cent that was paid stands in one place: the account of the
books adds up after every step, the meter never books more than was paid, and in the end all that
was paid and not taken back is on the meter, and the last price that was issued is in force.
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
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.cards.counter import METER, Counter
from tests.conftest import fresh_database
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
        url = self.new_url()
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
        self.prices = []  # order id and value, as issued
        self.void, self.lost, self.supports = set(), 0, 0
        self.backup = None  # a copy of the books, and what was void then
        self.restored = False

    def new_url(self):
        """Of the database."""
        return f"sqlite:///{self.folder / 'vending.db'}"

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
        booked = credited(counter.state) - self.first
        assert 0 <= self._sold() - account.void - booked <= counter.unclear()
        if not self.restored:
            assert account.on_the_way == counter.unclear()
            assert booked == account.taken or counter.unclear()
        if self.prices and not self.void & {order_id for order_id, _ in self.prices}:
            assert counter.state.price == self.prices[-1][1]
        for office in self.offices:
            office.engine.dispose()
        shutil.rmtree(self.folder)

    def _sold(self):
        """What was paid at a counter, and support of which a token was sealed."""
        given = [
            i for i in self.counter.pending.items(METER) if i.order_id and i.state != "renewed"
        ]
        return self.paid + self.lost + sum(item.order.value for item in given)

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
            self.void.add(which)
            if made is not None:
                self.papers.append(made)

    @precondition(lambda self: len(self.prices) < 4)
    @rule(at=AT, euros=st.sampled_from(["0.20", "0.30", "0.40"]))
    def set_price(self, at, euros):
        """On paper; whoever types it, the last one issued wins."""
        order = orders.read("price", {"price": euros})
        with suppress(InputError):  # it waits
            token = self.offices[at].issue(METER, order)
            self.papers.append(token)
            self.prices.append((token.order_id, order.value))

    @precondition(lambda self: self.supports < 6)
    @rule(at=AT, network=st.booleans())
    def support(self, at, network):
        """Queued; it goes by card after fresh data, by network, or both ways."""
        pending = Terminal(self.offices[at]).pending
        item = pending.queue(METER, orders.read("support", {"amount": "3"}))
        self.supports += 1
        if network:
            with suppress(InputError):
                self.papers.append(pending.send(item.item))

    @precondition(lambda self: self.backup is None and self.counter.office.database.file)
    @rule()
    def back_up(self):
        copy(self.folder / "vending.db", self.folder / "backup.db")
        self.backup = [set(self.void)]

    @precondition(lambda self: self.backup is not None and self.backup[0] == self.void)
    @rule()
    def restore(self):
        """What was sold since is gone from the books; cards and papers bring it back."""
        sold = self._sold()
        copy(self.folder / "backup.db", self.folder / "vending.db")
        office = self.offices[0]
        restore.mark_all(office)
        for paper in self.papers:
            with suppress(InputError):  # it is known
                restore.adopt(office, METER, paper.token)
        for card in self.cards:
            with suppress(InputError):
                Terminal(office).read(card)
        self.lost += sold - self._sold()
        self.backup, self.restored = None, True

    @rule()
    def cut_power(self):
        self.counter.cut_power()

    @invariant()
    def every_cent_is_in_one_place(self):
        if not hasattr(self, "counter"):
            return
        account = self.counter.account()
        booked = credited(self.counter.state) - self.first
        if not self.restored:
            assert account.issued == self._sold()
        assert account.taken <= booked <= self._sold()


class _Unwritable(MemoryCard):
    """A card in the hands of a process that is killed when it begins to write."""

    def write(self, at, data):
        raise Killed


def test_lives_on_postgresql(postgres):
    """The same without old backups: how those are restored is the database's own business."""

    class OnPostgres(Lives):
        def new_url(self):
            return fresh_database(postgres)

    run_state_machine_as_test(
        OnPostgres, settings=settings(max_examples=4, stateful_step_count=15, deadline=None)
    )


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=8, stateful_step_count=20, deadline=None)


def copy(source, target):
    """All of a database into another one."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def test_an_old_backup_loses_no_payment_that_a_card_or_paper_still_has():
    """Backup, a day of payments by card and on paper, the restore, and the next payments."""
    folder = Path(tempfile.mkdtemp())
    file, backup = folder / "vending.db", folder / "backup.db"

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

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    chosen = settings(max_examples=count, stateful_step_count=40, deadline=None, database=None)
    run_state_machine_as_test(Lives, settings=chosen)
    print(f"{count} lives of 40 steps: every cent is in one place")
