"""The report of a run as a page: figures, its course, every event with its rule, parameters."""

from collections.abc import Iterable
from dataclasses import asdict, is_dataclass
from typing import Any

from budgetmeter import units
from budgetmeter.report import figures as figures_of
from budgetmeter.report import plot, rows
from budgetmeter.report.finished import FinishedRun
from budgetmeter.report.page import WIDTH_IN, Page, values
from budgetmeter.texts import Words


def page(
    world: FinishedRun,
    figures: dict[str, Any],
    words: Words,
    facts: plot.Facts = (),
    owed: plot.Owed | None = None,
    failures: Iterable[str] = (),
    habits: object = None,
) -> Page:
    """The report of a finished run.

    :param figures: as `figures.summary` answers them
    :param facts: of a case, as `plot.draw` takes them
    :param failures: expectations that failed, in words
    :param habits: of the household, a dataclass
    """
    span = rows.span(figures, words)
    made = Page(figures["title"], words, f"{world.profile.title}; {span}", *figures["load_notes"])
    failed = list(failures)
    if failed:
        made.heading(words("page.failed"))
        made.lines(failed, "bad")
    made.heading(words("page.figures"))
    *first, supply = rows.groups(figures, world, words)
    made.beside([row for group in first for row in group], supply)
    made.heading(words("page.course"))
    figure = plot.draw(world, figures["title"], facts, owed, words, WIDTH_IN)
    made.plot(figure, f"{words('page.course')}: {figures['title']}")
    plot.plt.close(figure)
    _events(made, world, words)
    if habits is not None and is_dataclass(habits) and not isinstance(habits, type):
        made.heading(words("page.household"))
        made.table(("", ""), values(asdict(habits)))
    made.profile(world.profile)
    made.versions()
    return made


def _events(made: Page, world: FinishedRun, words: Words) -> None:
    made.heading(words("page.events"))
    header = (words("page.local_time"), words("page.event"), "EUR", words("page.detail"),
              words("page.rule"))  # fmt: skip
    money = world.profile.prepayment
    shown = (
        (
            row["time"], words(f"event.{row['event']}"),
            units.euros(entry.balance) if money else "", rows.detail(entry, words),
            made.rules(row["rules"]),
        )
        for row, entry in zip(figures_of.events(world), world.trace.entries, strict=True)
    )  # fmt: skip
    made.table(header, shown, ("time", "", "number"))
