"""Two policies on one page: off, owed, who gains and who loses, how long until reconnected."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from budgetmeter import texts, units
from budgetmeter.fleet import compare
from budgetmeter.fleet.results import Results
from budgetmeter.fleet.totals import AGE_CLASSES
from budgetmeter.report import dates
from budgetmeter.report.palette import FAINT, INK, PAIR
from budgetmeter.texts import Words
from budgetmeter.units import HOUR_S

STYLES: tuple[dict[str, Any], ...] = (
    {"color": PAIR[0], "linestyle": "-", "linewidth": 2.0},
    {"color": PAIR[1], "linestyle": "--", "linewidth": 1.5},
)
NAMES = ("A", "B")
CAPS: dict[str, Any] = {"capsize": 2.5, "elinewidth": 1.0, "ecolor": INK}
COLUMNS = 3  # of a sweep


def save(a: Results, b: Results, path: Path, words: Words | None = None) -> None:
    """Write the plot of a comparison; the file's ending decides the format.

    :raises OSError: when the file cannot be written
    """
    _write(draw(a, b, words), path)


def draw(a: Results, b: Results, words: Words | None = None) -> Figure:
    """The figure of a comparison, each curve and bar with its 95 % interval."""
    words = words or texts.of()
    figure, axes = plt.subplots(2, 2, figsize=(12, 9), layout="constrained")
    _durations(axes[0][0], a, b, words)
    _owed(axes[0][1], a, b, words)
    _gains(axes[1][0], a, b, words)
    if max(r.columns("spells")[0].max() for r in (a, b)):
        _reconnected(axes[1][1], a, b, words)
    else:
        _trips(axes[1][1], a, b, words)
    figure.suptitle(
        f"A: {a.about['title']}\nB: {b.about['title']}\n"
        + words("fleet.households", count=f"{a.meters:,}"),
        fontsize=11,
        parse_math=False,
    )
    return figure


def sweep(figures: dict[str, Any], path: Path, words: Words | None = None) -> None:
    """Write the difference of each measure over the values of one parameter.

    :raises OSError: when the file cannot be written
    """
    _write(draw_sweep(figures, words), path)


def draw_sweep(figures: dict[str, Any], words: Words | None = None) -> Figure:
    """The figure of a sweep: a panel for each measure that anything moved."""
    words = words or texts.of()
    rows = figures["values"]
    names = list(dict.fromkeys(name for row in rows for name in row["measures"]))
    lines = -(-len(names) // COLUMNS)
    figure, axes = plt.subplots(
        lines, COLUMNS, figsize=(12, 0.8 + 2.7 * lines), layout="constrained", squeeze=False
    )
    for axis, name in zip(axes.flat, names, strict=False):
        found = [row["measures"].get(name) or _NOTHING for row in rows]
        values = [float(row["value"]) for row in rows]
        means = [one["difference"] for one in found]
        reach = [[one["difference"] - one["low"] for one in found],
                 [one["high"] - one["difference"] for one in found]]  # fmt: skip
        axis.axhline(0, color=FAINT, linewidth=0.8)
        axis.errorbar(values, means, reach, color=PAIR[1], marker="o", markersize=4, **CAPS)
        axis.margins(x=0.08, y=0.12)
        axis.set_title(_measure(next(one for one in found if one is not _NOTHING), name, words),
                       fontsize=10, loc="left")  # fmt: skip
        axis.set_xlabel(figures["key"], fontsize=9)
        _clean(axis)
    for axis in axes.flat[len(names) :]:
        axis.set_visible(False)
    title = f"B - A: {rows[0]['b']}\n" + words("fleet.against", other=rows[0]["a"])
    title += "\n" + words("fleet.interval")
    figure.suptitle(title, fontsize=11, parse_math=False)
    return figure


def tornado(figures: dict[str, Any], path: Path, words: Words | None = None) -> None:
    """Write how far each assumption moves a difference, the widest on top.

    :raises OSError: when the file cannot be written
    """
    _write(draw_tornado(figures, words), path)


def draw_tornado(figures: dict[str, Any], words: Words | None = None) -> Figure:
    """The figure of a sensitivity: two bars for each assumption, each with its interval."""
    words = words or texts.of()
    rows = figures["assumptions"][::-1]
    figure, axis = plt.subplots(figsize=(10, 1.8 + 0.36 * len(rows)), layout="constrained")
    base = figures["base"]
    for end, colour, offset in (("low", PAIR[0], 0.19), ("high", PAIR[1], -0.19)):
        found = [row[end] for row in rows]
        reach = [[one["difference"] - one["low"] for one in found],
                 [one["high"] - one["difference"] for one in found]]  # fmt: skip
        axis.barh(
            [place + offset for place in range(len(rows))],
            [one["difference"] - base for one in found], 0.34, left=base, color=colour,
            xerr=reach, error_kw=CAPS, label=words(f"fleet.{end}"),
        )  # fmt: skip
    axis.axvline(base, color=INK, linewidth=1)
    axis.axvline(0, color=FAINT, linewidth=1, linestyle=":")
    axis.set_yticks(range(len(rows)), [row["key"] for row in rows], fontsize=9)
    axis.set_ylim(-0.6, len(rows) - 0.4)
    axis.margins(x=0.05)
    label = words(f"measure.{figures['measure']}")
    axis.set_xlabel(f"{label}, B - A; {words('fleet.interval')}")
    axis.legend(
        title=words("fleet.assumption"), loc="lower left", bbox_to_anchor=(1, 0), frameon=False,
        fontsize=9,
    )  # fmt: skip
    axis.set_title(f"A: {figures['a']}\nB: {figures['b']}", fontsize=10, parse_math=False)
    _clean(axis)
    return figure


_NOTHING: dict[str, Any] = {"difference": 0.0, "low": 0.0, "high": 0.0}  # that nothing moved


def _measure(row: dict[str, Any], name: str, words: Words) -> str:
    return f"{words(f'measure.{name}')}, {row['unit']}".rstrip(", ")


def _write(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _pairs(a: Results, b: Results) -> Iterator[tuple[Results, str, dict[str, Any]]]:
    return zip((a, b), NAMES, STYLES, strict=True)


def _durations(axis: Axes, a: Results, b: Results, words: Words) -> None:
    """Households in falling order of the hours they were off, and limited."""
    highest = 0.0
    for column, what, marker in (("off_s", "fleet.off", ""), ("limited_s", "fleet.limited", "o")):
        for results, name, style in _pairs(a, b):
            hours = results.columns(column)[0] / HOUR_S
            end = _falling(axis, hours, label=f"{name}: {words(what)}", marker=marker, **style)
            highest = max(highest, end)
    axis.set_title(words("fleet.durations"), fontsize=10, loc="left")
    axis.set_xlabel(words("fleet.longest_first"))
    axis.set_ylabel(words("fleet.hours"))
    if highest:
        axis.set_yscale("log")
        axis.set_xlim(-0.02 * highest, highest + band(a.meters) + 0.02 * highest)
        axis.legend(fontsize=8, frameon=False)
    else:
        _empty(axis, words("fleet.nobody_off"))
    _clean(axis)


def band(households: int) -> float:
    """How far a whole curve of shares may lie off, % of the households, with 95 % confidence.

    The inequality of Dvoretzky, Kiefer and Wolfowitz with Massart's constant: it holds for
    every duration at once.
    """
    return 100 * float(np.sqrt(np.log(2 / (1 - compare.CONFIDENCE)) / (2 * households)))


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
    lines = axis.plot(
        share, heights, drawstyle="steps-pre", markersize=4, markevery=step, clip_on=False, **style
    )
    half = band(len(values))
    axis.fill_betweenx(
        heights, np.maximum(share - half, 0), share + half, color=lines[0].get_color(),
        alpha=0.2, linewidth=0,
    )  # fmt: skip
    return share[-1]


def _owed(axis: Axes, a: Results, b: Results, words: Words) -> None:
    """Mean of what is owed to the operator: nothing at the start, then at the end of each month."""
    span: list[Any] = []
    for results, name, style in _pairs(a, b):
        clocks = [results.population()["start"], *results.about["months"]]
        span = [units.from_clock(clock) for clock in clocks]
        for column, what, marker in (
            ("months_owed", "fleet.all_owed", ""),
            ("months_arrears", "fleet.arrears", "o"),
        ):
            owed = results.months(column) / units.EUR
            if not owed.any():
                continue
            means = np.concatenate(([0.0], owed.mean(axis=0)))
            halves = np.concatenate(([0.0], [compare.interval(month)[1] for month in owed.T]))
            axis.plot(
                span, means, label=f"{name}: {words(what)}", marker=marker, markersize=4,
                clip_on=False, **style,
            )  # fmt: skip
            axis.fill_between(
                span, np.maximum(means - halves, 0), means + halves, color=style["color"],
                alpha=0.2, linewidth=0,
            )  # fmt: skip
    axis.set_title(words("fleet.owed"), fontsize=10, loc="left")
    axis.set_ylabel(words("fleet.owed_axis"))
    axis.set_ylim(bottom=0)
    if axis.lines:
        dates.label(axis, span[0], span[-1], words, months=13)  # half the page
        axis.legend(fontsize=8, frameon=False)
    else:
        _empty(axis, words("fleet.nobody_owed"))
    _clean(axis)


def _gains(axis: Axes, a: Results, b: Results, words: Words) -> None:
    """By decile of consumption, who goes without less under B, and who without more."""
    unit = "m3" if a.gas else "kWh"
    difference = (compare.hardship(b) - compare.hardship(a)) / 1000
    decile = compare.deciles(a)
    reach = 5.0
    for d in range(compare.DECILES):
        mine = difference[decile == d]
        for part, side, colour in ((mine < 0, 1, PAIR[0]), (mine > 0, -1, PAIR[1])):
            mean, half = compare.interval(100.0 * part)
            axis.barh(d + 1, side * mean, color=colour, xerr=half, error_kw=CAPS)
            reach = max(reach, mean + half)
        mean, half = compare.interval(mine)
        axis.annotate(
            f"{_signed(mean)} ± {half:.1f} {unit}", (1.01, d + 1),
            xycoords=("axes fraction", "data"), va="center", fontsize=8,
        )  # fmt: skip
    axis.axvline(0, color=INK, linewidth=0.8)
    axis.set_xlim(-1.06 * reach, 1.06 * reach)
    axis.xaxis.set_major_formatter(lambda x, _: f"{abs(x):.0f}")
    axis.set_yticks(range(1, compare.DECILES + 1))
    axis.set_ylabel(words("fleet.decile"))
    axis.set_xlabel(words("fleet.loses_gains"))
    axis.set_title(words("fleet.gains"), fontsize=10, loc="left")
    axis.annotate(
        words("fleet.mean_difference"), (1.01, 10.75), xycoords=("axes fraction", "data"),
        fontsize=8,
    )  # fmt: skip
    _clean(axis)


def _signed(value: float) -> str:
    """A difference to one place; what rounds to zero has no sign."""
    return f"{value:+.1f}" if abs(value) >= 0.05 else "0.0"


def _reconnected(axis: Axes, a: Results, b: Results, words: Words) -> None:
    """Self-disconnections by the time until supply was closed again."""
    classes = [*(name for name, _, _ in AGE_CLASSES), "still off"]
    places = np.arange(len(classes))
    for i, (results, name, style) in enumerate(_pairs(a, b)):
        of_age = results.ages()
        found = [compare.interval(1000.0 * of_age[key]) for key in classes]
        rates, halves = [mean for mean, _ in found], [half for _, half in found]
        bars = axis.barh(
            places + (i - 0.5) * 0.38, rates, 0.36, color=style["color"], label=name,
            xerr=[np.minimum(halves, rates), halves], error_kw=CAPS,
        )  # fmt: skip
        axis.bar_label(bars, [f" {rate:,.1f}" if rate else " 0" for rate in rates], fontsize=8)
    axis.set_yticks(places, [words(f"age.{key}") for key in classes])
    axis.invert_yaxis()
    axis.set_xlabel(words("fleet.per_thousand"))
    axis.set_title(words("fleet.reconnected"), fontsize=10, loc="left")
    axis.set_xscale("symlog", linthresh=1)
    axis.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
    axis.margins(x=0.25)
    axis.set_xlim(left=0)
    axis.legend(fontsize=8, frameon=False, loc="lower right")
    _clean(axis)


def _trips(axis: Axes, a: Results, b: Results, words: Words) -> None:
    """Where nobody is disconnected for lack of credit: how often the limiter opened supply."""
    highest = 0.0
    for results, name, style in _pairs(a, b):
        highest = max(highest, _falling(axis, results.columns("trips")[0], label=name, **style))
    axis.set_title(words("fleet.trips"), fontsize=10, loc="left")
    axis.set_xlabel(words("fleet.most_first"))
    axis.set_ylabel(words("fleet.trips_axis"))
    if highest:
        axis.set_yscale("log")
        axis.set_xlim(-0.02 * highest, highest + band(a.meters) + 0.02 * highest)
        axis.legend(fontsize=8, frameon=False)
    else:
        _empty(axis, words("fleet.nobody_cut"))
    _clean(axis)


def _empty(axis: Axes, text: str) -> None:
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", color=INK)
    axis.set_xticks([])
    axis.set_yticks([])


def _clean(axis: Axes) -> None:
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
