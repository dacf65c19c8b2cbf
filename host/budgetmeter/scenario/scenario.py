"""Scenarios: TOML files with a load, dated actions and expectations, run on the emulator.

Times are Belgian local time. `scenarios/README.md` lists the keys.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from meterproto.codes import (
    Cause,
    ControlState,
    EmergencyStatus,
    Event,
    Kind,
    PaymentMode,
    Result,
    TokenReason,
)
from meterproto.records import ORDER_LIMIT

from budgetmeter import loads, orders, profiles, resources, units
from budgetmeter.emulator import ConstantLoad, Emulator, Household
from budgetmeter.emulator.household import Habits
from budgetmeter.errors import InputError
from budgetmeter.report.phases import PHASES, phase
from budgetmeter.scenario import errands
from budgetmeter.units import DAY_S

DEFAULT = "main-job"
LONGEST_PRESS_S = 3600
_KEYS = (
    *("title", "about", "profile", "start", "days", "household", "change", "load", "contract"),
    "at",
)


@dataclass
class Scenario:
    """A scenario as read: everything the emulator needs, checked.

    :ivar start: Belgian local time, None for the beginning of a sampled load
    :ivar days: length; None to the end of the load
    :ivar steps: dated `Step`s in order of time
    :ivar contract: the customer's side, as `budgetmeter.office.office.Office.add_meter` takes it
    :ivar files: paths of the user's files it is read from, or reads later
    """

    title: str
    profile: profiles.Profile
    load: object
    start: object = None
    days: int | None = None
    habits: Habits | None = None
    steps: list = field(default_factory=list)
    about: str = ""
    contract: dict = field(default_factory=dict)
    files: list = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """One dated entry: what `act(emulator)` answers is as of an order; `expect`: keys to values."""

    time: object
    where: str
    act: object
    expect: dict


@dataclass(frozen=True)
class Failure:
    """An expectation that was not met."""

    where: str
    time: object
    key: str
    expected: str
    seen: str

    def __str__(self):
        return (
            f"{self.where}, {self.time:%Y-%m-%d %H:%M}: {self.key}: "
            f"expected {self.expected}, seen {self.seen}"
        )


def names():
    """Names of the scenarios that come with the package."""
    return resources.names("scenario")


def load(name, profile=None):
    """Read a scenario by name or file; `profile` replaces the one it names.

    :raises InputError: one line naming file and key
    """
    document, where = resources.read("scenario", name)
    folder = Path(name).parent if name.endswith(".toml") else None
    return _Reader(where, folder).read(document, profile)


class _Reader:
    """Turns a TOML document into a `Scenario`, with errors that name the place."""

    def __init__(self, where, folder):
        self.where = where
        self.folder = folder
        self.files = [] if folder is None else [where]
        self.gas = False

    def fail(self, message, where=None):
        raise InputError(f"{where or self.where}: {message}")

    def known(self, table, allowed, where):
        if not isinstance(table, dict):
            self.fail(f"a table with {', '.join(allowed)}", where)
        for key in table:
            if key not in allowed:
                self.fail(f"unknown key {key}; {resources.did_you_mean(key, allowed)}", where)

    def value(self, read, value, where):
        """`read(value)`, its ValueError as an InputError."""
        try:
            return read(value)
        except (ValueError, TypeError) as error:
            self.fail(str(error), where)

    def read(self, document, profile):
        self.known(document, _KEYS, self.where)
        if profile is None:
            named = document.get("profile", "wallonia-card")
            if not isinstance(named, str):
                self.fail("profile is a name or a TOML file")
            profile = profiles.load(self.beside(named) if named.endswith(".toml") else named)
        if "change" in document:
            profile = profile.changed(document["change"], f"{self.where}: change")
        self.gas = profile.gas
        days = document.get("days")
        if days is not None and (isinstance(days, bool) or not isinstance(days, int) or days < 1):
            self.fail("days is a whole number from 1")
        start = document.get("start")
        if start is not None:
            start = self.value(units.moment, start, f"{self.where}: start")
        habits = self.habits(document.get("household", False))
        if "load" not in document:
            self.fail("load is missing: measured = true for the household that comes with it")
        scenario = Scenario(
            str(document.get("title", Path(self.where).stem)),
            profile,
            self.load(document["load"], profile, start, days),
            start,
            days,
            habits,
            about=str(document.get("about", "")),
            contract=errands.contract(
                self, document.get("contract", {}), f"{self.where}: contract"
            ),
            files=self.files,
        )
        if self.gas and "measured" in document["load"]:
            scenario.title = "A synthetic gas load"  # nothing was measured
        if start is None and scenario.load.start is None:
            self.fail("start is missing: this load has no dates of its own")
        if days is None and isinstance(scenario.load, ConstantLoad):
            self.fail("days is missing: a constant load never ends")
        entries = document.get("at", [])
        if not isinstance(entries, list):
            self.fail("write actions as [[at]] tables")
        for number, entry in enumerate(entries, 1):
            scenario.steps.append(self.step(entry, f"{self.where}: at {number}"))
        times = [step.time for step in scenario.steps]
        if times != sorted(times):
            self.fail("actions are not in order of time")
        return scenario

    def beside(self, path):
        """A path in the file, relative to the file."""
        self.files.append(str(self.folder / path) if self.folder is not None else path)
        return self.files[-1]

    def habits(self, table):
        if table is False:
            return None
        if table is True:
            return Habits()
        if not isinstance(table, dict):
            self.fail("household is true, false or a table of habits")
        texts = []
        for key, value in table.items():
            shown = ",".join(map(str, value)) if isinstance(value, list) else value
            texts.append(f"{key}={shown}")
        return Habits().changed(texts)

    def load(self, table, profile, start, days):
        where = f"{self.where}: load"
        self.known(table, ("measured", "csv", "watts", "litres_per_hour", "zone", "shape"), where)
        beside = {key: table[key] for key in ("zone", "shape") if key in table}
        table = {key: value for key, value in table.items() if key not in beside}
        if len(table) != 1 or (beside and "csv" not in table):
            self.fail("one of measured, csv, watts, litres_per_hour", where)
        key, value = next(iter(table.items()))
        if key == "measured":
            if value is not True:
                self.fail("measured is true, or another load", where)
            return default_load(profile, start, days)
        if key == "csv":
            if not isinstance(value, str):
                self.fail("csv is the name of a file", where)
            return loads.read(self.beside(value), profile.gas, self.request(beside, where))
        return ConstantLoad(self.rate(key, value, where), self.gas)

    def request(self, table, where):
        """What the scenario says of a load's file."""
        for key, value in table.items():
            if not isinstance(value, str):
                self.fail(f"{key} is a text", where)
        shape = table.get("shape", "")
        shape = self.beside(shape) if shape.endswith(".toml") else shape
        return loads.Request(table.get("zone", ""), shape)

    def rate(self, key, value, where):
        if (key == "litres_per_hour") != self.gas:
            self.fail("watts for electricity, litres_per_hour for gas", where)
        ceiling = loads.MAX_LITRES_PER_HOUR if self.gas else loads.MAX_W
        rate = self.value(lambda v: units.scaled(v, 1), value, where)
        if not 0 <= rate <= ceiling:
            self.fail(f"{key} is from 0 to {ceiling}", where)
        return rate

    # Steps

    def step(self, entry, where):
        self.known(entry, ("time", "expect", *ACTIONS), where)
        if "time" not in entry:
            self.fail("time is missing", where)
        time = self.value(units.moment, entry["time"], f"{where}: time")
        keys = [key for key in entry if key in ACTIONS]
        if len(keys) > 1:
            self.fail(f"one action at a time, not {' and '.join(keys)}", where)
        act = None
        if keys:
            key = keys[0]
            act = self.value(lambda v: ACTIONS[key](self, v, where), entry[key], f"{where}: {key}")
        expect = entry.get("expect", {})
        self.known(expect, tuple(EXPECTATIONS), f"{where}: expect")
        for key, value in expect.items():
            self.value(EXPECTATIONS[key][0], value, f"{where}: expect: {key}")
        if act is None and not expect:
            self.fail("nothing to do: an action or expect", where)
        return Step(time, where, act, expect)

    def table(self, value, where, *keys, optional=()):
        """A table with exactly these keys."""
        self.known(value, (*keys, *optional), where)
        for key in keys:
            if key not in value:
                self.fail(f"{key} is missing", where)
        return value


