"""The plot of a run: balance with its floor, what was done, power with the limiter, supply."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from budgetmeter import texts, units
from budgetmeter.report import dates, marks, power
from budgetmeter.report.finished import FinishedRun
from budgetmeter.report.palette import BAND, BELOW_FLOOR, FAINT, INK, LIMIT, PHASES
from budgetmeter.report.power import local
from budgetmeter.report.trace import Trace
from budgetmeter.texts import Words

Facts = Sequence[tuple[datetime, str, bool]]
Owed = Mapping[str, Sequence[tuple[datetime, int]]]

matplotlib.rcParams["hatch.linewidth"] = 0.6
SIGNS = {"topup": "^", "given": "D", "order": "s", "press": "o"}
SUPPLY_IN = 0.5
ROW_IN = 0.24  # height of a row of marks, inches
LETTER_WIDTH = 0.0063  # of a letter of a name in the lane of a procedure, as a part of the axis
LETTER_IN = 0.079  # width of a small letter, inches
WIDTH_IN = 11.0
PREPAID = {"credit", "negative limit", "kept on", "emergency", "off: credit"}

PREPAID = {"credit", "negative limit", "kept on", "emergency", "off: credit"}


def save(
    world: FinishedRun,
    title: str,
    path: Path,
    facts: Facts = (),
    owed: Owed | None = None,
    words: Words | None = None,
) -> None:
    """Write the plot of a finished run; the file's ending decides the format.

    :param facts: of a case beside the meter: when (local time), what, and whether it is a letter
    :param owed: what is owed on each account of the case from a time on, in cents
    :param words: the language; English if not given
    :raises ValueError: for an ending matplotlib does not know
    :raises OSError: when the file cannot be written
    """
    figure = draw(world, title, facts, owed, words)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw(
    world: FinishedRun,
    title: str,
    facts: Facts = (),
    owed: Owed | None = None,
    words: Words | None = None,
    width: float = WIDTH_IN,
) -> Figure:
    """The figure of a finished run; with a case, its procedure and its ledger above.

    :param width: inches; letters stay as large as they are
    """
    words = words or texts.of()
    trace = world.trace
    times: list[Any] = [local(second) for second in trace.times]
    rows = marks.rows(trace)
    prepaid = world.profile.prepayment or bool(PREPAID & set(trace.durations))
    panels = {
        "procedure": 4.0 if facts else 0,
        "ledger": 1.5 if facts else 0,
        "balance": 0.31 * width if prepaid else 0,
        "marks": ROW_IN * len(rows),
        "power": 0.2 * width,
        "supply": SUPPLY_IN,
    }
    panels = {name: height for name, height in panels.items() if height}
    figure, axes = plt.subplots(
        len(panels), sharex=True, squeeze=False, figsize=(width, sum(panels.values()) + 1.9),
        height_ratios=list(panels.values()), layout="constrained",
    )  # fmt: skip
    at = dict(zip(panels, axes.flat, strict=True))
    if facts:
        _procedure(at["procedure"], facts, (times[0], times[-1]), words)
        _ledger(at["ledger"], owed or {}, times[-1], words)
    if prepaid:
        _balance(at["balance"], times, trace, words)
    if rows:
        _marks(at["marks"], rows, (times[0], times[-1]), words)
    _power(at["power"], times, world, words)
    _supply(at["supply"], trace, words)
    first, last = trace.spells[0][1], trace.spells[-1][2]
    dates.label(at["supply"], local(first), local(last), words)
    figure.suptitle(f"{title}\n{world.profile.title}", fontsize=11, parse_math=False)
    return figure


# ---- A case -------------------------------------------------------------------------------------


def _procedure(axis: Axes, facts: Facts, span: tuple[Any, Any], words: Words) -> None:
    """The lane of a procedure: a mark for each fact, a square for each letter, its name beside it.

    Each stands in the first row in which its name hides no other.
    """
    begin, length = span[0], max((span[1] - span[0]).total_seconds(), 1)
    ends: list[float] = []  # of each row, as a part of the axis
    named: set[str] = set()  # what stands in the legend
    for day, text, letter in facts:
        at = max(day, begin)
        here = (at - begin).total_seconds() / length
        width = LETTER_WIDTH * (len(text) + 3)
        left = here + width > 1  # no room on the right: the name stands before its mark
        first = here - width if left else here
        free = (row for row, end in enumerate(ends) if end <= first)
        row = next(free, len(ends))
        ends[row : row + 1] = [max(here, first + width)]
        look = {"marker": "s", "markersize": 3} if letter else {"marker": "|", "markersize": 6}
        kind = words("plot.letter" if letter else "plot.fact")
        label = None if kind in named else kind
        named.add(kind)
        axis.plot([at], [-row], color=INK, linestyle="", clip_on=False, label=label, **look)  # type: ignore[arg-type]  # fmt: skip
        axis.annotate(text, (at, -row), xytext=(-4 if left else 4, 0), textcoords="offset points",
                      fontsize=6, va="center", ha="right" if left else "left")  # type: ignore[arg-type]  # fmt: skip
    axis.set_ylim(-max(len(ends), 1) + 0.2, 0.8)
    axis.set_yticks([])
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=8,
                frameon=False, borderaxespad=0)  # fmt: skip
    _name(axis, words("plot.procedure"))


def _ledger(axis: Axes, owed: Owed, end: Any, words: Words) -> None:
    """What is owed on each account of a case."""
    moved = {account: points for account, points in owed.items() if any(c for _, c in points)}
    for style, (account, points) in zip(("-", "--", ":", "-."), moved.items(), strict=False):
        times: list[Any] = [*(at for at, _ in points), end]
        cents = [amount / 100 for _, amount in points]
        axis.plot(
            times, [*cents, cents[-1]], style, color=INK, drawstyle="steps-post",
            linewidth=1.1, label=account,
        )  # fmt: skip
    _name(axis, words("plot.owed_axis"))
    if moved:
        _legend(axis)


# ---- The meter ----------------------------------------------------------------------------------


def _balance(axis: Axes, times: list[Any], trace: Trace, words: Words) -> None:
    """The balance, and what lies below the floor shaded."""
    balances = [amount / units.EUR for amount in trace.balances]
    floors = [amount / units.EUR for amount in trace.floors]
    low, high = min(*balances, *floors), max(*balances, *floors)
    room = max(high - low, 1.0)
    axis.set_ylim(low - 0.1 * room, high + 0.08 * room)
    axis.fill_between(
        times, floors, axis.get_ylim()[0], step="post", color=BELOW_FLOOR, linewidth=0
    )
    axis.axhline(0, color=FAINT, linewidth=0.6)
    axis.plot(
        times, floors, "--", color=FAINT, drawstyle="steps-post", linewidth=1.2,
        label=words("plot.floor"),
    )  # fmt: skip
    axis.plot(times, balances, color=INK, linewidth=1.1, label=words("plot.balance"))
    _name(axis, words("plot.balance_axis"))
    _legend(axis)


def _marks(axis: Axes, rows: list[marks.Row], span: tuple[Any, Any], words: Words) -> None:
    """A row for each kind of thing that was done or that was in force."""
    for place, row in enumerate(rows):
        if row.spans:
            bars = _bars(row.spans)
            axis.broken_barh(bars, (place - 0.32, 0.64), facecolor=FAINT, linewidth=0)
            continue
        x: list[Any] = [local(at) for at, _ in row.points]
        axis.plot(x, [place] * len(x), SIGNS[row.name], color=INK, markersize=4, clip_on=False)
        named = [(local(at), words(f"kind.{kind}")) for at, kind in row.points if kind]
        _beside(axis, named, place, span)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_yticks(range(len(rows)), [words(f"mark.{row.name}") for row in rows], fontsize=8)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="y", color=BELOW_FLOOR, linewidth=0.6)
    axis.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)


def _beside(axis: Axes, named: list[tuple[datetime, str]], row: int, span: tuple[Any, Any]) -> None:
    """The names beside marks; those of marks that stand close go into one text."""
    total = (span[1] - span[0]).total_seconds() or 1.0
    letter = LETTER_IN / _width(axis)
    groups: list[tuple[float, datetime, list[str]]] = []  # where the text ends, mark, names
    for at, text in named:
        place = (at - span[0]).total_seconds() / total
        if groups and place < groups[-1][0]:
            names = groups[-1][2]
            if text not in names:
                names.append(text)
            groups[-1] = (groups[-1][0] + letter * len(text) * (text == names[-1]), at, names)
        else:
            groups.append((place + letter * (len(text) + 3), at, [text]))
    for end, at, names in groups:
        past = end > 1
        axis.annotate(
            ", ".join(names), (mdates.date2num(at), row), xytext=(-6 if past else 6, 0),
            textcoords="offset points", fontsize=7, va="center", ha="right" if past else "left",
        )  # fmt: skip


def _power(axis: Axes, times: list[Any], world: FinishedRun, words: Words) -> None:
    """Means between samples; over months a band for each day. The limiter's line where it is."""
    trace = world.trace
    edges, shown = power.powers(world)
    if edges[-1] - edges[0] >= power.BAND_FROM_S:
        _days(axis, power.days(edges, shown), words)
    else:
        x: Any = [local(second) for second in edges]
        axis.stairs(shown, x, baseline=None, color=INK, linewidth=0.9, label=words("plot.power"))
    if any(trace.limits):
        limits = [limit / 1000 if limit else float("nan") for limit in trace.limits]
        axis.plot(
            times, limits, color=LIMIT, linewidth=2.4, drawstyle="steps-post",
            label=words("plot.limiter"),
        )  # fmt: skip
    _name(axis, words("plot.power_axis"))
    top = max([*shown, *(limit / 1000 for limit in trace.limits), 0.1])
    axis.set_ylim(0, top * 1.1)
    if len(axis.get_legend_handles_labels()[1]) > 1:
        _legend(axis)


