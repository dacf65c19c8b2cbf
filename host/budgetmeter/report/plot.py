"""The plot of a run: balance with its floor, power with the limiter, supply as bands."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from budgetmeter import units
from budgetmeter.report.finished import FinishedRun
from budgetmeter.report.trace import Trace

Marks = Sequence[tuple[datetime, str, bool]]
Owed = Mapping[str, Sequence[tuple[datetime, int]]]

LETTER_WIDTH = 0.0063  # of a letter of a name in the lane of a procedure, as a part of the axis

# Grey value and hatch of each phase: told apart without colour, in print too.
BANDS = {
    "credit": ("0.92", ""),
    "postpaid": ("0.92", ".."),
    "negative limit": ("0.82", ""),
    "kept on": ("0.78", "//"),
    "emergency": ("0.62", ""),
    "limited": ("0.62", "\\\\"),
    "ready": ("0.35", "xx"),
    "off: credit": ("0.0", ""),
    "off: overload": ("0.0", "--"),
    "off: leak test": ("0.25", "oo"),
    "off: operator": ("0.15", "++"),
    "off: tamper": ("0.15", "**"),
    "power cut": ("1.0", "xx"),
}

PREPAID = {"credit", "negative limit", "kept on", "emergency", "off: credit"}


def save(
    world: FinishedRun,
    title: str,
    path: Path,
    marks: Marks = (),
    owed: Owed | None = None,
) -> None:
    """Write the plot of a finished run; the file's ending decides the format.

    :param marks: of a case beside the meter: when (local time), what, and whether it is a letter
    :param owed: what is owed on each account of the case from a time on, in cents
    :raises ValueError: for an ending matplotlib does not know
    :raises OSError: when the file cannot be written
    """
    figure = draw(world, title, marks, owed)
    figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(figure)


def draw(world: FinishedRun, title: str, marks: Marks = (), owed: Owed | None = None) -> Figure:
    """The figure of a finished run; with a case, its procedure and its ledger above."""
    trace = world.trace
    prepayment = world.profile.prepayment or bool(PREPAID & set(trace.durations))
    heights = (3, 2, 1.1) if prepayment else (2, 1.1)
    if marks:
        heights = (3.2, 1.6, *heights)
    figure, axes = plt.subplots(
        len(heights),
        sharex=True,
        figsize=(11, 1.35 * sum(heights) + 1),
        height_ratios=heights,
        layout="constrained",
    )
    times = [_local(second) for second in trace.times]
    axes = list(axes)
    if marks:
        _procedure(axes.pop(0), marks, (times[0], times[-1]))
        _ledger(axes.pop(0), owed or {}, times[-1])
    if prepayment:
        _balance(axes.pop(0), times, trace)
    _power(axes.pop(0), times, world)
    _supply(axes.pop(0), trace)
    figure.suptitle(f"{title}\n{world.profile.title}", fontsize=11, parse_math=False)
    return figure


def _local(second: int) -> Any:
    """Belgian local time of seconds since 2000 UTC+1; plotted as it is, whatever the types say."""
    return units.from_clock(second // 60, second % 60)


def _procedure(axis: Axes, marks: Marks, span: tuple[Any, Any]) -> None:
    """The lane of a procedure: a mark for each fact, a square for each letter, its name beside it.

    Each stands in the first row in which its name hides no other.
    """
    begin, length = span[0], max((span[1] - span[0]).total_seconds(), 1)
    ends: list[float] = []  # of each row, as a part of the axis
    for day, text, letter in marks:
        at = max(day, begin)
        here = (at - begin).total_seconds() / length
        width = LETTER_WIDTH * (len(text) + 3)
        left = here + width > 1  # no room on the right: the name stands before its mark
        first = here - width if left else here
        free = (row for row, end in enumerate(ends) if end <= first)
        row = next(free, len(ends))
        ends[row : row + 1] = [max(here, first + width)]
        look = {"marker": "s", "markersize": 3} if letter else {"marker": "|", "markersize": 6}
        axis.plot([at], [-row], color="0.1", clip_on=False, **look)  # type: ignore[arg-type]
        axis.annotate(text, (at, -row), xytext=(-4 if left else 4, 0), textcoords="offset points",
                      fontsize=6, va="center", ha="right" if left else "left")  # type: ignore[arg-type]  # fmt: skip
    axis.set_ylim(-max(len(ends), 1) + 0.2, 0.8)
    axis.set_yticks([])
    axis.set_ylabel("procedure")
    handles = [
        Line2D([], [], linestyle="", marker=marker, markersize=size, color="0.1", label=label)
        for marker, size, label in (("|", 6, "fact or step"), ("s", 3, "letter"))
    ]
    axis.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=8,
                frameon=False, borderaxespad=0)  # fmt: skip
    _clean(axis)


def _ledger(axis: Axes, owed: Owed, end: Any) -> None:
    """What is owed on each account of a case."""
    moved = {account: points for account, points in owed.items() if any(c for _, c in points)}
    for style, (account, points) in zip(("-", "--", ":", "-."), moved.items(), strict=False):
        times: list[Any] = [*(at for at, _ in points), end]
        cents = [amount / 100 for _, amount in points]
        axis.plot(times, [*cents, cents[-1]], style, color="0.1", drawstyle="steps-post",
                  linewidth=0.9, label=account)  # fmt: skip
    axis.set_ylabel("owed (EUR)")
    axis.legend(loc="upper right", ncols=4, fontsize=8, frameon=False)
    low, high = axis.get_ylim()
    axis.set_ylim(low, high + 0.3 * (high - low))
    _clean(axis)


def _balance(axis: Axes, times: list[Any], trace: Trace) -> None:
    balances = [b / units.EUR for b in trace.balances]
    axis.plot(times, balances, color="0.1", linewidth=0.9, label="balance")
    floors = [f / units.EUR for f in trace.floors]
    axis.plot(
        times, floors, "--", color="0.45", drawstyle="steps-post", linewidth=0.9, label="floor"
    )
    if trace.top_ups:
        x = [_local(clock * 60) for clock, _ in trace.top_ups]
        low, high = min(*balances, *floors), max(balances)
        y = low - 0.08 * (high - low)
        axis.plot(x, [y] * len(x), "^", color="0.1", markersize=5, label="top-up")
    axis.axhline(0, color="0.7", linewidth=0.6)
    axis.set_ylabel("balance (EUR)")
    axis.legend(loc="upper right", ncols=3, fontsize=8, frameon=False)
    low, high = axis.get_ylim()
    axis.set_ylim(low, high + 0.15 * (high - low))
    _clean(axis)


def powers(world: FinishedRun) -> tuple[list[int], list[float]]:
    """Mean power between samples: their times, s since 2000 UTC+1, and kW, one fewer."""
    drawn = dict(zip(world.trace.times, world.trace.drawn, strict=True))  # each second once
    wh = world.profile.values["wh_per_m3"] / 1000 if world.profile.gas else 1  # of a pulse
    spans = pairwise(drawn.items())
    kw = [(more - less) * wh / (end - begin) / 1000 for (begin, less), (end, more) in spans]
    return list(drawn), kw


def _power(axis: Axes, times: list[Any], world: FinishedRun) -> None:
    trace = world.trace
    edges, shown = powers(world)
    edges = [_local(second) for second in edges]
    axis.stairs(shown, edges, baseline=None, color="0.3", linewidth=0.6, label="power")
    limits = [limit / 1000 if limit else float("nan") for limit in trace.limits]
    if any(trace.limits):
        axis.plot(
            times, limits, color="0.0", linewidth=1.6, drawstyle="steps-post", label="limiter"
        )
        axis.legend(loc="upper right", ncols=2, fontsize=8, frameon=False)
    axis.set_ylabel("power (kW)")
    limit = max(trace.limits, default=0) / 1000
    axis.set_ylim(0, max([*shown, limit, 0.1]) * 1.2)
    _clean(axis)


def _supply(axis: Axes, trace: Trace) -> None:
    shown = [phase for phase in BANDS if phase in trace.durations]
    for phase in shown:
        grey, hatch = BANDS[phase]
        bars = [
            (mdates.date2num(_local(begin)), (end - begin) / units.DAY_S)
            for name, begin, end in trace.spells
            if name == phase
        ]
        axis.broken_barh(
            bars,
            (0, 1),
            facecolor=grey,
            hatch=hatch,
            edgecolor="0.4" if hatch else grey,
            linewidth=0,
        )
    axis.set_yticks([])
    axis.set_ylim(0, 1)
    axis.set_ylabel("supply")
    axis.set_xlabel("Belgian local time")
    first, last = _local(trace.spells[0][1]), _local(trace.spells[-1][2])
    axis.set_xlim(first, max(last, first + timedelta(seconds=1)))
    locator = mdates.AutoDateLocator(maxticks=12)
    axis.xaxis.set_major_locator(locator)
    formatter = mdates.ConciseDateFormatter(locator, offset_formats=[corner(first, last)] * 6)
    formatter.formats[-1] = "%H:%M:%S"
    axis.xaxis.set_major_formatter(formatter)
    handles = []
    for phase in shown:
        grey, hatch = BANDS[phase]
        handles.append(Patch(facecolor=grey, hatch=hatch, edgecolor="0.4", label=phase))
    axis.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.55),
        ncols=min(len(handles), 7),
        fontsize=8,
        frameon=False,
    )


def corner(first: datetime, last: datetime) -> str:
    """What stands at the end of the time axis: the day or the years of the whole of it."""
    last = max(first, last - timedelta(seconds=1))
    if first.date() == last.date():
        return f"{first:%Y-%m-%d}"
    return f"{first:%Y}" if first.year == last.year else f"{first:%Y} to {last:%Y}"


def _clean(axis: Axes) -> None:
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
