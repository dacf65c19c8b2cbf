"""Random lives of a household with a real meter, its card, a terminal, an office and a case.

What the household owes is counted twice more: by the energy that the meter let through under its
limiter, and by a plain sum of what was billed and paid. Case, books and meter must agree after
every step, to the last millicent, and the gate must say what the plain sums say.
"""

import os
from datetime import date

import pytest
from budgetmeter import orders
from budgetmeter.errors import InputError
from budgetmeter.office.cases import CaseBook
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from meterproto.codes import PaymentMode

from tests.cards.counter import METER
from tests.cards.test_vectors import draw, in_minimum_supply
from tests.firmware.support import conserved, mc

LIVES = int(os.environ.get("LIVES", "30")) // 10  # `make casebook` lives more of them
PRICE = 25  # mc for a Wh, of the profile: 0.25 EUR/kWh
CENT = 1000  # mc


class Household(RuleBasedStateMachine):
    """A protected household in minimum supply, from July 2020 on."""

    @initialize(watts=st.sampled_from([0, 60, 333]))
    def begin(self, watts):
        self.counter = in_minimum_supply("2020-07-01 00:00", watts)
        self.book = CaseBook(self.counter.office)
        self.case = self.book.open("4711", "wallonia-electricity+ores-covid", date(2020, 7, 1),
                                   METER)  # fmt: skip
        for name in ("prepayment-asked", "activation", "deactivation-asked"):
            self.book.record(self.case, name, date(2020, 7, 1))
        self.limited_from = self.counter.state.limited_wh
        self.billed = self.paid = self.bought = 0  # mc
        self.read()

    def teardown(self):
        if hasattr(self, "counter"):
            self.counter.office.engine.dispose()

    @property
    def today(self):
        return self.book.office.now().date()

    @property
    def prepaying(self):
        return self.counter.state.payment_mode == PaymentMode.PREPAYMENT

    @property
    def used(self):
        """What was used under the limiter, mc."""
        return (self.counter.state.limited_wh - self.limited_from) * PRICE

    def read(self):
        """The card brings all that is on its way, and brings back what the meter says."""
        self.counter.deliver()
        self.counter.pay()

    def tried(self, order):
        """What the gate says against an order; "" where it gave it, and the meter has it."""
        try:
            self.counter.pending.queue(METER, order)
        except InputError as error:
            return str(error)
        self.read()
        return ""

    @rule(watts=st.sampled_from([0, 60, 333, 1500]), days=st.integers(1, 12))
    def live(self, watts, days):
        draw(self.counter, watts)
        for _ in range(4 * days):
            self.counter.board.pass_time(21_600)
            self.counter.meter.poll()
        draw(self.counter, 0)
        self.read()

    @precondition(lambda self: self.prepaying)
    @rule(euros=st.sampled_from([5, 20]))
    def top_up(self, euros):
        self.counter.top_up(euros)
        self.bought += mc(euros)
        self.read()

    @precondition(lambda self: self.prepaying)
    @rule()
    def press(self):
        self.counter.board.press()
        self.counter.wait(1)

    @precondition(lambda self: self.used - self.billed >= CENT)
    @rule(part=st.sampled_from([1, 2]))
    def bill(self, part):
        cents = (self.used - self.billed) // CENT // part
        if cents:
            self.book.record(self.case, "minimum-bill", self.today, amount=f"{cents / 100:.2f}")
            self.billed += cents * CENT

    @precondition(lambda self: self.billed > self.paid and self.prepaying)
    @rule(part=st.sampled_from([1, 3]))
    def pay(self, part):
        cents = (self.billed - self.paid) // CENT // part
        if cents:
            paid = orders.read("arrears-paid", {"amount": f"{cents / 100:.2f}"})
            assert self.tried(paid) == ""
            self.paid += cents * CENT

    @precondition(lambda self: self.prepaying)
    @rule(end=st.booleans())
    def debts_stand_against_release_and_deactivation(self, end):
        mode = {"mode": "credit"}
        order = orders.read("payment-mode", mode) if end else orders.read("limiter-release", {})
        owed, unbilled = self.billed - self.paid, (self.used - self.billed) // CENT
        said = self.tried(order)
        assert bool(said) == bool(owed or unbilled), said
        assert ("not billed" in said) == (unbilled > 0)
        assert ("is owed on minimum" in said) == (owed > 0)
        assert self.prepaying == (not end or bool(said))

    @invariant()
    def meter_books_and_case_agree(self):
        if not hasattr(self, "counter"):
            return
        state = self.counter.state
        assert conserved(state)
        self.counter.account()  # every cent that was sold is in one place
        assert state.arrears == self.used - self.paid
        case = self.book.load(self.book.find(case=self.case))
        assert case.owes("minimum", self.today) * CENT == self.billed - self.paid
        assert sum(f.amount for f in case.facts if f.name == "top-up") * CENT == self.bought
        entries = case.entries(self.today)
        assert sum(e.cents for e in entries if e.account == "minimum") * CENT == (
            self.billed - self.paid
        )


TestHousehold = pytest.mark.rule("WE-36", "WE-40", "AMB-20")(Household.TestCase)
TestHousehold.settings = settings(
    max_examples=LIVES, stateful_step_count=8, deadline=None, phases=[Phase.generate]
)
