"""The command line: `budgetmeter VERB …`. Bad input is one line and exit status 2."""

import json
import logging
import sys
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from budgetmeter import catalogue, loads, profiles, units
from budgetmeter.cli import cards, emulate, fleet, meter, vending
from budgetmeter.cli import flash as flashing
from budgetmeter.cli.load import LoadShape, LoadZone, load_request
from budgetmeter.emulator.household import Habits
from budgetmeter.errors import BudgetmeterError, InputError, InputErrors, OutputGone
from budgetmeter.report import output
from budgetmeter.report import run as report
from budgetmeter.scenario import scenario

PIPE_CLOSED = 141  # exit status of what SIGPIPE ends

# Typer's base of "the command line is wrong", wherever the installed release keeps it
UsageError = cast(type[Exception], typer.BadParameter.__bases__[0])

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A Belgian budget (prepayment) meter: emulate it, look at it, put it under test.",
)
app.add_typer(fleet.app, name="fleet")
app.add_typer(vending.token_app, name="token")
app.add_typer(vending.office_app, name="office")
app.add_typer(cards.card_app, name="card")
app.add_typer(cards.terminal_app, name="terminal")
app.command()(flashing.flash)
app.command()(emulate.emulate)
meter.add_to(app)
console = Console(highlight=False)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="print the version")] = False,
):
    if version:
        print(f"budgetmeter {metadata.version('budgetmeter')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def _given(text):
    """An argument that is no empty text."""
    if not text:
        raise typer.BadParameter("is empty")
    return text


def _file(text):
    return Path(_given(text))


@app.command()
def run(
    what: Annotated[
        str,
        typer.Argument(
            metavar="SCENARIO",
            help=f"a TOML file, or {', '.join(scenario.names())}",
            parser=_given,
        ),
    ] = scenario.DEFAULT,
    profile: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="another profile: a name or a TOML file", parser=_given),
    ] = None,
    load: Annotated[
        Path | None, typer.Option(metavar="CSV", help="another load", parser=_file)
    ] = None,
    load_zone: LoadZone = "",
    load_shape: LoadShape = "",
    start: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="where in the load to begin, e.g. 2007-02-01", parser=_given
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
            parser=_given,
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="plot it: .png, .svg, .pdf", parser=_file),
    ] = None,
    events: Annotated[
        Path | None, typer.Option(metavar="FILE", help="all events as CSV", parser=_file)
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="print figures and events as JSON")
    ] = False,
):
    """Emulate in virtual time and report. Without a scenario: four months of a real household."""
    plotter = _plotter(plot)
    files = _files(flash)
    chosen = scenario.load(what, profiles.load(profile) if profile else None)
    request = load_request(load, load_zone, load_shape)
    _override(chosen, load, start, days, household, request)
    read = [*chosen.files, *(path for path in (profile, load) if path is not None)]
    output.check(read, [path for path in (events, plot) if path is not None])
    world, failures = _emulate(chosen, files)
    figures = report.summary(world, chosen)
    with ExitStack() as last_first:  # each is written, whatever becomes of the others
        last_first.callback(_show, world, figures, failures, as_json)
        if plotter is not None:
            last_first.callback(_save_plot, plotter, world, chosen.title, plot)
        if events is not None:
            last_first.callback(_write_events, world, events)
    for failure in failures:
        print(f"budgetmeter: expectation failed: {failure}", file=sys.stderr)
    if failures or not figures["conservation"]["exact"]:
        raise typer.Exit(1)


def _plotter(path):
    """The plot module, when there is something to plot and matplotlib is installed."""
    if path is None:
        return None
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise InputError(f"--plot {path}: a file ending in .png, .svg or .pdf")
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # nobody asked about its caches
    try:
        from budgetmeter.report import plot  # noqa: PLC0415  # matplotlib is an extra
    except ImportError:
        raise InputError("--plot needs matplotlib: pip install 'budgetmeter[plot]'") from None
    return plot


def _files(board):
    """Files on a simulated flash of a board; None keeps them in memory."""
    if board is None:
        return None
    try:
        from budgetmeter.emulator import nor as flash  # noqa: PLC0415  # littlefs is an extra
    except ImportError:
        raise InputError("--flash needs littlefs: pip install 'budgetmeter[flash]'") from None
    if board not in flash.BOARDS:
        raise InputError(f"--flash {board}: one of {', '.join(flash.BOARDS)}")
    geometry = flash.BOARDS[board]
    return flash.LittleFiles(flash.Nor(geometry.sectors), geometry, format=True)


def _override(chosen, load, start, days, household, request):
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


def _emulate(chosen, files):
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

        def progress(now_s, end_s):
            nonlocal begin
            begin = now_s if begin is None else begin
            bar.update(task, total=max(end_s - begin, 1), completed=now_s - begin)

        return scenario.run(chosen, progress, files)


def _write_events(world, path):
    with output.naming(path), path.open("w", encoding="utf-8", newline="") as file:
        report.write_events(world, file)


def _save_plot(plotter, world, title, path):
    with output.naming(path):
        plotter.save(world, title, path)


def _show(world, figures, failures, as_json):
    if as_json:
        document = {**figures, "events": report.events(world), "failed": [str(f) for f in failures]}
        print(json.dumps(document, indent=2))
    else:
        report.show(console, figures, world)


