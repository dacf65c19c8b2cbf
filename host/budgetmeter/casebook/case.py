"""A case: its facts, and the three questions that everything follows from.

`why_not` a step is forbidden on a day, what is `overdue`, and when the `next` answer changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from budgetmeter import resources
from budgetmeter.casebook import facts as facts_module
from budgetmeter.casebook.facts import Fact
from budgetmeter.casebook.gates import GATES
from budgetmeter.casebook.ledger import Entry
from budgetmeter.casebook.rulebook import Rulebook, Step
from budgetmeter.casebook.view import DAY, View
from budgetmeter.catalogue import NO_SOURCE
from budgetmeter.errors import InputError

HORIZON_DAYS = 1200  # how far `next` looks: further than any term of a source
EDITION = "edition"  # in place of a rule id: the sources do not hold the text of that day


@dataclass(frozen=True)
class Refusal:
    """A clause that forbids a step.

    :ivar rule: ids of the clause; "edition" where the sources have no text for the day
    :ivar until: the first day on which it no longer does, where that is known today
    """

    rule: str
    reason: str
    until: date | None = None


@dataclass(frozen=True)
class Overdue:
    """A step that should have been done.

    :ivar since: the first day on which it was late
    """

    step: str
    title: str
    actor: str
    since: date
    rule: str


class Case:
    """The facts of one household at one access point, under one rule file.

    :param facts: in any order; their numbers break ties of a day
    """

    def __init__(self, book: Rulebook, facts: Sequence[Fact] = ()) -> None:
        self.book = book
        self.facts: list[Fact] = list(facts)

    def record(self, name: str, day: date | str, **given: Any) -> Fact:
        """Append a fact; fields are as in `budgetmeter.casebook.facts.FIELDS`, as people write.

        :raises InputError: no such fact or field, or a field that the fact needs is missing
        """
        fact = read_fact(self.book, name, day, given, len(self.facts) + 1)
        self.facts.append(fact)
        return fact

    def view(self, day: date, given: Mapping[str, Any] | None = None) -> View:
        """The case as it stands at the end of a day."""
        return View(self.book, self.facts, day, given)

    # The three questions

    def why_not(
        self, step: str, day: date, given: Mapping[str, Any] | None = None
    ) -> list[Refusal]:
        """The clauses that forbid a step on a day; none: it is allowed.

        :param given: fields of what is asked: its amount, end, power, share
        :raises InputError: no such step
        """
        return refusals(self.view(day, given), self._step(step))

    def allowed(self, day: date) -> list[str]:
        """Names of the steps that nothing forbids on a day."""
        view = self.view(day)
        return [name for name, step in self.book.steps.items() if not refusals(view, step)]

    def overdue(self, day: date) -> list[Overdue]:
        """What should have been done by the end of a day and was not, longest first."""
        return overdue(self.view(day))

    def next(self, day: date) -> date | None:
        """The next day on which an answer changes by time alone; None within the horizon."""
        return self._next(day, self._answers)

    def allowed_from(
        self, step: str, day: date, given: Mapping[str, Any] | None = None
    ) -> date | None:
        """The first day, from this one on, on which a step is allowed if nothing else happens."""
        one = self._step(step)

        def answers(at: date) -> tuple[object, set[date]]:
            view = self.view(at, given)
            return bool(refusals(view, one)), view.borders

        if not answers(day)[0]:
            return day
        return self._next(day, answers)

    def owes(self, account: str, day: date) -> int:
        """What the customer owes on an account at the end of a day, in cents."""
        return self.view(day).ledger.owed(account)

    def entries(self, day: date) -> list[Entry]:
        """The ledger up to the end of a day."""
        return self.view(day).ledger.entries

    def cost(self, step: str, day: date, by: str = "post") -> int:
        """What a step may cost the customer on a day, in cents.

        :param by: the way it goes: only what goes by post may cost something in Wallonia
        """
        one = self._step(step)
        if not one.cost:
            return 0
        return self.view(day).ledger.cost(step, Fact(day, step, {"by": by}))

    def steps_of(self, order: str) -> list[Step]:
        """The steps that an order to a meter carries out, by its words."""
        return [step for step in self.book.steps.values() if step.order == order]

    def _step(self, name: str) -> Step:
        if name not in self.book.steps:
            hint = resources.did_you_mean(name, self.book.steps)
            raise InputError(f"no step {name} in {self.book.name}; {hint}")
        return self.book.steps[name]

    def _answers(self, day: date) -> tuple[object, set[date]]:
        """All answers on a day, and the days to come that they were compared with."""
        view = self.view(day)
        answers = [(name, [one.rule for one in refusals(view, step)])
                   for name, step in self.book.steps.items()]  # fmt: skip
        return (answers, overdue(view), view.protected()), view.borders

    def _next(self, day: date, ask: Any) -> date | None:
        now, borders = ask(day)
        last = day.toordinal() + HORIZON_DAYS
        while borders:
            day = min(borders)
            if day.toordinal() > last:
                return None
            later, borders = ask(day)
            if later != now:
                return day
        return None


def read_fact(
    book: Rulebook, name: str, day: date | str, given: Mapping[str, Any], number: int
) -> Fact:
    """A fact of a case, checked.

    :raises InputError: no such fact or field, or a field that the fact needs is missing
    """
    if name not in book.names():
        hint = resources.did_you_mean(name, book.names())
        raise InputError(f"no fact {name} in {book.name}; {hint}")
    read = {key: facts_module.read_field(key, value) for key, value in given.items()}
    kind = book.kinds.get(name)
    for key in kind.needs if kind else ():
        if key not in read:
            raise InputError(f"{name} needs {key}")
    try:
        return Fact(facts_module.day_of(day), name, read, number)
    except ValueError as error:
        raise InputError(str(error)) from None


def refusals(view: View, step: Step) -> list[Refusal]:
    """The clauses that forbid a step."""
    book = view.book
    if not view.passed(book.first_day):
        text = f"the sources hold the text from {book.first_day} on only ({book.edition})"
        return [Refusal(EDITION, text, book.first_day)]
    found = [Refusal(one.rule, f"there is no {' or '.join(one.facts)}")
             for one in step.needs if not view.has(*one.facts)]  # fmt: skip
    found += [Refusal(one.rule, f"there is: {view.found(*one.facts)[-1][1].name}")
              for one in step.unless if view.has(*one.facts)]  # fmt: skip
    if step.once and view.has(step.name):
        found.append(Refusal(step.once, "once only: it was done"))
    if step.chain and not step.through:
        found += [Refusal(why.rule, f"suspended: {why.name}", ends)
                  for ends, why in view.suspended(step.chain)]  # fmt: skip
    found += [*_waits(view, step), *gate_refusals(view, step), *_bars(view, step)]
    return found


def _waits(view: View, step: Step) -> list[Refusal]:
    """Terms that are not over."""
    found = []
    for clock in step.after:
        if clock.unless and view.has(*clock.unless):
            continue
        begun = view.begin(clock)
        if begun is None:
            if not clock.optional:
                found.append(Refusal(clock.rule, f"there is no {' or '.join(clock.facts)}"))
            continue
        fact = begun[1]
        last = view.last_of(clock, fact, "" if step.through else step.chain)
        if last is None or not view.passed(last + DAY):
            length = view.dated(clock.term)
            bare = f" ({NO_SOURCE})" if length.rule == NO_SOURCE else ""
            text = f"{length.value}{bare} from {fact.name} of {fact.day}"
            found.append(Refusal(clock.rule, text, None if last is None else last + DAY))
    return found


def gate_refusals(view: View, step: Step) -> list[Refusal]:
    """The gates that are shut."""
    found = []
    for gate in step.gates:
        reason, until = GATES[gate.gate](view, gate.given)
        if reason:
            found.append(Refusal(gate.rule, reason, until))
    return found


def _bars(view: View, step: Step) -> list[Refusal]:
    """Bars of an overlay or a season that name the step."""
    found = []
    for bar in view.book.bars:
        if step.name not in bar.steps:
            continue
        begins, ends = view.value(bar.begins), view.value(bar.ends)
        if view.passed(begins) and not view.passed(ends + DAY):
            found.append(Refusal(bar.rule, bar.title, ends + DAY))
    return found


def overdue(view: View) -> list[Overdue]:
    """Steps whose last day has passed; a suspension, a gate or a bar takes the duty away."""
    found = []
    for step in view.book.steps.values():
        if not step.before or not view.passed(view.book.first_day):
            continue
        if any(not view.has(*one.facts) for one in step.needs):
            continue
        if any(view.has(*one.facts) for one in step.unless):
            continue
        for clock in step.before:
            begun = view.begin(clock)
            if begun is None or (clock.unless and view.has(*clock.unless)):
                continue
            index, fact = begun
            if any(later > index for later, _ in view.found(step.name)):
                continue
            last = view.last_of(clock, fact, "" if step.through else step.chain)
            if last is None or not view.passed(last + DAY):
                continue
            if gate_refusals(view, step) or _bars(view, step):
                continue
            found.append(Overdue(step.name, step.title, step.actor, last + DAY, clock.rule))
    return sorted(found, key=lambda one: (one.since, one.step))