def default_load(profile, start=None, days=None):
    """The measured household, or for gas a synthetic load of the same four months."""
    if profile.gas:
        begin, days = start or loads.household().start, days or 120
        _check_span(begin, days * DAY_S)
        return loads.synthetic_gas(begin, days)
    return loads.household()


def _check_span(begin, seconds):
    """:raises InputError: a run that would go beyond the meter's calendar"""
    if seconds >= (units.END - begin).total_seconds():
        raise InputError(
            f"{seconds // DAY_S} days from {begin:%Y-%m-%d} on end after 2099, where the meter's "
            "calendar ends"
        )


def _clock(value):
    return units.to_clock(units.moment(value))


def _order(kind, value=0, extra=0, order=0):
    return lambda world: world.order(kind, value, extra, order)


def _choice(mapping):
    def read(value):
        if not isinstance(value, str) or value not in mapping:
            raise ValueError(f"{units.written(value)} is not one of {', '.join(mapping)}")
        return mapping[value]

    return read


def _names(codes):
    return {code.name.lower().replace("_", "-"): code for code in codes}


def _flag(value):
    if not isinstance(value, bool):
        raise ValueError(f"{units.written(value)} is not true or false")
    return value


def _order_id(value):
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= ORDER_LIMIT:
        raise ValueError(
            f"order {units.written(value)} is not a whole number from 1 to {ORDER_LIMIT}"
        )
    return value


