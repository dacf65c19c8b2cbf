"""The verbs `token …`: tokens are issued, printed again and read."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from construct import ConstructError
from meterproto import tokens

from budgetmeter import orders
from budgetmeter.cli.options import (
    DB,
    KEY,
    AtOption,
    DbOption,
    DespiteOption,
    ExpiryOption,
    JsonOption,
    KeyOption,
    KindArgument,
    MeterArgument,
    MeterOption,
    ReferenceOption,
    despite,
    open_office,
    warn_of_past,
    with_order_options,
)
from budgetmeter.errors import InputError
from budgetmeter.office.keys import KeyFile
from budgetmeter.report.lines import console, token_data

app = typer.Typer(no_args_is_help=True, help="Issue and read tokens.")


@app.command()
@with_order_options
def issue(
    kind: KindArgument,
    meter: MeterOption,
    given: dict[str, object],
    expiry: ExpiryOption = None,
    order_id: Annotated[
        int | None,
        typer.Option(
            "--order-id",
            "--order",
            min=1,
            max=tokens.NUMBER_LIMIT,
            help="issue the order of this id again",
        ),
    ] = None,
    reference: ReferenceOption = None,
    despite_of: DespiteOption = None,
    at: AtOption = None,
    key: KeyOption = KEY,
    db: DbOption = DB,
    as_json: JsonOption = False,
) -> None:
    """Issue a token: number it, seal it, record it, print it. Times are Belgian local time."""
    wanted = orders.read(kind, given)
    ends = orders.expiry(expiry)
    office = open_office(db, KeyFile(key), at)
    despite(office, despite_of)
    made = office.issue(meter, wanted, ends, order_id, reference)
    warn_of_past(office, wanted, ends)
    _show(made, as_json)


@app.command()
def show(
    meter: MeterArgument,
    number: Annotated[int, typer.Argument(min=1, max=tokens.NUMBER_LIMIT, help="of the token")],
    db: DbOption = DB,
    as_json: JsonOption = False,
) -> None:
    """Print a token that was issued once more; the meter still takes it only once."""
    _show(open_office(db).show(meter, number), as_json)


def _show(token: Any, as_json: bool) -> None:
    if as_json:
        print(json.dumps(token_data(token), indent=2))
    else:
        console.print(f"meter {token.meter:09d}, number {token.number}, order {token.order_id}")
        console.print(token.text, soft_wrap=True)


@app.command()
def decode(
    text: Annotated[list[str], typer.Argument(help="the token, as groups or hexadecimal digits")],
    key: Annotated[Path | None, typer.Option("--key", help="check its tag with these keys")] = None,
    as_json: JsonOption = False,
) -> None:
    """Read a token; with the vending keys, say whether it is genuine."""
    try:
        data = tokens.from_text(" ".join(text))
        fields = tokens.parse(data)
    except (ValueError, ConstructError) as error:
        raise InputError(f"no token: {str(error).splitlines()[0]}") from None
    rows = [
        ("meter", f"{fields.meter:09d}"),
        ("number", str(fields.number)),
        ("order", str(fields.order_id) if fields.order_id else "none"),
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
