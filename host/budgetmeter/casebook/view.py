"""A case on one day: what is so far known, and what follows from it.

Every comparison with a day goes through `View.passed`, which notes the days that are still to
come. Until the nearest of them no answer can change: that is what `Case.next` walks by.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from budgetmeter.casebook.facts import Fact, standing
from budgetmeter.casebook.ledger import Ledger
from budgetmeter.casebook.rulebook import (
    Clock,
    Dated,
    Rulebook,
    Season,
    Suspension,
    made_facts,
    paid_off,
)
from budgetmeter.casebook.terms import Reading, Term, before, last_day

DAY = timedelta(days=1)
_STATUS_ENDS = ("protected-ended", "proof-missing")
_RECEIVED = Reading()  # a receipt is counted from the day after sending, whatever a file chooses


class Span(NamedTuple):
    """A suspension as it runs. The day of the fact that begins it still counts, the day of the
    fact that ends it does not: so it is with every term.

    :ivar begins: the first day that does not count
    :ivar counted: the first one that counts again; None: not known yet
    :ivar free: the first day on which steps are not suspended any more
    """

    begins: date
    counted: date | None
    free: date | None
    why: Suspension


class View:
    """The facts of a case as they stand at the end of a day.

    :param given: fields of the step that is asked for, as in a fact
    :ivar borders: days to come at which a comparison turns out otherwise
    :ivar facts: in order, with those that silence or the ledger makes
    """

    def __init__(
        self,
        book: Rulebook,
        facts: Sequence[Fact],
        day: date,
        given: Mapping[str, Any] | None = None,
    ) -> None:
        self.book, self.day, self.given = book, day, dict(given or {})
        self.borders: set[date] = set()
        seen = [fact for fact in standing(facts) if self.passed(fact.day)]
        recorded = self._with_deemed(seen)
        self.status = [fact for fact in recorded if fact.name in ("protected", *_STATUS_ENDS)]
        self.ledger = Ledger(book, self._number_on, self.protected_on)
        self.facts = self.ledger.post_all(recorded)
        self.starts = {name: self._start(name) for name in book.chains}
        self.counting = self._counting()
        self._spans: dict[str, list[Span]] = {}

    def passed(self, border: date) -> bool:
        """Whether a day has come; if not, it is noted as a border."""
        if self.day >= border:
            return True
        self.borders.add(border)
        return False

    # Values

    def dated(self, name: str) -> Dated:
        """A value of the rule file as in force on the day; before its first day, the first."""
        history = self.book.values[name].history
        current = history[0]
        for later in history[1:]:
            if self.passed(later.since):
                current = later
        return current

    def value(self, name: str) -> Any:
        """Its value alone."""
        return self.dated(name).value

    def term(self, name: str) -> Term:
        """A value that is a length of time."""
        return self.value(name)

    def _number_on(self, name: str, day: date) -> int | None:
        value = self.book.values.get(name)
        if value is None:
            return None
        known = [one.value for one in value.history if one.since <= day]
        return known[-1] if known else value.history[0].value

    # Facts

    def _with_deemed(self, facts: list[Fact]) -> list[Fact]:
        """Facts in order, with those that silence makes; a deemed one comes first on its day."""
        ordered = sorted(facts, key=lambda fact: (fact.day, fact.number))
        made = []
        for rule in self.book.deemed:
            for index, fact in enumerate(ordered):
                if fact.name != rule.fact:
                    continue
                end = last_day(fact.day, self.term(rule.term), self.book.reading)
                assert end is not None
                answered = any(
                    later.name in rule.unless and later.day <= end for later in ordered[index + 1 :]
                )
                if not answered and self.passed(end + DAY):
                    made.append(Fact(end + DAY, rule.becomes, {}, 0))
        return sorted([*made, *ordered], key=lambda fact: (fact.day, fact.number))

    def _start(self, name: str) -> int:
        """The index from which facts count in a chain."""
        chain = self.book.chains[name]
        ends = {*chain.ends, *([paid_off(chain.account)] if chain.account else [])}
        last = [index for index, fact in enumerate(self.facts) if fact.name in ends]
        return last[-1] + 1 if last else 0

    def _counting(self) -> dict[str, list[tuple[int, Fact]]]:
        """The facts that still count, by name."""
        found: dict[str, list[tuple[int, Fact]]] = {}
        made = made_facts(self.book)
        for index, fact in enumerate(self.facts):
            chain = "" if fact.name in made else self.book.chain_of(fact.name)
            if index >= self.starts.get(chain, 0):
                found.setdefault(fact.name, []).append((index, fact))
        return found

    def found(self, *names: str) -> list[tuple[int, Fact]]:
        """Facts of these names that still count, with their indexes, in order."""
        if len(names) == 1:
            return self.counting.get(names[0], [])
        return sorted(
            (one for name in names for one in self.counting.get(name, ())),
            key=lambda one: one[0],
        )

    def has(self, *names: str) -> bool:
        """Whether one of these facts still counts."""
        return any(name in self.counting for name in names)

    def household(self, name: str, otherwise: Any = None) -> Any:
        """What the newest fact says of the household: main residence, connection, municipality."""
        for fact in reversed(self.facts):
            if fact.name in ("opened", "moved") and name in fact.given:
                return fact.given[name]
        return otherwise

    # Status

    def protected_on(self, day: date) -> bool:
        """Whether the customer is protected at the end of a day: status lasts a year (WE-04)."""
        until = None
        for fact in self.status:
            if fact.day > day:
                break
            until = None if fact.name in _STATUS_ENDS else self._status_end(fact)
        return until is not None and day < until

    def _status_end(self, fact: Fact) -> date:
        """The first day on which a status that nobody renews has lapsed."""
        if "until" in fact.given:
            return fact.given["until"] + DAY
        if "status_term" not in self.book.values:
            return date.max
        end = last_day(fact.day, self.term("status_term"), self.book.reading)
        assert end is not None
        return end + DAY

    def protected(self) -> bool:
        """Whether the customer is protected on the day."""
        if not self.status or self.status[-1].name in _STATUS_ENDS:
            return False
        return not self.passed(self._status_end(self.status[-1]))

    # Days

    def in_season(self, season: Season) -> date | None:
        """The last day of the season that the day lies in; None outside of it."""
        inside = None
        for year in (self.day.year - 1, self.day.year, self.day.year + 1):
            begins = date(year, *season.begins)
            ends = date(year + (season.ends < season.begins), *season.ends)
            if self.passed(begins) and not self.passed(ends + DAY):
                inside = ends
        return inside

    def season_end(self, season: Season, day: date) -> date:
        """The last day of the season that another day lies in, or of the next one."""
        for year in (day.year - 1, day.year):
            ends = date(year + (season.ends < season.begins), *season.ends)
            if day <= ends:
                return ends
        return date(day.year + 1 + (season.ends < season.begins), *season.ends)

    def spans(self, chain: str) -> list[Span]:
        """The suspensions of a chain that still count."""
        if chain not in self._spans:
            self._spans[chain] = [
                self._span(suspension, index, fact)
                for suspension in self.book.suspensions
                if chain in suspension.chains
                for index, fact in enumerate(self.facts)
                if index >= self.starts[chain] and fact.name in suspension.begins
            ]
        return self._spans[chain]

    def _span(self, suspension: Suspension, index: int, fact: Fact) -> Span:
        """A suspension that a fact began."""
        later = [one.day for one in self.facts[index + 1 :] if one.name in suspension.until]
        ends = [(later[0], later[0] + DAY)] if later else []
        if suspension.term:
            last = last_day(fact.day, self.term(suspension.term), self.book.reading)
            assert last is not None
            ends.append((last + DAY, last + DAY))
        free, counted = min(ends) if ends else (None, None)
        return Span(fact.day + DAY, counted, free, suspension)

    def suspended(self, chain: str) -> list[tuple[date | None, Suspension]]:
        """What suspends a chain on the day, and the first day after it where that is known."""
        return [
            (span.free, span.why)
            for span in self.spans(chain)
            if span.free is None or not self.passed(span.free)
        ]

    def begin(self, clock: Clock) -> tuple[int, Fact] | None:
        """The fact that begins a term, and its index; None where there is none."""
        found = self.found(*clock.facts)
        if clock.above:
            found = self._above(clock, found)
        return found[-1] if found else None

    def _above(self, clock: Clock, found: list[tuple[int, Fact]]) -> list[tuple[int, Fact]]:
        """Of facts with an amount only those above a threshold; alone, or as a sum (AMB-14)."""
        threshold, total, kept = self.value(clock.above), 0, []
        summed = bool(clock.counts) and self.value(clock.counts) == "sum"
        for index, fact in found:
            if "amount" not in fact.given:
                total = 0
                kept.append((index, fact))
                continue
            total = total + fact.amount if summed else fact.amount
            if total > threshold:
                total = 0
                kept.append((index, fact))
        return kept

    def last_of(self, clock: Clock, fact: Fact, chain: str) -> date | None:
        """The last day of a term that a fact begins; None while the chain stands still for good."""
        term, reading = self.term(clock.term), self.book.reading
        if clock.ahead:
            return before(self.season_end(self.book.seasons[clock.ahead], fact.day), term, reading)
        day = fact.day
        if clock.from_end:
            day = self.season_end(self.book.seasons[clock.from_end], day)
        if clock.via:
            received = last_day(day, self.term(clock.via), _RECEIVED)
            assert received is not None
            day = received
        spans = [(span.begins, span.counted) for span in self.spans(chain)] if chain else []
        return last_day(day, term, reading, spans)

    @cached_property
    def prepaid(self) -> bool:
        """Whether prepayment is active on the day."""
        found = [fact for fact in self.facts if fact.name in ("activation", "deactivation")]
        return bool(found) and found[-1].name == "activation"
