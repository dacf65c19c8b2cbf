"""The fleet compiled: the rules, the people and a meter's life under Numba, chunk by chunk.

Compiled code is kept in the user's cache, in a folder named after the sources it was made from;
where that cannot be written, each process compiles for itself.
"""

import hashlib
import os
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from meterfw import layouts
from meterfw.account import calendar, orders, record, rules

from budgetmeter import units
from budgetmeter.casebook import Case, case, facts, gates, ledger, rulebook, terms, view
from budgetmeter.errors import BudgetmeterError
from budgetmeter.fleet import (
    compiled,
    draws,
    homes,
    law,
    life,
    officials,
    people,
    profiles,
    rows,
)
from budgetmeter.fleet.law import Law
from budgetmeter.fleet.life import begin, finish, go_until, intervene, live
from budgetmeter.fleet.officials import Officials
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
WHOLE, BEGIN, ON, ORDER, FINISH = range(5)  # what the compiled code does

Line = tuple[int, int, int, int]  # clock, kind, value and extra of an order


class World(NamedTuple):
    """A study ready to run: records and tables of plain integers.

    :ivar law: the rule file of those who fall behind, if the policy names one; `values` are the
        parameters of the study
    """

    config: np.ndarray
    profile: np.ndarray
    tables: Tables
    law: Law | None = None
    values: dict[str, Any] | None = None

    def falls_behind(self, config: Config, meter: int) -> bool:
        """Whether a household has a case."""
        return self.law is not None and officials.falls_behind(config, self.values or {}, meter)


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
    return World(config, np.array([row], compiled.PROFILE), tables, study.law, values)


