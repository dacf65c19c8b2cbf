"""The tables of orders in the scenarios' README: `python -m budgetmeter.report.kinds` writes them.

They are made from the rows of `budgetmeter.orders`; a test fails when they are stale.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from meterproto.kinds import ROWS

from budgetmeter import orders, resources

README = Path(str(resources.folder("scenario"))) / "README.md"
BEGIN = "<!-- generated: make layouts -->"
END = "<!-- end of what is generated -->"


def tables() -> Iterator[str]:
    """Lines of the two tables: the kinds with their options, and the options."""
    yield "| kind | options | what it is |"
    yield "| --- | --- | --- |"
    for name, form in orders.KINDS.items():
        what = "ends a hold" if form is orders.END_HOLD else ROWS[form.kind].kind.meaning
        yield f"| `{name}` | {_options(form)} | {what} |"
    yield ""
    yield "| option | what it gives |"
    yield "| --- | --- |"
    for option, what in orders.OPTIONS.items():
        yield f"| `{option}` | {what} |"


def _options(form: orders.Form) -> str:
    """The options of a kind, what may be left out in brackets."""
    parts = [part for part in form.parts if part.option is not None]
    words = [f"`{part.option}`" if part.needed else f"[`{part.option}`]" for part in parts]
    either = len({part.place for part in parts}) < len(parts)
    return (" or " if either else ", ").join(words)


def readme() -> str:
    """The text of the README, its tables made anew."""
    text = README.read_text("utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return "\n".join([head + BEGIN, "", *tables(), "", END]) + tail


def main() -> None:
    """Write the README."""
    README.write_text(readme(), encoding="utf-8")
    print(f"wrote {README.parent.name}/{README.name}", file=sys.stderr)


if __name__ == "__main__":
    main()
