"""Profiles: what a region asks of its meters, as TOML with the rule id beside each value."""

# The checker takes a code for the tuple it is declared with:
# pyright: reportUnnecessaryComparison=false

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Self, TypeGuard, cast

from meterfw import layouts
from meterfw.account import record
from meterproto import records
from meterproto.codes import Code, Energy, PaymentMode
from meterproto.quantity import Quantity, quantities

from budgetmeter import catalogue, resources, texts, units
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
QUANTITIES = {name: (quantity, docs) for name, quantity, docs in quantities(records.Profile)}


@dataclass(frozen=True)
class Profile:
    """A region's parameters.

    `values` are in the meter's units (`meterproto.records.Profile`), `rules` the id behind each,
    `left_out` what the region has and this profile does not model, `language` what its meters
    speak where nobody chooses another.
    """

    name: str
    title: str
    region: str
    values: dict[str, int]
    rules: dict[str, tuple[str, ...]]
    left_out: tuple[str, ...]
    language: str = texts.DEFAULT

    @property
    def gas(self) -> bool:
        return self.values["energy"] == Energy.GAS

    @property
    def prepayment(self) -> bool:
        return self.values["payment_mode"] == PaymentMode.PREPAYMENT

    def record(self) -> record.Profile:
        """The profile as the firmware's record."""
        filled = record.Profile()
        for name, value in self.values.items():
            setattr(filled, name, value)
        return filled

    def pack(self) -> bytes:
        """The profile as the bytes the meter loads."""
        return record.pack(self.record(), layouts.PROFILE_FORMAT, layouts.PROFILE_FIELDS)

    def changed(self, changes: object, where: str) -> Self:
        """A copy with some values replaced, given as in a profile file or as bare values.

        :raises InputError: as `load` does
        """
        if not _is_table(changes):
            raise InputError(f"{where}: a table of values of the profile")
        values = dict(self.values)
        for key, change in changes.items():
            entry = change if _is_table(change) else {"value": change}
            values[key] = value(key, entry, where)
        _check_together(values, where)
        return replace(self, values=values)


def names() -> list[str]:
    """Names of the profiles that come with the package."""
    return resources.names("profile")


def load(name: str) -> Profile:
    """The profile of a name, or of a TOML file.

    :raises InputError: unknown name, unreadable file, or a value that is missing, unknown, of the
        wrong unit or out of range; the message names file, key and what is allowed
    """
    document, where = resources.read("profile", name)
    return _parse(document, Path(where).stem, where)


def _parse(document: dict[str, Any], name: str, where: str) -> Profile:
    values: dict[str, int] = {}
    sources: dict[str, tuple[str, ...]] = {}
    for key in ("title", "region", "left_out", "values"):
        if key not in document:
            raise InputError(f"{where}: {key} is missing")
    for key in document:
        if key not in ("title", "region", "language", "left_out", "values"):
            raise InputError(f"{where}: unknown key {key}")
    if not isinstance(document["title"], str):
        raise InputError(f"{where}: title is text")
    if not _texts(document["left_out"]):
        raise InputError(f"{where}: left_out is a list of texts")
    if not isinstance(document["region"], str) or document["region"] not in catalogue.REGIONS:
        raise InputError(f"{where}: region is one of {', '.join(catalogue.REGIONS)}")
    language = document.get("language", texts.DEFAULT)
    if language not in texts.LANGUAGES:
        raise InputError(f"{where}: language is one of {', '.join(texts.LANGUAGES)}")
    entries = document["values"]
    if not _is_table(entries):
        raise InputError(f"{where}: values is a table")
    for key, entry in entries.items():
        if not _is_table(entry) or "rule" not in entry:
            raise InputError(f'{where}: {key}: write {{ value = …, unit = "…", rule = "…" }}')
        values[key] = value(key, entry, where, strict=True)
        sources[key] = _rule(key, entry["rule"], where)
    missing = [key for key in QUANTITIES if key not in values]
    if missing:
        raise InputError(f"{where}: {missing[0]} is missing: {QUANTITIES[missing[0]][1]}")
    _check_together(values, where)
    return Profile(
        name,
        document["title"],
        document["region"],
        values,
        sources,
        tuple(document["left_out"]),
        language,
    )


