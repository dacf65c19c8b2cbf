"""What a run comes to, as a person reads it on a terminal."""

import sys
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from budgetmeter import units
from budgetmeter.report.figures import events
from budgetmeter.report.finished import FinishedRun

SHOWN_EVENTS = 40


def counted(number: int, noun: str) -> str:
    """So many of something as text."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


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


def show(console: Console, figures: dict[str, Any], world: FinishedRun) -> None:
    """Print summary and events."""
    money, energy, supply = figures["money"], figures["energy"], figures["supply"]
    console.print(Text(figures["title"], style="bold"))
    console.print(f"{escape(world.profile.title)}; {figures['start']} to {figures['end']}\n")
    for line in figures["load_notes"]:
        console.print(Text(line, style="dim"), soft_wrap=True)
    if figures["load_notes"]:
        console.print()
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    _energy_rows(table, energy, figures, world.profile.gas)
    table.add_row()
    if world.profile.prepayment:
        _money_rows(table, money, figures["conservation"])
        table.add_row()
    total = sum(supply["phases_s"].values()) or 1
    for phase, seconds in supply["phases_s"].items():
        table.add_row(phase, units.duration(seconds), f"{100 * seconds / total:.2f} %")
    off = counted(supply["off_days"], "day")
    table.add_row(
        "disconnections", str(supply["disconnections"]), f"supply off for a time on {off}"
    )
    table.add_row("longest without", units.duration(supply["longest_off_s"]), "")
    if world.profile.values["emergency_preset"] or world.profile.values["emergency_wh"]:
        table.add_row("emergency credit", counted(supply["emergency_starts"], "time"), "")
    if world.profile.values["limiter_fitted"]:
        table.add_row("overload trips", str(supply["overload_trips"]), "")
    if "flash" in figures:
        flash = figures["flash"]
        text = f"busiest sector {flash['busiest_sector_erases']}: "
        text += f"100,000 after {flash['years_to_wear_out']} years"
        table.add_row("flash erases", str(flash["erases"]), text)
    print_table(console, table)
    console.print()
    _show_events(console, world)


def _energy_rows(table: Table, energy: dict[str, Any], figures: dict[str, Any], gas: bool) -> None:
    if gas:
        table.add_row("volume", f"{energy['volume_l'] / 1000:.3f} m3", "")
    table.add_row("energy", f"{energy['register_wh'] / 1000:.3f} kWh", escape(figures["load"]))
    if energy["under_limiter_wh"]:
        table.add_row("  under the limiter", f"{energy['under_limiter_wh'] / 1000:.3f} kWh", "")
    if energy["unbilled_wh"]:
        table.add_row("  not charged", f"{energy['unbilled_wh'] / 1000:.3f} kWh", "")
    unit = "m3" if gas else "kWh"
    table.add_row("gone without", f"{energy['gone_without'] / 1000:.3f} {unit}", "")
    missing = figures["missing_samples_s"]
    if missing:
        table.add_row("missing samples", units.duration(missing), "nothing made up for them")


def _money_rows(table: Table, money: dict[str, Any], books: dict[str, Any]) -> None:
    table.add_row("topped up", f"{money['topped_up']} EUR", counted(money["top_ups"], "time"))
    table.add_row("credited otherwise", f"{money['credited_otherwise']} EUR", "")
    table.add_row("charged", f"{money['charged']} EUR", "")
    table.add_row("balance", f"{money['balance']} EUR", "")
    if money["emergency_owed"] != "0.00000":
        table.add_row("  emergency credit owed", f"{money['emergency_owed']} EUR", "")
    if money["arrears"] != "0.00000":
        table.add_row("arrears", f"{money['arrears']} EUR", "minimum supply, owed")
    verdict = "exact" if books["exact"] else "BROKEN"
    sign = "=" if books["exact"] else "≠"
    table.add_row("conservation", verdict, f"held {books['held']} {sign} booked {books['booked']}")


def _show_events(console: Console, world: FinishedRun) -> None:
    rows = events(world)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("local time", no_wrap=True)
    table.add_column("event", no_wrap=True)
    table.add_column("EUR", justify="right", no_wrap=True)
    table.add_column("detail", no_wrap=True)
    table.add_column("rules")
    for row, entry in zip(rows[:SHOWN_EVENTS], world.trace.entries, strict=False):
        balance = units.euros(entry.balance) if world.profile.prepayment else ""
        table.add_row(row["time"], row["event"], balance, row["detail"], " ".join(row["rules"]))
    print_table(console, table)
    if len(rows) > SHOWN_EVENTS:
        console.print(
            f"{len(rows) - SHOWN_EVENTS} more events; all of them with --events FILE or --json",
            style="dim",
        )
