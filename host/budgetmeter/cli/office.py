"""The verbs `office …`: keys, meters, the audit log, and what is pending."""

import json
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from budgetmeter import orders, resources, units
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
    OneMeterOption,
    despite,
    local_s,
    open_office,
    open_terminal,
    warn_of_past,
    with_order_options,
)
from budgetmeter.errors import InputError
from budgetmeter.office.keys import KeyFile
from budgetmeter.report.lines import console, say, show, token_data
from budgetmeter.report.readings import capture_data, reading_data, registers, time

if TYPE_CHECKING:
    from budgetmeter.office.overview import Overview
    from budgetmeter.office.pending import Item, Pending
    from budgetmeter.office.settlement import Settlement

T = TypeVar("T")
app = typer.Typer(no_args_is_help=True, help="Keys, meters and the audit log.")
WIDE = 250  # columns of what goes into a pipe or a file: nothing is wrapped

# ---- Keys, meters, the audit log -----------------------------------------------------------------


@app.command()
def init(key: KeyOption = KEY, db: DbOption = DB) -> None:
    """Create the file of vending keys, readable by its owner only, and the database."""
    keys = KeyFile.create(key)
    try:
        open_office(db, keys, create=True).begin()
    except BaseException:
        key.unlink()  # no office, no key left behind
        raise
    console.print(f"vending keys in {key}: whoever has them can issue tokens for every meter")


@app.command("new-key")
def new_key(key: KeyOption = KEY, db: DbOption = DB) -> None:
    """Add a vending key; meters get theirs of it with a key-change token."""
    console.print(f"revision {open_office(db, KeyFile(key)).new_key()}")


@app.command("add-meter")
def add_meter(
    meter: MeterArgument,
    profile: Annotated[str, typer.Option(help="its profile")] = "wallonia-card",
    customer: Annotated[str, typer.Option(help="the customer's number")] = "",
    protected: Annotated[bool, typer.Option("--protected", help="a protected customer")] = False,
    since: Annotated[str | None, typer.Option(help="in service since; now if left out")] = None,
    judge: Annotated[
        str | None, typer.Option(help="prepayment ordered by a judge, active since")
    ] = None,
    judge_until: Annotated[
        str | None,
        typer.Option(help="the judge's end of the guarantee; a day is meant to its last minute"),
    ] = None,
    key: KeyOption = KEY,
    db: DbOption = DB,
) -> None:
    """Take a meter into the books."""
    contract = {
        "protected": protected,
        "since_s": local_s("--since", since),
        "judge_s": local_s("--judge", judge),
        "judge_until_s": local_s("--judge-until", judge_until, end=True),
    }
    if customer:
        contract["customer"] = customer
    open_office(db, KeyFile(key)).add_meter(meter, profile, **contract)
    console.print(f"meter {meter:09d}")


@app.command()
def flashed(
    meter: MeterArgument,
    revision: Annotated[int, typer.Option(help="revision of the key it was flashed with")],
    profile: Annotated[str, typer.Option(help="the profile it was flashed with")],
    key: KeyOption = KEY,
    db: DbOption = DB,
) -> None:
    """Note what a board was flashed with: its tokens are sealed with that key from then on."""
    open_office(db, KeyFile(key)).flashed(meter, revision, profile)
    console.print(f"meter {meter:09d}: key revision {revision}")


