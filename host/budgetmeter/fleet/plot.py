"""Two policies on one page: off, owed, who gains and who loses, how long until reconnected."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from budgetmeter import units
from budgetmeter.fleet import compare
from budgetmeter.fleet.results import Results
from budgetmeter.units import HOUR_S

# Told apart without colour: A is grey and drawn through, B black and dashed.
STYLES = (
    {"color": "0.6", "linestyle": "-", "linewidth": 2.4},
    {"color": "0.0", "linestyle": "--", "linewidth": 1.5},
)
FILLS = ("0.7", "0.15")
NAMES = ("A", "B")


def save(a: Results, b: Results, path: Path) -> None:
    """Write the plot of a comparison; the file's ending decides the format.

    :raises OSError: when the file cannot be written
    """
    figure, axes = plt.subplots(2, 2, figsize=(11.5, 8.4), layout="constrained")
    _durations(axes[0][0], a, b)
    _owed(axes[0][1], a, b)
    _gains(axes[1][0], a, b)
    if max(r.columns("spells")[0].max() for r in (a, b)):
        _reconnected(axes[1][1], a, b)
    else:
        _trips(axes[1][1], a, b)
    figure.suptitle(
        f"A: {a.about['title']}\nB: {b.about['title']}\n"
        f"{a.meters:,} synthetic households, the same under both",
        fontsize=11,
        parse_math=False,
    )
    figure.savefig(path, dpi=110)
    plt.close(figure)


def sweep(figures: dict[str, Any], path: Path) -> None:
    """Write the difference of each measure over the values of one parameter.

    :raises OSError: when the file cannot be written
    """
    rows = figures["values"]
    names = list(dict.fromkeys(name for row in rows for name in row["measures"]))[:6]
    figure, axes = plt.subplots(2, 3, figsize=(11.5, 6.5), layout="constrained", squeeze=False)
    for axis, name in zip(axes.flat, names, strict=False):
        found = [row["measures"].get(name) for row in rows]
        values = [float(row["value"]) for row in rows]
        means = [one["difference"] if one else 0.0 for one in found]
        halves = [(one["high"] - one["low"]) / 2 if one else 0.0 for one in found]
        axis.errorbar(values, means, halves, color="0.0", capsize=3, marker="o")
        axis.axhline(0, color="0.6", linewidth=0.8)
        label = next(one for one in found if one)
        axis.set_title(f"{label['label']}, {label['unit']}".rstrip(", "), fontsize=10)
        axis.set_xlabel(figures["key"])
    for axis in axes.flat[len(names) :]:
        axis.set_visible(False)
    figure.suptitle(f"B - A: {rows[0]['b']}\nagainst {rows[0]['a']}", fontsize=11, parse_math=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def tornado(figures: dict[str, Any], path: Path) -> None:
    """Write how far each assumption moves a difference, the widest on top.

    :raises OSError: when the file cannot be written
    """
    rows = figures["assumptions"][::-1]
    figure, axis = plt.subplots(figsize=(9, 1.5 + 0.28 * len(rows)), layout="constrained")
    base = figures["base"]
    for place, row in enumerate(rows):
        for end, fill, hatch in (("low", FILLS[0], "///"), ("high", FILLS[1], "")):
            width = row[end]["difference"] - base
            axis.barh(
                place, width, left=base, color=fill, hatch=hatch, edgecolor="0.3",
                label=end if place == 0 else None,
            )  # fmt: skip
    axis.axvline(base, color="0.0", linewidth=1)
    axis.axvline(0, color="0.6", linewidth=0.8, linestyle=":")
    axis.set_yticks(range(len(rows)), [row["key"] for row in rows])
    axis.set_xlabel(f"{figures['label']}, B - A")
    axis.legend(title="assumption", loc="lower right")
    axis.set_title(f"A: {figures['a']}\nB: {figures['b']}", fontsize=10, parse_math=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _pairs(a: Results, b: Results) -> Iterator[tuple[Results, str, dict[str, Any], str]]:
    return zip((a, b), NAMES, STYLES, FILLS, strict=True)


def _durations(axis: Axes, a: Results, b: Results) -> None:
    """Households in falling order of the hours they were off, and limited."""
    highest = 0.0
    for column, what, marker in (
        ("off_s", "off for lack of credit", ""),
        ("limited_s", "limited", "o"),
    ):
        for results, name, style, _ in _pairs(a, b):
            hours = results.columns(column)[0] / HOUR_S
            end = _falling(axis, hours, label=f"{name}: {what}", marker=marker, **style)
            highest = max(highest, end)
    axis.set_title("How long: hours off or limited in the run", fontsize=10, loc="left")
    axis.set_xlabel("households, % of all, the longest first")
    axis.set_ylabel("hours (logarithmic)")
    if highest:
        axis.set_yscale("log")
        axis.set_xlim(0, highest)
        axis.legend(fontsize=8, frameon=False)
    else:
        _empty(axis, "nobody was off or limited")
    _clean(axis)


def _falling(axis: Axes, values: np.ndarray, **style: Any) -> float:
    """Draw what is above zero in falling order, each household as wide as its share.

    :returns: where the curve ends, % of all households; 0 where there is nothing to draw
    """
    values = np.sort(values)[::-1]
    hit = np.count_nonzero(values)
    if not hit:
        return 0
    share = 100 * np.arange(hit + 1) / len(values)
    heights = np.concatenate((values[:1], values[:hit]))
    step = max(hit // 12, 1)
    axis.plot(share, heights, drawstyle="steps-pre", markersize=4, markevery=step, **style)
    return share[-1]


def _owed(axis: Axes, a: Results, b: Results) -> None:
    """Mean of what is owed to the operator: nothing at the start, then at the end of each month."""
    for results, name, style, _ in _pairs(a, b):
        clocks = [results.population()["start"], *results.about["months"]]
        dates: list[Any] = [units.from_clock(clock) for clock in clocks]
        for column, what, marker in (
            ("months_owed", "all owed", ""),
            ("months_arrears", "arrears (minimum supply)", "o"),
        ):
            euros = results.months(column).mean(axis=0) / units.EUR
            if euros.any():
                euros = [0, *euros]
                axis.plot(
                    dates, euros, label=f"{name}: {what}", marker=marker, markersize=4, **style
                )
    axis.set_title("Owed to the operator, mean of all households", fontsize=10, loc="left")
    axis.set_ylabel("EUR, at the end of the month")
    axis.set_ylim(bottom=0)
    if axis.lines:
        locator = mdates.AutoDateLocator(maxticks=8)
        axis.xaxis.set_major_locator(locator)
        axis.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))
        axis.legend(fontsize=8, frameon=False)
    else:
        _empty(axis, "nothing was owed at the end of a month")
    _clean(axis)


def _gains(axis: Axes, a: Results, b: Results) -> None:
    """By decile of consumption, who goes without less under B, and who without more."""
    unit = "m3" if a.gas else "kWh"
    difference = (compare.hardship(b) - compare.hardship(a)) / 1000
    decile = compare.deciles(a)
    for d in range(compare.DECILES):
        mine = difference[decile == d]
        gain, loss = 100 * (mine < 0).mean(), 100 * (mine > 0).mean()
        axis.barh(d + 1, -loss, color=FILLS[1])
        axis.barh(d + 1, gain, color=FILLS[0])
        mean, half = compare.interval(mine)
        axis.annotate(
            f"{_signed(mean)} ± {half:.1f} {unit}", (1.01, d + 1),
            xycoords=("axes fraction", "data"), va="center", fontsize=8,
        )  # fmt: skip
    axis.axvline(0, color="0.0", linewidth=0.8)
    limit = max(5.0, *(abs(x) for x in axis.get_xlim()))
    axis.set_xlim(-limit, limit)
    axis.xaxis.set_major_formatter(lambda x, _: f"{abs(x):.0f}")
    axis.set_yticks(range(1, compare.DECILES + 1))
    axis.set_ylabel("decile of consumption (10 uses most)")
    axis.set_xlabel("← loses under B, % of households        gains under B, % →")
    axis.set_title("Who goes without less, who without more", fontsize=10, loc="left")
    axis.annotate(
        "mean difference", (1.01, 10.75), xycoords=("axes fraction", "data"), fontsize=8,
    )  # fmt: skip
    _clean(axis)


def _signed(value: float) -> str:
    """A difference to one place; what rounds to zero has no sign."""
    return f"{value:+.1f}" if abs(value) >= 0.05 else "0.0"


def _reconnected(axis: Axes, a: Results, b: Results) -> None:
    """Self-disconnections by the time until supply was closed again."""
    counts = [results.reconnections() for results in (a, b)]
    classes = list(counts[0])
    places = np.arange(len(classes))
    for i, (results, name, _, fill) in enumerate(_pairs(a, b)):
        rate = [1000 * counts[i][key] / results.meters for key in classes]
        bars = axis.barh(places + (i - 0.5) * 0.38, rate, 0.36, color=fill, label=name)
        axis.bar_label(bars, [f" {value:,.1f}" if value else " 0" for value in rate], fontsize=8)
    axis.set_yticks(places, classes)
    axis.invert_yaxis()
    axis.set_xlabel("self-disconnections for 1000 households")
    axis.set_title("Self-disconnections, by the time until reconnected", fontsize=10, loc="left")
    axis.set_xscale("symlog", linthresh=1)
    axis.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
    axis.margins(x=0.2)
    axis.legend(fontsize=8, frameon=False, loc="lower right")
    _clean(axis)


def _trips(axis: Axes, a: Results, b: Results) -> None:
    """Where nobody is disconnected for lack of credit: how often the limiter opened supply."""
    for results, name, style, _ in _pairs(a, b):
        _falling(axis, results.columns("trips")[0], label=name, **style)
    axis.set_title("How often the limiter opened supply for overload", fontsize=10, loc="left")
    axis.set_xlabel("households, % of all, the most often first")
    axis.set_ylabel("trips in the run (logarithmic)")
    if axis.lines:
        axis.set_yscale("log")
        axis.set_xlim(left=0)
        axis.legend(fontsize=8, frameon=False)
    else:
        _empty(axis, "nobody was disconnected")
    _clean(axis)


def _empty(axis: Axes, text: str) -> None:
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", color="0.4")
    axis.set_xticks([])
    axis.set_yticks([])


def _clean(axis: Axes) -> None:
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