def _do_overdraft(reader, value, where):
    table = reader.table(value, where, "amount", "until", optional=("order",))
    amount, until = orders.overdraft(table["amount"]), _clock(table["until"])
    return _order(Kind.OVERDRAFT, amount, until, _order_id(table.get("order", 1)))


def _do_limit(reader, value, where):
    table = reader.table(value, where, "until", "connection_w")
    return _order(Kind.LIMIT, _clock(table["until"]), orders.power(table["connection_w"]))


def _do_price(reader, value, where):
    table = reader.table(value, where, "value", optional=("from",))
    since = _clock(table["from"]) if "from" in table else 0
    return _order(Kind.PRICE, orders.price(table["value"]), since)


def _do_preset(reader, value, where):
    reader.known(value, ("amount", "kwh"), where)
    if len(value) != 1:
        reader.fail("one of amount, kwh", where)
    if "kwh" in value:
        return _order(Kind.EMERGENCY_PRESET, orders.kwh(value["kwh"]), 1)
    return _order(Kind.EMERGENCY_PRESET, orders.preset(value["amount"]))


def _do_mode(reader, value, where):
    table = {"to": value} if isinstance(value, str) else value
    reader.table(table, where, "to", optional=("protected",))
    mode = _choice(_names(PaymentMode))(table["to"])
    return _order(Kind.PAYMENT_MODE, mode, int(_flag(table.get("protected", False))))


def _do_load(reader, value, where):
    reader.known(value, ("watts", "litres_per_hour"), where)
    if len(value) != 1:
        reader.fail("one of watts, litres_per_hour", where)
    rate = reader.rate(*next(iter(value.items())), where)

    def act(world):
        if not isinstance(world.load, ConstantLoad):
            raise InputError(f"{where}: only a constant load can be changed")
        world.load.set(rate, reader.gas)
        world.load_changed()

    return act


def _do_press(reader, value, where):
    held = 0 if value is True else units.scaled(value, 1)
    if not 0 <= held <= LONGEST_PRESS_S:
        reader.fail(f"true, or seconds from 0 to {LONGEST_PRESS_S}", where)
    return lambda world: world.press(held)


