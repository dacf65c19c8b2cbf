"""The case of a scenario's household: kept in the books of its counter, judged by one gate."""

from datetime import date
from typing import TYPE_CHECKING, Any

from budgetmeter import units
from budgetmeter.casebook import Case, Refusal
from budgetmeter.casebook.facts import euros
from budgetmeter.emulator.world import METER
from budgetmeter.office import cases
from budgetmeter.office.cases import CaseBook
from budgetmeter.orders import Order

if TYPE_CHECKING:
    from budgetmeter.scenario.counter import Counter


class HouseholdCase:
    """A case beside an emulated meter; time is the emulator's.

    :param rules: a rule file, and overlays after a plus sign
    :param given: what is known of the household
    :ivar refused: what the last step or order was refused by
    :ivar cost: what the last step cost, in euros as text
    """

    def __init__(
        self, counter: "Counter", customer: str, rules: str, given: dict[str, Any]
    ) -> None:
        self.counter = counter
        self.book = CaseBook(counter.office)
        self.number = self.book.open(customer, rules, self.today, METER, **given)
        self.refused: list[Refusal] = []
        self.cost = "0.00"

    @property
    def today(self) -> date:
        """The day, in Belgian local time."""
        return units.from_clock(self.counter.world.now_s // 60).date()

    @property
    def case(self) -> Case:
        """The case as it stands, with what the books know of its meter."""
        return self.book.load(self.book.find(case=self.number))

    def record(self, name: str, given: dict[str, Any]) -> None:
        """Something happened."""
        self.book.record(self.number, name, self.today, **given)

    def do(self, name: str, given: dict[str, Any]) -> None:
        """Do a step where nothing forbids it."""
        case = self.case
        read = cases.read_fact(case.book, name, self.today, given, 0).given
        self.refused = case.why_not(name, self.today, read)
        if self.refused:
            return
        cents = case.cost(name, self.today, str(given.get("by", "post")))
        self.cost = euros(cents)
        self.record(name, given)

    def asks(self, order: Order) -> bool:
        """Whether an order to the meter may be given; what forbids it is kept."""
        office = self.counter.office
        self.refused = office.reading(lambda c: cases.why_not(c, office, METER, order))
        return not self.refused

    @property
    def refused_by(self) -> list[str]:
        """The clauses of the last refusal, one by one."""
        return [rule for one in self.refused for rule in one.rule.split(", ")]

    def allowed(self) -> list[str]:
        """Names of the steps that are allowed today."""
        return self.case.allowed(self.today)

    def reasons(self, steps: list[str]) -> str:
        """Why steps are not allowed today."""
        case = self.case
        known = [step for step in steps if step in case.book.steps]
        return "; ".join(f"{s}: {cases.shown(case.why_not(s, self.today))}" for s in known)

    def overdue(self) -> list[str]:
        """Names of the steps that are late today."""
        return sorted(one.step for one in self.case.overdue(self.today))

    def owes(self, account: str) -> str:
        """What is owed on an account, in euros as text."""
        return euros(self.case.owes(account, self.today))
