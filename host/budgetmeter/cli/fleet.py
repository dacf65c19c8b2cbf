"""The verbs `fleet …`: a region of meters, two policies, one meter looked at."""

import json
import logging
import os
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from budgetmeter import resources, units
from budgetmeter.errors import InputError
from budgetmeter.report import output
from budgetmeter.report import run as report

console = Console(highlight=False)
app = typer.Typer(
    no_args_is_help=True,
    help="A region of meters for a year: run it, compare two policies, look at one meter.",
)
DEFAULT_OUT = Path("out")
_SHIPPED = ", ".join(resources.names("fleet"))

StudyArgument = Annotated[
    str, typer.Argument(metavar="STUDY", help=f"a TOML file, or one of {_SHIPPED}")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="a parameter, e.g. errand_h=1,4,24"),
]
MetersOption = Annotated[int | None, typer.Option(min=1, help="how many meters")]
DaysOption = Annotated[int | None, typer.Option(min=1, help="how many days")]
StepOption = Annotated[int | None, typer.Option("--step", help="minutes a sample of load holds")]
SeedOption = Annotated[int | None, typer.Option(help="decides every draw")]
ChunkOption = Annotated[int, typer.Option(min=1, max=100_000, help="meters in one file")]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, max=1024, help="processes; as many as cores if not given")
]
SchedulerOption = Annotated[
    str, typer.Option(metavar="ADDRESS", help="a Dask scheduler instead, e.g. tcp://host:8786")
]
JsonOption = Annotated[bool, typer.Option("--json", help="print as JSON")]


def _parts():
    """The modules of the fleet, whose dependencies are an extra."""
    try:
        from budgetmeter.fleet import compare, engine, results, run, study  # noqa: PLC0415
    except ImportError:
        raise InputError("the fleet needs: pip install 'budgetmeter[fleet]'") from None
    return study, engine, run, results, compare


def _load(what, changes, meters, days, step, seed):
    """The study with the options applied."""
    options = {"meters": meters, "days": days, "step_min": step, "seed": seed}
    options = {key: value for key, value in options.items() if value is not None}
    return _parts()[0].load(what, changes or (), options)


def _open(study, folder, chunk):
    """A study ready to run, and its folder, made or taken up again."""
    _, engine, runs, _, _ = _parts()
    ready = engine.world(study)
    return ready, runs.open_folder(study, ready, folder, chunk)


def _finish(name, ready, run, workers, scheduler):
    """Run what is left of a run; its `Results`."""
    _, _, runs, results, _ = _parts()
    count = TextColumn("{task.completed:,.0f} of {task.total:,.0f} meters")
    with _progress(BarColumn(), count, TimeRemainingColumn()) as bar:
        task = bar.add_task(name, total=run.meters)
        runs.finish(run, ready, workers, scheduler, lambda done: bar.update(task, completed=done))
    return results.Results(run.folder)


def _progress(*columns):
    """A description and these on standard error; nothing where that is no terminal."""
    terminal = Console(stderr=True)
    text = TextColumn("{task.description}")
    hidden = not terminal.is_terminal
    return Progress(text, *columns, console=terminal, transient=True, disable=hidden)


def _check_file(option, path):
    """:raises InputError: when no file can be written there, known before the work"""
    if os.path.isdir(path):
        raise InputError(f"{option} {path}: a folder, not a file")
    if not os.path.isdir(path.parent):
        raise InputError(f"{option} {path}: no folder {path.parent}")
    if not os.access(path if os.path.exists(path) else path.parent, os.W_OK):
        raise InputError(f"{option} {path}: Permission denied")


def _plotter(module, path):
    """The module that plots, when there is something to plot."""
    if path is None:
        return None
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise InputError(f"--plot {path}: a file ending in .png, .svg or .pdf")
    _check_file("--plot", path)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # nobody asked about its caches
    return import_module(module)


@app.command()
def run(
    study: StudyArgument,
    out: Annotated[Path | None, typer.Option(help="folder of the results; out/STUDY")] = None,
    meters: MetersOption = None,
    days: DaysOption = None,
    step: StepOption = None,
    seed: SeedOption = None,
    changes: SetOption = None,
    chunk: ChunkOption = 1000,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = "",
    as_json: JsonOption = False,
):
    """Run a fleet into Parquet files, one for each chunk; run it again to go on after a stop."""
    chosen = _load(study, changes, meters, days, step, seed)
    ready, opened = _open(chosen, out or DEFAULT_OUT / chosen.name, chunk)
    _report(_finish(chosen.name, ready, opened, workers, scheduler), as_json)


