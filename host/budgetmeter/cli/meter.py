"""The verbs that talk to a meter, real or emulated: `status`, `registers`, `events`, `console`."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from meterfw.wire.console import HELP
from meterproto.tokens import NUMBER_LIMIT
from rich.console import Console
from rich.live import Live
from rich.text import Text

from budgetmeter.client import Entry, LineError, Meter, NoAnswer
from budgetmeter.client.meter import TIMEOUT_S
from budgetmeter.client.readings import Reading, plain, shown
from budgetmeter.errors import BudgetmeterError, InputError
from budgetmeter.units import DAY_S

UrlArgument = Annotated[
    str,
    typer.Argument(
        metavar="URL", help="/dev/ttyACM0, socket://127.0.0.1:7000, rfc2217://…, or loop"
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="print as JSON, one line a reading")]
WatchOption = Annotated[
    bool,
    typer.Option("--watch", help="read again and again, until stopped; a lost line is opened anew"),
]
EveryOption = Annotated[
    float, typer.Option(min=0.05, max=DAY_S, metavar="SECONDS", help="how often, with --watch")
]
TimeoutOption = Annotated[
    float, typer.Option(min=0.01, max=3600, metavar="SECONDS", help="for an answer")
]
HISTORY_LINES = 1000
COMMANDS = tuple(line.split()[0] for line in HELP.splitlines())
LEAVE = ("quit", "exit")
REPL = "repl"
console = Console(highlight=False)


def add_to(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    for verb in (status, registers, events):
        app.command()(verb)
    app.command(name="console")(talk)


def status(
    url: UrlArgument,
    as_json: JsonOption = False,
    watch: WatchOption = False,
    every: EveryOption = 2.0,
    timeout: TimeoutOption = TIMEOUT_S,
) -> None:
    """Account, limits and supply of a meter, now."""
    _print_reading(url, timeout, Meter.status, as_json, every if watch else 0)


def registers(
    url: UrlArgument,
    as_json: JsonOption = False,
    watch: WatchOption = False,
    every: EveryOption = 2.0,
    timeout: TimeoutOption = TIMEOUT_S,
) -> None:
    """Energy and lifetime totals of a meter."""
    _print_reading(url, timeout, Meter.registers, as_json, every if watch else 0)


def _print_reading(
    url: str, timeout: float, read: Callable[[Meter], Reading], as_json: bool, every: float
) -> None:
    """Print a reading; with `every` again and again, in place on a terminal."""
    in_place = every and not as_json and console.is_terminal
    live = Live(console=console, auto_refresh=False) if in_place else contextlib.nullcontext()

    def show(meter: Meter) -> None:
        reading = read(meter)
        if as_json:
            print(json.dumps(plain(reading)), flush=True)
        elif isinstance(live, Live):
            live.update(_listed(reading), refresh=True)
        else:
            console.print(_listed(reading), soft_wrap=True, end="")

    with live:
        _repeat(url, timeout, show, every)


def _repeat(url: str, timeout: float, show: Callable[[Meter], None], every: float) -> None:
    """Show something of a meter; with `every` again and again, over a line that may come back.

    :raises MeterError: when the first reading fails; later a lost line is said once and tried again
    """
    meter: Meter | None = None
    shown = lost = False
    try:
        while True:
            try:
                meter = meter or Meter(url, timeout)
                show(meter)
                shown, lost = True, False
            except (LineError, NoAnswer) as error:
                if not every or not shown:
                    raise
                if not lost:
                    print(f"budgetmeter: {error}; trying again", file=sys.stderr, flush=True)
                lost = True
                if meter is not None:
                    meter.close()
                meter = None
            if not every:
                return
            time.sleep(every)
    finally:
        if meter is not None:
            meter.close()


def _listed(reading: Reading) -> Text:
    """Name, value and meaning of each field, a line each."""
    text = Text(no_wrap=True, overflow="ellipsis")
    for name, value in shown(reading):
        text.append(f"{name:24}{value:22}")
        text.append(f"{type(reading).meanings[name]}\n", style="dim")
    return text


def events(
    url: UrlArgument,
    first: Annotated[int, typer.Option(min=0, help="from this number on")] = 0,
    as_json: JsonOption = False,
    watch: WatchOption = False,
    every: EveryOption = 2.0,
    timeout: TimeoutOption = TIMEOUT_S,
) -> None:
    """The event log of a meter, oldest first; with --watch also what comes."""
    if first > NUMBER_LIMIT:
        raise InputError(f"--first {first}: at most {NUMBER_LIMIT}")

    def show(meter: Meter) -> None:
        nonlocal first
        for entry in meter.events(first):
            first = entry.number + 1
            if as_json:
                print(json.dumps(plain(entry)), flush=True)
            else:
                console.print(_event(entry), soft_wrap=True)

    _repeat(url, timeout, show, every if watch else 0)


def _event(entry: Entry) -> Text:
    told = dict(shown(entry))
    line = f"{told['number']:>6}  {told['time']}  {told['code']:<24}{entry.balance:>12.2f} EUR"
    return Text(line + (f"  {told['reasons']}" if entry.reasons else ""))


# ---- Console ------------------------------------------------------------------------------------


def talk(url: UrlArgument, timeout: TimeoutOption = TIMEOUT_S) -> None:
    """The meter's own console: commands of a line; `help` lists them. Ctrl-D or `quit` leaves.

    Reads commands from a pipe as well, and exits 1 when the meter answered one with an error.
    """
    with Meter(url, timeout) as meter:
        try:
            if sys.stdin.isatty():
                _converse(meter, url)
                return
            refused = sum(not _say(meter, line) for line in _piped())
        except _Left:
            console.print("the board leaves to its REPL with supply open; the connection ends here")
            return
    if refused:
        raise typer.Exit(1)


class _Left(Exception):
    """The meter has ended: its board restarts into the REPL, and answers nothing more."""


def _piped() -> Iterator[str]:
    """Commands from a pipe."""
    for line in sys.stdin.buffer:
        command = line.decode("utf-8", "replace").strip()
        if command in LEAVE:
            return
        if command:
            yield command


def _converse(meter: Meter, url: str) -> None:
    """Commands from a terminal, with editing, history and completion."""
    _edit_lines()
    number = meter.identify().meter
    console.print(f"meter {number:09d} on {url}; help lists its commands, Ctrl-D leaves")
    while True:
        try:
            command = input("> ").strip()
        except EOFError:
            print()
            return
        if command in LEAVE:
            return
        if command:
            try:
                _say(meter, command)
            except BudgetmeterError as error:
                print(f"budgetmeter: {error}", file=sys.stderr)


def _say(meter: Meter, command: str) -> bool:
    """Print what the meter answers; False for an error.

    :raises _Left: the board restarts into its REPL
    """
    try:
        answer = meter.command(command)
    except (LineError, NoAnswer):
        if command == REPL:
            raise _Left from None
        raise
    done = answer[-1] == "ok"
    for line in answer[:-1]:
        console.print(Text(line), soft_wrap=True)
    console.print(Text(answer[-1], style="green" if done else "red"), soft_wrap=True)
    return done


def _edit_lines() -> None:
    """Editing, history and completion by readline, where Python has it."""
    try:
        import readline  # noqa: PLC0415  # not in every build of Python
    except ImportError:
        return
    import atexit  # noqa: PLC0415

    path = _history()
    with contextlib.suppress(OSError):
        readline.read_history_file(path)
    readline.set_history_length(HISTORY_LINES)
    atexit.register(_keep_history, readline, path)
    words = (*COMMANDS, *LEAVE)

    def complete(text: str, index: int) -> str | None:
        begun = readline.get_line_buffer()[: readline.get_begidx()].strip()
        found = [] if begun else [word + " " for word in words if word.startswith(text)]
        return found[index] if index < len(found) else None

    readline.set_completer(complete)
    libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")


def _history() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "budgetmeter" / "history"


def _keep_history(readline: Any, path: Path) -> None:
    """A history that cannot be kept is no error."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        readline.write_history_file(path)
