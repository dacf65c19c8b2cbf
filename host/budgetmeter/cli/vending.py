"""The verbs `token …` and `office …`."""

import json
import sys
from datetime import UTC, timedelta
from pathlib import Path
from typing import Annotated

import typer
from construct import ConstructError
from meterproto import tokens
from rich.console import Console
from rich.table import Table

from budgetmeter import orders, units
from budgetmeter.errors import InputError
from budgetmeter.office.keys import KeyFile

console = Console(highlight=False, markup=False)
token_app = typer.Typer(no_args_is_help=True, help="Issue and read tokens.")
office_app = typer.Typer(no_args_is_help=True, help="Keys, meters and the audit log.")

KeyOption = Annotated[
    Path, typer.Option("--key", envvar="BUDGETMETER_KEY", help="file of vending keys")
]
DbOption = Annotated[
    str, typer.Option("--db", envvar="BUDGETMETER_DB", help="database URL of the office")
]
JsonOption = Annotated[bool, typer.Option("--json", help="print as JSON")]
MeterOption = Annotated[
    int,
    typer.Option("--meter", min=1, max=tokens.METER_LIMIT, help="serial number of the meter"),
]
ReferenceOption = Annotated[
    str | None,
    typer.Option(help="the payment's own reference: the same again is booked once"),
]
KEY = Path("vending.key")
DB = "sqlite:///vending.db"
WIDE = 250  # columns of what goes into a pipe or a file: nothing is wrapped


def say(text):
    """A line on standard error beside what a command prints."""
    print(f"budgetmeter: {text}", file=sys.stderr, flush=True)


def open_office(db, keys=None, at=None, create=False):
    """The office, at a time in Belgian local time, now if left out; only `init` creates one.

    Its database driver is an extra.
    """
    try:
        from budgetmeter.office.office import Office  # noqa: PLC0415
    except ImportError:
        raise InputError("vending needs SQLAlchemy: pip install 'budgetmeter[vending]'") from None
    return Office(db, keys, now=None if at is None else _clock(at), create=create)


def _clock(text):
    """A clock that stands still at a time given on the command line."""
    from budgetmeter.office.office import EPOCH  # noqa: PLC0415

    try:
        time = EPOCH + timedelta(minutes=units.to_clock(units.moment(text)))
    except ValueError as error:
        raise InputError(f"--at: {error}") from None
    return lambda: time


def local_s(option, text):
    """Seconds since 2000 UTC+1 of an option's local time; None where it is left out."""
    try:
        return None if text is None else units.to_clock(units.moment(text)) * 60
    except ValueError as error:
        raise InputError(f"{option}: {error}") from None


def _moment(text):
    """An option's local time as an aware one; None where it is left out."""
    at_s = local_s("--since", text)
    if at_s is None:
        return None
    from budgetmeter.office.office import EPOCH  # noqa: PLC0415

    return (EPOCH + timedelta(seconds=at_s)).astimezone(UTC)


# ---- Office -------------------------------------------------------------------------------------


@office_app.command()
def init(key: KeyOption = KEY, db: DbOption = DB):
    """Create the file of vending keys, readable by its owner only, and the database."""
    keys = KeyFile.create(key)
    try:
        open_office(db, keys, create=True).begin()
    except BaseException:
        key.unlink()  # no office, no key left behind
        raise
    console.print(f"vending keys in {key}: whoever has them can issue tokens for every meter")


@office_app.command("new-key")
def new_key(key: KeyOption = KEY, db: DbOption = DB):
    """Add a vending key; meters get theirs of it with a key-change token."""
    console.print(f"revision {open_office(db, KeyFile(key)).new_key()}")


