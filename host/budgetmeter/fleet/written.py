"""The report of a comparison as a page: figures with intervals, plot, parameters of both."""

from collections.abc import Iterator
from typing import Any

from budgetmeter.fleet import plot
from budgetmeter.fleet.results import Results
from budgetmeter.report.page import Page, number, values
from budgetmeter.texts import Words

NUMBERS = ("", *["number"] * 6)


def compared(a: Results, b: Results, comparison: dict[str, Any], words: Words) -> Page:
    """The report of two runs of the same households.

    :param comparison: as `compare.compare` answers it
    """
    households = words("fleet.households", count=f"{comparison['meters']:,}")
    made = Page(f"{comparison['a']} / {comparison['b']}", words, *_pair(comparison), households)
    made.heading(words("page.compare"))
    header = (words("page.measure"), "A", "B", "B - A", words("page.interval"),
              words("page.more"), words("page.less"))  # fmt: skip
    made.table(header, _measures(comparison["measures"], words), NUMBERS)
    made.heading(words("page.course"))
    figure = plot.draw(a, b, words)
    made.plot(figure, f"{comparison['a']} / {comparison['b']}")
    plot.plt.close(figure)
    made.heading(words("page.reconnected"))
    classes = comparison["reconnected"]
    rows = [
        (words(f"age.{name}"), f"{classes['a'][name]:,}", f"{classes['b'][name]:,}")
        for name in classes["a"]
    ]
    made.table(("", "A", "B"), rows, NUMBERS)
    verdict = "figure.exact" if comparison["conservation"] else "figure.broken"
    made.lines([f"{words('figure.conservation')}: {words(verdict)}"])
    for name, one in (("A", a), ("B", b)):
        made.heading(f"{words('page.parameters')}: {name}")
        made.table(("", ""), values(_flat(one.about)))
    made.versions()
    return made


def assumed(found: dict[str, Any], words: Words) -> Page:
    """The report of a sweep or a sensitivity, as `cli.assumed` answers them."""
    swept = "values" in found
    first = found["values"][0] if swept else found
    households = words("fleet.households", count=f"{first['meters']:,}")
    made = Page(f"{first['a']} / {first['b']}", words, *_pair(first), households)
    figure = plot.draw_sweep(found, words) if swept else plot.draw_tornado(found, words)
    made.heading(words("page.course"))
    made.plot(figure, f"{first['a']} / {first['b']}")
    plot.plt.close(figure)
    made.heading(words("page.figures"))
    if swept:
        for row in found["values"]:
            made.heading(f"{found['key']} = {row['value']}")
            header = (words("page.measure"), "A", "B", "B - A", words("page.interval"),
                      words("page.more"), words("page.less"))  # fmt: skip
            made.table(header, _measures(row["measures"], words), NUMBERS)
    else:
        header = (words("fleet.assumption"), words("fleet.low"), words("fleet.high"))
        rows = [(row["key"], _end(row["low"]), _end(row["high"])) for row in found["assumptions"]]
        made.table(header, rows, NUMBERS)
    made.versions()
    return made


def _pair(titles: dict[str, Any]) -> tuple[str, str]:
    return f"A: {titles['a']}", f"B: {titles['b']}"


def _measures(measures: dict[str, Any], words: Words) -> Iterator[tuple[str, ...]]:
    for name, row in measures.items():
        label = f"{words(f'measure.{name}')}, {row['unit']}".rstrip(", ")
        yield (
            label, number(row["a"]), number(row["b"]), number(row["difference"], sign=True),
            f"{number(row['low'], sign=True)} … {number(row['high'], sign=True)}",
            f"{row['more_pct']:.1f} %", f"{row['less_pct']:.1f} %",
        )  # fmt: skip


def _end(end: dict[str, Any]) -> str:
    low, high = number(end["low"], sign=True), number(end["high"], sign=True)
    return f"{number(end['difference'], sign=True)} ({low} … {high}): {end['value']}"


def _flat(about: dict[str, Any], above: str = "") -> dict[str, Any]:
    """The manifest of a run, a row for each value."""
    rows: dict[str, Any] = {}
    for key, value in about.items():
        if isinstance(value, dict):
            rows |= _flat(value, f"{above}{key}.")
        elif key != "months":
            rows[above + key] = value
    return rows