@app.command(name="profiles")
def show_profiles(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="one profile, value by value", parser=_given),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False,
):
    """What each region does, with its rule ids and what is left out."""
    chosen = [profiles.load(name)] if name else [profiles.load(n) for n in profiles.names()]
    if as_json:
        print(json.dumps([_profile_data(p) for p in chosen], indent=2))
    elif name:
        _show_profile(chosen[0])
    else:
        _compare(chosen)


def _profile_data(profile):
    values = {
        key: {"value": profiles.shown(key, value), "rules": list(profile.rules[key])}
        for key, value in profile.values.items()
    }
    return {
        "name": profile.name,
        "title": profile.title,
        "region": profile.region,
        "left_out": list(profile.left_out),
        "values": values,
    }


def _show_profile(profile):
    console.print(f"[bold]{escape(profile.name)}[/bold]  {escape(profile.title)}")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("value", no_wrap=True)
    for column in ("", "what it is", "rules"):
        table.add_column(column)
    for key, value in profile.values.items():
        rules = ", ".join(profile.rules[key])
        table.add_row(key, profiles.shown(key, value), profiles.QUANTITIES[key][1], rules)
    report.print_table(console, table)
    ids = sorted({i for ids in profile.rules.values() for i in ids if i != catalogue.NO_SOURCE})
    console.print("\n[bold]rules[/bold]")
    table = _rows()
    for rule_id in ids:
        rule = catalogue.rules()[rule_id]
        table.add_row(rule_id, f"{rule.title} [dim]({rule.clause})[/dim]")
    report.print_table(console, table)
    console.print("\n[bold]left out[/bold]")
    for item in profile.left_out:
        console.print(Padding(escape(item), (0, 0, 0, 2)))


def _rows():
    """A table of rows set in, without a header."""
    return Table(box=None, show_header=False, padding=(0, 0, 0, 2))


def _compare(chosen):
    for profile in chosen:
        console.print(f"[bold]{escape(profile.name)}[/bold]  {escape(profile.title)}")
        table = _rows()
        for label, text, rules in _story(profile):
            table.add_row(label, text, f"[dim]{rules}[/dim]")
        table.add_row(
            "[dim]left out[/dim]", f"[dim]{escape('; '.join(profile.left_out))}[/dim]", ""
        )
        report.print_table(console, table)
        console.print()
    console.print("One of them value by value: budgetmeter profiles NAME")


def _story(profile):
    """What a profile does in a few lines: label, text, rule ids."""
    v = profile.values

    def shown(key):
        return profiles.shown(key, v[key])

    def rules(*keys):
        ids = dict.fromkeys(i for key in keys for i in profile.rules[key])
        return ", ".join(i for i in ids if i != catalogue.NO_SOURCE) or catalogue.NO_SOURCE

    yield "mode", f"{shown('payment_mode')}, {shown('energy')}", rules("payment_mode")
    if profile.prepayment:
        size = shown("emergency_wh") if v["emergency_wh"] else shown("emergency_preset")
        how = "by itself" if v["emergency_auto"] else "by the button"
        yield (
            "emergency credit",
            f"{size}, {how}",
            rules("emergency_wh" if v["emergency_wh"] else "emergency_preset", "emergency_auto"),
        )
        share = f"repays with {shown('topup_share_pct')}"
        if v["topup_knee"]:
            share += f" up to {shown('topup_knee')} and all above"
        yield "top-up", share, rules("topup_share_pct", "topup_knee")
        hours = "none"
        if v["window_from"] != v["window_to"]:
            hours = f"{shown('window_from')} to {shown('window_to')} and {shown('window_days')}"
        yield "friendly hours", hours, rules("window_from", "window_days")
    if v["limiter_fitted"]:
        limit = shown("limit_ma") if v["limit_ma"] else shown("limit_w")
        start = "always"
        if profile.prepayment:
            start = "by itself" if v["limiter_auto"] else "by the button"
            if not v["limiter_available"]:
                start += ", for protected customers"
        key = "limit_ma" if v["limit_ma"] else "limit_w"
        yield "limiter", f"{limit}, {start}", rules(key, "limiter_auto", "limiter_available")
        if profile.prepayment:
            yield "minimum supply", f"repaid: {shown('limiter_repay')}", rules("limiter_repay")
    else:
        yield "limiter", "none", rules("limiter_fitted")
    if v["winter_from"]:
        text = f"{shown('winter_from')} to {shown('winter_to')}, refuses {shown('winter_bars')}"
        yield "winter", text, rules("winter_from", "winter_bars")


def _fail(*messages):
    """Leave with one line for each message, whatever stands in it."""
    for message in messages:
        plain = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in message)
        print(f"budgetmeter: {''.join(plain)}", file=sys.stderr)
    sys.exit(2)


def main():
    """Entry point: errors a user can mend are one line and exit status 2."""
    output.guard()
    try:
        try:
            sys.exit(app(standalone_mode=False))
        finally:
            print(end="", flush=True)
    except OutputGone:
        sys.exit(PIPE_CLOSED)
    except InputErrors as error:
        _fail(*error.lines)
    except BudgetmeterError as error:
        _fail(str(error))
    except UsageError as error:
        message = " ".join(error.format_message().split())
        if not message:  # a group of verbs alone: its help has been printed
            sys.exit(0)
        _fail(message)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
