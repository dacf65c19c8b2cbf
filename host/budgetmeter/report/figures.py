"""What a run comes to, as plain data: figures, and events for JSON and CSV."""

import csv
from datetime import datetime
from typing import IO, Any

from meterproto.codes import Event

from budgetmeter import units
from budgetmeter.report.finished import FinishedRun, Titled
from budgetmeter.report.phases import OFF, PHASES
from budgetmeter.report.trace import Spell, Trace
from budgetmeter.units import DAY_S

MEANS_S = 900  # a mean over so long hides peaks
CSV_FIELDS = ("time", "clock", "event", "rules", "balance_eur", "detail")


def summary(world: FinishedRun, scenario: Titled) -> dict[str, Any]:
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
        "start": _written(units.from_clock(*divmod(world.start_s, 60))),
        "end": _written(units.from_clock(*divmod(world.now_s, 60))),
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


def _load_notes(world: FinishedRun) -> list[str]:
    """What is to be said of a load that was read from a file."""
    notes: list[str] = list(getattr(world.load, "notes", ()))
    interval: int = getattr(world.load, "interval", 0)
    if notes and interval >= MEANS_S and world.profile.values["limiter_fitted"]:
        notes.append(
            f"means over {units.duration(interval)} hide peaks: the limiter may trip more "
            "often than shown"
        )
    return notes


def _written(local: datetime) -> str:
    return local.isoformat(timespec="seconds" if local.second else "minutes")


def _emergency_starts(trace: Trace) -> int:
    """How often emergency credit came in use; of what an installation begins with is no event."""
    return trace.count(Event.EMERGENCY_IN_USE) + (trace.spells[0][0] == "emergency")


def _flash(world: FinishedRun) -> dict[str, Any]:
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


def _joined(spells: list[Spell]) -> list[list[int]]:
    """Spells that follow each other as one, as (begin, end)."""
    joined: list[list[int]] = []
    for _, begin, end in spells:
        if joined and joined[-1][1] == begin:
            joined[-1][1] = end
        else:
            joined.append([begin, end])
    return joined


def _days(spells: list[Spell]) -> set[int]:
    """Local dates on which any part of the spells falls."""
    days: set[int] = set()
    for _, begin, end in spells:
        first = units.from_clock(begin // 60).date().toordinal()
        last = units.from_clock((end - 1) // 60).date().toordinal()
        days.update(range(first, last + 1))
    return days


def events(world: FinishedRun) -> list[dict[str, Any]]:
    """The dated events as plain data."""
    return [
        {
            "time": entry.time.isoformat(sep=" "),
            "clock": entry.clock,
            "event": entry.code.word,
            "rules": entry.rules(world.profile.region),
            "balance_eur": units.euros(entry.balance, 5),
            "detail": entry.detail,
        }
        for entry in world.trace.entries
    ]


def write_events(world: FinishedRun, file: IO[str]) -> None:
    """The dated events as CSV, one row an event, rule ids separated by spaces."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(CSV_FIELDS)
    for row in events(world):
        row["rules"] = " ".join(row["rules"])
        writer.writerow([row[name] for name in CSV_FIELDS])
