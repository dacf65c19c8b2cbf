"""The verbs `fleet …`: a region of meters, two policies, one meter looked at."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from budgetmeter import resources, texts, units
from budgetmeter.casebook.report import as_csv
from budgetmeter.cli import columns
from budgetmeter.cli.language import LanguageOption, ReportOption
from budgetmeter.cli.load import LoadShape, LoadZone, load_request
from budgetmeter.errors import InputError
from budgetmeter.report import figures, output, screen
from budgetmeter.report.page import number

if TYPE_CHECKING:
    from budgetmeter.fleet.assumptions import Case
    from budgetmeter.fleet.engine import World
    from budgetmeter.fleet.results import Results
    from budgetmeter.fleet.run import Run
    from budgetmeter.fleet.study import Study
    from budgetmeter.texts import Words

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


def _parts() -> tuple[Any, ...]:
    """The modules of the fleet, whose dependencies are an extra."""
    try:
        from budgetmeter.fleet import compare, engine, results, run, study  # noqa: PLC0415
    except ImportError:
        raise InputError("the fleet needs: pip install 'budgetmeter[fleet]'") from None
    return study, engine, run, results, compare


def _load(
    what: str,
    changes: list[str] | None,
    meters: int | None,
    days: int | None,
    step: int | None,
    seed: int | None,
) -> Study:
    """The study with the options applied."""
    options = {"meters": meters, "days": days, "step_min": step, "seed": seed}
    options = {key: value for key, value in options.items() if value is not None}
    return _parts()[0].load(what, changes or (), options)


def _open(study: Study, folder: Path, chunk: int) -> tuple[World, Run]:
    """A study ready to run, and its folder, made or taken up again."""
    _, engine, runs, _, _ = _parts()
    ready = engine.world(study)
    return ready, runs.open_folder(study, ready, folder, chunk)


def _finish(name: str, ready: World, run: Run, workers: int | None, scheduler: str) -> Results:
    """Run what is left of a run; its `Results`."""
    _, _, runs, results, _ = _parts()
    count = TextColumn("{task.completed:,.0f} of {task.total:,.0f} meters")
    with _progress(BarColumn(), count, TimeRemainingColumn()) as bar:
        task = bar.add_task(name, total=run.meters)
        runs.finish(run, ready, workers, scheduler, lambda done: bar.update(task, completed=done))
    return results.Results(run.folder)


def _progress(*columns: ProgressColumn) -> Progress:
    """A description and these on standard error; nothing where that is no terminal."""
    terminal = Console(stderr=True)
    text = TextColumn("{task.description}")
    hidden = not terminal.is_terminal
    return Progress(text, *columns, console=terminal, transient=True, disable=hidden)


def _read_files(*studies: str) -> list[Path]:
    """The files among names of studies: an output must be none of them."""
    return [Path(study) for study in studies if study.endswith(".toml")]


@app.command()
def run(
    study: StudyArgument,
    out: Annotated[Path | None, typer.Option(help="folder of the results; out/STUDY")] = None,
    meters: MetersOption = None,
    days: DaysOption = None,
    step: StepOption = None,
    seed: SeedOption = None,
    changes: SetOption = None,
    load: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="files of consumption, or folders of them"),
    ] = None,
    load_zone: LoadZone = "",
    load_shape: LoadShape = "",
    chunk: ChunkOption = 1000,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Run a fleet into Parquet files, one for each chunk; run it again to go on after a stop."""
    chosen = _load(study, changes, meters, days, step, seed)
    request = load_request(load, load_zone, load_shape)
    if load:
        chosen = replace(chosen, loads=tuple(map(str, load)), request=request)
    ready, opened = _open(chosen, out or DEFAULT_OUT / chosen.name, chunk)
    _print_results(_finish(chosen.name, ready, opened, workers, scheduler), as_json)


