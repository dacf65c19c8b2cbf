"""What a run comes to, as a person reads it on a terminal."""

import sys
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from budgetmeter import units
from budgetmeter.report import rows
from budgetmeter.report.figures import events
from budgetmeter.report.finished import FinishedRun
from budgetmeter.texts import Words

SHOWN_EVENTS = 40


def print_table(console: Console, table: Table) -> None:
    """Print a table with nothing cut: columns fold between words, what is wider runs over."""
    wide = console.options.update(width=sys.maxsize)
    for column in table.columns:
        sizes = [Measurement.get(console, wide, c) for c in (column.header, *column.cells)]
        column.min_width = max(size.maximum if column.no_wrap else size.minimum for size in sizes)
        column.overflow = "fold"
    least = Measurement.get(console, wide, table).minimum
    if least > console.width:
        table.width = least
    console.print(table, crop=False)


def show(console: Console, figures: dict[str, Any], world: FinishedRun, words: Words) -> None:
    """Print summary and events."""
    console.print(Text(figures["title"], style="bold"))
    span = rows.span(figures, words)
    console.print(f"{escape(world.profile.title)}; {span}\n")
    for line in figures["load_notes"]:
        console.print(Text(line, style="dim"), soft_wrap=True)
    if figures["load_notes"]:
        console.print()
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    for number, group in enumerate(rows.groups(figures, world, words)):
        if number:
            table.add_row()
        for row in group:
            table.add_row(*map(escape, row))
    print_table(console, table)
    console.print()
    _show_events(console, world, words)


def _show_events(console: Console, world: FinishedRun, words: Words) -> None:
    found = events(world)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(words("page.local_time"), no_wrap=True)
    table.add_column(words("page.event"), no_wrap=True)
    table.add_column("EUR", justify="right", no_wrap=True)
    table.add_column(words("page.detail"), no_wrap=True)
    table.add_column(words("page.rules"))
    for row, entry in zip(found[:SHOWN_EVENTS], world.trace.entries, strict=False):
        balance = units.euros(entry.balance) if world.profile.prepayment else ""
        name = words(f"event.{row['event']}")
        table.add_row(row["time"], name, balance, rows.detail(entry, words), " ".join(row["rules"]))
    print_table(console, table)
    if len(found) > SHOWN_EVENTS:
        console.print(
            words("page.more_events", n=len(found) - SHOWN_EVENTS), style="dim", soft_wrap=True
        )