@app.command(name="report")
def show_report(
    folder: Annotated[Path, typer.Argument(help="folder of a finished run")],
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="a row for each meter: EUR, kWh, hours")
    ] = None,
    as_json: JsonOption = False,
):
    """The figures of a finished run."""
    if csv is not None:
        _check_file("--csv", csv)
        _parts()
        from budgetmeter.fleet import frame  # noqa: PLC0415

        made = frame.load(folder)
        with output.naming(csv):
            made.to_csv(csv)
    _report(_parts()[3].Results(folder), as_json)


@app.command(name="compare")
def compare_studies(
    a: Annotated[str, typer.Argument(metavar="A", help="a study, or the folder of a run")],
    b: Annotated[str, typer.Argument(metavar="B", help="another, of the same households")],
    out: Annotated[Path, typer.Option(help="folder for runs that have to be made")] = DEFAULT_OUT,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="plot it: .png, .svg, .pdf")
    ] = None,
    meters: MetersOption = None,
    days: DaysOption = None,
    step: StepOption = None,
    seed: SeedOption = None,
    changes: SetOption = None,
    sweep: Annotated[
        str, typer.Option(metavar="KEY=V,V,…", help="again for each value of a parameter")
    ] = "",
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity", help="again with each assumption low and high")
    ] = False,
    chunk: ChunkOption = 1000,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = "",
    as_json: JsonOption = False,
):
    """Two policies on the same households: paired differences, confidence intervals, a plot."""
    results, compare = _parts()[3:]
    if sweep or sensitivity:
        if sweep and sensitivity:
            raise InputError("either --sweep or --sensitivity")
        if Path(a).is_dir() or Path(b).is_dir():
            raise InputError("--sweep and --sensitivity take studies, not folders of runs")

        def compared(case):
            more = [*(changes or []), *([case.change] if case else [])]
            pair = [_load(what, more, meters, days, step, seed) for what in (a, b)]
            if pair[0].name == pair[1].name:
                raise InputError(f"both studies are called {pair[0].name}: rename one file")
            compare.check(*pair)
            runs = []
            for one in pair:
                folder = out / (one.name + (case.folder if case else ""))
                runs.append(_finish(folder.name, *_open(one, folder, chunk), workers, scheduler))
            return compare.compare(*runs)

        values = _load(a, changes, meters, days, step, seed).values
        _assume(sweep, values, compared, plot, as_json)
        return
    plotter = _plotter("budgetmeter.fleet.plot", plot)
    pair = [
        results.Results(what)
        if Path(what).is_dir()
        else _load(what, changes, meters, days, step, seed)
        for what in (a, b)
    ]
    studies = {i: one for i, one in enumerate(pair) if not isinstance(one, results.Results)}
    if len({one.name for one in studies.values()}) < len(studies):
        raise InputError(f"both studies are called {pair[0].name}: rename one file")
    compare.check(*pair)
    opened = {i: _open(one, out / one.name, chunk) for i, one in studies.items()}
    for i, (ready, run) in opened.items():
        pair[i] = _finish(studies[i].name, ready, run, workers, scheduler)
    figures = compare.compare(*pair)
    if plotter is not None:
        with output.naming(plot):
            plotter.save(*pair, plot)
    if as_json:
        print(json.dumps(figures, indent=2))
    else:
        _show_comparison(figures)
    if not figures["conservation"]:
        raise typer.Exit(1)


def _assume(sweep, values, compared, plot, as_json):
    """A comparison made again with other values of what is assumed."""
    from budgetmeter.fleet import assumptions  # noqa: PLC0415

    plotter = _plotter("budgetmeter.fleet.plot", plot)
    if sweep:
        rows = [{"value": case.value, **compared(case)} for case in assumptions.sweep(sweep)]
        figures = {"key": sweep.partition("=")[0], "values": rows}
    else:
        base = compared(None)
        name = assumptions.MEASURE
        if name not in base["measures"]:
            name = next(iter(base["measures"]))
        rows = []
        for pair in assumptions.each(values):
            ends = [
                {"value": case.value, **compared(case)["measures"].get(name, {"difference": 0.0})}
                for case in pair
            ]
            rows.append({"key": pair[0].key, "low": ends[0], "high": ends[1]})
        shown = base["measures"][name]
        figures = {
            "measure": name, "label": shown["label"], "base": shown["difference"],
            "a": base["a"], "b": base["b"], "meters": base["meters"],
            "assumptions": assumptions.ranked(rows, shown["difference"]),
        }  # fmt: skip
    if plotter is not None:
        with output.naming(plot):
            (plotter.sweep if sweep else plotter.tornado)(figures, plot)
    if as_json:
        print(json.dumps(figures, indent=2))
    elif sweep:
        _show_sweep(figures)
    else:
        _show_sensitivity(figures)


