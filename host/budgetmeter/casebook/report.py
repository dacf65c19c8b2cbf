"""The yearly report of article 23 (FE-40), counted from the facts of cases.

Per municipality, and for protected and other customers. An age of a cut or of a limiter that was
off falls into one of four classes; the limits are days of the calendar, both ends included.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from budgetmeter.casebook.case import Case
from budgetmeter.casebook.facts import Fact

AGES = ("within 24 h", "1 to 7 days", "8 to 30 days", "more than 30 days")
CUTS = ("cut-safety", "cut-fraud", "cut-bad-will", "operator-cut")
COLUMNS = (
    "1a reminders", "1b notices", "1c plans", "1c mean per month", "1d plans not kept",
    "1e files to the CPAS", "1f files to mediators",
    "2a placed or on again", "2a without removals", "2b switched off", "2b without removals",
    "2c limiters off", *(f"2d limiters on again, {age}" for age in AGES),
    "2e cut", *(f"2f connected again, {age}" for age in AGES),
)  # fmt: skip
_COUNTED = {
    "plan": "1c plans", "plan-broken": "1d plans not kept", "file-cpas": "1e files to the CPAS",
    "file-mediator": "1f files to mediators", "withdrawal": "2c limiters off",
}  # fmt: skip


class Line(NamedTuple):
    """A line of the report.

    :ivar counts: by column; the mean is in cents
    """

    municipality: str
    protected: bool
    counts: Counter[str]


def age_class(days: int) -> str:
    """The class of an age: of one day at most is within 24 hours, to the day."""
    for limit, name in zip((0, 7, 30), AGES, strict=False):
        if days <= limit:
            return name
    return AGES[-1]


def fe_40(cases: Iterable[Case], year: int) -> list[Line]:
    """The lines of a year, in order of municipality; a line with nothing in it is left out."""
    found: dict[tuple[str, bool], Counter[str]] = {}
    plans: dict[tuple[str, bool], list[int]] = {}
    for case in cases:
        view = case.view(date(year, 12, 31))
        reminded: set[str] = set()  # 1a and 1b count connections, not letters
        for index, fact in enumerate(view.facts):
            if fact.day.year != year:
                continue
            before = case.view(fact.day)
            key = (str(before.household("municipality", "")), before.protected())
            counts = found.setdefault(key, Counter())
            _count(counts, fact, view.facts[:index], reminded)
            if fact.name == "plan" and "monthly" in fact.given:
                plans.setdefault(key, []).append(fact.given["monthly"])
    for key, amounts in plans.items():
        found[key]["1c mean per month"] = round(sum(amounts) / len(amounts))
    return [Line(*key, counts) for key, counts in sorted(found.items()) if counts.total()]


def _count(counts: Counter[str], fact: Fact, earlier: list[Fact], reminded: set[str]) -> None:
    """What one fact adds to a line."""
    name, removal = fact.name, bool(fact.given.get("removal"))
    if name in ("reminder", "notice") and name not in reminded:
        reminded.add(name)
        counts["1a reminders" if name == "reminder" else "1b notices"] += 1
    if name in _COUNTED:
        counts[_COUNTED[name]] += 1
    for step, column in (
        ("activation", "2a placed or on again"),
        ("deactivation", "2b switched off"),
    ):
        if name == step:
            counts[column] += 1
            counts[f"{column[:2]} without removals"] += not removal
    if name in CUTS:
        counts["2e cut"] += 1
    for again, before, column in (
        ("limiter-again", ("withdrawal",), "2d limiters on again"),
        ("reconnection", CUTS, "2f connected again"),
    ):
        begun = [one.day for one in earlier if one.name in before]
        if name == again and begun:
            counts[f"{column}, {age_class((fact.day - begun[-1]).days)}"] += 1


def as_csv(lines: Iterable[Line]) -> str:
    """The report as CSV: municipality, protected, then the columns of article 23."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["municipality", "protected", *COLUMNS])
    for line in lines:
        cells: list[object] = []
        for column in COLUMNS:
            count = line.counts[column]
            cells.append(f"{count / 100:.2f}" if column == "1c mean per month" else count)
        writer.writerow([line.municipality, "yes" if line.protected else "no", *cells])
    return out.getvalue()