def month_ends(study: Study) -> list[int]:
    """Clock values of the ends of the months of a run; the last is its end."""
    ends, day = [], units.from_clock(study.start)
    while True:
        day = day.replace(year=day.year + day.month // 12, month=day.month % 12 + 1, day=1)
        if units.to_clock(day) >= study.end:
            return [*ends, study.end]
        ends.append(units.to_clock(day))


def last_day(ready: World) -> date:
    """The last day of a run."""
    return units.from_clock(int(ready.config["end"][0]) - 1).date()


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
    tables, position = interpreted_tables(ready), Position()
    rates, months = [0] * config.slots, [[0, 0] for _ in tables.months]
    spells = [[0, 0] for _ in range(room_for_spells(ready))]
    log = [[0] * 5 for _ in range(log_size)]
    if not ready.falls_behind(config, meter):
        live(position, state, profile, household, config, outcome, tables, rates, months, spells,
             log)  # fmt: skip
        return Life(state, household, outcome, months, spells, log[: outcome.events])

    class Machine(_Machine):
        def go_until(self, clock: int) -> None:
            go_until(position, state, profile, household, config, outcome, tables, rates, months,
                     spells, log, clock)  # fmt: skip
            self.look(state, outcome)

        def order(self, kind: int, value: int = 0, extra: int = 0) -> None:
            intervene(position, state, profile, household, config, outcome, kind, value, extra,
                      spells, log)  # fmt: skip
            self.look(state, outcome)

    begin(position, state, profile, household, config, tables)
    _play(ready, config, meter, Machine())
    finish(position, state, outcome, months, spells)
    return Life(state, household, outcome, months, spells, log[: outcome.events])


class _Machine:
    """A meter as the officials see it."""

    def __init__(self) -> None:
        self.arrears = self.real_at = self.real = 0

    def go_until(self, clock: int) -> None:
        raise NotImplementedError

    def order(self, kind: int, value: int = 0, extra: int = 0) -> None:
        raise NotImplementedError

    def look(self, state: Any, outcome: Any) -> None:
        """What the officials know of the meter."""
        self.arrears = int(state.arrears)
        self.real_at, self.real = int(outcome.real_at), int(outcome.real)


def _play(ready: World, config: Config, meter: int, machine: _Machine) -> Case:
    """The case of a household beside its meter, to the end of the run."""
    assert ready.law is not None
    played = Officials(ready.law.book, config, ready.values or {}, meter)
    played.play(machine)
    machine.go_until(config.end)
    return played.case


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
    :ivar cases: of each household that fell behind, by the meter's place in the chunk
    :ivar orders: the orders that each of those cases brought
    """

    first: int
    states: np.ndarray
    households: np.ndarray
    outcomes: np.ndarray
    months: np.ndarray
    spells: np.ndarray
    log: np.ndarray
    cases: dict[int, Case]
    orders: dict[int, list[Line]]


class _Runner:
    """The compiled code over the arrays of a chunk."""

    def __init__(self, ready: World, first: int, count: int, log_size: int) -> None:
        self.ready, self.room = ready, np.zeros((room_for_spells(ready), 2), np.int64)
        self.states = np.zeros(count, compiled.STATE)
        self.households = np.zeros(count, HOUSEHOLD)
        self.households["meter"] = np.arange(first, first + count)
        self.outcomes = np.zeros(count, OUTCOME)
        self.months = np.zeros((count, len(ready.tables.months), 2), np.int64)
        self.log = np.zeros((count, log_size, 5), np.int64)
        self.spells = np.zeros((count * 8 + len(self.room), 2), np.int64)
        self.rates = np.zeros(int(ready.config["slots"][0]), np.int64)
        self.position = np.zeros(1, POSITION)
        self.run, self.done, self.filled = runner(), 0, 0

    def do(self, task: int, upto: int, *order: int) -> None:
        """A task of the compiled code; `order` is a clock value, or kind, value and extra."""
        given = np.array([*order, 0, 0, 0][:3], np.int64)
        self.done, self.filled = self.run(
            task, self.done, upto, self.filled, given, self.position, self.states,
            self.ready.profile, self.households, self.ready.config, self.outcomes,
            self.ready.tables, self.rates, self.months, self.room, self.spells, self.log,
        )  # fmt: skip

    def whole(self, upto: int) -> None:
        """The lives of meters without a case, up to a place in the chunk."""
        while True:
            self.do(WHOLE, upto)
            if self.done == upto:
                return
            self.spells = np.concatenate((self.spells, np.zeros_like(self.spells)))

    def grow(self) -> None:
        """Room for the self-disconnections of one more meter."""
        if self.filled + len(self.room) > len(self.spells):
            self.spells = np.concatenate((self.spells, np.zeros_like(self.spells)))


class _Compiled(_Machine):
    """The next meter of a runner, from border to border.

    :ivar lines: the orders it got
    """

    def __init__(self, on: _Runner) -> None:
        super().__init__()
        self.on, self.place = on, on.done
        self.lines: list[Line] = []
        on.do(BEGIN, self.place)

    def go_until(self, clock: int) -> None:
        self.on.do(ON, self.place, clock)
        self.see()

    def order(self, kind: int, value: int = 0, extra: int = 0) -> None:
        clock = int(self.on.position["now"][0]) // 60
        self.lines.append((clock, kind, value, extra))
        self.on.do(ORDER, self.place, kind, value, extra)
        self.see()

    def see(self) -> None:
        state, outcome = self.on.states[self.place], self.on.outcomes[self.place]
        self.arrears = int(state["arrears"])
        self.real_at, self.real = int(outcome["real_at"]), int(outcome["real"])


def simulate(ready: World, first: int, count: int, log_size: int = 0) -> Chunk:
    """The lives of `count` meters from number `first` on.

    :raises BudgetmeterError: when a meter does not keep its books, or does what has no room
    """
    on, config = _Runner(ready, first, count, log_size), config_of(ready)
    played: dict[int, Case] = {}
    lines: dict[int, list[Line]] = {}
    behind = [i for i in range(count) if ready.falls_behind(config, first + i)]
    for place in behind:
        on.whole(place)
        machine = _Compiled(on)
        played[place] = _play(ready, config, first + place, machine)
        lines[place] = machine.lines
        on.grow()
        on.do(FINISH, place)
    on.whole(count)
    chunk = Chunk(first, on.states, on.households, on.outcomes, on.months, on.spells[: on.filled],
                  on.log, played, lines)  # fmt: skip
    _check(chunk, len(on.room))
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
    task: int,
    done: int,
    upto: int,
    filled: int,
    given: np.ndarray,
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
    """Meters one after the other, until `upto` or until `spells` could not hold the next one's.

    With another task than `WHOLE` a part of the life of the next one: its begin, a stretch up to
    the clock value `given`, an order, its end.
    """
    position, profile, config = positions[0], some_profiles[0], configs[0]
    if task == BEGIN:
        begin(position, states[done], profile, households[done], config, tables)
    elif task == ON:
        go_until(
            position, states[done], profile, households[done], config, outcomes[done],
            tables, rates, months[done], room, log[done], given[0],
        )  # fmt: skip
    elif task == ORDER:
        intervene(
            position, states[done], profile, households[done], config, outcomes[done],
            given[0], given[1], given[2], room, log[done],
        )  # fmt: skip
    while (task == WHOLE and done < upto and filled + len(room) <= len(spells)) or task == FINISH:
        outcome = outcomes[done]
        if task == FINISH:
            finish(position, states[done], outcome, months[done], room)
        else:
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
        if task == FINISH:
            break
    return done, filled


@cache
def runner() -> Callable[..., tuple[int, int]]:
    """`_run` compiled when first called, with all it calls."""
    return compiled.compile_function(_run, MODULES, kept_in())


def warm(ready: World) -> None:
    """Have the code compiled, or loaded; seconds the first time on a machine, then none."""
    simulate(ready, 0, 0)


def source_digest() -> str:
    """Fingerprint of the sources that decide what a meter does, and what a case does to it."""
    book = (case, facts, gates, ledger, rulebook, terms, view)
    return _digest(*MODULES, compiled, layouts, profiles, rows, units, law, officials, *book)


def code_digest() -> str:
    """Fingerprint of the sources that are compiled."""
    return _digest(*MODULES, compiled, layouts, rows, units)


def _digest(*modules: ModuleType) -> str:
    digest = hashlib.sha256()
    for path in (*(str(module.__file__) for module in modules), __file__):
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()


def kept_in() -> Path | None:
    """Folder in the user's cache for code of these very sources; None where it cannot be written.

    Numba by itself sees no change of a called function.
    """
    try:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = root / "budgetmeter" / code_digest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except (OSError, RuntimeError):  # RuntimeError: the user has no home
        return None
    return folder
