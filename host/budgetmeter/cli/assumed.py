"""`fleet compare --sweep` and `--sensitivity`: a comparison again with other assumptions."""

from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.text import Text

from budgetmeter.cli import columns
from budgetmeter.fleet import assumptions
from budgetmeter.fleet.assumptions import Case
from budgetmeter.report.page import number

Compared = Callable[[Case | None], dict[str, Any]]  # the figures of `compare`, None: as it stands
_NONE = {"difference": 0.0, "low": 0.0, "high": 0.0}  # a measure that nothing moved


def sweep(text: str, compared: Compared) -> dict[str, Any]:
    """The comparison for each value of `KEY=VALUE,VALUE,…`.

    :raises InputError: no such parameter
    """
    rows = [{"value": case.value, **compared(case)} for case in assumptions.sweep(text)]
    return {"key": text.partition("=")[0], "values": rows}


def sensitivity(values: dict[str, Any], compared: Compared, law: bool = False) -> dict[str, Any]:
    """The comparison with each assumption low and high, the widest first.

    :param values: `Study.values`
    :param law: whether the study names a rule file
    """
    base = compared(None)
    name = assumptions.MEASURE
    if name not in base["measures"]:
        name = next(iter(base["measures"]))
    rows: list[dict[str, Any]] = []
    for pair in assumptions.each(values, law):
        ends = [
            {"value": case.value, **compared(case)["measures"].get(name, _NONE)} for case in pair
        ]
        rows.append({"key": pair[0].key, "low": ends[0], "high": ends[1]})
    shown = base["measures"][name]
    return {
        "measure": name, "label": shown["label"], "base": shown["difference"],
        "a": base["a"], "b": base["b"], "meters": base["meters"],
        "assumptions": assumptions.ranked(rows, shown["difference"]),
    }  # fmt: skip


def show(console: Console, figures: dict[str, Any]) -> None:
    """Print what `sweep` or `sensitivity` found."""
    if "values" in figures:
        _show_sweep(console, figures)
    else:
        _show_sensitivity(console, figures)


def _show_sweep(console: Console, figures: dict[str, Any]) -> None:
    rows = figures["values"]
    first = rows[0]
    for name in ("a", "b"):
        console.print(Text.assemble(f"{name.upper()}  ", (first[name], "bold")))
    console.print(f"{first['meters']:,} households; B - A for each {figures['key']}\n")
    names = dict.fromkeys(name for row in rows for name in row["measures"])
    table: list[tuple[str, ...]] = []
    for name in names:
        found = [row["measures"].get(name) for row in rows]
        label = next(one for one in found if one)
        shown = [_with_half(one) if one else "0" for one in found]
        table.append((f"{label['label']}, {label['unit']}".rstrip(", "), *shown))
    columns.show(console, table, 0, ("", *(row["value"] for row in rows)))


def _with_half(row: dict[str, Any]) -> str:
    half = (row["high"] - row["low"]) / 2
    return f"{number(row['difference'], sign=True)} ± {number(half)}"


def _show_sensitivity(console: Console, figures: dict[str, Any]) -> None:
    for name in ("a", "b"):
        console.print(Text.assemble(f"{name.upper()}  ", (figures[name], "bold")))
    console.print(
        f"{figures['meters']:,} households; {figures['label']}, B - A: "
        f"{number(figures['base'], sign=True)}\n"
    )
    rows = [(row["key"], _end(row["low"]), _end(row["high"])) for row in figures["assumptions"]]
    columns.show(console, rows, 0, ("assumption", "low", "high"))


def _end(end: dict[str, Any]) -> str:
    return f"{number(end['difference'], sign=True)}  ({end['value']})"
