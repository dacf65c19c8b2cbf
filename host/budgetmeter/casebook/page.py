"""The page of the case book: clause by clause, generated from the rule files.

`python -m budgetmeter.casebook.page` writes docs/casebook.md of a checkout.
"""

from collections.abc import Iterator
from pathlib import Path

from budgetmeter import resources
from budgetmeter.casebook.rulebook import Rulebook, load, shown

PAGE = Path("docs/casebook.md")
FILES = (
    ("wallonia-electricity", ()), ("wallonia-gas", ()), ("flanders-2003", ()),
    ("brussels-2011", ()), ("wallonia-electricity", ("ores-covid",)),
    ("wallonia-electricity", ("ores-charter",)),
)  # fmt: skip
INTRODUCTION = (
    "# Case book\n\n"
    "What the law allows around a budget meter, clause by clause. This page is generated from the "
    "rule files.\n\n"
    "A case is a list of dated facts. A step is allowed when no clause forbids it on that day. The "
    "number after\na colon is a line of the text that we worked from. Where no source gives a "
    'number, it says "no source".\nA term ends with its last day. The day of the fact that begins '
    "it does not count.\n"
)


def text() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *(line for one in FILES for line in _part(*one))]) + "\n"


def _part(name: str, overlays: tuple[str, ...]) -> Iterator[str]:
    book = load(name, overlays)
    only = resources.read("rules", overlays[0])[0] if overlays else None
    title = str(only["title"]) if only else book.title
    yield f"## {title}\n"
    yield f"From {book.first_day} on; {book.edition}.\n"
    yield "| number | from | value | clause | source |\n| --- | --- | --- | --- | --- |"
    for value in book.values.values():
        if only and value.name not in only.get("values", {}):
            continue
        for one in value.history:
            name, number = value.name.replace("_", " "), shown(one.value, value.unit)
            yield f"| {name} | {one.since} | {number} | {one.rule} | {one.source} |"
    if not only:
        yield from _seasons(book)
    for one in book.silent:
        if not only or one.name in only.get("silent", {}):
            yield f"| {one.title} | – | no source | {one.rule} | {one.source} |"
    yield "\n| step | who | clause | source |\n| --- | --- | --- | --- |"
    for step in book.steps.values():
        if not only or step.name in only.get("step", {}):
            yield f"| {step.title} | {step.actor} | {step.rule} | {step.source} |"
    yield ""


def _seasons(book: Rulebook) -> Iterator[str]:
    for name, one in book.seasons.items():
        begins, ends = (f"{day} / {month}" for month, day in (one.begins, one.ends))
        span = f"{begins} to {ends}"
        yield f"| {name} (day / month) | each year | {span} | {one.rule} | {one.source} |"


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