def _do_cut(reader, value, where):
    seconds = units.scaled(value, 1)
    if not 0 <= seconds <= 366 * DAY_S:
        reader.fail("seconds, up to a year", where)
    return lambda world: world.cut_power(seconds)


def _do_bypass(reader, value, where):
    around = _flag(value)

    def act(world):
        world.board.bypass = around

    return act


def _amount(kind):
    if kind == Kind.TOP_UP:
        return lambda reader, value, where: _bought(orders.amount(value))
    read = orders.debt if kind == Kind.ARREARS_PAID else orders.amount
    return lambda reader, value, where: _order(kind, read(value))


def _bought(amount):
    return lambda world: world.top_up(amount)


def _only(kind):
    """An action without a value: `true`."""

    def read(reader, value, where):
        if value is not True:
            raise ValueError(f"{units.written(value)} is not true; leave it out to do nothing")
        return _order(kind)

    return read


def _switch(mapping):
    """An action that is one word."""
    return lambda reader, value, where: _order(*_choice(mapping)(value))


ACTIONS = {
    "top_up": _amount(Kind.TOP_UP),
    "support": _amount(Kind.SUPPORT),
    "aid": _amount(Kind.AID),
    "arrears_paid": _amount(Kind.ARREARS_PAID),
    "overdraft": _do_overdraft,
    "hold": lambda reader, value, where: _order(Kind.HOLD, 0 if value == "end" else _clock(value)),
    "limiter": _switch({"enable": (Kind.LIMITER_ENABLE,), "release": (Kind.LIMITER_RELEASE,)}),
    "limit": _do_limit,
    "minimum_supply": _switch(
        {"disable": (Kind.MINIMUM_SUPPLY_DISABLE,), "enable": (Kind.MINIMUM_SUPPLY_ENABLE,)}
    ),
    "price": _do_price,
    "emergency_preset": _do_preset,
    "mode": _do_mode,
    "disconnect": _switch({name: (Kind.DISCONNECT, c) for name, c in _names(Cause).items()}),
    "reconnect": _only(Kind.RECONNECT),
    "clear_tamper": _only(Kind.CLEAR_TAMPER),
    "press": _do_press,
    "load": _do_load,
    "bypass": _do_bypass,
    "cut_power": _do_cut,
    **errands.ACTIONS,
}


# ---- Expectations: how to read the value, and what is seen --------------------------------------


def _words(mapping):
    read = _choice(mapping)

    def spell(value):
        read(value)
        return value

    return spell


def _money(value):
    return units.euros(units.mc(value))


def _limiter(m):
    if m.limiter_engaged:
        return "engaged"
    return "available" if m.limiter_available else "none"


def _happened(world, event):
    """Local times at which an event happened."""
    return [entry.time for entry in world.trace.entries if entry.code is event]


_CONTROL = _names(ControlState)
_EVENTS = _names(Event)
_REASONS = {name: r for name, r in _names(TokenReason).items() if name not in ("none", "result")}
_RESULTS = _REASONS | _names(Result)  # "expired" is an order's: no token here has an expiry

EXPECTATIONS = {
    "supply": (_words(_CONTROL), lambda w, m: ControlState(m.control_state).name.lower()),
    "phase": (_words({p: p for p in PHASES}), lambda w, m: phase(m)),
    "balance": (_money, lambda w, m: units.euros(w.balance())),
    "credit": (_money, lambda w, m: units.euros(m.credit)),
    "emergency_used": (_money, lambda w, m: units.euros(m.emergency_used)),
    "arrears": (_money, lambda w, m: units.euros(m.arrears)),
    "emergency": (
        _words(_names(EmergencyStatus)),
        lambda w, m: EmergencyStatus(m.emergency_status).name.lower().replace("_", "-"),
    ),
    "limiter": (
        _words({"engaged": 0, "available": 0, "none": 0}),
        lambda w, m: _limiter(m),
    ),
    "mode": (
        _words(_names(PaymentMode)),
        lambda w, m: PaymentMode(m.payment_mode).name.lower().replace("_", "-"),
    ),
    "display": (str, lambda w, m: " | ".join(w.board.lines)),
    "result": (_words(_RESULTS), None),
    **errands.EXPECTATIONS,
    "happened": (None, None),
    "never": (_words(_EVENTS), None),
}


