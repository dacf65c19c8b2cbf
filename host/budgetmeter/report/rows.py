"""The figures of a run as rows of text: what the terminal and the page have in common."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from meterproto.codes import Event, Reason

from budgetmeter import units
from budgetmeter.report.finished import FinishedRun
from budgetmeter.report.trace import Entry
from budgetmeter.texts import Words


class Row(NamedTuple):
    """A figure: its label, the value with its unit, and what is to be said of it."""

    label: str
    value: str
    note: str = ""


Group = list[Row]


def duration(seconds: float, words: Words) -> str:
    """A length of time in the units of a language."""
    units_of = words.list("calendar.units")
    letters: dict[str, str] = dict(zip(("d", "h", "min", "s"), units_of, strict=True))
    return " ".join(letters.get(part, part) for part in units.duration(seconds).split())


def span(figures: dict[str, Any], words: Words) -> str:
    """From when to when a run was: "2007-01-01 00:00 to 2007-05-01 01:00"."""
    start, end = (figures[name].replace("T", " ") for name in ("start", "end"))
    return words("page.span", start=start, end=end)


def counted(number: int, noun: str, words: Words) -> str:
    """So many of something: "1 day", "3 days"."""
    return words(f"count.{noun}" if number == 1 else f"count.{noun}s", n=number)


def groups(figures: dict[str, Any], world: FinishedRun, words: Words) -> Iterator[Group]:
    """Energy, money (in prepayment), and supply."""
    yield list(_energy(figures, world.profile.gas, words))
    if world.profile.prepayment:
        yield list(_money(figures["money"], figures["conservation"], words))
    yield list(_supply(figures, world, words))


def _energy(figures: dict[str, Any], gas: bool, words: Words) -> Iterator[Row]:
    energy = figures["energy"]
    if gas:
        yield Row(words("figure.volume"), f"{energy['volume_l'] / 1000:.3f} m3")
    yield Row(words("figure.energy"), f"{energy['register_wh'] / 1000:.3f} kWh", figures["load"])
    for name in ("under_limiter", "unbilled"):
        if energy[f"{name}_wh"]:
            value = f"{energy[f'{name}_wh'] / 1000:.3f} kWh"
            yield Row("  " + words(f"figure.{name}"), value)
    unit = "m3" if gas else "kWh"
    yield Row(words("figure.gone_without"), f"{energy['gone_without'] / 1000:.3f} {unit}")
    missing = figures["missing_samples_s"]
    if missing:
        note = words("figure.nothing_made_up")
        yield Row(words("figure.missing_samples"), duration(missing, words), note)


def _money(money: dict[str, Any], books: dict[str, Any], words: Words) -> Iterator[Row]:
    yield Row(
        words("figure.topped_up"), f"{money['topped_up']} EUR",
        counted(money["top_ups"], "time", words),
    )  # fmt: skip
    for name in ("credited_otherwise", "charged", "balance"):
        yield Row(words(f"figure.{name}"), f"{money[name]} EUR")
    if money["emergency_owed"] != "0.00000":
        yield Row("  " + words("figure.emergency_owed"), f"{money['emergency_owed']} EUR")
    if money["arrears"] != "0.00000":
        note = words("figure.arrears_note")
        yield Row(words("figure.arrears"), f"{money['arrears']} EUR", note)
    verdict = "exact" if books["exact"] else "broken"
    note = words(f"figure.{verdict}_note", held=books["held"], booked=books["booked"])
    yield Row(words("figure.conservation"), words(f"figure.{verdict}"), note)


def _supply(figures: dict[str, Any], world: FinishedRun, words: Words) -> Iterator[Row]:
    supply, values = figures["supply"], world.profile.values
    total = sum(supply["phases_s"].values()) or 1
    for phase, seconds in supply["phases_s"].items():
        name = words(f"phase.{phase}")
        yield Row(name, duration(seconds, words), f"{100 * seconds / total:.2f} %")
    off = words("figure.off_on", days=counted(supply["off_days"], "day", words))
    yield Row(words("figure.disconnections"), str(supply["disconnections"]), off)
    yield Row(words("figure.longest_off"), duration(supply["longest_off_s"], words))
    if values["emergency_preset"] or values["emergency_wh"]:
        times = counted(supply["emergency_starts"], "time", words)
        yield Row(words("figure.emergency_starts"), times)
    if values["limiter_fitted"]:
        yield Row(words("figure.overload_trips"), str(supply["overload_trips"]))
    if "flash" in figures:
        flash = figures["flash"]
        note = words(
            "figure.flash_note", n=flash["busiest_sector_erases"], years=flash["years_to_wear_out"]
        )
        yield Row(words("figure.flash_erases"), str(flash["erases"]), note)


def detail(entry: Entry, words: Words) -> str:
    """What is to be said of an event beside its name: an amount, the reasons of a disconnection."""
    if entry.code is Event.DISCONNECTED:
        found = [words(f"reason.{one.word}") for one in Reason if entry.reasons & one]
        return ", ".join(found)
    return entry.detail