@office_app.command("add-meter")
def add_meter(
    meter: Annotated[int, typer.Argument(help="its serial number, up to nine digits")],
    profile: Annotated[str, typer.Option(help="its profile")] = "wallonia-card",
    customer: Annotated[str, typer.Option(help="the customer's number")] = "",
    protected: Annotated[bool, typer.Option("--protected", help="a protected customer")] = False,
    since: Annotated[str | None, typer.Option(help="in service since; now if left out")] = None,
    judge: Annotated[
        str | None, typer.Option(help="prepayment ordered by a judge, active since")
    ] = None,
    judge_until: Annotated[
        str | None, typer.Option(help="the judge's end of the guarantee")
    ] = None,
    key: KeyOption = KEY,
    db: DbOption = DB,
):
    """Take a meter into the books."""
    contract = {
        "protected": protected,
        "since_s": local_s("--since", since),
        "judge_s": local_s("--judge", judge),
        "judge_until_s": local_s("--judge-until", judge_until),
    }
    if customer:
        contract["customer"] = customer
    open_office(db, KeyFile(key)).add_meter(meter, profile, **contract)
    console.print(f"meter {meter:09d}")


@office_app.command()
def flashed(
    meter: Annotated[int, typer.Argument(help="its serial number, up to nine digits")],
    revision: Annotated[int, typer.Option(help="revision of the key it was flashed with")],
    profile: Annotated[str, typer.Option(help="the profile it was flashed with")],
    key: KeyOption = KEY,
    db: DbOption = DB,
):
    """Note what a board was flashed with: its tokens are sealed with that key from then on."""
    open_office(db, KeyFile(key)).flashed(meter, revision, profile)
    console.print(f"meter {meter:09d}: key revision {revision}")


@office_app.command()
def log(
    meter: Annotated[
        int | None,
        typer.Option("--meter", min=1, max=tokens.METER_LIMIT, help="of this meter only"),
    ] = None,
    last: Annotated[
        int | None, typer.Option(min=1, help="only so many of the newest lines")
    ] = None,
    since: Annotated[str | None, typer.Option(help="only from this time on")] = None,
    db: DbOption = DB,
    as_json: JsonOption = False,
):
    """The audit log: who did what, and when."""
    ordered = ("issue", "queue", "show")
    rows = [
        {**row, "told": orders.told(row["detail"]) if row["action"] in ordered else row["detail"]}
        for row in open_office(db).log(meter, last, _moment(since))
    ]
    if as_json:
        print(json.dumps(rows, indent=2, default=str))
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("at (UTC)", "who", "what", "meter", "number", "detail"):
        table.add_column(column)
    for row in rows:
        at = f"{row['at']:%Y-%m-%d %H:%M:%S}"
        number = None if row["meter"] is None else f"{row['meter']:09d}"
        cells = [row["actor"], row["action"], number, row["number"], row["told"]]
        table.add_row(at, *("" if cell is None else str(cell) for cell in cells))
    whole = console if console.is_terminal else Console(markup=False, highlight=False, width=WIDE)
    whole.print(table)


# ---- Tokens -------------------------------------------------------------------------------------