def _read_happened(value):
    if not isinstance(value, dict) or set(value) != {"event", "time"}:
        raise ValueError('a table such as { event = "disconnected", time = 2020-07-06T08:00:00 }')
    return _words(_EVENTS)(value["event"]), units.moment(value["time"])


EXPECTATIONS["happened"] = (_read_happened, None)


def _check(world, step, result):
    """The failures of one step's expectations."""
    m = world.meter.state

    def failed(key, expected, seen):
        return Failure(step.where, step.time, key, expected, seen)

    books = world.counter.balanced() if world.counter is not None else None
    if books is not None and books[0] != books[1]:
        yield failed("money handed out", *(units.euros(amount, 5) for amount in books))
    if result is not None and "result" not in step.expect and result != Result.DONE:
        yield failed("result", "done", _spell(result))
    for key, value in step.expect.items():
        read, seen = EXPECTATIONS[key]
        if key == "result":
            got = _spell(result) if result is not None else "no order"
            if got != value:
                yield failed(key, value, got)
        elif key == "never":
            times = _happened(world, _EVENTS[value])
            if times:
                yield failed(key, f"no {value}", f"{value} at {times[0]:%Y-%m-%d %H:%M:%S}")
        elif key == "happened":
            event, time = read(value)
            times = _happened(world, _EVENTS[event])
            if time not in times:
                shown = ", ".join(f"{t:%Y-%m-%d %H:%M:%S}" for t in times[-3:]) or "never"
                yield failed(key, f"{event} at {time:%Y-%m-%d %H:%M:%S}", shown)
        elif key == "display":
            if str(value) not in seen(world, m):
                yield failed(key, repr(value), repr(seen(world, m)))
        elif read(value) != seen(world, m):
            yield failed(key, read(value), seen(world, m))


def _spell(code):
    return code.name.lower().replace("_", "-")


def start(scenario, files=None):
    """An emulator at the start of a scenario, and its end in seconds since 2000 UTC+1.

    :raises InputError: start or days outside the load
    """
    load = scenario.load
    if load.start is None or (scenario.profile.gas and scenario.start is not None):
        clock = units.to_clock(scenario.start)
    else:
        if scenario.start is not None:
            load.skip_to(units.EPOCH + timedelta(minutes=units.to_clock(scenario.start)))
        clock = int((load.begin - units.EPOCH).total_seconds() // 60)
    length = scenario.days * DAY_S if scenario.days is not None else load.seconds
    if load.start is not None and length > load.seconds:
        raise InputError(f"{load.label} has {load.seconds // DAY_S} days left, not {scenario.days}")
    _check_span(units.EPOCH + timedelta(minutes=clock), length)
    household = Household(scenario.habits) if scenario.habits is not None else None
    world = Emulator(scenario.profile, clock, load, household, files=files)
    world.contract = scenario.contract
    return world, world.now_s + length


def run(scenario, progress=None, files=None):
    """Run a scenario to its end; returns the emulator and the expectations that failed.

    `progress(now_s, end_s)` is called for every day that has passed. `files` are where the meter
    keeps its files (`Emulator`).
    """
    world, end_s = start(scenario, files)
    failures = []

    def tell(now_s):
        if progress is not None:
            progress(now_s, end_s)

    tell(world.now_s)
    for step in scenario.steps:
        at_s = units.to_clock(step.time) * 60 + step.time.second
        if not world.start_s <= at_s <= end_s:
            raise InputError(f"{step.where}: {step.time} is outside the scenario")
        world.run(at_s, tell)
        result = step.act(world) if step.act is not None else None
        failures.extend(_check(world, step, result))
    world.run(end_s, tell)
    return world, failures
