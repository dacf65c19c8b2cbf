"""Reports of the case book as pages: one case, and the yearly report on all cases."""

from collections.abc import Iterable, Iterator
from datetime import date

from budgetmeter.casebook import Case
from budgetmeter.casebook.facts import euros
from budgetmeter.casebook.letters import Letter, in_language, letters
from budgetmeter.casebook.report import COLUMNS, Line
from budgetmeter.report.page import Page
from budgetmeter.texts import Words


def case(loaded: Case, day: date, name: str, words: Words) -> Page:
    """A case up to a day: facts with rule and article, ledger, letters, what is late or suspended.

    :param name: its number and customer, as the heading
    """
    made = Page(name, words, loaded.book.title, words("page.on", day=str(day)))
    view = loaded.view(day)
    made.heading(words("page.facts"))
    made.table(
        (words("page.day"), words("page.fact"), words("page.rule")),
        ((str(fact.day), str(fact), _rule(made, loaded, fact.name)) for fact in view.facts),
        ("time",),
    )
    late = loaded.overdue(day)
    if late:
        made.heading(words("page.overdue"))
        made.table(
            ("", "", words("page.rule")),
            (
                (words(f"actor.{one.actor}"),
                 f"{one.title}, {words('page.since', day=str(one.since))}", made.rules([one.rule]))
                for one in late
            ),
        )  # fmt: skip
    stopped = {
        chain: [why.rule for _, why in view.suspended(chain)] for chain in loaded.book.chains
    }
    if any(stopped.values()):
        made.heading(words("page.suspended"))
        rows = [(chain, made.rules(rules)) for chain, rules in stopped.items() if rules]
        made.table(("", words("page.rule")), rows)
    if view.ledger.entries:
        made.heading(words("page.ledger"))
        made.table(
            (words("page.day"), words("page.account"), words("page.part"), words("page.amount"),
             words("page.rule")),
            (
                (str(one.day), one.account, one.part, euros(one.cents), made.rules([one.rule]))
                for one in view.ledger.entries
            ),
            ("time", "", "", "number"),
        )  # fmt: skip
        owed = view.ledger.accounts.items()
        made.lines(f"{key}: {words('page.owes', amount=euros(one.owed))}" for key, one in owed)
    found = [in_language(one, words.language) for one in letters(loaded, day)]
    if found:
        made.heading(words("page.letters"))
        made.table(
            (words("page.day"), "", words("page.names"), words("page.rule")),
            (
                (str(one.day), list(_letter(one, words)), list(one.names),
                 [*made.rules([one.rule]), one.source])
                for one in found
            ),
            ("time",),
        )  # fmt: skip
    made.versions()
    return made


def _rule(made: Page, loaded: Case, name: str) -> list[str]:
    """The rule of a step in words, and the article and line of its source."""
    step = loaded.book.steps.get(name)
    return [*made.rules([step.rule]), step.source] if step else []


def _letter(one: Letter, words: Words) -> Iterator[str]:
    yield f"{words(f'actor.{one.actor}')}: {one.title}"
    if one.due is not None:
        yield words("page.due", day=str(one.due))
    if one.owed is not None:
        yield words("page.owes", amount=euros(one.owed))
        if one.cost:
            yield words("page.costs", amount=euros(one.cost))


def yearly(lines: Iterable[Line], year: int, words: Words) -> Page:
    """The report of article 23 (FE-40), a table for each line of it."""
    made = Page(f"FE-40 {year}", words, *(line for line in Page("", words).rules(["FE-40"])))
    for line in lines:
        kind = words("page.protected" if line.protected else "page.not_protected")
        made.heading(f"{line.municipality or '-'}, {kind}")
        rows = [
            (name, euros(line.counts[name]) if name.endswith("per month") else str(count))
            for name, count in ((name, line.counts[name]) for name in COLUMNS)
        ]
        made.table(("", ""), rows, ("", "number"))
    made.versions()
    return made