@token_app.command()
def issue(
    kind: Annotated[str | None, typer.Argument(help=f"one of {', '.join(orders.KINDS)}")],
    meter: MeterOption,
    amount: Annotated[str | None, typer.Option(help="EUR, e.g. 20.00")] = None,
    until: Annotated[str | None, typer.Option(help="end, e.g. 2021-03-31T23:59")] = None,
    power: Annotated[
        str | None, typer.Option(help="limit: power of the connection in W; 0 none")
    ] = None,
    price: Annotated[str | None, typer.Option(help="EUR/kWh")] = None,
    since: Annotated[str | None, typer.Option("--from", help="price: when it comes")] = None,
    kwh: Annotated[str | None, typer.Option(help="emergency-preset: as energy")] = None,
    mode: Annotated[str | None, typer.Option(help="credit, prepayment or limiter-only")] = None,
    protected: Annotated[bool, typer.Option("--protected", help="a protected customer")] = False,
    cause: Annotated[str | None, typer.Option(help="safety, fraud or bad-will")] = None,
    time: Annotated[str | None, typer.Option(help="clock: the time to set")] = None,
    name: Annotated[str | None, typer.Option(help="parameter: which value of the profile")] = None,
    to: Annotated[
        str | None, typer.Option(help="parameter: what it becomes, as in a profile")
    ] = None,
    expiry: Annotated[str | None, typer.Option(help="the meter refuses it from then on")] = None,
    order: Annotated[
        int | None, typer.Option(min=1, max=tokens.NUMBER_LIMIT, help="issue this order again")
    ] = None,
    reference: ReferenceOption = None,
    key: KeyOption = KEY,
    db: DbOption = DB,
    as_json: JsonOption = False,
):
    """Issue a token: number it, seal it, record it, print it. Times are Belgian local time."""
    given = {
        "amount": amount, "until": until, "power": power, "price": price, "from": since,
        "kwh": kwh, "mode": mode, "protected": protected, "cause": cause, "time": time,
        "name": name, "to": to,
    }  # fmt: skip
    wanted = orders.read(kind, given)
    ends = expiry_clock(expiry)
    office = open_office(db, KeyFile(key))
    made = office.issue(meter, wanted, ends, order, reference)
    warn_of_past(office, wanted, ends, mark="--")
    _show(made, as_json)


@token_app.command()
def show(
    meter: Annotated[int, typer.Argument(min=1, max=tokens.METER_LIMIT, help="its serial number")],
    number: Annotated[int, typer.Argument(min=1, max=tokens.NUMBER_LIMIT, help="of the token")],
    db: DbOption = DB,
    as_json: JsonOption = False,
):
    """Print a token that was issued once more; the meter still takes it only once."""
    _show(open_office(db).show(meter, number), as_json)


def _show(token, as_json):
    if as_json:
        print(json.dumps(token_data(token), indent=2))
    else:
        console.print(f"meter {token.meter:09d}, number {token.number}, order {token.order}")
        console.print(token.text, soft_wrap=True)


def token_data(token):
    """A token as plain data."""
    return {
        "meter": token.meter,
        "number": token.number,
        "order": token.order,
        "text": token.text,
        "hex": token.token.hex(),
    }


def expiry_clock(text):
    """Clock value of the option --expiry; 0, never, where it is left out."""
    if text is None:
        return 0
    try:
        return units.end_clock(text)
    except ValueError as error:
        raise InputError(f"--expiry: {error}") from None


def warn_of_past(office, order, expiry=0, mark=""):
    """Say what of an order is past by the office's time: a meter on time does not carry it out."""
    for name, at in orders.over(order, expiry, office.now_s // 60):
        say(f"warning: {mark}{name} {at} is past")


@token_app.command()
def decode(
    text: Annotated[list[str], typer.Argument(help="the token, as groups or hexadecimal digits")],
    key: Annotated[Path | None, typer.Option("--key", help="check its tag with these keys")] = None,
    as_json: JsonOption = False,
):
    """Read a token; with the vending keys, say whether it is genuine."""
    try:
        data = tokens.from_text(" ".join(text))
        fields = tokens.parse(data)
    except (ValueError, ConstructError) as error:
        raise InputError(f"no token: {str(error).splitlines()[0]}") from None
    rows = [
        ("meter", f"{fields.meter:09d}"),
        ("number", str(fields.number)),
        ("order", str(fields.order) if fields.order else "none"),
        *orders.describe(fields),
        ("expiry", orders.moment(fields.expiry) if fields.expiry else "none"),
        ("key revision", str(fields.key_revision)),
    ]
    genuine = None
    if key is not None:
        meter_key = KeyFile(key).meter_key(fields.meter, fields.key_revision)
        genuine = tokens.genuine(data, meter_key)
        rows.append(("tag", "right" if genuine else "WRONG"))
    if as_json:
        print(json.dumps({label.replace(" ", "_"): value for label, value in rows}, indent=2))
    else:
        for label, value in rows:
            console.print(f"{label:13} {value}")
    if genuine is False:
        raise typer.Exit(1)
