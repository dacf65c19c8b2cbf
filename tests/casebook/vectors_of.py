"""The border vectors: days before, on and after each border, as data, with ids and sources."""

import tomllib
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatch
from pathlib import Path

from budgetmeter.casebook import Case, load
from budgetmeter.casebook.facts import read_field

FOLDER = Path(__file__).parent / "vectors"


@dataclass(frozen=True)
class Vector:
    """Facts of a case, and one answer that must follow from them."""

    rules: str
    ids: tuple[str, ...]
    about: str
    facts: tuple[str, ...]
    answer: str


def vectors():
    """All of them, one for each answer and rule file."""
    found = []
    for path in sorted(FOLDER.glob("*.toml")):
        for one in tomllib.loads(path.read_text("utf-8"))["vector"]:
            assert one["source"], one
            found += [
                Vector(rules, tuple(one["ids"].split()), one["about"], tuple(one["facts"]), answer)
                for rules in one["rules"]
                for answer in one["answers"]
            ]
    return found


def book(rules):
    """A rule file, overlays after a plus sign, an earlier first day after an at sign."""
    name, _, since = rules.partition("@")
    parts = name.split("+")
    found = load(parts[0], tuple(parts[1:]))
    if since:
        from dataclasses import replace

        found = replace(found, first_day=date.fromisoformat(since))
    return found


def fields(words):
    """Fields of a fact or a question as they are written: name=value."""
    pairs = [word.split("=", 1) for word in words]
    return {name: read_field(name, value) for name, value in pairs}


def case(rulebook, facts):
    """A case of facts as text."""
    made = Case(rulebook)
    for text in facts:
        day, name, *given = text.split()
        made.record(name, day, **dict(word.split("=", 1) for word in given))
    return made


def mistake(rulebook, vector):
    """What an answer is instead of what the vector says; "" where it is right."""
    made = case(rulebook, vector.facts)
    first, second, *words = vector.answer.split()
    day = date.fromisoformat(first)
    if second == "next":
        found = made.next(day)
        return "" if found == date.fromisoformat(words[0]) else f"next is {found}"
    if second == "owes":
        cents = made.owes(words[0], day)
        return "" if cents == round(float(words[1]) * 100) else f"{cents} cents"
    if second == "costs":
        cents = made.cost(words[0], day, *words[2:])
        return "" if cents == round(float(words[1]) * 100) else f"{cents} cents"
    if second in ("late", "fine"):
        is_late = any(one.step == words[0] for one in made.overdue(day))
        return "" if is_late == (second == "late") else str(made.overdue(day))
    if second in ("made", "unmade"):
        there = any(fact.name == words[0] for fact in made.view(day).facts)
        return "" if there == (second == "made") else f"{words[0]}: {there}"
    if second in ("stands", "runs"):
        stands = bool(made.view(day).suspended(words[0]))
        return "" if stands == (second == "stands") else f"{words[0]} stands: {stands}"
    if second == "letter":
        letter = rulebook.steps[words[0]].letter
        return "" if any(fnmatch(part, f"{words[1]}*") for part in letter) else str(letter)
    if second == "without":
        rules = [one.rule for one in made.why_not(words[0], day)]
        return "" if not any(words[1] in rule for rule in rules) else str(rules)
    step, answer = second, words[0]
    if answer == "yes":
        refused = made.why_not(step, day, fields(words[1:]))
        return "" if not refused else str(refused)
    refused = made.why_not(step, day, fields(words[2:]))
    if not refused:
        return "allowed"
    pattern, several = words[1].removesuffix("*"), words[1].endswith("*")
    right = [one for one in refused if any(fnmatch(r, pattern) for r in one.rule.split(", "))]
    return "" if right and (several or len(right) == len(refused)) else str(refused)
