"""Profiles: what a region asks of its meters, as TOML with the rule id beside each value."""

import re
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

from meterfw import layouts
from meterfw.account import record
from meterproto import records
from meterproto.codes import Energy, PaymentMode
from meterproto.quantity import fields

from budgetmeter import catalogue, resources, units
from budgetmeter.errors import InputError

# Units a value may be written in, and how many of the meter's own units one is worth.
SCALES = {
    "mc": {"EUR": units.EUR},
    "mc/kWh": {"EUR/kWh": units.EUR},
    "Wh": {"kWh": 1000, "Wh": 1},
    "Wh/m3": {"kWh/m3": 1000},
    "mA": {"A": 1000},
    "W": {"W": 1, "kW": 1000},
    "s": {"s": 1, "min": 60},
    "%": {"%": 1},
    "days": {"days": 1},
    "": {"": 1},
}
QUANTITIES = {name: (quantity, docs) for name, quantity, docs in fields(records.Profile)}


@dataclass(frozen=True)
class Profile:
    """A region's parameters.

    `values` are in the meter's units (`meterproto.records.Profile`), `rules` the id behind each,
    `left_out` what the region has and this profile does not model.
    """

    name: str
    title: str
    region: str
    values: dict
    rules: dict
    left_out: tuple

    @property
    def gas(self):
        return self.values["energy"] == Energy.GAS

    @property
    def prepayment(self):
        return self.values["payment_mode"] == PaymentMode.PREPAYMENT

    def record(self):
        """The profile as the firmware's record."""
        filled = record.Profile()
        for name, value in self.values.items():
            setattr(filled, name, value)
        return filled

    def pack(self):
        """The profile as the bytes the meter loads."""
        return record.pack(self.record(), layouts.PROFILE_FORMAT, layouts.PROFILE_FIELDS)

    def changed(self, changes, where):
        """A copy with some values replaced, given as in a profile file or as bare values.

        :raises InputError: as `load` does
        """
        if not isinstance(changes, dict):
            raise InputError(f"{where}: a table of values of the profile")
        values = dict(self.values)
        for key, change in changes.items():
            entry = change if isinstance(change, dict) else {"value": change}
            values[key] = value(key, entry, where)
        _check_together(values, where)
        return replace(self, values=values)


def names():
    """Names of the profiles that come with the package."""
    return resources.names("profile")


def load(name):
    """The profile of a name, or of a TOML file.

    :raises InputError: unknown name, unreadable file, or a value that is missing, unknown, of the
        wrong unit or out of range; the message names file, key and what is allowed
    """
    document, where = resources.read("profile", name)
    return _parse(document, Path(where).stem, where)


def _parse(document, name, where):
    values, sources = {}, {}
    for key in ("title", "region", "left_out", "values"):
        if key not in document:
            raise InputError(f"{where}: {key} is missing")
    for key in document:
        if key not in ("title", "region", "left_out", "values"):
            raise InputError(f"{where}: unknown key {key}")
    if not isinstance(document["title"], str):
        raise InputError(f"{where}: title is text")
    if not _texts(document["left_out"]):
        raise InputError(f"{where}: left_out is a list of texts")
    if not isinstance(document["region"], str) or document["region"] not in catalogue.REGIONS:
        raise InputError(f"{where}: region is one of {', '.join(catalogue.REGIONS)}")
    if not isinstance(document["values"], dict):
        raise InputError(f"{where}: values is a table")
    for key, entry in document["values"].items():
        if not isinstance(entry, dict) or "rule" not in entry:
            raise InputError(f'{where}: {key}: write {{ value = …, unit = "…", rule = "…" }}')
        values[key] = value(key, entry, where, strict=True)
        sources[key] = _rule(key, entry["rule"], where)
    missing = [key for key in QUANTITIES if key not in values]
    if missing:
        raise InputError(f"{where}: {missing[0]} is missing: {QUANTITIES[missing[0]][1]}")
    _check_together(values, where)
    return Profile(
        name, document["title"], document["region"], values, sources, tuple(document["left_out"])
    )


def _texts(value):
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _rule(key, rule, where):
    ids = [part.strip() for part in str(rule).split(",")]
    for rule_id in ids:
        if rule_id != catalogue.NO_SOURCE and rule_id not in catalogue.rules():
            raise InputError(
                f"{where}: {key}: rule {rule_id!r} is not in the catalogue; "
                f'an id such as OC-16, or "{catalogue.NO_SOURCE}"'
            )
    return tuple(ids)


def value(key, entry, where, strict=False):
    """One value in the meter's units; `strict` wants the unit written out."""
    if key not in QUANTITIES:
        hint = resources.did_you_mean(key, QUANTITIES)
        raise InputError(f"{where}: unknown key {key}; {hint}")
    unknown = sorted(set(entry) - {"value", "unit", "rule", "note"})
    if unknown:
        raise InputError(f"{where}: {key}: unknown {unknown[0]}; allowed: value, unit, rule, note")
    if "value" not in entry:
        raise InputError(f"{where}: {key}: value is missing; {allowed(key)}")
    quantity, _ = QUANTITIES[key]
    try:
        value = _convert(quantity, entry, strict)
    except (ValueError, TypeError, KeyError):
        raise InputError(
            f"{where}: {key}: {_shown(entry)} is not allowed; {allowed(key)}"
        ) from None
    if not quantity.low <= value <= quantity.high:
        raise InputError(f"{where}: {key}: {_shown(entry)} is out of range; {allowed(key)}")
    return value


