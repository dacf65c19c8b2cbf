"""The law of a policy: a rule file for the cases of households that fall behind.

The cases are played by `officials`; here is what a policy names, and what becomes of a case.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from budgetmeter import casebook, resources
from budgetmeter.casebook import Case, Fact, Rulebook
from budgetmeter.casebook.rulebook import parse
from budgetmeter.errors import InputError

KEYS = ("rules", "overlays", "change")


@dataclass(frozen=True)
class Law:
    """A rule file, with its overlays and the values that the policy gives otherwise.

    :ivar document: what is decisive of it, as plain data
    """

    book: Rulebook
    document: Mapping[str, Any]


def read(table: Any, where: str) -> Law:
    """The `[policy.law]` table of a study.

    :raises InputError: one line naming what is wrong
    """
    if not isinstance(table, dict) or "rules" not in table:
        raise InputError(f"{where}: law is a table with rules, overlays and change")
    for key in table:
        if key not in KEYS:
            raise InputError(
                f"{where}: unknown key {key} in law; {resources.did_you_mean(key, KEYS)}"
            )
    name, overlays = str(table["rules"]), tuple(map(str, table.get("overlays", ())))
    book = casebook.load(name, overlays)
    change = table.get("change", {})
    if not isinstance(change, dict):
        raise InputError(f"{where}: law.change is a table of values of the rule file")
    if change:
        book = _changed(book, change, f"{where}: law.change")
    if "activation" not in book.steps:
        raise InputError(f"{where}: {name} knows no prepayment: there is nothing for a fleet to do")
    plain = {
        "rules": name,
        "overlays": list(overlays),
        "change": {key: {at: str(one) for at, one in table.items()}
                   for key, table in change.items()},
        "values": _plain(book),
        "steps": repr(sorted(book.steps.items())),
    }  # fmt: skip
    return Law(book, plain)


def book_of(document: Mapping[str, Any]) -> Rulebook:
    """The rule file of a run, with the values that its policy gave otherwise, of `Law.document`."""
    book = casebook.load(document["rules"], tuple(document["overlays"]))
    change = {key: _read_again(table, book.values[key].unit)
              for key, table in document.get("change", {}).items()}  # fmt: skip
    return _changed(book, change, document["rules"]) if change else book


def _read_again(table: Mapping[str, str], unit: str) -> dict[str, Any]:
    """A table of `change`, each of its values of its text."""
    given: dict[str, Any] = dict(table)
    if "from" in given:
        given["from"] = date.fromisoformat(given["from"])
    if unit == "day":
        given["value"] = date.fromisoformat(given["value"])
    elif unit != "choice":
        given["value"] = Decimal(given["value"])
    return given


def _changed(book: Rulebook, change: Mapping[str, Any], where: str) -> Rulebook:
    """A rule file with values given otherwise, from its first day on."""
    values = dict(book.values)
    for key, table in change.items():
        if key not in values:
            raise InputError(f"{where}: no value {key}; {resources.did_you_mean(key, values)}")
        if not isinstance(table, dict):
            raise InputError(f'{where}: {key}: write {{ value = 30, unit = "days" }}')
        old = values[key]
        given = {"rule": "no source", "unit": old.unit, **table}
        if given["unit"] != old.unit:
            raise InputError(f"{where}: {key}: its unit is {old.unit}")
        head = {"title": "", "region": "", "energy": "", "edition": ""}
        one = parse({**head, "first_day": book.first_day, "values": {key: given}}, where, key)
        values[key] = one.values[key]
    return replace(book, values=values)


def _plain(book: Rulebook) -> dict[str, list[list[str]]]:
    return {
        key: [[str(one.since), str(one.value)] for one in value.history]
        for key, value in book.values.items()
    }


# ---- What became of a case -----------------------------------------------------------------------


def written(facts: Sequence[Fact]) -> str:
    """The facts of a case as JSON: day, name, and its fields as people write them."""
    return json.dumps([[str(fact.day), fact.name, fact.written()] for fact in facts])


def case_of(book: Rulebook, text: str) -> Case:
    """A case of its JSON."""
    case = Case(book)
    for day, name, given in json.loads(text):
        case.record(name, day, **given)
    return case


def figures(case: Case | None, end: date) -> dict[str, int]:
    """Of a household: whether it has a case, what came of it, and what it owes; money in mc."""
    if case is None:
        return dict.fromkeys(FIGURES, 0)
    names = {fact.name for fact in case.facts}
    ledger = case.view(end).ledger
    costs = sum(entry.cents for entry in ledger.entries if entry.part == "costs")
    return {
        "behind": 1,
        "activated": int("activation" in names),
        "withdrawn": int("withdrawal" in names),
        "cut": int(bool(names & {"cut-bad-will", "cut-fraud", "cut-contract"})),
        "procedure_costs": costs * 1000,
        "owed_supplier": max(ledger.owed("supplier"), 0) * 1000,
    }


FIGURES = ("behind", "activated", "withdrawn", "cut", "procedure_costs", "owed_supplier")
