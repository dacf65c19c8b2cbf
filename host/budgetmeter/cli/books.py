"""The verbs of the books: `office restored`, `read`, `void`, `replace`, `customer` and others."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from meterfw.account import rules
from meterproto import tokens
from rich.console import Console

from budgetmeter import units
from budgetmeter.card import MemoryCard
from budgetmeter.cli.office import app
from budgetmeter.cli.options import (
    DB,
    KEY,
    DbOption,
    KeyOption,
    MeterArgument,
    MeterOption,
    local_s,
    open_office,
    serial_number,
)
from budgetmeter.client import Meter
from budgetmeter.errors import InputError
from budgetmeter.office.keys import KeyFile
from budgetmeter.report.lines import say

if TYPE_CHECKING:
    from budgetmeter.office.books import Taken
    from budgetmeter.office.office import Office

console = Console(highlight=False, markup=False, soft_wrap=True)
SourceArgument = Annotated[
    str, typer.Argument(metavar="CARD|URL", help="file of its card, or the URL of its port")
]
OrderArgument = Annotated[int, typer.Argument(min=1, max=tokens.NUMBER_LIMIT, help="its id")]
SinceOption = Annotated[str | None, typer.Option("--from", help="since when; now if left out")]
CustomerArgument = Annotated[str, typer.Argument(help="the customer's number")]


def _office(db: str, key: Path) -> "Office":
    return open_office(db, KeyFile(key))


@app.command()
def restored(key: KeyOption = KEY, db: DbOption = DB) -> None:
    """After a restore from a backup: the payments of each meter wait until it was read."""
    office = _office(db, key)
    from budgetmeter.office import restore  # noqa: PLC0415  # SQLAlchemy is an extra

    console.print(f"{restore.mark_all(office)} meters wait to be read")


@app.command()
def read(source: SourceArgument, key: KeyOption = KEY, db: DbOption = DB) -> None:
    """Take a meter's report into the books, from its card or from its port.

    What the report proves is settled. Nothing is written on the card.
    """
    office = _office(db, key)
    taken = _from_port(office, source) if _is_port(source) else _from_card(office, source)
    if taken.reading is None:
        raise InputError(taken.doubt)
    m = taken.reading.state
    meter = taken.reading.head.meter
    console.print(f"meter {meter:09d}, balance {units.euros(rules.balance(m))} EUR")
    for line in (taken.doubt, *taken.said):
        if line:
            say(line)


def _is_port(source: str) -> bool:
    """Whether a URL or a device stands there, and no file."""
    path = Path(source)
    device = path.exists() and not (path.is_file() or path.is_dir())
    return "://" in source or source == "loop" or device


def _from_card(office: "Office", source: str) -> "Taken":
    from budgetmeter.office.terminal import Terminal  # noqa: PLC0415

    return Terminal(office).read(MemoryCard.load(source))


def _from_port(office: "Office", source: str) -> "Taken":
    from budgetmeter.office import books  # noqa: PLC0415

    with Meter(source) as meter:
        return books.accept_wire(office, meter.report())[1]


@app.command()
def adopt(
    text: Annotated[list[str], typer.Argument(help="a token that the books have lost")],
    meter: MeterOption,
    key: KeyOption = KEY,
    db: DbOption = DB,
) -> None:
    """Take a genuine token that the books have lost into them, e.g. one on a customer's paper."""
    try:
        data = tokens.from_text(" ".join(text))
    except ValueError as error:
        raise InputError(f"no token: {error}") from None
    office = _office(db, key)
    from budgetmeter.office import restore  # noqa: PLC0415

    restore.adopt(office, meter, data)
    console.print("taken into the books")


@app.command()
def void(meter: MeterOption, order: OrderArgument, key: KeyOption = KEY, db: DbOption = DB) -> None:
    """Take back an order: the card loses it, and this token closes it at the meter."""
    office = _office(db, key)
    from budgetmeter.office import withdraw  # noqa: PLC0415

    closing = withdraw.void(office, meter, order)
    if closing is None:
        console.print(f"order {order} is void: the meter can take it no more")
        return
    console.print(f"meter {meter:09d}, number {closing.number}, closes order {order}")
    console.print(closing.text)