@app.command()
def log(
    meter: OneMeterOption = None,
    last: Annotated[
        int | None, typer.Option(min=1, help="only so many of the newest lines")
    ] = None,
    since: Annotated[str | None, typer.Option(help="only from this time on")] = None,
    db: DbOption = DB,
    as_json: JsonOption = False,
) -> None:
    """The audit log: who did what, and when."""
    ordered = ("issue", "queue", "show")
    rows = [
        {
            **row,
            "told": orders.in_words(row["detail"]) if row["action"] in ordered else row["detail"],
        }
        for row in open_office(db).log(meter, last, _aware(since))
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


def _aware(text: str | None) -> datetime | None:
    """The time that `--since` gives, in UTC; None where it is left out."""
    at_s = local_s("--since", text)
    if at_s is None:
        return None
    from budgetmeter.office.office import EPOCH  # noqa: PLC0415

    return (EPOCH + timedelta(seconds=at_s)).astimezone(UTC)


# ---- Pending work --------------------------------------------------------------------------------


def _pending(db: str, key: Path, at: str | None) -> "Pending":
    return open_terminal(db, key, at).pending


@app.command()
@with_order_options
def queue(
    kind: KindArgument,
    meter: MeterOption,
    given: dict[str, object],
    values: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE]...", help="options in an older spelling: amount=50"),
    ] = None,
    expiry: ExpiryOption = None,
    despite_of: DespiteOption = None,
    at: AtOption = None,
    key: KeyOption = KEY,
    db: DbOption = DB,
    as_json: JsonOption = False,
) -> None:
    """Queue an order for a meter: the next exchange of its card delivers it."""
    for name, value in map(_pair, values or ()):
        if name in given:
            raise InputError(f"{name} is given twice")
        given[name] = value
    order = orders.read(kind, given)
    end = orders.expiry(expiry)
    pending = _pending(db, key, at)
    despite(pending.office, despite_of)
    item = pending.queue(meter, order, end)
    warn_of_past(pending.office, order)
    show(item_data(item), as_json, [("item", str(item.item)), ("order", orders.text(item.order))])


def _pair(text: str) -> tuple[str, str]:
    """Name and value of an option as this verb took them first."""
    name, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"{text}: write --NAME VALUE, e.g. --amount 50.00")
    return name, value


def item_data(item: "Item") -> dict[str, Any]:
    """An item as plain data."""
    return {
        "item": item.item,
        "meter": item.meter,
        "order_id": item.order_id,
        "order": orders.text(item.order),
        "campaign": item.campaign,
        "queued": time(item.queued_s // 60, item.queued_s % 60),
        "state": item.state,
    }


@app.command()
def cancel(
    item: Annotated[int, typer.Argument(help="number of the item")],
    key: KeyOption = KEY,
    db: DbOption = DB,
) -> None:
    """Take back a pending item that was not handed out yet."""
    _pending(db, key, None).cancel(item)
    console.print(f"item {item} is cancelled")


@app.command()
def send(
    item: Annotated[int, typer.Argument(help="number of the item")],
    despite_of: DespiteOption = None,
    at: AtOption = None,
    key: KeyOption = KEY,
    db: DbOption = DB,
    as_json: JsonOption = False,
) -> None:
    """Deliver a pending item by network instead: its token. It takes effect once all the same."""
    pending = _pending(db, key, at)
    despite(pending.office, despite_of)
    token = pending.send(item)
    rows = [("meter", f"{token.meter:09d}"), ("order", str(token.order_id)), ("token", token.text)]
    show(token_data(token), as_json, rows)


@app.command()
def campaign(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help=f"TOML file, or {', '.join(resources.names('campaign'))}"
        ),
    ],
    despite_of: DespiteOption = None,
    at: AtOption = None,
    key: KeyOption = KEY,
    db: DbOption = DB,
    as_json: JsonOption = False,
) -> None:
    """Queue a campaign for every customer with an active budget meter on its reference date."""
    pending = _pending(db, key, at)
    despite(pending.office, despite_of)
    from budgetmeter.office.pending import read_campaign  # noqa: PLC0415  # SQLAlchemy is an extra

    made: list[Item] = []
    for batch in pending.campaigning(read_campaign(name)):
        made += batch.made
        for meter, why in batch.skipped:
            say(f"meter {meter:09d} is skipped: {why}")
    if as_json:
        print_list(map(item_data, made))
        return
    console.print(f"queued for {len(made)} meters")
    if not made:
        why = [f"{count}: {reason}" for reason, count in pending.left_out(name).items()]
        why = sorted(why) or ["no meter is in the books"]
        console.print("\n".join(f"  {line}" for line in why), soft_wrap=True)
    for item in made:
        console.print(f"  meter {item.meter:09d}: {orders.text(item.order)}")


@app.command()
def report(
    meter: OneMeterOption = None,
    at: AtOption = None,
    key: KeyOption = KEY,
    db: DbOption = DB,
    as_json: JsonOption = False,
) -> None:
    """What the cards brought back, what is pending, money on its way, settlements that are due."""
    office = open_office(db, KeyFile(key), at)
    from budgetmeter.office import overview  # noqa: PLC0415  # SQLAlchemy is an extra

    found = overview.stream(office, meter)
    if meter is None:
        found = with_progress(found, lambda: overview.count(office))
    if as_json:
        print_list(_overview_data(one) for one in found)
        return
    for one in found:
        _show_overview(one)


