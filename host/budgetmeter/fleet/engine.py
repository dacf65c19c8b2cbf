"""The fleet compiled: the rules, the people and a meter's life under Numba, chunk by chunk.

Compiled code is kept in the user's cache, in a folder named after the sources it was made from;
where that cannot be written, each process compiles for itself.
"""

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

import numpy as np
from meterfw import layouts
from meterfw.account import calendar, orders, record, rules

from budgetmeter import units
from budgetmeter.errors import BudgetmeterError
from budgetmeter.fleet import compiled, draws, homes, life, people, profiles, rows
from budgetmeter.fleet.life import live
from budgetmeter.fleet.rows import (
    Config,
    Household,
    Outcome,
    Position,
    Tables,
    dtype_of,
    fields_of,
)
from budgetmeter.fleet.study import Study
from budgetmeter.report import phases

MODULES = (calendar, rules, orders, phases, draws, homes, people, life)
POSITION = dtype_of(Position)
HOUSEHOLD = dtype_of(Household)
CONFIG = dtype_of(Config)
OUTCOME = dtype_of(Outcome, ("phase_s", "i8", (len(phases.PHASES),)))
SPELLS_A_DAY = 2  # room for so many self-disconnections


class World(NamedTuple):
    """A study ready to run: records and tables of plain integers."""

    config: np.ndarray
    profile: np.ndarray
    tables: Tables


