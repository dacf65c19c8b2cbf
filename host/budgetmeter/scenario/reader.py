"""Reading scenarios: a TOML document becomes a checked `Scenario`.

Times are Belgian local time. `shipped/README.md` lists the keys.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from budgetmeter import profiles, resources, units
from budgetmeter.emulator import ConstantLoad
from budgetmeter.emulator import load as loads
from budgetmeter.emulator.household import Habits
from budgetmeter.profiles import Profile
from budgetmeter.scenario import cards, cases
from budgetmeter.scenario.actions import ACTIONS
from budgetmeter.scenario.document import Document
from budgetmeter.scenario.expectations import EXPECTATIONS
from budgetmeter.scenario.model import Scenario, Step
from budgetmeter.scenario.span import default_load
from budgetmeter.scenario.spelling import new_spelling

_KEYS = (
    *("title", "about", "profile", "start", "days", "household", "change", "load", "contract"),
    *("case", "at"),
)


def names() -> list[str]:
    """Names of the scenarios that come with the package."""
    return resources.names("scenario")


def load(name: str, profile: Profile | None = None) -> Scenario:
    """Read a scenario by name or file; `profile` replaces the one it names.

    :raises InputError: one line naming file and key
    """
    content, where = resources.read("scenario", name)
    folder = Path(name).parent if name.endswith(".toml") else None
    return _read(Document(where, folder), content, profile)


def _read(document: Document, content: dict[str, Any], profile: Profile | None) -> Scenario:
    document.known(content, _KEYS, document.where)
    profile = _profile(document, content, profile)
    document.gas = profile.gas
    days = content.get("days")
    if days is not None and (isinstance(days, bool) or not isinstance(days, int) or days < 1):
        document.fail("days is a whole number from 1")
    start = content.get("start")
    if start is not None:
        start = document.value(units.moment, start, f"{document.where}: start")
    habits = _habits(document, content.get("household", False))
    if "load" not in content:
        document.fail("load is missing: measured = true for the household that comes with it")
    scenario = Scenario(
        str(content.get("title", Path(document.where).stem)),
        profile,
        _load(document, content["load"], profile, start, days),
        start,
        days,
        habits,
        about=str(content.get("about", "")),
        contract=cards.contract(
            document, content.get("contract", {}), f"{document.where}: contract"
        ),
        files=document.files,
    )
    if document.gas and "measured" in content["load"]:
        scenario.title = "A synthetic gas load"  # nothing was measured
    if start is None and scenario.load.start is None:
        document.fail("start is missing: this load has no dates of its own")
    if days is None and isinstance(scenario.load, ConstantLoad):
        document.fail("days is missing: a constant load never ends")
    if "case" in content:
        scenario.case = cases.rules(document, content["case"], f"{document.where}: case")
    scenario.steps = _steps(document, content.get("at", []))
    return scenario


def _profile(document: Document, content: dict[str, Any], profile: Profile | None) -> Profile:
    """The profile given, else the one that the document names, with its changes."""
    if profile is None:
        named = content.get("profile", "wallonia-card")
        if not isinstance(named, str):
            document.fail("profile is a name or a TOML file")
        profile = profiles.load(document.beside(named) if named.endswith(".toml") else named)
    if "change" in content:
        profile = profile.changed(content["change"], f"{document.where}: change")
    return profile


def _habits(document: Document, table: Any) -> Habits | None:
    if table is False:
        return None
    if table is True:
        return Habits()
    if not isinstance(table, dict):
        document.fail("household is true, false or a table of habits")
    texts = []
    for key, value in table.items():
        shown = ",".join(map(str, value)) if isinstance(value, list) else value
        texts.append(f"{key}={shown}")
    return Habits().changed(texts)


def _load(
    document: Document, table: Any, profile: Profile, start: datetime | None, days: int | None
) -> Any:
    where = f"{document.where}: load"
    document.known(table, ("measured", "csv", "watts", "litres_per_hour"), where)
    if len(table) != 1:
        document.fail("one of measured, csv, watts, litres_per_hour", where)
    key, value = next(iter(table.items()))
    if key == "measured":
        if value is not True:
            document.fail("measured is true, or another load", where)
        return default_load(profile, start, days)
    if key == "csv":
        if not isinstance(value, str):
            document.fail("csv is the name of a file", where)
        return loads.read(document.beside(value), profile.gas)
    return ConstantLoad(document.rate(key, value, where), document.gas)


# ---- Steps ---------------------------------------------------------------------------------------


def _steps(document: Document, entries: Any) -> list[Step]:
    if not isinstance(entries, list):
        document.fail("write actions as [[at]] tables")
    steps = [
        _step(document, entry, f"{document.where}: at {number}")
        for number, entry in enumerate(entries, 1)
    ]
    times = [step.time for step in steps]
    if times != sorted(times):
        document.fail("actions are not in order of time")
    return steps


def _step(document: Document, entry: Any, where: str) -> Step:
    allowed = ("time", "expect", *ACTIONS)
    for key, value in entry.items() if isinstance(entry, dict) else ():
        written = None if key in allowed else new_spelling(key, value)
        if written is not None:
            document.fail(f"{key} is an order now: {written}", where)
    document.known(entry, allowed, where)
    if "time" not in entry:
        document.fail("time is missing", where)
    time = document.value(units.moment, entry["time"], f"{where}: time")
    keys = [key for key in entry if key in ACTIONS]
    if len(keys) > 1:
        document.fail(f"one action at a time, not {' and '.join(keys)}", where)
    act = None
    if keys:
        read = ACTIONS[keys[0]]
        act = document.value(
            lambda value: read(document, value, where), entry[keys[0]], f"{where}: {keys[0]}"
        )
    expect = entry.get("expect", {})
    document.known(expect, EXPECTATIONS, f"{where}: expect")
    for key, value in expect.items():
        document.value(EXPECTATIONS[key], value, f"{where}: expect: {key}")
    if act is None and not expect:
        document.fail("nothing to do: an action or expect", where)
    return Step(time, where, act, expect)
