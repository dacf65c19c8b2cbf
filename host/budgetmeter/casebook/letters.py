"""Letters of a case as structured data: who writes to whom, what it must name, until when."""

import tomllib
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from importlib.resources import files

from budgetmeter import texts
from budgetmeter.casebook.case import Case
from budgetmeter.casebook.terms import last_day


@dataclass(frozen=True)
class Letter:
    """A letter that a step is.

    :ivar due: the last day that it gives, where it gives one
    :ivar owed: what the customer owes on the account it is about, in cents; None: it names no debt
    :ivar cost: what the letter itself cost, in cents
    :ivar names: what the source demands that it names
    """

    day: date
    step: str
    title: str
    actor: str
    rule: str
    source: str
    due: date | None
    owed: int | None
    cost: int
    names: tuple[str, ...]


def in_language(letter: Letter, language: str) -> Letter:
    """A letter, its title and what it names in a language.

    What a rule file of the user's own writes stays as it is.
    """
    names = tuple(_said("names", name, language) for name in letter.names)
    return replace(letter, title=_said("titles", letter.title, language), names=names)


def _said(kind: str, text: str, language: str) -> str:
    row = table()[kind].get(text)
    return text if row is None or language == "en" else row[texts.place(language)]


@cache
def table() -> dict[str, dict[str, tuple[str, ...]]]:
    """The texts of letters, "titles" and "names": English, and its Dutch, French and German."""
    source = (files("budgetmeter") / "data" / "letters.toml").read_text(encoding="utf-8")
    return {kind: dict(texts.rows(rows)) for kind, rows in tomllib.loads(source).items()}


def letters(case: Case, day: date) -> list[Letter]:
    """The letters of a case up to the end of a day, oldest first."""
    found = []
    for fact in case.view(day).facts:
        step = case.book.steps.get(fact.name)
        if step is None or not step.letter:
            continue
        view = case.view(fact.day)
        account = step.debt or (case.book.chains[step.chain].account if step.chain else "")
        cost = sum(
            entry.cents for entry in view.ledger.entries
            if entry.part == "costs" and entry.fact == fact.name and entry.day == fact.day
        )  # fmt: skip
        found.append(
            Letter(
                day=fact.day,
                step=step.name,
                title=step.title,
                actor=step.actor,
                rule=step.rule,
                source=step.source,
                due=last_day(fact.day, view.term(step.due), case.book.reading)
                if step.due
                else None,
                owed=view.ledger.owed(account) if account else None,
                cost=cost,
                names=step.letter,
            )
        )
    return found