def _show_sweep(figures):
    rows = figures["values"]
    first = rows[0]
    for name in ("a", "b"):
        console.print(Text.assemble(f"{name.upper()}  ", (first[name], "bold")))
    console.print(f"{first['meters']:,} households; B - A for each {figures['key']}\n")
    names = dict.fromkeys(name for row in rows for name in row["measures"])
    table = []
    for name in names:
        found = [row["measures"].get(name) for row in rows]
        label = next(one for one in found if one)
        shown = [_with_half(one) if one else "0" for one in found]
        table.append((f"{label['label']}, {label['unit']}".rstrip(", "), *shown))
    _print(table, 0, ("", *(row["value"] for row in rows)))


def _with_half(row):
    half = (row["high"] - row["low"]) / 2
    return f"{_number(row['difference'], sign=True)} ± {_number(half)}"


def _show_sensitivity(figures):
    for name in ("a", "b"):
        console.print(Text.assemble(f"{name.upper()}  ", (figures[name], "bold")))
    console.print(
        f"{figures['meters']:,} households; {figures['label']}, B - A: "
        f"{_number(figures['base'], sign=True)}\n"
    )
    rows = [
        (
            row["key"],
            *(f"{_number(row[end]['difference'], sign=True)}  ({row[end]['value']})"
              for end in ("low", "high")),
        )
        for row in figures["assumptions"]
    ]  # fmt: skip
    _print(rows, 0, ("assumption", "low", "high"))


@app.command()
def meter(
    study: StudyArgument,
    number: Annotated[int, typer.Argument(metavar="METER", help="its number in the fleet")],
    days: DaysOption = None,
    step: StepOption = None,
    seed: SeedOption = None,
    changes: SetOption = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="plot it: .png, .svg, .pdf")
    ] = None,
    events: Annotated[Path | None, typer.Option(metavar="FILE", help="all events as CSV")] = None,
    as_json: JsonOption = False,
):
    """One meter of a fleet in the emulator: the whole firmware, every event."""
    _parts()
    plotter = _plotter("budgetmeter.report.plot", plot)
    if events is not None:
        _check_file("--events", events)
    from budgetmeter.fleet import single  # noqa: PLC0415

    chosen = _load(study, changes, None, days, step, seed)
    world, end_s = single.emulator(chosen, number)
    with _progress(SpinnerColumn()) as bar:
        bar.add_task("emulating", total=None)
        world.run(end_s)
    figures = report.summary(world, chosen)
    try:
        if events is not None:
            with events.open("w", encoding="utf-8", newline="") as file:
                report.write_events(world, file)
        if plotter is not None:
            plotter.save(world, f"{chosen.title}: meter {number}", plot)
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror or error}") from None
    if as_json:
        print(json.dumps({**figures, "events": report.events(world)}, indent=2))
    else:
        report.show(console, figures, world)
    if not figures["conservation"]["exact"]:
        raise typer.Exit(1)


