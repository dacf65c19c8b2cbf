"""Rule files: one for each region, energy and edition, and overlays that are laid over them.

Each number stands beside the id of its rule and the line of its source, from a day on. What may
happen is a table of steps; nothing in a file is ever executed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, NoReturn

from budgetmeter import catalogue, resources, units
from budgetmeter.casebook import terms
from budgetmeter.casebook.terms import Reading, Term
from budgetmeter.errors import InputError

_TOP = ("title", "region", "energy", "edition", "first_day", "overlay", "assumes_edition",
        "reading", "reading_rule", "season", "values", "chain", "fact", "step", "suspend", "deem",
        "bar", "context", "silent")  # fmt: skip
_STEP = ("title", "actor", "rule", "source", "chain", "needs", "after", "before", "unless", "gates",
         "once", "cost", "letter", "due", "debt", "order", "through")  # fmt: skip
_TERM = (
    "fact",
    "term",
    "via",
    "rule",
    "optional",
    "unless",
    "above",
    "ahead",
    "counts",
    "from_end",
)
_NAMES = ("via", "above", "counts", "ahead", "from_end")  # of a term: names of other tables
ACTORS = ("supplier", "operator", "customer", "judge", "commission", "cpas", "regulator")
AS_CHARGED = "as-charged"  # a cost that no source caps: it is what the supplier charges
UNITS = (*terms.UNITS, "EUR", "kWh", "W", "%", "times", "km", "inhabitants", "day", "choice",
         "hours", "seconds", "minutes")  # fmt: skip


@dataclass(frozen=True)
class Dated:
    """A value from a day on.

    :ivar value: cents for EUR, a `Term` for days and months, an int, a date, or a word of a choice
    """

    since: date
    value: Any
    rule: str
    source: str


@dataclass(frozen=True)
class Value:
    """A named value of a rule file: what it was from when, oldest first."""

    name: str
    unit: str
    history: tuple[Dated, ...]
    note: str = ""


@dataclass(frozen=True)
class Season:
    """A part of each year, both days included, as month and day; without a beginning, a day."""

    begins: tuple[int, int]
    ends: tuple[int, int]
    rule: str
    source: str


@dataclass(frozen=True)
class Clock:
    """A term that a fact begins.

    :ivar facts: the latest of them begins it
    :ivar term: name of the value that is its length
    :ivar via: name of the value after which a fact is deemed received; "" for its own day
    :ivar optional: without the fact it forbids nothing
    :ivar unless: facts that make it void
    :ivar above: name of a value: only facts with a higher amount count
    :ivar counts: name of a choice: whether single amounts count or their sum ("single", "sum")
    :ivar ahead: name of a season, before the end of which the term counts backwards
    :ivar from_end: name of a season: the term begins at its end, not at the fact
    """

    facts: tuple[str, ...]
    term: str
    rule: str
    via: str = ""
    optional: bool = False
    unless: tuple[str, ...] = ()
    above: str = ""
    counts: str = ""
    ahead: str = ""
    from_end: str = ""


@dataclass(frozen=True)
class Condition:
    """Facts of which one must be there, or none may be, or a gate with its arguments."""

    rule: str
    facts: tuple[str, ...] = ()
    gate: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """What an actor may or must do. Done, it is a fact of the same name.

    :ivar debt: the account whose debt its letter names, where that is not its chain's
    :ivar order: what it asks of a meter: a kind of order, and its mode or cause
    :ivar through: it may be done while its chain is suspended
    """

    name: str
    title: str
    actor: str
    rule: str
    source: str
    chain: str
    needs: tuple[Condition, ...]
    after: tuple[Clock, ...]
    before: tuple[Clock, ...]
    unless: tuple[Condition, ...]
    gates: tuple[Condition, ...]
    once: str
    cost: str
    letter: tuple[str, ...]
    due: str
    debt: str
    order: str
    through: bool


@dataclass(frozen=True)
class Kind:
    """A fact that is no step: what it is, in which chain, and what it books."""

    name: str
    title: str
    actor: str
    rule: str
    chain: str
    books: str
    pays: str
    needs: tuple[str, ...]


@dataclass(frozen=True)
class Chain:
    """A procedure: its facts count until one of `ends`, or until its account is paid.

    :ivar account: name of the account it is about; "" for none
    :ivar all_paid: it lasts until costs are paid too; else until the invoices are
    """

    name: str
    title: str
    account: str
    ends: tuple[str, ...]
    all_paid: bool
    rule: str
    yearly_cap: str
    cap: str


@dataclass(frozen=True)
class Suspension:
    """From a fact until another one, at most for a term: the days do not count."""

    name: str
    chains: tuple[str, ...]
    begins: tuple[str, ...]
    until: tuple[str, ...]
    term: str
    rule: str
    source: str


@dataclass(frozen=True)
class Deemed:
    """Silence that means something: a fact, a term, and what it becomes unless it was answered."""

    name: str
    fact: str
    term: str
    unless: tuple[str, ...]
    becomes: str
    rule: str
    source: str


@dataclass(frozen=True)
class Bar:
    """Steps that are forbidden between two days, whatever stands in the case."""

    name: str
    steps: tuple[str, ...]
    begins: str
    ends: str
    rule: str
    source: str
    title: str


@dataclass(frozen=True)
class Silent:
    """What a source leaves open: it speaks of it, and gives no number.

    :ivar steps: the steps whose answer it leaves open
    """

    name: str
    title: str
    steps: tuple[str, ...]
    rule: str
    source: str


@dataclass(frozen=True)
class Rulebook:
    """A rule file as read, with its overlays.

    :ivar first_day: days before it have no text in the sources
    """

    name: str
    title: str
    region: str
    energy: str
    edition: str
    first_day: date
    reading: Reading
    reading_rule: str
    seasons: Mapping[str, Season]
    values: Mapping[str, Value]
    chains: Mapping[str, Chain]
    kinds: Mapping[str, Kind]
    steps: Mapping[str, Step]
    suspensions: tuple[Suspension, ...]
    deemed: tuple[Deemed, ...]
    bars: tuple[Bar, ...]
    context: Mapping[str, str]
    silent: tuple[Silent, ...]

    def unsourced(self, step: Step) -> list[tuple[str, str]]:
        """What of a step no source gives: in words, and the rule that speaks of it."""
        found = [(one.title, one.rule) for one in self.silent if step.name in one.steps]
        used = [clock.term for clock in (*step.after, *step.before)] + [step.due, step.cost]
        for value in [self.values[name] for name in dict.fromkeys(used) if name in self.values]:
            newest = value.history[-1]
            if newest.rule == catalogue.NO_SOURCE:
                number = shown(newest.value, value.unit)
                note = f"; {value.note}" if value.note else ""
                found.append((f"{value.name.replace('_', ' ')}: {number}{note}", newest.rule))
        return found

    def chain_of(self, name: str) -> str:
        """The chain in which a fact counts; "" for one that always does."""
        one = self.steps.get(name) or self.kinds.get(name)
        return one.chain if one else ""

    def names(self) -> list[str]:
        """The facts that a case may have."""
        return [*self.kinds, *self.steps]


def names() -> list[str]:
    """Names of the shipped rule files, overlays included."""
    return resources.names("rules")


@cache
def load(name: str, overlays: tuple[str, ...] = ()) -> Rulebook:
    """A rule file by name or path, with overlays laid over it.

    :raises InputError: one line naming file and key
    """
    document, where = resources.read("rules", name)
    if document.get("overlay"):
        raise InputError(f"{where}: is laid over another one: give it as an overlay")
    for other in overlays:
        upper, from_where = resources.read("rules", other)
        if not upper.get("overlay"):
            raise InputError(f"{from_where}: is no overlay")
        document = _laid_over(document, upper)
    return parse(document, where, "+".join((name.removesuffix(".toml"), *overlays)))


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """One document of two: tables join, and what the overlay has goes before."""
    joined = dict(below)
    for key, table in above.items():
        if isinstance(table, dict):
            joined[key] = {**below.get(key, {}), **table}
    if "assumes_edition" in above:
        joined["first_day"] = above["assumes_edition"]
    return joined


def parse(document: dict[str, Any], where: str, name: str) -> Rulebook:
    """A rule file of its TOML document.

    :raises InputError: one line naming file and key
    """
    return _Reader(document, where).book(name)


class _Reader:
    """Reads one document; each mistake is one line."""

    def __init__(self, document: dict[str, Any], where: str) -> None:
        self.document, self.where = document, where

    def fail(self, message: str) -> NoReturn:
        raise InputError(f"{self.where}: {message}")

    def known(self, table: Mapping[str, Any], keys: Iterable[str], at: str) -> None:
        for key in table:
            if key not in keys:
                self.fail(f"{at}unknown key {key}; {resources.did_you_mean(key, keys)}")

    def rule(self, table: Mapping[str, Any], at: str) -> str:
        """The rule ids beside something, each in the catalogue."""
        text = str(table.get("rule", ""))
        if not text:
            self.fail(f"{at}: rule is missing")
        for one in text.split(", "):
            if one != catalogue.NO_SOURCE and one not in catalogue.rules():
                self.fail(f"{at}: no rule {one} in the catalogue")
        return text

    def tables(self, key: str) -> Iterable[tuple[str, Any]]:
        found = self.document.get(key, {})
        if not isinstance(found, dict):
            self.fail(f"{key} is no table")
        for name, table in found.items():
            if not isinstance(table, dict | list):
                self.fail(f"{key}.{name} is no table")
            yield name, table

    def book(self, name: str) -> Rulebook:
        document = self.document
        self.known(document, _TOP, "")
        for key in ("title", "region", "energy", "first_day", "edition"):
            if key not in document:
                self.fail(f"{key} is missing")
        reading = Reading(**document.get("reading", {}))
        if reading.month_end not in terms.MONTH_ENDS or reading.first_day not in terms.FIRST_DAYS:
            self.fail("reading: month_end and first_day")
        self.first = document["first_day"]
        values = {key: self.value(key, table) for key, table in self.tables("values")}
        book = Rulebook(
            name=name,
            title=document["title"],
            region=document["region"],
            energy=document["energy"],
            edition=document["edition"],
            first_day=self.first,
            reading=reading,
            reading_rule=str(document.get("reading_rule", catalogue.NO_SOURCE)),
            seasons={key: self.season(key, table) for key, table in self.tables("season")},
            values=values,
            chains={key: self.chain(key, table) for key, table in self.tables("chain")},
            kinds={key: self.kind(key, table) for key, table in self.tables("fact")},
            steps={key: self.step(key, table) for key, table in self.tables("step")},
            suspensions=tuple(self.suspension(*one) for one in self.tables("suspend")),
            deemed=tuple(self.deem(*one) for one in self.tables("deem")),
            bars=tuple(self.bar(*one) for one in self.tables("bar")),
            context=dict(document.get("context", {})),
            silent=tuple(self.silence(*one) for one in self.tables("silent")),
        )
        self.check(book)
        return book

    def value(self, name: str, table: Any) -> Value:
        rows = table if isinstance(table, list) else [table]
        history = []
        for row in rows:
            self.known(row, ("value", "unit", "rule", "source", "from", "note"), f"{name}: ")
            unit = row.get("unit", "choice")
            if unit not in UNITS or "value" not in row:
                self.fail(f"{name}: value and unit, one of {', '.join(UNITS)}")
            rule, source = self.rule(row, name), str(row.get("source", catalogue.NO_SOURCE))
            history.append(
                Dated(row.get("from", self.first), self.scaled(row["value"], unit, name), rule,
                      source)
            )  # fmt: skip
        history.sort(key=lambda one: one.since)
        return Value(name, rows[0].get("unit", "choice"), tuple(history), rows[0].get("note", ""))

    def scaled(self, value: Any, unit: str, name: str) -> Any:
        try:
            if unit == "EUR":
                return units.scaled(value, 100)
            if unit == "choice":
                return str(value)
            if unit == "day":
                if not isinstance(value, date):
                    raise ValueError(f"{value!r} is no day")
                return value
            if unit == "kWh":
                return units.scaled(value, 1000)
            count = units.scaled(value, 1)
        except ValueError as error:
            self.fail(f"{name}: {error}")
        return Term(count, unit) if unit in terms.UNITS else count

    def season(self, name: str, table: Any) -> Season:
        self.known(table, ("from", "to", "rule", "source"), f"season.{name}: ")
        try:
            ends = self.month_day(table["to"])
            begins = self.month_day(table.get("from", table["to"]))
        except (KeyError, ValueError):
            self.fail(f"season.{name}: from and to, e.g. 11-01")
        return Season(begins, ends, self.rule(table, name), str(table.get("source", "no source")))

    def month_day(self, text: str) -> tuple[int, int]:
        month, day = map(int, text.split("-"))
        date(2000, month, day)
        return month, day

    def texts(self, value: Any) -> tuple[str, ...]:
        return (value,) if isinstance(value, str) else tuple(map(str, value or ()))

    def chain(self, name: str, table: Any) -> Chain:
        self.known(table, ("title", "account", "ends", "paid", "rule", "yearly_cap", "cap"),
                   f"chain.{name}: ")  # fmt: skip
        return Chain(name, table["title"], table.get("account", ""),
                     self.texts(table.get("ends")), table.get("paid", "all") == "all",
                     self.rule(table, name), table.get("yearly_cap", ""),
                     table.get("cap", ""))  # fmt: skip

    def kind(self, name: str, table: Any) -> Kind:
        self.known(table, ("title", "actor", "rule", "chain", "books", "pays", "needs"),
                   f"fact.{name}: ")  # fmt: skip
        return Kind(name, table["title"], table.get("actor", ""), self.rule(table, name),
                    table.get("chain", ""), table.get("books", ""), table.get("pays", ""),
                    self.texts(table.get("needs")))  # fmt: skip

    def clock(self, table: Any, at: str) -> Clock:
        self.known(table, _TERM, f"{at}: ")
        return Clock(
            facts=self.texts(table.get("fact")),
            term=table["term"],
            rule=self.rule(table, at),
            optional=bool(table.get("optional", False)),
            unless=self.texts(table.get("unless")),
            **{key: table[key] for key in _NAMES if key in table},
        )

    def condition(self, table: Any, at: str) -> Condition:
        return Condition(self.rule(table, at), facts=self.texts(table.get("fact")))

    def gate(self, table: Any, at: str) -> Condition:
        from budgetmeter.casebook.gates import GATES  # noqa: PLC0415  # they ask a rulebook

        if table.get("gate") not in GATES:
            self.fail(f"{at}: gate is one of {', '.join(GATES)}")
        given = {key: value for key, value in table.items() if key not in ("gate", "rule")}
        return Condition(self.rule(table, at), gate=str(table.get("gate", "")), given=given)

    def step(self, name: str, table: Any) -> Step:
        at = f"step.{name}"
        self.known(table, _STEP, f"{at}: ")
        if table.get("actor") not in ACTORS:
            self.fail(f"{at}: actor is one of {', '.join(ACTORS)}")
        return Step(
            name=name,
            title=table["title"],
            actor=table["actor"],
            rule=self.rule(table, at),
            source=str(table.get("source", catalogue.NO_SOURCE)),
            chain=table.get("chain", ""),
            needs=tuple(self.condition(one, at) for one in table.get("needs", ())),
            after=tuple(self.clock(one, at) for one in table.get("after", ())),
            before=tuple(self.clock(one, at) for one in table.get("before", ())),
            unless=tuple(self.condition(one, at) for one in table.get("unless", ())),
            gates=tuple(self.gate(one, at) for one in table.get("gates", ())),
            once=table.get("once", ""),
            cost=table.get("cost", ""),
            letter=self.texts(table.get("letter")),
            due=table.get("due", ""),
            debt=table.get("debt", ""),
            order=table.get("order", ""),
            through=bool(table.get("through", False)),
        )

    def suspension(self, name: str, table: Any) -> Suspension:
        self.known(table, ("chain", "from", "until", "term", "rule", "source"), f"{name}: ")
        return Suspension(name, self.texts(table["chain"]), self.texts(table["from"]),
                          self.texts(table.get("until")), table.get("term", ""),
                          self.rule(table, name), str(table.get("source", "")))  # fmt: skip

    def deem(self, name: str, table: Any) -> Deemed:
        self.known(table, ("fact", "term", "unless", "becomes", "rule", "source"), f"{name}: ")
        return Deemed(name, table["fact"], table["term"], self.texts(table.get("unless")),
                      table["becomes"], self.rule(table, name),
                      str(table.get("source", "")))  # fmt: skip

    def bar(self, name: str, table: Any) -> Bar:
        self.known(table, ("title", "steps", "from", "to", "rule", "source"), f"bar.{name}: ")
        return Bar(name, self.texts(table["steps"]), table["from"], table["to"],
                   self.rule(table, name), str(table.get("source", "")),
                   table.get("title", name))  # fmt: skip

    def silence(self, name: str, table: Any) -> Silent:
        self.known(table, ("title", "steps", "rule", "source"), f"silent.{name}: ")
        return Silent(name, table["title"], self.texts(table.get("steps")), self.rule(table, name),
                      str(table.get("source", "")))  # fmt: skip

    # What hangs together

    def check(self, book: Rulebook) -> None:
        """Every name that a table uses stands in another one."""
        facts = {*book.names(), *made_facts(book)}
        for step in book.steps.values():
            at = f"step.{step.name}"
            for clock in (*step.after, *step.before):
                self.among(facts, clock.facts, at)
                self.among(book.seasons, filter(None, (clock.ahead, clock.from_end)), at)
                self.among(facts, clock.unless, at)
                self.among(book.values, filter(None, (clock.term, clock.via, clock.above,
                                                      clock.counts)), at)  # fmt: skip
            for condition in (*step.needs, *step.unless):
                self.among(facts, condition.facts, at)
            cost = "" if step.cost == AS_CHARGED else step.cost
            self.among(book.values, filter(None, (cost, step.due)), at)
            self.among(book.chains, filter(None, (step.chain,)), at)
        for suspension in book.suspensions:
            self.among(facts, (*suspension.begins, *suspension.until), suspension.name)
            self.among(book.chains, suspension.chains, suspension.name)
            self.among(book.values, filter(None, (suspension.term,)), suspension.name)
        for deemed in book.deemed:
            self.among(facts, (deemed.fact, deemed.becomes, *deemed.unless), deemed.name)
            self.among(book.values, (deemed.term,), deemed.name)
        for bar in book.bars:
            self.among(book.values, (bar.begins, bar.ends), bar.name)
        for silent in book.silent:
            self.among(book.steps, silent.steps, silent.name)
        for kind in book.kinds.values():
            self.among(book.chains, filter(None, (kind.chain,)), kind.name)

    def among(self, known: Iterable[str], used: Iterable[str], at: str) -> None:
        for one in used:
            if one not in known:
                self.fail(f"{at}: nothing is called {one}; {resources.did_you_mean(one, known)}")


def paid_off(account: str) -> str:
    """The fact that the ledger makes when an account is paid off."""
    return f"{account}-paid-off"


def made_facts(book: Rulebook) -> set[str]:
    """Facts that the ledger makes."""
    return {paid_off(chain.account) for chain in book.chains.values() if chain.account}


def shown(value: Any, unit: str) -> str:
    """A value of a rule file with its unit, as text."""
    if unit == "EUR":
        return f"{Decimal(value) / 100:.2f} EUR"
    if unit == "kWh":
        return f"{Decimal(value) / 1000:f} kWh"
    if isinstance(value, Term) or unit in ("choice", "day"):
        return str(value)
    return f"{value} {unit}"
