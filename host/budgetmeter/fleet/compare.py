"""Two policies on the same households: paired differences with confidence intervals."""

from collections.abc import Callable
from statistics import NormalDist
from typing import Any, NamedTuple, Protocol

import numpy as np

from budgetmeter import units
from budgetmeter.errors import InputError
from budgetmeter.fleet.results import Results
from budgetmeter.units import DAY_S, HOUR_S

CONFIDENCE = 0.95
Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
FEWEST = 30  # households for which the mean is taken as normal
DECILES = 10


class Comparable(Protocol):
    """A study, or the `Results` of a run."""

    @property
    def gas(self) -> bool: ...

    def population(self) -> dict[str, Any]: ...


class Measure(NamedTuple):
    """A figure of each household.

    :ivar read: an array of it from `Results`
    :ivar worse: 1 when more is worse for the household, -1 when better, 0 neither
    """

    name: str
    label: str
    unit: str
    read: Callable[[Results], np.ndarray]
    worse: int


def _column(name: str, factor: int) -> Callable[[Results], np.ndarray]:
    return lambda results: results.columns(name)[0] / factor


MEASURES = (
    Measure("self_disconnected", "ever self-disconnected", "%",
            lambda r: 100.0 * (r.columns("spells")[0] > 0), 1),
    Measure("off_over_a_day", "ever off over a day", "%",
            lambda r: 100.0 * (r.columns("longest_off_s")[0] > DAY_S), 1),
    Measure("self_disconnections", "self-disconnections", "", _column("spells", 1), 1),
    Measure("off_h", "time in them", "h", _column("off_s", HOUR_S), 1),
    Measure("limited_h", "time limited", "h", _column("limited_s", HOUR_S), 1),
    Measure("trips", "overload trips", "", _column("trips", 1), 1),
    Measure("emergency_starts", "emergency credit used", "times",
            _column("emergency_starts", 1), 0),
    Measure("gone_without", "gone without", "kWh",
            lambda r: (r.columns("wanted")[0] - r.served()) / 1000, 1),
    Measure("top_ups", "top-ups", "", _column("top_ups", 1), 0),
    Measure("topped_up", "topped up", "EUR", _column("topped_up", units.EUR), 0),
    Measure("arrears", "arrears at the end", "EUR", _column("arrears", units.EUR), 1),
    Measure("activated", "prepayment by the procedure", "%",
            lambda r: 100.0 * r.columns("activated")[0], 1),
    Measure("prepaid_h", "time in prepayment", "h",
            lambda r: r.prepaid_s() / HOUR_S, 1),
    Measure("procedure_costs", "costs of the procedure", "EUR",
            _column("procedure_costs", units.EUR), 1),
    Measure("owed_supplier", "owed to the supplier at the end", "EUR",
            _column("owed_supplier", units.EUR), 0),
    Measure("withdrawn", "minimum supply ended by the operator", "%",
            lambda r: 100.0 * r.columns("withdrawn")[0], 1),
    Measure("cut", "cut by the operator", "%", lambda r: 100.0 * r.columns("cut")[0], 1),
    Measure("owed", "owed in all at the end", "EUR",
            lambda r: r.months("months_owed")[:, -1] / units.EUR, 1),
)  # fmt: skip


def check(a: Comparable, b: Comparable) -> None:
    """Whether two can be compared: studies, or the `Results` of runs.

    :raises InputError: when they are not of the same households, or of too few
    """
    one, two = a.population(), b.population()
    different = [key for key in one if one[key] != two.get(key)]
    if different:
        raise InputError(
            f"not the same households: {different[0]} is {one[different[0]]} "
            f"and {two.get(different[0])}"
        )
    if a.gas != b.gas:
        raise InputError("not the same households: one is gas and one electricity")
    if one["meters"] < FEWEST:
        raise InputError(f"{one['meters']} meters are too few to compare; at least {FEWEST}")


def interval(differences: np.ndarray) -> tuple[float, float]:
    """Mean of paired differences and half the width of its 95 % confidence interval."""
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    return float(differences.mean()), float(Z * error)


def deciles(results: Results) -> np.ndarray:
    """Decile of consumption of each household, 0 to 9; equal consumption goes by its number."""
    order = np.argsort(results.columns("wanted")[0], kind="stable")
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    return ranks * DECILES // len(order)


def compare(a: Results, b: Results) -> dict[str, Any]:
    """B against A, household by household, as plain data.

    :raises InputError: when they are not the same households
    """
    check(a, b)
    decile = deciles(a)
    measures = {}
    for measure in MEASURES:
        before, after = measure.read(a), measure.read(b)
        if not before.any() and not after.any():
            continue
        difference = after - before
        mean, half = interval(difference)
        measures[measure.name] = {
            "label": measure.label,
            "unit": "m3" if a.gas and measure.unit == "kWh" else measure.unit,
            "a": float(before.mean()),
            "b": float(after.mean()),
            "difference": mean,
            "low": mean - half,
            "high": mean + half,
            "more_pct": 100 * float((difference > 0).mean()),
            "less_pct": 100 * float((difference < 0).mean()),
            "deciles": [
                dict(zip(("difference", "half"), interval(difference[decile == d]), strict=True))
                for d in range(DECILES)
            ],
        }
    return {
        "a": a.about["title"],
        "b": b.about["title"],
        "meters": a.meters,
        "confidence": CONFIDENCE,
        "measures": measures,
        "reconnected": {"a": a.reconnections(), "b": b.reconnections()},
        "conservation": all(held == booked for held, booked in (r.conservation() for r in (a, b))),
    }


def hardship(results: Results) -> np.ndarray:
    """What each household goes without, Wh (gas: l): it shows who gains and who loses."""
    return results.columns("wanted")[0] - results.served()
