"""How far a comparison holds: it is made again with other values of what is assumed.

A sweep takes some values of one parameter. The sensitivity takes each assumption once low and once
high: a half and one and a half of its value, within its range.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from budgetmeter.errors import InputError
from budgetmeter.fleet.study import SECTIONS

MEASURE = "self_disconnections"  # by which assumptions are put in order
_FIXED = ("season", "cold", "hours")  # forms of a year and a day, no assumption about people
_HOURS = ("opens", "closes", "wakes", "sleeps", "charge_from", "charge_to")


class Case(NamedTuple):
    """One parameter with another value, as `--set` takes it."""

    key: str
    value: str

    @property
    def change(self) -> str:
        return f"{self.key}={self.value}"

    @property
    def folder(self) -> str:
        """What is added to the name of a study's folder."""
        return f"-{self.key}-{self.value.replace(',', '_')}"


def sweep(text: str) -> list[Case]:
    """The cases of `KEY=VALUE,VALUE,…`.

    :raises InputError: no such parameter, or a list, which has commas of its own
    """
    key, equals, values = text.partition("=")
    parameter = next((group[key] for group in SECTIONS.values() if key in group), None)
    if parameter is None or not equals or not values:
        raise InputError(f"--sweep {text}: write KEY=VALUE,VALUE with a parameter of a study")
    if isinstance(parameter.default, list) or key in SECTIONS["fleet"]:
        raise InputError(f"--sweep {text}: {key} is no single number of homes or people")
    found = [Case(key, value.strip()) for value in values.split(",")]
    if len(set(found)) < len(found):
        raise InputError(f"--sweep {text}: a value stands twice")
    return found


def each(values: dict[str, Any], law: bool = False) -> Iterator[tuple[Case, Case]]:
    """Each assumption of a study, low and high; those that cannot be both are left out.

    :param values: `Study.values`
    :param law: whether the study names a rule file, and has those of `[law]` too
    """
    for section in ("homes", "people", "law") if law else ("homes", "people"):
        for key, parameter in SECTIONS[section].items():
            if key in _FIXED or key in _HOURS:
                continue
            low, high = (
                _scaled(values[key], half, parameter.low, parameter.high) for half in (1, 3)
            )
            if low != high:
                yield Case(key, low), Case(key, high)


def _scaled(value: Any, halves: int, low: int, high: int) -> str:
    numbers = value if isinstance(value, list) else [value]
    return ",".join(str(min(max(number * halves // 2, low), high)) for number in numbers)


def ranked(rows: list[dict[str, Any]], base: float) -> list[dict[str, Any]]:
    """Assumptions by how far they move the difference, the widest first."""

    def width(row: dict[str, Any]) -> float:
        ends = (row["low"]["difference"], row["high"]["difference"], base)
        return max(ends) - min(ends)

    return sorted(rows, key=width, reverse=True)
