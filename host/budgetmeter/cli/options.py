"""Options that several verbs share, what they open, and the options that orders have."""

import inspect
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from meterproto import tokens

from budgetmeter import orders, units
from budgetmeter.card import SPOILS
from budgetmeter.errors import InputError
from budgetmeter.office.keys import KeyFile
from budgetmeter.report.lines import say

if TYPE_CHECKING:
    from budgetmeter.office.office import Office
    from budgetmeter.office.terminal import Terminal


def serial_number(text: object) -> int:
    """A meter's serial number: digits alone, whatever zeros stand before them.

    :raises typer.BadParameter: anything else
    """
    digits = re.fullmatch(r"0*([0-9]{1,9})", str(text))
    number = int(digits[1]) if digits else 0
    if not 1 <= number <= tokens.METER_LIMIT:
        raise typer.BadParameter(f"{text!r} is no serial number: up to nine digits, from 1")
    return number


KeyOption = Annotated[
    Path, typer.Option("--key", envvar="BUDGETMETER_KEY", help="file of vending keys")
]
DbOption = Annotated[
    str, typer.Option("--db", envvar="BUDGETMETER_DB", help="database URL of the office")
]
JsonOption = Annotated[bool, typer.Option("--json", help="print as JSON")]
MeterOption = Annotated[
    int,
    typer.Option(
        "--meter", metavar="NUMBER", parser=serial_number, help="serial number of the meter"
    ),
]
OneMeterOption = Annotated[
    int | None,
    typer.Option("--meter", metavar="NUMBER", parser=serial_number, help="of this meter only"),
]
MeterArgument = Annotated[
    int,
    typer.Argument(
        metavar="METER", parser=serial_number, help="its serial number, up to nine digits"
    ),
]
AtOption = Annotated[
    str | None,
    typer.Option("--at", help="the time it happens, e.g. 2020-12-08T10:00; now if left out"),
]
CardArgument = Annotated[Path, typer.Argument(metavar="CARD", help="file of the card")]
SpoilOption = Annotated[
    str, typer.Option("--spoil", help=f"what a cut leaves of a page: {', '.join(SPOILS)}")
]
KindArgument = Annotated[
    str, typer.Argument(metavar="KIND", help="what the meter is asked for: one of the kinds above")
]
ExpiryOption = Annotated[
    str | None,
    typer.Option(help="the meter refuses it from then on; a day is meant to its last minute"),
]
ReferenceOption = Annotated[
    str | None,
    typer.Option("--reference", help="the payment's own reference: the same again is booked once"),
]
DespiteOption = Annotated[
    str | None,
    typer.Option("--despite", help="why it is done against the case; stands in the audit log"),
]
KEY = Path("vending.key")
DB = "sqlite:///vending.db"


def spoil(text: str) -> str:
    """What a card pulled out too early leaves of a page.

    :raises InputError: no such way
    """
    if text not in SPOILS:
        raise InputError(f"--spoil {text}: one of {', '.join(SPOILS)}")
    return text


# ---- What they open ------------------------------------------------------------------------------


def open_office(
    db: str, keys: KeyFile | None = None, at: str | None = None, create: bool = False
) -> "Office":
    """The office, at a time in Belgian local time, now if left out; only `init` creates one.

    Its database driver is an extra.
    """
    try:
        from budgetmeter.office.office import Office  # noqa: PLC0415
    except ImportError:
        raise InputError("the office needs SQLAlchemy: pip install 'budgetmeter[office]'") from None
    return Office(db, keys, now=None if at is None else _standing_clock(at), create=create)


def open_terminal(db: str, key: Path, at: str | None) -> "Terminal":
    """A terminal of the office."""
    office = open_office(db, KeyFile(key), at)
    from budgetmeter.office.terminal import Terminal  # noqa: PLC0415  # SQLAlchemy is an extra

    return Terminal(office)


def _standing_clock(text: str) -> Callable[[], datetime]:
    """A clock that stands still at a time given on the command line."""
    from budgetmeter.office.office import EPOCH  # noqa: PLC0415

    try:
        time = EPOCH + timedelta(minutes=units.to_clock(units.moment(text)))
    except ValueError as error:
        raise InputError(f"--at: {error}") from None
    return lambda: time


def local_s(option: str, text: str | None, end: bool = False) -> int | None:
    """Seconds since 2000 UTC+1 of an option's local time; None where it is left out.

    :param end: a day is meant to its last minute
    """
    if text is None:
        return None
    try:
        return 60 * (units.end_clock(text) if end else units.to_clock(units.moment(text)))
    except ValueError as error:
        raise InputError(f"{option}: {error}") from None


def warn_of_past(office: "Office", order: orders.Order, expiry: int = 0) -> None:
    """Say what of an order is past by the office's time: a meter on time does not carry it out."""
    for name, at in orders.past(order, expiry, office.now_s // 60):
        say(f"warning: --{name} {at} is past")


def despite(office: "Office", reason: str | None) -> None:
    """Let an office act against the cases of its meters, for a reason.

    :raises InputError: a reason that is none
    """
    if reason is not None and not (reason.strip() and reason.isprintable()):
        raise InputError("--despite: say why")
    office.despite = (reason or "").strip()[:120]


# ---- The options of orders -----------------------------------------------------------------------

_PREFIX = "option_"  # of their parameters: `from` is a word of Python


def with_order_options(command: Callable[..., None]) -> Callable[..., None]:
    """A command with an option for each of `orders.OPTIONS`.

    The command's parameter `given` is what was given of them, by name. Its help lists the kinds
    with their options.
    """

    def given(**options: Any) -> dict[str, Any]:
        named = {name: options[_PREFIX + name] for name in orders.OPTIONS}
        return {name: value for name, value in named.items() if value not in (None, False)}

    whole = spread(command, "given", [_parameter(option) for option in orders.OPTIONS], given)
    whole.__doc__ = f"{command.__doc__}\n\n{_kinds()}"
    return whole


def spread(
    command: Callable[..., None],
    name: str,
    options: Sequence[inspect.Parameter],
    gather: Callable[..., Any],
) -> Callable[..., None]:
    """A command with several options in place of one parameter, as Typer reads it.

    :param options: parameters of keywords alone
    :param gather: makes of them, by name, what the command gets as its parameter
    """
    signature = inspect.signature(command)

    def whole(**arguments: Any) -> None:
        given = {option.name: arguments.pop(option.name) for option in options}
        command(**arguments, **{name: gather(**given)})

    shown: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        if parameter.name != name:
            shown.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
        else:
            shown += options
    whole.__name__, whole.__doc__ = command.__name__, command.__doc__
    whole.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    whole.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]
    return whole


def _parameter(option: str) -> inspect.Parameter:
    """The parameter of an option of orders, as Typer reads it."""
    flag = option in orders.FLAGS
    kinds = orders.kinds_of(option)
    text = orders.OPTIONS[option]
    help_text = f"{kinds[0]}: {text}" if len(kinds) == 1 else text
    return inspect.Parameter(
        _PREFIX + option,
        inspect.Parameter.KEYWORD_ONLY,
        default=False if flag else None,
        annotation=Annotated[
            bool if flag else str | None, typer.Option(f"--{option}", help=help_text)
        ],
    )


def _kinds() -> str:
    """The kinds with their options, a line for each; what may be left out in brackets."""
    lines = ["\b", "Kinds and their options:"]
    for name, form in orders.KINDS.items():
        lines.append(f"  {name} {form.usage()}".rstrip())
    return "\n".join(lines)
