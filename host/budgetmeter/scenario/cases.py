"""Facts and steps of a case in a scenario, and what is expected of the case book."""

from collections.abc import Callable, Mapping
from typing import Any

from budgetmeter import casebook, resources
from budgetmeter.casebook import Rulebook, read_fact
from budgetmeter.errors import InputError
from budgetmeter.scenario.document import Document
from budgetmeter.scenario.model import Act
from budgetmeter.scenario.stage import Stage

# Fields that a TOML document writes as they are; all others as text.
_PLAIN = (bool, int)


def rules(document: Document, table: Any, where: str) -> dict[str, Any]:
    """The `case` table of a scenario: `rules`, `overlays` and what is known of the household."""
    if not isinstance(table, dict) or "rules" not in table:
        document.fail("a table with rules, overlays and what is known of the household", where)
    name, overlays = str(table["rules"]), table.get("overlays", [])
    if name not in casebook.names():
        document.fail(f"no rules {name}; {resources.did_you_mean(name, casebook.names())}", where)
    document.book = casebook.load(name, tuple(map(str, overlays)))
    given = _fields({k: v for k, v in table.items() if k not in ("rules", "overlays")})
    _checked(document, document.book, "opened", given, where)
    return {"rules": document.book.name, "given": given}


def _fields(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: v if isinstance(v, _PLAIN) else str(v) for key, v in table.items()}


def _checked(
    document: Document, book: Rulebook, name: str, given: Mapping[str, Any], where: str
) -> None:
    """Fail unless a case may have this fact with these fields."""
    try:
        read_fact(book, name, "2020-01-01", given, 1)
    except InputError as error:
        document.fail(str(error), where)


def _named(document: Document, value: Any, where: str) -> tuple[str, dict[str, Any]]:
    """Name and fields of a fact or a step: a word, or a table with a name."""
    if document.book is None:
        document.fail("facts and steps need a case: write [case] rules = …", where)
    table = {"name": value} if isinstance(value, str) else value
    if not isinstance(table, dict) or not isinstance(table.get("name"), str):
        document.fail('a name, or a table such as { name = "invoice", amount = "120.00" }', where)
    given = _fields({key: entry for key, entry in table.items() if key != "name"})
    _checked(document, document.book, table["name"], given, where)
    return table["name"], given


def _fact(document: Document, value: Any, where: str) -> Act:
    name, given = _named(document, value, where)
    return lambda stage: stage.case.record(name, given)


def _step(document: Document, value: Any, where: str) -> Act:
    """A step is done only where nothing forbids it; else `refused_by` sees which clauses do."""
    name, given = _named(document, value, where)
    if document.book is not None and name not in document.book.steps:
        document.fail(f"{name} is a fact and no step: nothing asks whether it is allowed", where)
    return lambda stage: stage.case.do(name, given)


ACTIONS: dict[str, Callable[[Document, Any, str], Act]] = {"fact": _fact, "step": _step}

# ---- Expectations --------------------------------------------------------------------------------


def _names(value: Any) -> list[str]:
    if not isinstance(value, str | list):
        raise ValueError("a name, or a list of names")
    return [value] if isinstance(value, str) else [str(one) for one in value]


def _owed(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError('a table such as { supplier = "172.50" }')
    return {str(account): str(amount) for account, amount in value.items()}


# How each expectation is read; what is seen is asked of `Stage.case`.
EXPECTATIONS: dict[str, Callable[[Any], Any]] = {
    "allowed": _names,
    "forbidden": _names,
    "refused_by": str,
    "costs": str,
    "overdue": _names,
    "owes": _owed,
}


def seen(stage: Stage, key: str, wanted: Any) -> tuple[Any, Any] | None:
    """What was expected and what is seen; None where they agree."""
    case = stage.case
    if key in ("allowed", "forbidden"):
        may = case.allowed()
        wrong = [name for name in wanted if (name in may) != (key == "allowed")]
        return (f"{key}: {', '.join(wrong)}", case.reasons(wrong)) if wrong else None
    if key == "refused_by":
        got = case.refused_by
        return None if wanted in got else (wanted, ", ".join(got) or "nothing")
    if key == "costs":
        return None if case.cost == wanted else (wanted, case.cost)
    if key == "overdue":
        late = case.overdue()
        return None if late == sorted(wanted) else (sorted(wanted), late)
    owes = {account: case.owes(account) for account in wanted}
    return None if owes == wanted else (wanted, owes)