def _shown(entry):
    value = entry["value"]
    value = f'"{value}"' if isinstance(value, str) else str(value)
    return f"{value} {entry['unit']}" if "unit" in entry else value


def _convert(quantity, entry, strict):
    value, unit = entry["value"], entry.get("unit", "")
    readers = {"flag": _flag, "time": _time, "date": _date, "weekdays": _weekdays}
    if quantity.unit in SCALES and quantity.codes is None:
        scales = SCALES[quantity.unit]
        if not unit and not strict:
            unit = next(iter(scales))
        return units.scaled(value, scales[unit])
    if unit:
        raise ValueError("no unit here")
    if quantity.unit in readers:
        return readers[quantity.unit](value)
    if quantity.unit == "bits":
        return sum(_code(quantity.codes, name) for name in _each_once(value))
    return _code(quantity.codes, value)


def _each_once(value):
    """A list of texts, none twice."""
    if not _texts(value) or len(set(value)) != len(value):
        raise ValueError(value)
    return value


def _code(codes, name):
    if not isinstance(name, str):
        raise ValueError(name)
    return int(codes[name.upper().replace("-", "_")])


def _flag(value):
    if not isinstance(value, bool):
        raise ValueError(value)
    return int(value)


def _time(value):
    match = re.fullmatch(r"(\d\d):([0-5]\d)", value)
    if match is None or int(match[1]) * 60 + int(match[2]) > 1440:
        raise ValueError(value)
    return int(match[1]) * 60 + int(match[2])


def _date(value):
    if value == "none":
        return 0
    day = date.fromisoformat(f"2001-{value}")  # no 29 February: winters begin and end every year
    return day.month * 100 + day.day


def _weekdays(value):
    return sum(1 << units.WEEKDAYS.index(day) for day in _each_once(value))


def allowed(key):
    """What a key may hold, in one phrase."""
    quantity, _ = QUANTITIES[key]
    if quantity.codes is not None:
        listed = ", ".join(_spelled(code) for code in quantity.codes)
        return f"a list of {listed}" if quantity.unit == "bits" else f"one of {listed}"
    phrases = {
        "flag": "true or false",
        "time": 'a time such as "16:00"',
        "date": 'a day such as "11-01", or "none"',
        "weekdays": f"a list of {', '.join(units.WEEKDAYS)}",
    }
    if quantity.unit in phrases:
        return phrases[quantity.unit]
    unit, factor = next(iter(SCALES[quantity.unit].items()))
    others = [u for u in SCALES[quantity.unit] if u != unit]
    text = f"{_plain(quantity.low, factor)} to {_plain(quantity.high, factor)} {unit}".rstrip()
    return f"{text} (or in {', '.join(others)})" if others else text


def _plain(value, factor):
    return f"{(Decimal(value) / factor).normalize():f}"


def _spelled(code):
    return code.name.lower().replace("_", "-")


def shown(key, value):
    """A value of the meter's units as a person writes it."""
    quantity, _ = QUANTITIES[key]
    if quantity.unit == "bits":
        return ", ".join(_spelled(c) for c in quantity.codes if value & c) or "nothing"
    if quantity.codes is not None:
        return _spelled(quantity.codes(value))
    if quantity.unit == "flag":
        return "yes" if value else "no"
    if quantity.unit == "time":
        return f"{value // 60:02d}:{value % 60:02d}"
    if quantity.unit == "date":
        return f"{value // 100:02d}-{value % 100:02d}" if value else "none"
    if quantity.unit == "weekdays":
        return ", ".join(day for i, day in enumerate(units.WEEKDAYS) if value >> i & 1) or "none"
    unit, factor = next(iter(SCALES[quantity.unit].items()))
    if unit.startswith("EUR"):
        return f"{Decimal(value) / factor:.2f} {unit}"
    return f"{_plain(value, factor)} {unit}".rstrip()


def _check_together(values, where):
    """Values that exclude or need each other."""
    gas = values["energy"] == Energy.GAS
    if gas and values["wh_per_m3"] == 0:
        raise InputError(f"{where}: wh_per_m3: a gas meter needs its calorific value, above 0")
    if gas and values["limiter_fitted"]:
        raise InputError(f"{where}: limiter_fitted: there is no limiter on gas (OC-18); false")
    if not gas and values["leak_test_s"]:
        raise InputError(f"{where}: leak_test_s: electricity has no leak test; 0 s")
    if values["limiter_fitted"] and not values["limit_w"]:
        raise InputError(f"{where}: limit_w: a fitted limiter needs a limit above 0 W")
    if values["payment_mode"] == PaymentMode.LIMITER_ONLY and not values["limiter_fitted"]:
        raise InputError(f"{where}: payment_mode: limiter-only needs limiter_fitted = true")
    if values["limiter_available"] and not values["limiter_fitted"]:
        raise InputError(f"{where}: limiter_available: needs limiter_fitted = true")
    if bool(values["winter_from"]) != bool(values["winter_to"]):
        raise InputError(f'{where}: winter_to: give both days of winter, or "none" for both')
    if values["emergency_wh"] and values["emergency_preset"]:
        raise InputError(f"{where}: emergency_wh: give emergency credit as energy or as money")
