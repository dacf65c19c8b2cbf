"""The verb `run`: a scenario in virtual time, its report, plot and events."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from budgetmeter import loads, profiles, scenario, texts, units
from budgetmeter.cli.arguments import some_file, some_text
from budgetmeter.cli.language import LanguageOption, ReportOption
from budgetmeter.cli.load import LoadShape, LoadZone, load_request
from budgetmeter.emulator import Emulator
from budgetmeter.emulator.household import Habits
from budgetmeter.errors import InputError
from budgetmeter.report import figures, output, screen

if TYPE_CHECKING:
    from budgetmeter.emulator import nor
    from budgetmeter.scenario.story import Story
    from budgetmeter.texts import Words

console = Console(highlight=False)


def run(
    what: Annotated[
        str,
        typer.Argument(
            metavar="SCENARIO",
            help=f"a TOML file, or {', '.join(scenario.names())}",
            parser=some_text,
        ),
    ] = scenario.DEFAULT,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="another profile: a name or a TOML file", parser=some_text
        ),
    ] = None,
    load: Annotated[
        Path | None, typer.Option(metavar="CSV", help="another load", parser=some_file)
    ] = None,
    load_zone: LoadZone = "",
    load_shape: LoadShape = "",
    start: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="where in the load to begin, e.g. 2007-02-01", parser=some_text
        ),
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, help="how many days")] = None,
    household: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="a habit of the household, e.g. amounts=20,50"),
    ] = None,
    flash: Annotated[
        str | None,
        typer.Option(
            metavar="BOARD",
            help="keep its files on a board's flash: rp2040, esp32",
            parser=some_text,
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="plot it: .png, .svg, .pdf", parser=some_file),
    ] = None,
    events: Annotated[
        Path | None, typer.Option(metavar="FILE", help="all events as CSV", parser=some_file)
    ] = None,
    report: ReportOption = None,
    language: LanguageOption = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="print figures and events as JSON")
    ] = False,
) -> None:
    """Emulate in virtual time and report. Without a scenario: four months of a real household."""
    words = texts.of(language or texts.DEFAULT)
    plots = output.plotter(plot, "budgetmeter.report.plot")
    written = output.writer(report, "budgetmeter.report.written")
    files = _files(flash)
    chosen = scenario.load(what, profiles.load(profile) if profile else None)
    request = load_request(load, load_zone, load_shape)
    _override(chosen, load, start, days, household, request)
    read = [*chosen.files, *(path for path in (profile, load) if path is not None)]
    output.check(read, [path for path in (events, plot, report) if path is not None])
    world, failures = _emulate(chosen, files)
    summary = figures.summary(world, chosen)
    with ExitStack() as last_first:  # each is written, whatever becomes of the others
        last_first.callback(_print_report, world, summary, failures, as_json, chosen.story, words)
        if plots is not None and plot is not None:
            last_first.callback(_save_plot, plots, world, chosen, plot, words)
        if written is not None and report is not None:
            last_first.callback(
                _save_report, written, world, summary, failures, chosen, report, words
            )
        if events is not None:
            last_first.callback(_write_events, world, events)
    for failure in failures:
        print(f"budgetmeter: expectation failed: {failure}", file=sys.stderr)
    if failures or not summary["conservation"]["exact"]:
        raise typer.Exit(1)


def _files(board: str | None) -> nor.LittleFiles | None:
    """Files on a simulated flash of a board; None keeps them in memory."""
    if board is None:
        return None
    try:
        from budgetmeter.emulator import nor  # noqa: PLC0415  # littlefs is an extra
    except ImportError:
        raise InputError("--flash needs littlefs: pip install 'budgetmeter[nor]'") from None
    if board not in nor.BOARDS:
        raise InputError(f"--flash {board}: one of {', '.join(nor.BOARDS)}")
    geometry = nor.BOARDS[board]
    return nor.LittleFiles(nor.Nor(geometry.sectors), geometry, format=True)


def _override(
    chosen: scenario.Scenario,
    load: Path | None,
    start: str | None,
    days: int | None,
    household: list[str] | None,
    request: loads.Request,
) -> None:
    """Apply the options to the scenario."""
    if (load is not None or start or days) and chosen.steps:
        raise InputError("--load, --start and --days are for scenarios without dated actions")
    if household:
        chosen.habits = (chosen.habits or Habits()).changed(household)
    if start:
        try:
            chosen.start = units.moment(start)
        except ValueError as error:
            raise InputError(f"--start: {error}") from None
    if days is not None:
        chosen.days = days
    if load is not None:
        chosen.load = loads.read(load, chosen.profile.gas, request)
        chosen.title = f"The load of {load.name}"
    elif chosen.profile.gas and chosen.load.start is not None and (start or days):
        chosen.load = scenario.default_load(chosen.profile, chosen.start, chosen.days)


def _emulate(
    chosen: scenario.Scenario, files: nor.LittleFiles | None
) -> tuple[Emulator, list[Any]]:
    """Run, with a progress bar on a terminal."""
    terminal = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        console=terminal,
        transient=True,
        disable=not terminal.is_terminal,
    )
    with bar:
        task = bar.add_task("emulating", total=None)
        begin = None

        def progress(now_s: int, end_s: int) -> None:
            nonlocal begin
            begin = now_s if begin is None else begin
            bar.update(task, total=max(end_s - begin, 1), completed=now_s - begin)

        return scenario.run(chosen, progress, files)


def _write_events(world: Emulator, path: Path) -> None:
    with output.naming(path), path.open("w", encoding="utf-8", newline="") as file:
        figures.write_events(world, file)


def _save_plot(
    plots: ModuleType, world: Emulator, chosen: scenario.Scenario, path: Path, words: Words
) -> None:
    with output.naming(path):
        plots.save(world, chosen.title, path, *_of_case(chosen), words)


def _of_case(chosen: scenario.Scenario) -> tuple[Any, Any]:
    """Facts and ledger of a scenario's case."""
    story = chosen.story
    return (story.marks, story.owed) if story else ((), None)


def _save_report(
    written: ModuleType,
    world: Emulator,
    summary: dict[str, Any],
    failures: list[Any],
    chosen: scenario.Scenario,
    path: Path,
    words: Words,
) -> None:
    failed = [str(one) for one in failures]
    page = written.page(world, summary, words, *_of_case(chosen), failed, chosen.habits)
    if chosen.story:
        page.heading(words("page.timeline"))
        page.lines(chosen.story.text())
    with output.naming(path):
        page.save(path)


def _print_report(
    world: Emulator,
    summary: dict[str, Any],
    failures: list[Any],
    as_json: bool,
    story: Story | None,
    words: Words,
) -> None:
    if as_json:
        timeline = {"timeline": list(story.text())} if story else {}
        document = {
            **summary,
            **timeline,
            "events": figures.events(world),
            "failed": [str(f) for f in failures],
        }
        print(json.dumps(document, indent=2))
    else:
        screen.show(console, summary, world, words)
        if story:
            console.print("\n" + words("page.timeline"))
            for line in story.text():
                console.print(line, soft_wrap=True)
