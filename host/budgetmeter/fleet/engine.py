"""The fleet compiled: the rules, the people and a meter's life under Numba, chunk by chunk.

Compiled code is kept in the user's cache, in a folder named after the sources it was made from;
where that cannot be written, each process compiles for itself.
"""

import hashlib
import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from meterfw import layouts
from meterfw.account import calendar, orders, record, rules

from budgetmeter import units
from budgetmeter.errors import BudgetmeterError
from budgetmeter.fleet import compiled, draws, homes, life, people, profiles
from budgetmeter.fleet.life import live
from budgetmeter.report import phases

MODULES = (calendar, rules, orders, phases, draws, homes, people, life)
POSITION_FIELDS = (
    "now", "wake", "day", "day_end", "offset", "drawn", "counted", "wanted", "order", "mark",
)  # fmt: skip
HOUSEHOLD_FIELDS = (
    "meter", "source", "base_wh", "scale", "heating_wh", "car",
    "rhythm_min", "amount", "errand_h", "limited_h", "enrol",
    "visit_at", "errand_at", "press_at", "bill_at", "careful_until", "again", "value",
)  # fmt: skip
CONFIG_FIELDS = (
    "seed", "start", "end", "step_min", "slots", "sources",
    "heated_pct", "car_pct", "charge_w", "charge_pct", "charge_from", "charge_to",
    "weather_pct", "shift_min",
    "skip_pct", "hold_skip_pct", "enough_pct",
    "heed_pct", "heed_h", "opens", "closes", "wakes", "sleeps",
    "notice_min", "trip_min", "careful_h", "protected_pct", "bill_days", "bill_paid_pct",
)  # fmt: skip
OUTCOME_FIELDS = (
    "energy_wh", "limited_wh", "unbilled_wh", "volume_l", "wanted",
    "credit", "emergency_used", "arrears", "credited", "charged", "settled",
    "top_ups", "topped_up", "bills_paid", "refused",
    "trips", "emergency_starts", "limiter_starts", "events",
    "spells", "off_s", "longest_off_s", "still_off", "off_since",
)  # fmt: skip
POSITION = np.dtype([(name, "i8") for name in POSITION_FIELDS])
HOUSEHOLD = np.dtype([(name, "i8") for name in HOUSEHOLD_FIELDS])
CONFIG = np.dtype([(name, "i8") for name in CONFIG_FIELDS])
OUTCOME = np.dtype(
    [(name, "i8") for name in OUTCOME_FIELDS] + [("phase_s", "i8", (len(phases.PHASES),))]
)
SPELLS_A_DAY = 2  # room for so many self-disconnections


class Tables(NamedTuple):
    """What all meters share: days to draw from, seasons, quantiles, the operator's orders.

    :ivar quantiles: all lists of quantiles, one after the other; `spans` their first and length
    :ivar months: clock values at which arrears are put down
    """

    days: np.ndarray
    groups: np.ndarray
    year_wh: np.ndarray
    season: np.ndarray
    cold: np.ndarray
    hours: np.ndarray
    quantiles: np.ndarray
    spans: np.ndarray
    program: np.ndarray
    months: np.ndarray


class World(NamedTuple):
    """A study ready to run: records and tables of plain integers."""

    config: np.ndarray
    profile: np.ndarray
    tables: Tables


def world(study):
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
    for name in CONFIG_FIELDS:
        config[name] = fixed.get(name, values.get(name))
    fields = study.profile.record()
    row = tuple(getattr(fields, name) for name in layouts.PROFILE_FIELDS)
    return World(config, np.array([row], compiled.PROFILE), tables)


def month_ends(study):
    """Clock values of the ends of the months of a run; the last is its end."""
    ends, day = [], units.from_clock(study.start)
    while True:
        day = day.replace(year=day.year + day.month // 12, month=day.month % 12 + 1, day=1)
        if units.to_clock(day) >= study.end:
            return [*ends, study.end]
        ends.append(units.to_clock(day))


# ---- Interpreted: one meter, in CPython ---------------------------------------------------------


def interpreted(ready, meter, log_size=0):
    """One meter's life in CPython, from the same source; its records and tables."""
    m, p = record.State(), record.Profile()
    for name in layouts.PROFILE_FIELDS:
        setattr(p, name, int(ready.profile[name][0]))
    h = SimpleNamespace(**dict.fromkeys(HOUSEHOLD_FIELDS, 0))
    h.meter = meter
    c = SimpleNamespace(**{name: int(ready.config[name][0]) for name in CONFIG_FIELDS})
    o = SimpleNamespace(**dict.fromkeys(OUTCOME_FIELDS, 0), phase_s=[0] * len(phases.PHASES))
    t = Tables(*(table.tolist() for table in ready.tables))
    rates, months = [0] * c.slots, [[0, 0] for _ in t.months]
    spells = [[0, 0] for _ in range(room_for_spells(ready))]
    log = [[0] * 5 for _ in range(log_size)]
    k = SimpleNamespace(**dict.fromkeys(POSITION_FIELDS, 0))
    live(k, m, p, h, c, o, t, rates, months, spells, log)
    return SimpleNamespace(m=m, h=h, o=o, months=months, spells=spells, log=log[: o.events])


def room_for_spells(ready):
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


def simulate(ready, first, count, log_size=0):
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


def _check(chunk, room):
    o = chunk.outcomes
    held = o["credit"] - o["emergency_used"] - o["arrears"]
    wrong = np.flatnonzero(held != o["credited"] - o["charged"] + o["settled"])
    if len(wrong):
        raise BudgetmeterError(f"meter {chunk.first + wrong[0]} does not conserve money")
    if (o["spells"] > room).any():
        raise BudgetmeterError("a meter was disconnected more often than there is room for")


def _run(done, filled, position, states, some_profiles, households, config, outcomes, tables,
         rates, months, room, spells, log):  # fmt: skip
    """Meters one after the other, until all are done or `spells` could not hold the next one's."""
    k, p, c = position[0], some_profiles[0], config[0]
    while done < len(states) and filled + len(room) <= len(spells):
        o = outcomes[done]
        live(k, states[done], p, households[done], c, o, tables, rates, months[done], room,
                  log[done])  # fmt: skip
        kept = min(o.spells, len(room))
        for i in range(kept):
            spells[filled + i, 0] = room[i, 0]
            spells[filled + i, 1] = room[i, 1]
        filled += kept
        done += 1
    return done, filled


@cache
def runner():
    """`_run` compiled when first called, with all it calls."""
    return compiled.compile_function(_run, MODULES, kept_in())


def warm(ready):
    """Have the code compiled, or loaded; seconds the first time on a machine, then none."""
    simulate(ready, 0, 0)


def source_digest():
    """Fingerprint of the sources that decide what a meter does."""
    digest = hashlib.sha256()
    for module in (*MODULES, compiled, layouts, profiles):
        digest.update(Path(str(module.__file__)).read_bytes())
    digest.update(Path(__file__).read_bytes())
    return digest.hexdigest()


def kept_in():
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