def _days(axis: Axes, days: list[power.Day], words: Words) -> None:
    edges: Any = [*(one.begin for one in days), days[-1].end]
    low, high = [one.low for one in days], [one.high for one in days]
    axis.stairs(high, edges, baseline=low, fill=True, color=BAND, label=words("plot.day_band"))
    axis.stairs(
        high, edges, baseline=None, color=FAINT, linewidth=1.0, label=words("plot.day_highest")
    )
    axis.stairs(
        [one.mean for one in days], edges, baseline=None, color=INK, linewidth=1.1,
        label=words("plot.day_mean"),
    )  # fmt: skip


def _supply(axis: Axes, trace: Trace, words: Words) -> None:
    """Phases as a band. What has no supply has an edge, so that minutes are seen in months."""
    shown = [phase for phase in PHASES if phase in trace.durations]
    wide = _width(axis) > 9
    handles: list[Any] = []
    for phase in shown:
        look = PHASES[phase]
        bars = _bars((begin, end) for name, begin, end in trace.spells if name == phase)
        dark = phase.startswith("off") or phase == "ready"
        surface = axis.broken_barh(
            bars, (0, 1), facecolor=look.fill, edgecolor=look.fill,
            linewidth=0.4 if dark else 0, label=words(f"phase.{phase}"),
        )  # fmt: skip
        hatch = axis.broken_barh(
            bars, (0, 1), facecolor="none", hatch=look.hatch or None, edgecolor=look.ink,
            linewidth=0,
        )  # fmt: skip
        handles.append((surface, hatch))
    axis.set_yticks([])
    axis.set_ylim(0, 1)
    _name(axis, words("plot.supply"))
    axis.set_xlabel(words("plot.time"))
    axis.legend(
        handles, [words(f"phase.{phase}") for phase in shown], loc="upper center",
        bbox_to_anchor=(0.5, -1.5), ncols=min(len(shown), 5 if wide else 3), fontsize=8,
        frameon=False,
    )  # fmt: skip


# ---- Common -------------------------------------------------------------------------------------


def _width(axis: Axes) -> float:
    """Width of the figure of an axis, inches."""
    figure = axis.get_figure(root=True)
    assert figure is not None
    return figure.get_figwidth()


def _bars(spans: Iterable[tuple[int, int]]) -> list[tuple[float, float]]:
    """Stretches of time as matplotlib draws them: where each begins, its length in days."""
    return [
        (float(mdates.date2num(local(begin))), (end - begin) / units.DAY_S) for begin, end in spans
    ]


def _name(axis: Axes, text: str) -> None:
    axis.set_ylabel(text, fontsize=9)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def _legend(axis: Axes) -> None:
    """What the lines are, above the panel, where it hides nothing."""
    count = len(axis.get_legend_handles_labels()[1])
    axis.legend(
        loc="lower right", bbox_to_anchor=(1, 1), ncols=count, fontsize=8, frameon=False,
        borderaxespad=0.1,
    )  # fmt: skip