@app.command()
def parameters(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="its values; else defaults")] = "",
    as_json: JsonOption = False,
):
    """Every parameter of population and people, with value, range and meaning."""
    studies = _parts()[0]
    values = studies.load(study).values if study else {}
    rows = [
        (section, key, values.get(key, parameter.default), parameter)
        for section, group in studies.SECTIONS.items()
        for key, parameter in group.items()
    ]
    if as_json:
        listed = [
            {
                "section": section, "key": key, "value": value,
                "low": parameter.low, "high": parameter.high, "meaning": parameter.meaning,
            }
            for section, key, value, parameter in rows
        ]  # fmt: skip
        print(json.dumps(listed, indent=2, ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("section", "key", "value", "range", "meaning"):
        table.add_column(column, overflow="fold")
    for section, key, value, parameter in rows:
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        table.add_row(
            section, key, shown, f"{parameter.low} to {parameter.high}", parameter.meaning
        )
    console.print(table)


# ---- What is shown ------------------------------------------------------------------------------


def _report(results, as_json):
    figures = _parts()[3].summary(results)
    if as_json:
        print(json.dumps(figures, indent=2))
    else:
        _show(figures, results.gas)
    if not figures["conservation"]["exact"]:
        raise typer.Exit(1)


def _show(figures, gas):
    unit = "m3" if gas else "kWh"
    title = Text(figures["title"], style="bold")
    console.print(title.append(f"  {figures['meters']:,} meters\n", style="not bold"))
    hit = figures["off_h_of_those_hit"]
    spread = ""
    if hit is not None:
        spread = "those hit: median {median:.1f} h, a tenth above {p90:.1f} h".format(**hit)
    rows = [
        ("ever self-disconnected", f"{figures['self_disconnected_pct']:.1f} %", spread),
        ("  off for over a day", f"{figures['off_over_a_day_pct']:.1f} %", ""),
        ("self-disconnections", f"{figures['self_disconnections']:.2f}", "mean of a household"),
        ("  time in them", f"{figures['off_h']:.1f} h", "mean of a household"),
        ("emergency credit in use", f"{figures['emergency_starts']:.2f} times", ""),
        ("minimum supply begun", f"{figures['limiter_starts']:.2f} times", ""),
        ("overload trips", f"{figures['trips']:.2f}", ""),
        ("wanted", f"{figures['wanted']:,.0f} {unit}", "mean of a household"),
        ("gone without", f"{figures['gone_without']:.1f} {unit}", "mean of a household"),
        ("topped up", f"{figures['topped_up_eur']:,.2f} EUR", f"{figures['top_ups']:.1f} times"),
        ("arrears at the end", f"{figures['arrears_eur']:.2f} EUR",
         f"{figures['in_arrears_pct']:.1f} % of the households"),
    ]  # fmt: skip
    for phase, hours in figures["phases_h"].items():
        rows.append((f"in phase {phase}", units.duration(round(hours * 3600)), ""))
    for name, count in figures["reconnected"].items():
        label = name if name == "still off" else f"reconnected {name}"
        rows.append((label, f"{count:,}", "FE-40" if name != "still off" else ""))
    books = figures["conservation"]
    verdict = "exact" if books["exact"] else "BROKEN"
    rows.append(
        ("conservation", verdict, f"accounts {books['held']} = in and out {books['booked']}")
    )
    _print(rows, wraps=2)


def _show_comparison(figures):
    for name in ("a", "b"):
        console.print(Text.assemble(f"{name.upper()}  ", (figures[name], "bold")))
    console.print(f"{figures['meters']:,} households, the same under both; means of a household\n")
    rows = [
        (
            f"{row['label']}, {row['unit']}" if row["unit"] else row["label"],
            _number(row["a"]),
            _number(row["b"]),
            _number(row["difference"], sign=True),
            f"{_number(row['low'], sign=True)} to {_number(row['high'], sign=True)}",
            f"{row['more_pct']:.1f} %",
            f"{row['less_pct']:.1f} %",
        )
        for row in figures["measures"].values()
    ]
    _print(rows, 0, ("", "A", "B", "B - A", "95 % interval", "more", "less"))
    console.print("\nself-disconnections by the time until reconnected (FE-40)")
    a, b = figures["reconnected"]["a"], figures["reconnected"]["b"]
    _print([(name, f"{a[name]:,}", f"{b[name]:,}") for name in a], 0, ("", "A", "B"))
    verdict = "exact" if figures["conservation"] else "BROKEN"
    console.print(f"\nconservation over both fleets: {verdict}")


def _print(rows, wraps, header=()):
    """Print rows of text as a table in which one column wraps, or row by row where it is too wide.

    Nothing is cut. Without a header the columns are aligned to the left.
    """
    header = header or [""] * len(rows[0])
    widths = [max(map(cell_len, column)) for column in zip(header, *rows, strict=True)]
    widths[wraps] = max(cell_len(word) for row in rows for word in row[wraps].split() or [""])
    if sum(widths) + 2 * (len(widths) - 1) > console.width:
        for label, *cells in rows:
            named = zip(header[1:], cells, strict=True)
            text = "  ".join(f"{name} {cell}".strip() for name, cell in named)
            console.print(Text(label), Padding(Text(text), (0, 0, 0, 2)), sep="\n")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.show_header = any(header)
    for i, title in enumerate(header):
        justify = "right" if any(header) and i else "left"
        table.add_column(title, justify=justify, no_wrap=i != wraps, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


def _number(value, sign=False):
    places = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3
    text = f"{value:{'+' if sign else ''},.{places}f}"
    return text.replace("-0.000", "0.000").replace("+0.000", "0.000")
