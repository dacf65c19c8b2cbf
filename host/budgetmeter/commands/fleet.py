"""The verbs `fleet …`: a region of meters, two policies, one meter looked at."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from budgetmeter import report, resources, units
from budgetmeter.errors import InputError

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


def _compute(study, folder, chunk, workers, scheduler):
    """Run a study into a folder, or what is left of it; its `Results`."""
    _, engine, runs, results, _ = _parts()
    ready = engine.world(study)
    run = runs.open_folder(study, ready, folder, chunk)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} meters"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(study.name, total=run.meters)
        runs.finish(run, ready, workers, scheduler, lambda done: bar.update(task, completed=done))
    return results.Results(folder)


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
    folder = out or DEFAULT_OUT / chosen.name
    results = _compute(chosen, folder, chunk, workers, scheduler)
    _report(results, as_json)


@app.command(name="report")
def show_report(
    folder: Annotated[Path, typer.Argument(help="folder of a finished run")],
    as_json: JsonOption = False,
):
    """The figures of a finished run."""
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
    chunk: ChunkOption = 1000,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = "",
    as_json: JsonOption = False,
):
    """Two policies on the same households: paired differences, confidence intervals, a plot."""
    if plot is not None and plot.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise InputError(f"--plot {plot}: a file ending in .png, .svg or .pdf")
    results, compare = _parts()[3:]
    pair = [
        what if Path(what).is_dir() else _load(what, changes, meters, days, step, seed)
        for what in (a, b)
    ]
    studies = [one for one in pair if not isinstance(one, str)]
    for other in studies[1:]:
        _alike(studies[0], other)
    finished = []
    for what in pair:
        if isinstance(what, str):
            finished.append(results.Results(what))
        else:
            finished.append(_compute(what, out / what.name, chunk, workers, scheduler))
    one, two = finished
    figures = compare.compare(one, two)
    if plot is not None:
        from budgetmeter.fleet import plot as plots  # noqa: PLC0415  # matplotlib is slow to come

        try:
            plots.save(one, two, plot)
        except OSError as error:
            raise InputError(f"{plot}: {error.strerror or error}") from None
    if as_json:
        print(json.dumps(figures, indent=2))
    else:
        _show_comparison(figures)
    if not figures["conservation"]:
        raise typer.Exit(1)


def _alike(a, b):
    """Two studies fit to be compared, known before hours are spent on them."""
    if a.name == b.name:
        raise InputError(f"both studies are called {a.name}: rename one file")
    one, two = a.population(), b.population()
    for key, value in one.items():
        if value != two[key]:
            raise InputError(f"not the same households: {key} is {value} and {two[key]}")


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
    if plot is not None and plot.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise InputError(f"--plot {plot}: a file ending in .png, .svg or .pdf")
    _parts()
    from budgetmeter.fleet import single  # noqa: PLC0415

    chosen = _load(study, changes, None, days, step, seed)
    world, end_s = single.emulator(chosen, number)
    with console.status("emulating"):
        world.run(end_s)
    figures = report.summary(world, chosen)
    try:
        if events is not None:
            with events.open("w", encoding="utf-8", newline="") as file:
                report.write_events(world, file)
        if plot is not None:
            from budgetmeter import plot as plots  # noqa: PLC0415

            plots.save(world, f"{chosen.title}: meter {number}", plot)
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
    console.print(f"[bold]{figures['title']}[/bold]  {figures['meters']:,} meters\n")
    table = Table.grid(padding=(0, 2), pad_edge=False)
    hit = figures["off_h_of_those_hit"]
    spread = ""
    if hit is not None:
        spread = "those hit: median {median:.1f} h, a tenth above {p90:.1f} h".format(**hit)
    for row in (
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
    ):  # fmt: skip
        table.add_row(*row)
    for phase, hours in figures["phases_h"].items():
        table.add_row(f"in phase {phase}", units.duration(round(hours * 3600)), "")
    for name, count in figures["reconnected"].items():
        label = name if name == "still off" else f"reconnected {name}"
        table.add_row(label, f"{count:,}", "FE-40" if name != "still off" else "")
    books = figures["conservation"]
    verdict = "exact" if books["exact"] else "BROKEN"
    table.add_row(
        "conservation", verdict, f"accounts {books['held']} = in and out {books['booked']}"
    )
    console.print(table)


def _show_comparison(figures):
    console.print(f"A  [bold]{figures['a']}[/bold]\nB  [bold]{figures['b']}[/bold]")
    console.print(f"{figures['meters']:,} households, the same under both; means of a household\n")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for column in ("A", "B", "B - A", "95 % interval", "more", "less"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in figures["measures"].values():
        table.add_row(
            f"{row['label']}, {row['unit']}" if row["unit"] else row["label"],
            _number(row["a"]),
            _number(row["b"]),
            _number(row["difference"], sign=True),
            f"{_number(row['low'], sign=True)} to {_number(row['high'], sign=True)}",
            f"{row['more_pct']:.1f} %",
            f"{row['less_pct']:.1f} %",
        )
    console.print(table)
    console.print("\nself-disconnections by the time until reconnected (FE-40)")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for column in ("A", "B"):
        table.add_column(column, justify="right")
    for name, count in figures["reconnected"]["a"].items():
        table.add_row(name, f"{count:,}", f"{figures['reconnected']['b'][name]:,}")
    console.print(table)
    verdict = "exact" if figures["conservation"] else "BROKEN"
    console.print(f"\nconservation over both fleets: {verdict}")


def _number(value, sign=False):
    places = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3
    text = f"{value:{'+' if sign else ''},.{places}f}"
    return text.replace("-0.000", "0.000").replace("+0.000", "0.000")