def _is_table(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(
        isinstance(text, str) for text in cast(list[object], value)
    )


def _rule(key: str, rule: object, where: str) -> tuple[str, ...]:
    ids = [part.strip() for part in str(rule).split(",")]
    for rule_id in ids:
        if rule_id != catalogue.NO_SOURCE and rule_id not in catalogue.rules():
            raise InputError(
                f"{where}: {key}: rule {rule_id!r} is not in the catalogue; "
                f'an id such as OC-16, or "{catalogue.NO_SOURCE}"'
            )
    return tuple(ids)


def value(key: str, entry: Mapping[str, Any], where: str, strict: bool = False) -> int:
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
            f"{where}: {key}: {_as_given(entry)} is not allowed; {allowed(key)}"
        ) from None
    if not quantity.low <= value <= quantity.high:
        raise InputError(f"{where}: {key}: {_as_given(entry)} is out of range; {allowed(key)}")
    return value


def _as_given(entry: Mapping[str, Any]) -> str:
    value = entry["value"]
    value = f'"{value}"' if isinstance(value, str) else str(value)
    return f"{value} {entry['unit']}" if "unit" in entry else value


def _convert(quantity: Quantity, entry: Mapping[str, Any], strict: bool) -> int:
    value, unit = entry["value"], entry.get("unit", "")
    readers = {"flag": _flag, "time": _time_of_day, "date": _day_of_year, "weekdays": _weekdays}
    if quantity.unit in SCALES and quantity.codes is None:
        scales = SCALES[quantity.unit]
        if not unit and not strict:
            unit = next(iter(scales))
        return units.scaled(value, scales[unit])
    if unit:
        raise ValueError("no unit here")
    if quantity.unit in readers:
        return readers[quantity.unit](value)
    if quantity.codes is None:
        raise ValueError(f"no way to write {quantity.unit}")
    if quantity.unit == "bits":
        return sum(_code(quantity.codes, name) for name in _each_once(value))
    return _code(quantity.codes, value)


def _each_once(value: object) -> list[str]:
    """A list of texts, none twice."""
    if not _texts(value) or len(set(value)) != len(value):
        raise ValueError(value)
    return value


def _code(codes: type[Code], name: object) -> int:
    """The number of a code; capitals and underscores are let pass."""
    return int(codes.of_word(str(name).lower().replace("_", "-")))


def _flag(value: Any) -> int:
    if not isinstance(value, bool):
        raise ValueError(value)
    return int(value)


def _time_of_day(value: Any) -> int:
    match = re.fullmatch(r"(\d\d):([0-5]\d)", value)
    if match is None or int(match[1]) * 60 + int(match[2]) > 1440:
        raise ValueError(value)
    return int(match[1]) * 60 + int(match[2])


def _day_of_year(value: Any) -> int:
    if value == "none":
        return 0
    day = date.fromisoformat(f"2001-{value}")  # no 29 February: winters begin and end every year
    return day.month * 100 + day.day


def _weekdays(value: Any) -> int:
    return sum(1 << units.WEEKDAYS.index(day) for day in _each_once(value))


def allowed(key: str) -> str:
    """What a key may hold, in one phrase."""
    quantity, _ = QUANTITIES[key]
    if quantity.codes is not None:
        listed = ", ".join(quantity.codes.words())
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
    text = f"{_in_unit(quantity.low, factor)} to {_in_unit(quantity.high, factor)} {unit}".rstrip()
    return f"{text} (or in {', '.join(others)})" if others else text


def _in_unit(value: int, factor: int) -> str:
    return f"{(Decimal(value) / factor).normalize():f}"


def shown(key: str, value: int) -> str:
    """A value of the meter's units as a person writes it."""
    quantity, _ = QUANTITIES[key]
    if quantity.codes is not None:
        if quantity.unit != "bits":
            return quantity.codes(value).word
        return ", ".join(code.word for code in quantity.codes if value & code) or "nothing"
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
    return f"{_in_unit(value, factor)} {unit}".rstrip()


def _check_together(values: Mapping[str, int], where: str) -> None:
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
