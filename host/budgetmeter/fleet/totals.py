"""The figures of a report, chunk by chunk: what is held does not grow with the fleet."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pyarrow as pa

from budgetmeter.units import DAY_S

# Times until reconnected. The classes are those of article 23, whose own figures are others: it
# counts limiters and operator cuts (`Results.fe_40`).
AGE_CLASSES = (
    ("within 24 h", 0, DAY_S),
    ("1 to 7 days", DAY_S, 7 * DAY_S),
    ("8 to 30 days", 7 * DAY_S, 30 * DAY_S),
    ("more than 30 days", 30 * DAY_S, 2**62),
)
BOOKS = ("credit", "emergency_used", "arrears", "credited", "charged", "settled")
SPELLS = ("spells", "still_off", "spells_s")
_COARSE = 4096  # values of a bin of the first pass of `percentiles`


def total(values: np.ndarray) -> int:
    """The exact sum of integers of 64 bits, however large."""
    values = values.astype(np.int64)
    return (int((values >> 32).sum()) << 32) + int((values & 0xFFFFFFFF).sum())


def sums(chunks: Iterable[pa.Table]) -> Counter[str]:
    """The exact sum of every column."""
    found: Counter[str] = Counter()
    for chunk in chunks:
        for name in chunk.column_names:
            found[name] += total(chunk[name].to_numpy())
    return found


def books(added: Counter[str]) -> tuple[int, int]:
    """What the accounts contain, and what went in and out, of the sums of BOOKS."""
    held = added["credit"] - added["emergency_used"] - added["arrears"]
    return held, added["credited"] - added["charged"] + added["settled"]


def ages(chunk: pa.Table) -> dict[str, np.ndarray]:
    """How many self-disconnections of each of AGE_CLASSES each household had, and "still off".

    :param chunk: the columns SPELLS
    """
    spells, lasted = chunk["spells"].to_numpy(), chunk["spells_s"].combine_chunks().flatten()
    open_ended = np.zeros(len(lasted), bool)
    open_ended[spells.cumsum()[chunk["still_off"].to_numpy() == 1] - 1] = True
    lasted = np.where(open_ended, 0, lasted.to_numpy())
    chosen = {name: (lasted > low) & (lasted <= high) for name, low, high in AGE_CLASSES}
    owner = np.repeat(np.arange(len(spells)), spells)
    return {
        name: np.bincount(owner[those], minlength=len(spells))
        for name, those in {**chosen, "still off": open_ended}.items()
    }


def reconnections(chunks: Iterable[pa.Table]) -> dict[str, int]:
    """Self-disconnections that ended, in AGE_CLASSES, and those that did not; of SPELLS."""
    found = Counter[str]()
    for chunk in chunks:
        found.update({name: int(each.sum()) for name, each in ages(chunk).items()})
    return dict(found)


def percentiles(
    parts: Callable[[], Iterable[np.ndarray]], percents: Sequence[int], unit: int
) -> list[float] | None:
    """Percentiles of whole numbers from 0 on, divided by `unit`, as `numpy.percentile` has them.

    :param parts: gives all values, part by part; it is called twice
    :returns: None without any value
    """
    coarse = np.zeros(1, np.int64)
    for part in parts():
        coarse = _added(coarse, np.bincount(part // _COARSE))
    ends = coarse.cumsum()
    if not ends[-1]:
        return None
    places = [(int(ends[-1]) - 1) * (percent / 100) for percent in percents]
    ranks = {rank for place in places for rank in (math.floor(place), math.ceil(place))}
    bins = {rank: int(np.searchsorted(ends, rank, side="right")) for rank in ranks}
    fine = {one: np.zeros(_COARSE, np.int64) for one in bins.values()}
    for part in parts():
        for one in fine:
            fine[one] += np.bincount(part[part // _COARSE == one] % _COARSE, minlength=_COARSE)
    values = {}
    for rank, one in bins.items():
        within = rank - (ends[one] - coarse[one])
        rest = int(np.searchsorted(fine[one].cumsum(), within, side="right"))
        values[rank] = (one * _COARSE + rest) / unit
    return [_between(values, place) for place in places]


def _added(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    longer, shorter = (one, other) if len(one) >= len(other) else (other, one)
    longer[: len(shorter)] += shorter
    return longer


def _between(values: dict[int, float], place: float) -> float:
    """The value at a place between two ranks, rounded as NumPy does it."""
    low, high = values[math.floor(place)], values[math.ceil(place)]
    part = place - math.floor(place)
    if part < 0.5:
        return low + (high - low) * part
    return high - (high - low) * (1 - part)