def with_progress(rows: Iterable[T], count: Callable[[], int]) -> Iterable[T]:
    """The same rows; a bar grows on standard error while they are asked for, on a terminal.

    :param count: how many there will be
    """
    if not sys.stderr.isatty() or sys.stdout.isatty():  # rows on the terminal show it themselves
        yield from rows
        return
    bar = Console(stderr=True)
    yield from track(rows, "meters", total=count(), console=bar, transient=True)


def print_list(rows: Iterable[Any]) -> None:
    """A JSON list of which no more than one row is held at a time."""
    mark = "["
    for row in rows:
        print(f"{mark}\n" + json.dumps(row, indent=2), end="")
        mark = ","
    print("[]" if mark == "[" else "\n]")


def _overview_data(one: "Overview") -> dict[str, Any]:
    reading = one.reading
    last = None
    if reading is not None:
        m = reading.state
        last = {"time": time(m.clock, m.second), **reading_data(m)}
        last["captures"] = [capture_data(capture) for capture in reading.captures]
    return {
        "meter": one.meter,
        "reading": last,
        "money": {
            "on_the_way": units.euros(one.money[0], 5),
            "taken": units.euros(one.money[1], 5),
            "lapsed": units.euros(one.money[2], 5),
            "void": units.euros(one.account.void, 5),
            "issued": units.euros(one.account.issued, 5),
        },
        "adds_up": one.account.adds_up,
        "without_reference": one.bare,
        "unclear": [
            {"order": order, "value": value, "why": why} for order, value, why in one.unclear
        ],
        "notes": one.notes,
        "items": [item_data(item) for item in one.items],
        "settlements": [_settlement_data(settlement) for settlement in one.settlements],
    }


def _settlement_data(due: "Settlement") -> dict[str, Any]:
    return {
        "since": time(due.since_s // 60, 0),
        "until": time(due.until_s // 60, 0),
        "limited_wh": due.limited_wh,
        "arrears": None if due.arrears is None else units.euros(due.arrears, 5),
        "basis": "read" if due.read else "estimated",
        "ask_index_until": time(due.ask_until_s // 60, 0),
    }


def _show_overview(one: "Overview") -> None:
    data = _overview_data(one)
    console.print(f"[bold]meter {one.meter:09d}[/bold]", markup=True)
    last = data["reading"]
    if last is None:
        console.print("  no report yet")
    else:
        console.print(f"  {last['time']}: {last['mode']}, balance {last['balance']} EUR")
        console.print(f"  {registers(last)}, arrears {last['arrears']} EUR")
    amounts = data["money"]
    lapsed = f", lapsed {amounts['lapsed']}" if one.money[2] else ""
    void = f", void {amounts['void']}" if one.account.void else ""
    whole = f"  EUR on the way {amounts['on_the_way']}, taken {amounts['taken']}{lapsed}{void}"
    console.print(f"{whole} = issued {amounts['issued']}")
    if one.bare:
        console.print(f"  without reference: orders {', '.join(map(str, one.bare))}")
    for order, _, why in one.unclear:
        console.print(f"  order {order}: {why}")
    for line in one.notes:
        console.print(f"  {line}")
    if one.items:
        table = Table(box=None, pad_edge=True, padding=(0, 2, 0, 2), header_style="dim")
        for column in ("item", "queued", "order", "campaign", "state"):
            table.add_column(column)
        for item in data["items"]:
            cells = (item["item"], item["queued"][:16], item["order"], item["campaign"] or "")
            table.add_row(*map(str, cells), item["state"])
        console.print(table)
    for due in data["settlements"]:
        amount = (
            "nothing known" if due["arrears"] is None else f"{due['arrears']} EUR, {due['basis']}"
        )
        if due["basis"] == "estimated":
            amount += f"; index asked until {due['ask_index_until'][:10]}"
        console.print(f"  settle {due['since'][:10]} to {due['until'][:10]}: {amount}")
