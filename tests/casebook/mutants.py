"""Every number of every rule file, changed by one by machine: some border vector must notice.

`python -m tests.casebook.mutants` tries them all, prints the survivors by rule id, and fails when
more than 2 % survive. A day of a season moves by a day, a choice becomes the other one, an amount
changes by a cent, a term or a count by one.
"""

import copy
import sys
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from budgetmeter import resources
from budgetmeter.casebook import rulebook
from budgetmeter.casebook.rulebook import _laid_over

from tests.casebook.vectors_of import mistake, vectors

CHOICES = {"calendar": "rolling", "single": "sum", "last day": "next day", "day after": "same day",
           "all": "invoices", "invoices": "all"}  # fmt: skip
# Why a survivor survives, by file and name. What stands here and is killed after all fails too.
EXPLAINED: dict[tuple[str, str], str] = {}
MOST = 0.02


@dataclass(frozen=True)
class Mutant:
    """A rule file with one number changed.

    :ivar path: keys down to the number
    """

    file: str
    path: tuple
    was: object
    becomes: object
    rule: str

    @property
    def name(self):
        return ".".join(map(str, self.path))

    def document(self):
        """The whole document with this one change."""
        document = copy.deepcopy(resources.read("rules", self.file)[0])
        table = document
        for key in self.path[:-1]:
            table = table[key]
        table[self.path[-1]] = self.becomes
        return document


def _nearby(value, unit=""):
    """Both neighbours of a number."""
    if isinstance(value, bool):
        return []
    if isinstance(value, date):
        return [value - timedelta(days=1), value + timedelta(days=1)]
    if unit == "EUR":
        return [Decimal(str(value)) + d for d in (Decimal("-0.01"), Decimal("0.01"))
                if Decimal(str(value)) + d >= 0]  # fmt: skip
    if isinstance(value, int):
        return [v for v in (value - 1, value + 1) if v >= 0]
    return [CHOICES[value]] if value in CHOICES else []


def _season(text):
    month, day = map(int, text.split("-"))
    for step in (-1, 1):
        moved = date(2023, month, day) + timedelta(days=step)
        yield f"{moved.month:02}-{moved.day:02}"


def mutants(file):
    """All mutants of a rule file."""
    document = resources.read("rules", file)[0]
    made = []

    def add(path, was, becomes, rule):
        made.append(Mutant(file, path, was, becomes, rule))

    for name, table in document.get("values", {}).items():
        rows = (
            [((), table)] if isinstance(table, dict) else [((n,), r) for n, r in enumerate(table)]
        )
        for at, row in rows:
            for other in _nearby(row["value"], row.get("unit", "choice")):
                add(("values", name, *at, "value"), row["value"], other, row["rule"])
    for name, season in document.get("season", {}).items():
        for key in [key for key in ("from", "to") if key in season]:
            for other in _season(season[key]):
                add(("season", name, key), season[key], other, season["rule"])
    for key, value in document.get("reading", {}).items():
        add(("reading", key), value, CHOICES[value], "reading")
    for key in ("first_day", "assumes_edition"):
        if key in document and (key == "assumes_edition" or not document.get("overlay")):
            for other in _nearby(document[key]):
                add((key,), document[key], other, "edition")
    for name, chain in document["chain"].items() if "chain" in document else ():
        if "paid" in chain:
            add(("chain", name, "paid"), chain["paid"], CHOICES[chain["paid"]], chain["rule"])
    return made


def killer(mutant, known):
    """The first vector that notices a mutant; None for a survivor."""
    changed, cache = mutant.document(), {}
    for vector in known:
        name, _, since = vector.rules.partition("@")
        parts = name.split("+")
        if mutant.file not in parts:
            continue
        if vector.rules not in cache:
            documents = [
                changed if part == mutant.file else resources.read("rules", part)[0]
                for part in parts
            ]
            whole = documents[0]
            for other in documents[1:]:
                whole = _laid_over(whole, other)
            if since:
                whole = {**whole, "first_day": date.fromisoformat(since)}
            cache[vector.rules] = rulebook.parse(whole, mutant.file, vector.rules)
        if mistake(cache[vector.rules], vector):
            return vector
    return None


def survivors(chosen):
    """Those of some mutants that no vector notices."""
    known = vectors()
    ordered = {}
    found = []
    for mutant in chosen:
        # Vectors with the rule id of the number first: they are the ones that should notice.
        if mutant.rule not in ordered:
            ids = set(mutant.rule.split(", "))
            ordered[mutant.rule] = sorted(known, key=lambda v, ids=ids: not ids & set(v.ids))
        if killer(mutant, ordered[mutant.rule]) is None:
            found.append(mutant)
    return found


def main():
    every = [one for file in resources.names("rules") for one in mutants(file)]
    alive = survivors(every)
    by_rule = defaultdict(list)
    for one in alive:
        by_rule[one.rule].append(one)
    for rule, group in sorted(by_rule.items()):
        for one in group:
            why = EXPLAINED.get((one.file, one.name), "not explained")
            print(f"{rule}: {one.file} {one.name}: {one.was} -> {one.becomes}: {why}")
    bare = [one for one in alive if (one.file, one.name) not in EXPLAINED]
    print(f"{len(every)} changes, {len(alive)} survive, {len(bare)} of them not explained")
    sys.exit(bool(bare) or len(alive) > MOST * len(every))


if __name__ == "__main__":
    main()