def world(study: Study) -> World:
    """The records and tables of a study.

    :raises InputError: a load that cannot be used
    """
    values, gas = study.values, study.profile.gas
    if study.loads:
        days = profiles.read(study.loads, values["step_min"], gas, study.request)
    else:
        days = profiles.shipped(values["step_min"], gas)
    mean_wh = days.mean_wh
    if gas:
        mean_wh = mean_wh * study.profile.values["wh_per_m3"] // 1000
    year_wh = np.maximum(mean_wh * 365 * sum(values["season"]) // 12_000, 1)
    lists = [values[key] for key in (
        "base_kwh", "heating_kwh", "rhythm_days", "cover_pct", "errand_h", "limited_h"
    )]  # fmt: skip
    firsts = np.cumsum([0, *map(len, lists)])
    tables = Tables(
        days.days,
        days.groups,
        year_wh,
        np.array(values["season"], np.int64),
        np.array(values["cold"], np.int64),
        np.array(values["hours"], np.int64),
        np.array([number for numbers in lists for number in numbers], np.int64),
        np.array([(firsts[i], len(numbers)) for i, numbers in enumerate(lists)], np.int64),
        np.array(study.program, np.int64).reshape(-1, 6),
        np.array(month_ends(study), np.int64),
    )
    fixed = {
        "start": study.start,
        "end": study.end,
        "slots": 1440 // values["step_min"],
        "sources": len(year_wh),
    }
    config = np.zeros(1, CONFIG)
    for name in fields_of(Config):
        config[name] = fixed.get(name, values.get(name))
    fields = study.profile.record()
    row = tuple(getattr(fields, name) for name in layouts.PROFILE_FIELDS)
    return World(config, np.array([row], compiled.PROFILE), tables)


def month_ends(study: Study) -> list[int]:
    """Clock values of the ends of the months of a run; the last is its end."""
    ends, day = [], units.from_clock(study.start)
    while True:
        day = day.replace(year=day.year + day.month // 12, month=day.month % 12 + 1, day=1)
        if units.to_clock(day) >= study.end:
            return [*ends, study.end]
        ends.append(units.to_clock(day))


# ---- Interpreted: one meter, in CPython ---------------------------------------------------------


class Life(NamedTuple):
    """One meter's life, interpreted; the same as a meter of a `Chunk`."""

    state: record.State
    household: Household
    outcome: Outcome
    months: list[list[int]]
    spells: list[list[int]]
    log: list[list[int]]


def interpreted(ready: World, meter: int, log_size: int = 0) -> Life:
    """One meter's life in CPython, from the same source."""
    state, profile = record.State(), profile_of(ready)
    household, config, outcome = Household(), config_of(ready), Outcome()
    household.meter = meter
    tables = interpreted_tables(ready)
    rates, months = [0] * config.slots, [[0, 0] for _ in tables.months]
    spells = [[0, 0] for _ in range(room_for_spells(ready))]
    log = [[0] * 5 for _ in range(log_size)]
    live(Position(), state, profile, household, config, outcome, tables, rates, months, spells, log)
    return Life(state, household, outcome, months, spells, log[: outcome.events])


def profile_of(ready: World) -> record.Profile:
    """The profile of all meters, as the interpreter reads it."""
    profile = record.Profile()
    for name in layouts.PROFILE_FIELDS:
        setattr(profile, name, int(ready.profile[name][0]))
    return profile


def config_of(ready: World) -> Config:
    """What all meters share, as the interpreter reads it."""
    config = Config()
    for name in fields_of(Config):
        setattr(config, name, int(ready.config[name][0]))
    return config


def interpreted_tables(ready: World) -> Tables:
    """The tables as lists, which the interpreter reads faster and as exact integers."""
    return Tables(*(table.tolist() for table in ready.tables))


def room_for_spells(ready: World) -> int:
    """How many self-disconnections of one meter are kept."""
    days = int(ready.config["end"][0] - ready.config["start"][0]) // 1440
    return SPELLS_A_DAY * days + 8


# ---- Compiled: a chunk of meters ----------------------------------------------------------------


class Chunk(NamedTuple):
    """What became of consecutive meters.

    :ivar months: arrears and all that is owed, mc, at the end of each month
    :ivar spells: first minute and seconds of each self-disconnection, meter after meter
    :ivar log: events of each meter, where asked for
    """

    first: int
    states: np.ndarray
    households: np.ndarray
    outcomes: np.ndarray
    months: np.ndarray
    spells: np.ndarray
    log: np.ndarray


def simulate(ready: World, first: int, count: int, log_size: int = 0) -> Chunk:
    """The lives of `count` meters from number `first` on.

    :raises BudgetmeterError: when a meter does not keep its books, or does what has no room
    """
    states = np.zeros(count, compiled.STATE)
    households = np.zeros(count, HOUSEHOLD)
    households["meter"] = np.arange(first, first + count)
    outcomes = np.zeros(count, OUTCOME)
    months = np.zeros((count, len(ready.tables.months), 2), np.int64)
    log = np.zeros((count, log_size, 5), np.int64)
    room = np.zeros((room_for_spells(ready), 2), np.int64)
    spells = np.zeros((count * 8 + len(room), 2), np.int64)
    rates = np.zeros(int(ready.config["slots"][0]), np.int64)
    position = np.zeros(1, POSITION)
    run, done, filled = runner(), 0, 0
    while True:
        done, filled = run(
            done, filled, position, states, ready.profile, households, ready.config, outcomes,
            ready.tables, rates, months, room, spells, log,
        )  # fmt: skip
        if done == count:
            break
        spells = np.concatenate((spells, np.zeros_like(spells)))
    chunk = Chunk(first, states, households, outcomes, months, spells[:filled], log)
    _check(chunk, len(room))
    return chunk


def _check(chunk: Chunk, room: int) -> None:
    outcomes = chunk.outcomes
    held = outcomes["credit"] - outcomes["emergency_used"] - outcomes["arrears"]
    booked = outcomes["credited"] - outcomes["charged"] + outcomes["settled"]
    wrong = np.flatnonzero(held != booked)
    if len(wrong):
        raise BudgetmeterError(f"meter {chunk.first + wrong[0]} does not conserve money")
    if (outcomes["spells"] > room).any():
        raise BudgetmeterError("a meter was disconnected more often than there is room for")


def _run(
    done: int,
    filled: int,
    positions: np.ndarray,
    states: np.ndarray,
    some_profiles: np.ndarray,
    households: np.ndarray,
    configs: np.ndarray,
    outcomes: np.ndarray,
    tables: Tables,
    rates: np.ndarray,
    months: np.ndarray,
    room: np.ndarray,
    spells: np.ndarray,
    log: np.ndarray,
) -> tuple[int, int]:
    """Meters one after the other, until all are done or `spells` could not hold the next one's."""
    position, profile, config = positions[0], some_profiles[0], configs[0]
    while done < len(states) and filled + len(room) <= len(spells):
        outcome = outcomes[done]
        live(
            position, states[done], profile, households[done], config, outcome,
            tables, rates, months[done], room, log[done],
        )  # fmt: skip
        kept = min(outcome.spells, len(room))
        for i in range(kept):
            spells[filled + i, 0] = room[i, 0]
            spells[filled + i, 1] = room[i, 1]
        filled += kept
        done += 1
    return done, filled


@cache
def runner() -> Callable[..., tuple[int, int]]:
    """`_run` compiled when first called, with all it calls."""
    return compiled.compile_function(_run, MODULES, kept_in())


def warm(ready: World) -> None:
    """Have the code compiled, or loaded; seconds the first time on a machine, then none."""
    simulate(ready, 0, 0)


def source_digest() -> str:
    """Fingerprint of the sources that decide what a meter does."""
    digest = hashlib.sha256()
    for module in (*MODULES, compiled, layouts, profiles, rows, units):
        digest.update(Path(str(module.__file__)).read_bytes())
    digest.update(Path(__file__).read_bytes())
    return digest.hexdigest()


def kept_in() -> Path | None:
    """Folder in the user's cache for code of these very sources; None where it cannot be written.

    Numba by itself sees no change of a called function.
    """
    try:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = root / "budgetmeter" / source_digest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except (OSError, RuntimeError):  # RuntimeError: the user has no home
        return None
    return folder
