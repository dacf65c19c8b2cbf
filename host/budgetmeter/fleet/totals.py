"""The figures of a report, chunk by chunk: what is held does not grow with the fleet."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pyarrow as pa

from budgetmeter.units import DAY_S

# Reconnection times in the classes of the operator's yearly report (FE-40).
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


def reconnections(chunks: Iterable[pa.Table]) -> dict[str, int]:
    """Self-disconnections that ended, in AGE_CLASSES, and those that did not; of SPELLS."""
    found = dict.fromkeys([*(name for name, _, _ in AGE_CLASSES), "still off"], 0)
    for chunk in chunks:
        lasted = chunk["spells_s"].combine_chunks().flatten().to_numpy()
        ends = chunk["spells"].to_numpy().cumsum()
        still = chunk["still_off"].to_numpy() == 1
        open_ended = np.zeros(len(lasted), bool)
        open_ended[ends[still] - 1] = True
        closed = lasted[~open_ended]
        for name, low, high in AGE_CLASSES:
            found[name] += int(((closed > low) & (closed <= high)).sum())
        found["still off"] += int(open_ended.sum())
    return found


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
