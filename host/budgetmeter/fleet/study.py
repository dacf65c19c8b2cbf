"""Studies: a population and a policy in TOML, checked; every parameter with default and range.

No statistic of Belgian top-ups, self-disconnections or reaction times was found: the defaults of
`homes` and `people` are assumptions, there to be replaced.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from budgetmeter import orders, profiles, resources, units
from budgetmeter.errors import InputError
from budgetmeter.fleet import law as laws
from budgetmeter.fleet.draws import METERS
from budgetmeter.fleet.law import Law
from budgetmeter.loads import Request


class Parameter(NamedTuple):
    """Default, range and meaning of a number, or of a list of `size` numbers (0: any)."""

    default: Any
    low: int
    high: int
    meaning: str
    size: int = 0


QUANTILES = "quantiles over the homes, lowest to highest, at equal distances"

# Weights of the months: of a year's use, of a year's heating.
SEASON = [1180, 1130, 1060, 980, 910, 870, 850, 860, 920, 990, 1090, 1160]
COLD = [178, 152, 131, 86, 42, 13, 4, 5, 26, 75, 124, 164]
HOURS = [447] * 6 + [1276] * 16 + [447] * 2

SECTIONS = {
    "fleet": {
        "meters": Parameter(60_000, 1, METERS - 2, "how many"),
        "seed": Parameter(1, 0, 2**32 - 1, "decides every draw"),
        "days": Parameter(365, 1, 3660, "length of the run"),
        "step_min": Parameter(15, 1, 60, "minutes a sample of the load holds; divides 60"),
    },
    "homes": {
        "base_kwh": Parameter(
            [500, 900, 1200, 1500, 1800, 2100, 2500, 3000, 3700, 4800, 8000],
            1, 100_000, f"use in a year without heating and car, kWh: {QUANTILES}",
        ),
        "heating_kwh": Parameter(
            [2000, 4000, 6000, 8000, 12_000],
            0, 100_000, f"heating in a year where there is any, kWh: {QUANTILES}",
        ),
        "heated_pct": Parameter(8, 0, 100, "homes that heat with electricity (gas: all), %"),
        "car_pct": Parameter(0, 0, 100, "homes that charge a car, %"),
        "charge_w": Parameter(3700, 0, 22_000, "power of a charging car, W"),
        "charge_pct": Parameter(40, 0, 100, "days on which it charges, %"),
        "charge_from": Parameter(18, 0, 23, "from this hour"),
        "charge_to": Parameter(21, 1, 24, "to this hour"),
        "season": Parameter(SEASON, 0, 10_000, "use in each month over the measured, ‰", 12),
        "cold": Parameter(COLD, 0, 1000, "part of a year's heating in each month, ‰", 12),
        "hours": Parameter(HOURS, 0, 24_000, "heating in each hour over the day's mean, ‰", 24),
        "weather_pct": Parameter(50, 0, 100, "a day's heating is that much above or below, %"),
        "shift_min": Parameter(60, 0, 720, "a day is shifted by up to so many minutes"),
    },
    "people": {
        "rhythm_days": Parameter([7, 7, 14, 30], 1, 366, "days between top-ups: one of these"),
        "cover_pct": Parameter(
            [60, 85, 95, 100, 110, 130],
            1, 1000, f"regular top-ups over what a year's use costs, %: {QUANTILES}",
        ),
        "skip_pct": Parameter(15, 0, 100, "regular top-ups that do not happen, %"),
        "hold_skip_pct": Parameter(50, 0, 100, "of the rest, not done while on hold, %"),
        "enough_pct": Parameter(100, 0, 10_000, "skipped with a balance above that of a top-up, %"),
        "heed_pct": Parameter(60, 0, 100, "warnings acted on, %"),
        "heed_h": Parameter(24, 1, 2000, "a heeded warning: a top-up within so many hours"),
        "errand_h": Parameter(
            [1, 3, 8, 16, 36, 96, 500],
            1, 8000, f"off: a top-up within so many hours: {QUANTILES}",
        ),
        "limited_h": Parameter(
            [12, 48, 120, 240, 700, 2000],
            1, 8000, f"limited: a top-up within so many hours: {QUANTILES}",
        ),
        "opens": Parameter(7, 0, 23, "from this hour credit can be bought"),
        "closes": Parameter(21, 1, 24, "to this hour"),
        "wakes": Parameter(7, 0, 23, "from this hour somebody goes to the meter"),
        "sleeps": Parameter(23, 1, 24, "to this hour"),
        "notice_min": Parameter(45, 1, 10_000, "the button is pressed within so many minutes"),
        "trip_min": Parameter(5, 1, 10_000, "the same after an overload"),
        "careful_h": Parameter(2, 0, 1000, "hours of staying below the limit after an overload"),
        "protected_pct": Parameter(30, 0, 100, "protected: the limiter is made available, %"),
        "bill_days": Parameter(30, 1, 3660, "days between bills for minimum supply"),
        "bill_paid_pct": Parameter(70, 0, 100, "bills paid, %"),
    },
    "law": {
        "behind_pct": Parameter(10, 0, 100, "homes that leave a bill of their supplier unpaid, %"),
        "debt_eur": Parameter(
            [110, 160, 230, 400, 900], 1, 100_000, f"that bill, EUR: {QUANTILES}"
        ),
        "pay_days": Parameter(
            [15, 35, 60, 90, 150, 300, 700],
            1, 3660, f"days from the bill until it can be paid at once: {QUANTILES}",
        ),
        "plan_pct": Parameter(25, 0, 100, "a plan is agreed after the notice, %"),
        "plan_kept_pct": Parameter(60, 0, 100, "plans that are kept, %"),
        "refuses_pct": Parameter(5, 0, 100, "prepayment is refused (Wallonia), %"),
        "withdraws_pct": Parameter(30, 0, 100, "the commission (Flanders: LAC) is against them, %"),
        "bad_will_pct": Parameter(5, 0, 100, "manifest bad will (Flanders), of those prepaid, %"),
        "access_pct": Parameter(60, 0, 100, "the operator has access to their meter, %"),
        "mends_days": Parameter([1, 7, 20, 60], 0, 3660, f"days until it ends: {QUANTILES}"),
    },
}  # fmt: skip
GAS = {  # other defaults where gas is metered
    "base_kwh": [600, 1200, 1800, 2600, 4000],
    "heating_kwh": [2000, 5000, 8000, 11_000, 15_000, 25_000],
}
_QUANTILE_LISTS = ("base_kwh", "heating_kwh", "cover_pct", "errand_h", "limited_h", "debt_eur",
                   "pay_days", "mends_days")  # fmt: skip
NOT_FOR_A_FLEET = ("parameter", "key-change", "clock", "test")
SHARE = Parameter(100, 0, 100, "meters an order goes to, %")
OPTIONS = {"meters": "--meters", "days": "--days", "step_min": "--step", "seed": "--seed"}
_DECISIVE = ("load", *SECTIONS, "policy")
_KEYS = ("title", "about", "start", "load_zone", "load_shape", *_DECISIVE)
DEFAULT_START = datetime(2021, 1, 1)


Line = tuple[int, int, int, int, int, int]  # clock, kind, value, extra, order id, share in %


@dataclass(frozen=True)
class Study:
    """A study as read: all that decides its result.

    :ivar values: the parameters of all sections by name, defaults filled in
    :ivar start: clock value
    :ivar loads: paths of the user's sources; none for what comes with the package
    :ivar request: what the study says of those files
    :ivar program: orders of the operator: (clock, kind, value, extra, order id, share in %)
    :ivar law: the rule file of those who fall behind; they begin without prepayment
    """

    name: str
    title: str
    about: str
    profile: profiles.Profile
    start: int
    values: dict[str, Any]
    loads: tuple[str, ...]
    program: tuple[Line, ...]
    request: Request = field(default_factory=Request)
    law: Law | None = None

    @property
    def end(self) -> int:
        """Clock value of the end; local midnight."""
        return units.to_clock(units.from_clock(self.start) + timedelta(days=self.values["days"]))

    @property
    def gas(self) -> bool:
        return self.profile.gas

    def population(self) -> dict[str, Any]:
        """What two studies of the same households have in common, as plain data."""
        return {"start": self.start, "loads": list(self.loads), **self.values}

    def plain(self) -> dict[str, Any]:
        """All that decides the result, as plain data."""
        return {
            "population": self.population(),
            "profile": self.profile.values,
            "program": [list(line) for line in self.program],
            **({"law": self.law.document} if self.law else {}),
        }

    def digest(self, *more: str) -> str:
        """Fingerprint of the study and of what else is given."""
        text = json.dumps([self.plain(), *more], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def names() -> list[str]:
    """Names of the studies that come with the package."""
    return resources.names("fleet")


def load(name: str, changes: Iterable[str] = (), options: Mapping[str, int] | None = None) -> Study:
    """The study of a name or TOML file, with parameters given otherwise.

    :param changes: `key=value` texts of `--set`
    :param options: values of the parameters in `OPTIONS`; they come before all others
    :raises InputError: one line naming file and key, or the option
    """
    document, where = resources.read("fleet", name)
    folder = Path(name).parent if name.endswith(".toml") else Path()
    given = {key: (f"--set {key}", value) for key, value in map(_change, changes)}
    given |= {key: (OPTIONS[key], value) for key, value in (options or {}).items()}
    return _Reader(where, folder, given).read(document)


def _change(text: str) -> tuple[str, Any]:
    """`key=value` of the command line; a list is separated by commas."""
    key, equals, value = text.partition("=")
    known = [name for section in SECTIONS.values() for name in section]
    if not key:
        raise InputError(f"--set {text}: write KEY=VALUE")
    if key not in known:
        hint = resources.did_you_mean(key, known, 0.6)
        raise InputError(f"--set {text}: no parameter {key}; {hint}")
    if not equals:
        raise InputError(f"--set {text}: write {key}=VALUE")
    try:
        numbers = [int(part) for part in value.split(",")]
    except ValueError:
        raise InputError(f"--set {text}: whole numbers, separated by commas") from None
    return key, numbers if len(numbers) > 1 or isinstance(_of(key).default, list) else numbers[0]


def _of(key: str) -> Parameter:
    return next(section[key] for section in SECTIONS.values() if key in section)


class _Reader:
    """Turns a TOML document into a `Study`, with errors that name the place.

    :param given: parameters of the command line: the option they stand behind, and their value
    """

    def __init__(self, where: str, folder: Path, given: dict[str, tuple[str, Any]]) -> None:
        self.where = where
        self.folder = folder
        self.given = given

    def fail(self, message: object) -> NoReturn:
        raise InputError(f"{self.where}: {message}")

    def known(self, table: Any, allowed: Iterable[str], where: str) -> None:
        if not isinstance(table, dict):
            self.fail(f"{where} is a table")
        for key in table:
            if key not in allowed:
                self.fail(f"unknown key {key} in {where}; {resources.did_you_mean(key, allowed)}")

    def blame(self, key: str, message: object) -> NoReturn:
        """Fail for a parameter, naming where its value comes from."""
        if key in self.given:
            raise InputError(f"{self.given[key][0]}: {message}")
        section = next(name for name, section in SECTIONS.items() if key in section)
        self.fail(f"{section}: {key}: {message}")

    def read(self, document: dict[str, Any]) -> Study:
        self.known(document, _KEYS, "the file")
        policy = document.get("policy", {})
        self.known(policy, ("profile", "change", "order", "law"), "policy")
        law = laws.read(policy["law"], self.where) if "law" in policy else None
        profile = self.profile(policy)
        if law is not None:
            self.same_energy(law, profile)
            profile = profile.changed({"payment_mode": "credit"}, f"{self.where}: law")
        values = {}
        for name, section in SECTIONS.items():
            table = document.get(name, {})
            self.known(table, section, name)
            for key, parameter in section.items():
                default = GAS.get(key, parameter.default) if profile.gas else parameter.default
                _, values[key] = self.given.get(key, ("", table.get(key, default)))
                self.check(parameter, values[key], partial(self.blame, key))
        self.together(values)
        start = self.clock(document.get("start", DEFAULT_START), "start")
        if units.from_clock(start).time() != datetime.min.time():
            self.fail("start is a day: a run begins at midnight")
        study = Study(
            Path(self.where).stem,
            str(document.get("title", Path(self.where).stem)),
            str(document.get("about", "")),
            profile,
            start,
            values,
            self.loads(document.get("load", [])),
            self.program(policy.get("order", []), start),
            self.request(document),
            law,
        )
        if law is not None and units.from_clock(start).date() < law.book.first_day:
            self.fail(f"start is before {law.book.first_day}, when {law.book.name} begins")
        try:
            units.to_clock(units.from_clock(start) + timedelta(days=values["days"]))
        except ValueError as error:
            self.blame("days", error)
        if not any(document.get(key) for key in _DECISIVE):
            self.fail(
                'nothing to run: name a policy ([policy], profile = "wallonia-card"), a load, '
                "or something of [fleet], [homes], [people]"
            )
        return study

    def profile(self, policy: Any) -> profiles.Profile:
        name = policy.get("profile", "wallonia-card")
        if not isinstance(name, str):
            self.fail("policy: profile is a name or a TOML file")
        profile = profiles.load(str(self.folder / name) if name.endswith(".toml") else name)
        change = policy.get("change", {})
        if not isinstance(change, dict):
            self.fail("policy: change is a table")
        return profile.changed(change, f"{self.where}: change") if change else profile

    def same_energy(self, law: Law, profile: profiles.Profile) -> None:
        energy = "gas" if profile.gas else "electricity"
        if energy not in law.book.energy:
            self.fail(f"{law.book.name} is for {law.book.energy}, the profile for {energy}")
        if not profile.prepayment:
            self.fail("law needs a profile with prepayment")

    def check(self, parameter: Parameter, given: Any, fail: Callable[[str], NoReturn]) -> None:
        """Call `fail` with what is wrong with a value, if anything."""
        numbers = given if isinstance(given, list) else [given]
        if isinstance(given, list) != isinstance(parameter.default, list):
            fail("a list" if isinstance(parameter.default, list) else "a number")
        if not numbers or (parameter.size and len(numbers) != parameter.size):
            fail(f"a list of {parameter.size or 'at least one'} numbers")
        for number in numbers:
            if isinstance(number, bool) or not isinstance(number, int):
                shown = float(number) if isinstance(number, Decimal) else number
                fail(f"{shown!r} is not a whole number")
            if not parameter.low <= number <= parameter.high:
                fail(
                    f"{number} is not from {parameter.low} to {parameter.high} "
                    f"({parameter.meaning})"
                )

    def together(self, values: dict[str, Any]) -> None:
        if 60 % values["step_min"]:
            self.blame("step_min", f"{values['step_min']} does not divide 60")
        for key in _QUANTILE_LISTS:
            if values[key] != sorted(values[key]):
                self.blame(key, "quantiles go from the lowest to the highest")
        for pair in (("opens", "closes"), ("wakes", "sleeps"), ("charge_from", "charge_to")):
            if values[pair[0]] >= values[pair[1]]:
                key = next((key for key in pair if key in self.given), pair[0])
                self.blame(key, f"{pair[0]} and {pair[1]} are hours, one after the other")
        if not any(values["season"]):
            self.blame("season", "nothing is used in any month")

    def clock(self, value: Any, where: str) -> int:
        try:
            return units.to_clock(units.moment(value))
        except ValueError as error:
            self.fail(f"{where}: {error}")

    def loads(self, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(path, str) for path in value):
            self.fail('load is a list of files such as ["mine.csv", "many.parquet"]')
        return tuple(str(self.folder / path) for path in value)

    def request(self, document: dict[str, Any]) -> Request:
        """What the study says of its load files."""
        zone, shape = document.get("load_zone", ""), document.get("load_shape", "")
        if not isinstance(zone, str) or not isinstance(shape, str):
            self.fail("load_zone and load_shape are texts")
        return Request(zone, str(self.folder / shape) if shape.endswith(".toml") else shape)

    def program(self, entries: Any, start: int) -> tuple[Line, ...]:
        if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
            self.fail("write orders as [[policy.order]] tables")
        lines = []
        for number, entry in enumerate(entries, 1):
            lines.append(self.order(f"order {number}", number, dict(entry), start))
        if [line[0] for line in lines] != sorted(line[0] for line in lines):
            self.fail("orders are not in order of time")
        return tuple(lines)

    def order(self, where: str, number: int, entry: dict[str, Any], start: int) -> Line:
        for key in ("time", "kind"):
            if key not in entry:
                self.fail(f"{where}: {key} is missing")
        clock = self.clock(entry.pop("time"), f"{where}: time")
        if clock < start:
            self.fail(f"{where}: time is before the start")
        share_pct = entry.pop("share_pct", SHARE.default)
        self.check(SHARE, share_pct, lambda message: self.fail(f"{where}: share_pct: {message}"))
        kind = entry.pop("kind")
        if kind in NOT_FOR_A_FLEET:
            self.fail(f"{where}: {kind} is not for a fleet")
        try:
            order = orders.read(kind, entry, mark="")
        except InputError as error:
            self.fail(f"{where}: {error}")
        return clock, int(order.kind), order.value, order.extra, number, share_pct