@app.command()
def retire(
    meter: MeterArgument,
    key: KeyOption = KEY,
    db: DbOption = DB,
) -> None:
    """A meter hangs no more: nothing is issued for it, and what was on its way is void."""
    office = _office(db, key)
    from budgetmeter.office import withdraw  # noqa: PLC0415

    withdraw.retire(office, meter)
    console.print(f"meter {meter:09d} is retired")


@app.command()
def replace(
    old: Annotated[int, typer.Argument(parser=serial_number, help="it hung there")],
    new: Annotated[int, typer.Argument(parser=serial_number, help="it hangs there now")],
    profile: Annotated[str | None, typer.Option(help="of the new one, if it is unknown")] = None,
    key: KeyOption = KEY,
    db: DbOption = DB,
) -> None:
    """Another meter hangs there: pending work, rights and what was left of credit go to it."""
    office = _office(db, key)
    from budgetmeter.office import overview, withdraw  # noqa: PLC0415

    balance = withdraw.replace(office, old, new, profile)
    console.print(f"meter {new:09d} replaces {old:09d}: make it a card with card new")
    owed = -min(balance or 0, 0)
    if balance is None:
        say("no report of the old meter: its balance and what it had in force are not moved")
    elif balance >= 0:
        console.print(f"balance moved: {units.euros(balance)} EUR")
    (left,) = overview.of_all(office, old)
    if left.reading is not None:
        owed += left.reading.state.arrears
    if owed:
        say(f"the customer owes {units.euros(owed)} EUR on the old meter: it is not moved")
    for order, amount, why in left.unclear:
        say(f"order {order} of {units.euros(amount)} EUR is not moved: {why}")
    for note in left.notes[:-1]:  # the last one says what replaced it
        say(f"meter {old:09d}: {note}")


@app.command()
def customer(
    meter: MeterArgument,
    moves_in: Annotated[
        str | None, typer.Option("--moves-in", help="another customer, by their number")
    ] = None,
    protected: Annotated[
        bool | None, typer.Option("--protected/--not-protected", help="protected status")
    ] = None,
    since: SinceOption = None,
    key: KeyOption = KEY,
    db: DbOption = DB,
) -> None:
    """Who lives behind a meter: another customer moves in, protected status begins or ends."""
    at_s = local_s("--from", since)
    office = _office(db, key)
    from budgetmeter.office import customers  # noqa: PLC0415

    if moves_in is not None:
        customers.move_in(office, meter, moves_in, at_s, bool(protected))
    elif protected is not None:
        customers.protect(office, meter, protected, at_s)
    periods = office.reading(lambda c: customers.history(c, meter))
    for row in periods:
        end = "" if row.until_s is None else f" to {_day(row.until_s)}"
        console.print(f"{row.kind:10} {row.customer}, from {_day(row.since_s)}{end}")


@app.command()
def point(
    meter: MeterArgument,
    ean: Annotated[str | None, typer.Option(help="its code of 18 digits")] = None,
    residence: Annotated[
        bool | None, typer.Option("--main-residence/--second-home", help="whose home it is")
    ] = None,
    key: KeyOption = KEY,
    db: DbOption = DB,
) -> None:
    """The access point where a meter hangs; it stays when the meter is replaced."""
    office = _office(db, key)
    from budgetmeter.office import customers  # noqa: PLC0415

    if ean is not None or residence is not None:
        customers.describe_point(office, meter, ean, residence)
    found = office.reading(lambda c: customers.point_of(c, meter))
    home = "main residence" if found.residence else "second home"
    console.print(f"access point {found.point}, EAN {found.ean or 'unknown'}, {home}")


def _day(at_s: int) -> str:
    return "the beginning" if at_s == 0 else f"{units.from_clock(at_s // 60):%Y-%m-%d %H:%M}"


@app.command()
def export(customer: CustomerArgument, db: DbOption = DB) -> None:
    """All that the books hold of a customer, as JSON."""
    office = open_office(db)
    from budgetmeter.office import privacy  # noqa: PLC0415

    print(json.dumps(privacy.export(office, customer), indent=2, default=str))


@app.command()
def forget(customer: CustomerArgument, db: DbOption = DB) -> None:
    """Put a number that says nothing in the place of a customer who has moved out."""
    office = open_office(db)
    from budgetmeter.office import privacy  # noqa: PLC0415

    console.print(f"known as {privacy.forget(office, customer)} from now on")
