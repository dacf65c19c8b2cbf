"""What a run comes to: figures, the text a person reads, JSON and the events as CSV."""

import csv
import sys
from typing import Any

from meterproto.codes import Event
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from budgetmeter import units
from budgetmeter.report.phases import OFF, PHASES
from budgetmeter.units import DAY_S

SHOWN_EVENTS = 40
MEANS_S = 900  # a mean over so long hides peaks
CSV_FIELDS = ("time", "clock", "event", "rules", "balance_eur", "detail")


def summary(world, scenario):
    """All figures of a run as plain data: energy in Wh, money in EUR as exact text, time in s."""
    m, board, trace = world.meter.state, world.board, world.trace
    held, booked = world.conservation()
    bought = sum(amount for _, amount in trace.top_ups)
    credited = m.credited_eur * units.EUR + m.credited_mc
    charged = m.charged_eur * units.EUR + m.charged_mc
    off = [spell for spell in trace.spells if spell[0] in OFF]
    return {
        "title": scenario.title,
        "profile": world.profile.name,
        "start": _time(units.from_clock(*divmod(world.start_s, 60))),
        "end": _time(world.local_time()),
        "load": getattr(world.load, "label", "a constant load"),
        "load_notes": _load_notes(world),
        "missing_samples_s": board.missing_s,
        "energy": {
            "register_wh": m.energy_wh,
            "under_limiter_wh": m.limited_wh,
            "unbilled_wh": m.unbilled_wh,
            "volume_l": m.volume_l,
            "wanted": board.wanted // 3600,
            "gone_without": (board.wanted - board.drawn) // 3600,
        },
        "money": {
            "top_ups": len(trace.top_ups),
            "topped_up": units.euros(bought, 5),
            "credited_otherwise": units.euros(credited - bought, 5),
            "charged": units.euros(charged, 5),
            "credit": units.euros(m.credit, 5),
            "emergency_owed": units.euros(m.emergency_used, 5),
            "arrears": units.euros(m.arrears, 5),
            "balance": units.euros(world.balance(), 5),
        },
        "conservation": {
            "held": units.euros(held, 5),
            "booked": units.euros(booked, 5),
            "exact": held == booked,
        },
        "supply": {
            "phases_s": {p: trace.durations[p] for p in PHASES if p in trace.durations},
            "off_s": sum(trace.durations.get(p, 0) for p in OFF),
            "off_days": len(_days(off)),
            "longest_off_s": max((end - begin for begin, end in _joined(off)), default=0),
            "disconnections": trace.count(Event.DISCONNECTED),
            "overload_trips": trace.count(Event.OVERLOAD),
            "emergency_starts": _emergency_starts(trace),
        },
        "events": len(trace.entries),
        **_flash(world),
    }


def _load_notes(world: Any) -> list[str]:
    """What is to be said of a load that was read from a file."""
    load = world.load
    notes: list[str] = list(getattr(load, "notes", ()))
    if notes and load.interval >= MEANS_S and world.profile.values["limiter_fitted"]:
        notes.append(
            f"means over {units.duration(load.interval)} hide peaks: the limiter may trip more "
            "often than shown"
        )
    return notes


def _time(local):
    return local.isoformat(timespec="seconds" if local.second else "minutes")


def _emergency_starts(trace):
    """How often emergency credit came in use; of what an installation begins with is no event."""
    return trace.count(Event.EMERGENCY_IN_USE) + (trace.spells[0][0] == "emergency")


def _flash(world):
    """What a run did to a simulated flash, where the meter's files are on one."""
    flash = getattr(world.board.files, "flash", None)
    if flash is None:
        return {}
    days = (world.now_s - world.start_s) / DAY_S
    return {
        "flash": {
            "sectors": flash.sectors,
            "programmed_bytes": flash.programmed,
            "erases": sum(flash.erases),
            "busiest_sector_erases": max(flash.erases),
            "years_to_wear_out": round(flash.years(days)),
        }
    }


def _joined(spells):
    """Spells that follow each other as one, as (begin, end)."""
    joined = []
    for _, begin, end in spells:
        if joined and joined[-1][1] == begin:
            joined[-1][1] = end
        else:
            joined.append([begin, end])
    return joined


def _days(spells):
    """Local dates on which any part of the spells falls."""
    days = set()
    for _, begin, end in spells:
        first = units.from_clock(begin // 60).date().toordinal()
        last = units.from_clock((end - 1) // 60).date().toordinal()
        days.update(range(first, last + 1))
    return days


def events(world):
    """The dated events as plain data."""
    return [
        {
            "time": entry.time.isoformat(sep=" "),
            "clock": entry.clock,
            "event": entry.code.name.lower().replace("_", "-"),
            "rules": entry.rules(world.profile.region),
            "balance_eur": units.euros(entry.balance, 5),
            "detail": entry.detail,
        }
        for entry in world.trace.entries
    ]


def write_events(world, file):
    """The dated events as CSV, one row an event, rule ids separated by spaces."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(CSV_FIELDS)
    for row in events(world):
        row["rules"] = " ".join(row["rules"])
        writer.writerow([row[name] for name in CSV_FIELDS])


def counted(number, noun):
    """So many of something as text."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def print_table(console, table):
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


def show(console, figures, world):
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


def _energy_rows(table, energy, figures, gas):
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


def _money_rows(table, money, books):
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


def _show_events(console, world):
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
