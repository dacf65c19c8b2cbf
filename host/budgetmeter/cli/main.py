"""The command line: `budgetmeter VERB …`. Bad input is one line and exit status 2."""

import sys
from importlib import metadata
from typing import Annotated, Any, NoReturn

import typer

from budgetmeter.cli import (
    books,
    card,
    case,
    dlms,
    emulate,
    flash,
    fleet,
    meter,
    mqtt,
    office,
    p1,
    panel,
    profiles,
    run,
    terminal,
    token,
)
from budgetmeter.errors import BudgetmeterError, InputErrors, OutputGone
from budgetmeter.report import output

PIPE_CLOSED = 141  # exit status of what SIGPIPE ends

# Typer's base of "the command line is wrong", wherever the installed release keeps it
UsageError: Any = typer.BadParameter.__bases__[0]

app = typer.Typer(
    pretty_exceptions_enable=False,
    help="A Belgian budget (prepayment) meter: emulate it, look at it, put it under test.",
)
app.add_typer(fleet.app, name="fleet")
app.add_typer(token.app, name="token")
assert books.app is office.app  # its verbs stand in two modules
app.add_typer(office.app, name="office")
app.add_typer(case.app, name="case")
app.add_typer(card.app, name="card")
app.add_typer(terminal.app, name="terminal")
app.command()(flash.flash)
app.command()(emulate.emulate)
app.command()(panel.panel)
meter.add_to(app)
app.command()(p1.p1)
app.command()(dlms.dlms)
app.command()(mqtt.mqtt)
app.command()(run.run)
app.command(name="profiles")(profiles.show_profiles)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="print the version")] = False,
) -> None:
    if version:
        print(f"budgetmeter {metadata.version('budgetmeter')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def _fail(*messages: str) -> NoReturn:
    """Leave with one line for each message, whatever stands in it."""
    for message in messages:
        plain = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in message)
        print(f"budgetmeter: {''.join(plain)}", file=sys.stderr)
    sys.exit(2)


def main() -> None:
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