@app.command(name="report")
def show_report(
    folder: Annotated[Path, typer.Argument(help="folder of a finished run")],
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="a row for each meter: EUR, kWh, hours")
    ] = None,
    year: Annotated[
        int | None,
        typer.Option("--fe-40", metavar="YEAR", help="the report of article 23, as CSV"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """The figures of a finished run."""
    finished = _parts()[3].Results(folder)
    if year is not None:
        print(as_csv(finished.fe_40(year)), end="")
        return
    if csv is not None:
        from budgetmeter.fleet import frame  # noqa: PLC0415

        output.check([], [csv])
        with output.naming(csv):
            frame.write_csv(folder, csv)
    _print_results(finished, as_json)


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
    report: ReportOption = None,
    language: LanguageOption = "",
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity", help="again with each assumption low and high")
    ] = False,
    chunk: ChunkOption = 1000,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Two policies on the same households: paired differences, confidence intervals, a plot."""
    results, compare = _parts()[3:]
    words = texts.of(language or texts.DEFAULT)
    plots = output.plotter(plot, "budgetmeter.fleet.plot")
    written = output.writer(report, "budgetmeter.fleet.written")
    output.check(_read_files(a, b), [path for path in (plot, report) if path is not None])
    if sweep or sensitivity:
        if sweep and sensitivity:
            raise InputError("either --sweep or --sensitivity")
        if Path(a).is_dir() or Path(b).is_dir():
            raise InputError("--sweep and --sensitivity take studies, not folders of runs")

        def compared(case: Case | None) -> dict[str, Any]:
            more = [*(changes or []), *([case.change] if case else [])]
            both = [_load(what, more, meters, days, step, seed) for what in (a, b)]
            if both[0].name == both[1].name:
                raise InputError(f"both studies are called {both[0].name}: rename one file")
            compare.check(*both)
            runs: list[Results] = []
            for one in both:
                folder = out / (one.name + (case.folder if case else ""))
                runs.append(_finish(folder.name, *_open(one, folder, chunk), workers, scheduler))
            return compare.compare(*runs)

        first = _load(a, changes, meters, days, step, seed)
        known = first.values, first.law is not None
        _assume(sweep, known, compared, (plots, plot), (written, report), words, as_json)
        return
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
    comparison = compare.compare(*pair)
    if plots is not None and plot is not None:
        with output.naming(plot):
            plots.save(*pair, plot, words)
    if written is not None and report is not None:
        with output.naming(report):
            written.compared(*pair, comparison, words).save(report)
    if as_json:
        print(json.dumps(comparison, indent=2))
    else:
        _print_comparison(comparison)
    if not comparison["conservation"]:
        raise typer.Exit(1)


def _assume(
    sweep: str,
    known: tuple[dict[str, Any], bool],
    compared: Callable[[Case | None], dict[str, Any]],
    plot: tuple[ModuleType | None, Path | None],
    report: tuple[ModuleType | None, Path | None],
    words: Words,
    as_json: bool,
) -> None:
    """Compare again for each value of a sweep, or with each assumption low and high.

    :param known: the values of the first study, and whether it has a law
    """
    from budgetmeter.cli import assumed  # noqa: PLC0415

    found = (
        assumed.sweep(sweep, compared)
        if sweep
        else assumed.sensitivity(known[0], compared, known[1])
    )
    plots, path = plot
    if plots is not None and path is not None:
        with output.naming(path):
            (plots.sweep if sweep else plots.tornado)(found, path, words)
    written, path = report
    if written is not None and path is not None:
        with output.naming(path):
            written.assumed(found, words).save(path)
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        assumed.show(console, found)


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
    report: ReportOption = None,
    language: LanguageOption = "",
    as_json: JsonOption = False,
) -> None:
    """One meter of a fleet in the emulator: the whole firmware, every event."""
    _parts()
    words = texts.of(language or texts.DEFAULT)
    plots = output.plotter(plot, "budgetmeter.report.plot")
    written = output.writer(report, "budgetmeter.report.written")
    output.check(_read_files(study), [path for path in (events, plot, report) if path is not None])
    from budgetmeter.fleet import single  # noqa: PLC0415

    chosen = _load(study, changes, None, days, step, seed)
    world, end_s = single.emulator(chosen, number)
    with _progress(SpinnerColumn()) as bar:
        bar.add_task("emulating", total=None)
        world.run(end_s)
    summary = figures.summary(world, chosen)
    if events is not None:
        with output.naming(events), events.open("w", encoding="utf-8", newline="") as file:
            figures.write_events(world, file)
    if plots is not None and plot is not None:
        with output.naming(plot):
            plots.save(world, f"{chosen.title}: meter {number}", plot, words=words)
    if written is not None and report is not None:
        with output.naming(report):
            written.page(world, summary, words).save(report)
    if as_json:
        print(json.dumps({**summary, "events": figures.events(world)}, indent=2))
    else:
        screen.show(console, summary, world, words)
    if not summary["conservation"]["exact"]:
        raise typer.Exit(1)


@app.command()
def parameters(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="its values; else defaults")] = "",
    as_json: JsonOption = False,
) -> None:
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


def _print_results(results: Results, as_json: bool) -> None:
    summary = _parts()[3].summary(results)
    if as_json:
        print(json.dumps(summary, indent=2))
    else:
        _print_summary(summary, results.gas)
    if not summary["conservation"]["exact"]:
        raise typer.Exit(1)


_LAW = (
    ("behind_pct", "left a bill unpaid", "%"),
    ("activated_pct", "  prepayment by the procedure", "%"),
    ("withdrawn_pct", "  minimum supply ended by the operator", "%"),
    ("cut_pct", "  cut by the operator", "%"),
    ("procedure_costs_eur", "  costs of the procedure", "EUR"),
    ("owed_supplier_eur", "  owed to the supplier at the end", "EUR"),
)


def _print_summary(summary: dict[str, Any], gas: bool) -> None:
    unit = "m3" if gas else "kWh"
    title = Text(summary["title"], style="bold")
    console.print(title.append(f"  {summary['meters']:,} meters\n", style="not bold"))
    hit = summary["off_h_of_those_hit"]
    spread = ""
    if hit is not None:
        spread = "those hit: median {median:.1f} h, a tenth above {p90:.1f} h".format(**hit)
    rows = [
        ("ever self-disconnected", f"{summary['self_disconnected_pct']:.1f} %", spread),
        ("  off for over a day", f"{summary['off_over_a_day_pct']:.1f} %", ""),
        ("self-disconnections", f"{summary['self_disconnections']:.2f}", "mean of a household"),
        ("  time in them", f"{summary['off_h']:.1f} h", "mean of a household"),
        ("emergency credit in use", f"{summary['emergency_starts']:.2f} times", ""),
        ("minimum supply begun", f"{summary['limiter_starts']:.2f} times", ""),
        ("overload trips", f"{summary['trips']:.2f}", ""),
        ("wanted", f"{summary['wanted']:,.0f} {unit}", "mean of a household"),
        ("gone without", f"{summary['gone_without']:.1f} {unit}", "mean of a household"),
        ("topped up", f"{summary['topped_up_eur']:,.2f} EUR", f"{summary['top_ups']:.1f} times"),
        ("arrears at the end", f"{summary['arrears_eur']:.2f} EUR",
         f"{summary['in_arrears_pct']:.1f} % of the households"),
    ]  # fmt: skip
    for phase, hours in summary["phases_h"].items():
        rows.append((f"in phase {phase}", units.duration(round(hours * 3600)), ""))
    for name, count in summary["reconnected"].items():
        label = name if name == "still off" else f"reconnected {name}"
        rows.append((label, f"{count:,}", "self-disconnections"))
    if summary["law"]["behind_pct"]:
        rows += [(label, f"{summary['law'][key]:.2f} {unit}", "") for key, label, unit in _LAW]
    books = summary["conservation"]
    verdict = "exact" if books["exact"] else "BROKEN"
    rows.append(
        ("conservation", verdict, f"accounts {books['held']} = in and out {books['booked']}")
    )
    columns.show(console, rows, wraps=2)


def _print_comparison(comparison: dict[str, Any]) -> None:
    for name in ("a", "b"):
        console.print(Text.assemble(f"{name.upper()}  ", (comparison[name], "bold")))
    console.print(
        f"{comparison['meters']:,} households, the same under both; means of a household\n"
    )
    rows = [
        (
            f"{row['label']}, {row['unit']}" if row["unit"] else row["label"],
            number(row["a"]),
            number(row["b"]),
            number(row["difference"], sign=True),
            f"{number(row['low'], sign=True)} to {number(row['high'], sign=True)}",
            f"{row['more_pct']:.1f} %",
            f"{row['less_pct']:.1f} %",
        )
        for row in comparison["measures"].values()
    ]
    columns.show(console, rows, 0, ("", "A", "B", "B - A", "95 % interval", "more", "less"))
    console.print("\nself-disconnections by the time until reconnected")
    a, b = comparison["reconnected"]["a"], comparison["reconnected"]["b"]
    columns.show(console, [(name, f"{a[name]:,}", f"{b[name]:,}") for name in a], 0, ("", "A", "B"))
    verdict = "exact" if comparison["conservation"] else "BROKEN"
    console.print(f"\nconservation over both fleets: {verdict}")
