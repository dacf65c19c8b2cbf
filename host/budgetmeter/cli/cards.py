"""The verbs `card …` and `terminal …`, and the office's pending work: `office queue`, …"""

import json
from pathlib import Path
from typing import Annotated

import typer
from construct import ConstructError
from meterfw.meter import Meter
from meterfw.store.log import Log
from meterproto import cards as layout
from meterproto import tokens
from meterproto.codes import CardOutcome, CardType, PaymentMode
from rich.console import Console
from rich.table import Table

from budgetmeter import orders, profiles, resources, units
from budgetmeter.card import SPOILS, MemoryCard, head_of
from budgetmeter.cli.vending import (
    DB,
    KEY,
    DbOption,
    JsonOption,
    KeyOption,
    MeterOption,
    ReferenceOption,
    expiry_clock,
    office_app,
    open_office,
    say,
    token_data,
    warn_of_past,
)
from budgetmeter.emulator import VirtualBoard
from budgetmeter.emulator.folder import Folder
from budgetmeter.emulator.world import insert as put_in
from budgetmeter.errors import InputError
from budgetmeter.flashing.identity import flashed
from budgetmeter.office.keys import KeyFile

console = Console(highlight=False)
card_app = typer.Typer(no_args_is_help=True, help="Memory cards, as files.")
terminal_app = typer.Typer(no_args_is_help=True, help="The recharge terminal.")

TYPES = {kind.name.lower(): kind for kind in CardType}
CardArgument = Annotated[Path, typer.Argument(metavar="CARD", help="file of the card")]
AtOption = Annotated[
    str | None,
    typer.Option("--at", help="the time it happens, e.g. 2020-12-08T10:00; now if left out"),
]
FolderOption = Annotated[Path, typer.Option("--meter-dir", help="folder of the emulated meter")]
ProfileOption = Annotated[str, typer.Option(help="profile of a meter that is new")]
SpoilOption = Annotated[str, typer.Option(help=f"what a cut leaves of a page: {', '.join(SPOILS)}")]


def _terminal(db, key, at):
    """A terminal of the office."""
    office = open_office(db, KeyFile(key), at)
    from budgetmeter.office.terminal import Terminal  # noqa: PLC0415  # SQLAlchemy is an extra

    return Terminal(office)


def _print(data, as_json, rows):
    """Print as JSON, or as aligned rows of (label, text)."""
    if as_json:
        print(json.dumps(data, indent=2))
        return
    rows = list(rows)
    width = max(len(label) for label, _ in rows) + 2
    for label, text in rows:
        console.print(f"{label:{width}}{text}", soft_wrap=True, markup=False)


def _euros(amount):
    return f"{units.euros(amount)} EUR"


# ---- Cards ---------------------------------------------------------------------------------------


@card_app.command("new")
def new_card(
    card: CardArgument,
    meter: MeterOption,
    kind: Annotated[str, typer.Option("--type", help=", ".join(TYPES))] = "customer",
    item: Annotated[
        int | None, typer.Option(help="the pending item that a one-shot card carries")
    ] = None,
    at: AtOption = None,
    key: KeyOption = KEY,
    db: DbOption = DB,
):
    """Make a card for a meter. A customer's card replaces the one before, with what was on it."""
    if kind not in TYPES:
        raise InputError(f"--type {kind}: {resources.did_you_mean(kind, list(TYPES))}")
    if card.exists():
        raise InputError(f"{card}: is there already")
    MemoryCard().save(card)  # a blank one first: what cannot be written is not made
    try:
        made = _terminal(db, key, at).new_card(meter, TYPES[kind], item)
    except InputError:
        card.unlink()
        raise
    made.save(card)
    console.print(f"{kind} card for meter {meter:09d} in {card}", soft_wrap=True)


@card_app.command("show")
def show_card(
    card: CardArgument,
    key: Annotated[Path | None, typer.Option("--key", help="check tags with these keys")] = None,
    as_json: JsonOption = False,
):
    """What stands on a card: its tokens, and the meter's report."""
    image = bytes(MemoryCard.load(card).data)
    head = head_of(MemoryCard(image))
    keys = KeyFile(key) if key is not None else None
    data = {
        "card": head.card,
        "type": TYPES_BY_CODE.get(head.type, f"unknown {head.type}"),
        "meter": head.meter,
        "tokens": None,
        "report": None,
    }
    genuine = None
    if keys is not None:
        genuine = layout.head_genuine(image, keys.meter_key(head.meter, head.key_revision))
        data["genuine"] = genuine
    inward = layout.newest(image, layout.INWARD, layout.INWARD_SIZE)
    if inward is not None:
        data["tokens"] = [_token(token) for token in _tokens_of(inward[2])]
    outward = layout.newest(image, layout.OUTWARD, layout.OUTWARD_SIZE)
    if outward is not None:
        data["report"] = _report(outward[2], keys)
    _print(data, as_json, _card_rows(data))
    if genuine is False:
        raise typer.Exit(1)


TYPES_BY_CODE = {int(kind): name for name, kind in TYPES.items()}


def _tokens_of(held):
    try:
        return layout.tokens_of(held)[1]
    except (ConstructError, ValueError):
        return []


def _token(data):
    try:
        fields = tokens.parse(data)
    except (ConstructError, ValueError) as error:
        return {"unreadable": str(error).splitlines()[0]}
    told = dict(orders.describe(fields))
    return {"number": fields.number, "order": fields.order, **told}


def _report(held, keys):
    """A report as plain data; None where it cannot be read."""
    try:
        parts = layout.report(held)
    except (ConstructError, ValueError):
        return {"unreadable": "a layout unknown here"}
    head, m = parts["head"], parts["state"]
    data = {
        "sequence": head.sequence,
        "time": _time(m.clock, m.second),
        "uncertain": bool(m.uncertain),
        "firmware": head.firmware.rstrip(b"\0").decode("ascii", "replace"),
        **reading_data(m),
        "last_token": head.number,
        "last_order": head.order,
        "answers": [
            {"number": a.number, "status": a.status, "reason": a.reason} for a in parts["answers"]
        ],
        "captures": [capture_data(capture) for capture in parts["captures"]],
        "events": [_event(head.first_event + i, e) for i, e in enumerate(parts["events"])],
    }
    if keys is not None:
        key = keys.meter_key(head.meter, head.key_revision)
        data["genuine"] = layout.report_genuine(held, key)
    return data


def reading_data(m):
    """Balances and registers of a state as plain data."""
    return {
        "mode": PaymentMode(m.payment_mode).name.lower().replace("_", "-"),
        "balance": units.euros(m.credit - m.emergency_used, 5),
        "credit": units.euros(m.credit, 5),
        "emergency_owed": units.euros(m.emergency_used, 5),
        "arrears": units.euros(m.arrears, 5),
        "energy_wh": m.energy_wh,
        "limited_wh": m.limited_wh,
        "volume_l": m.volume_l,
    }


def capture_data(capture):
    """An index capture as plain data."""
    return {
        "time": _time(capture.clock, 0),
        "credit": units.euros(capture.credit, 5),
        "arrears": units.euros(capture.arrears, 5),
        "energy_wh": capture.energy_wh,
        "limited_wh": capture.limited_wh,
        "volume_l": capture.volume_l,
    }


def _event(number, entry):
    return {
        "number": number,
        "time": _time(entry.clock, entry.second),
        "event": Log.name(entry.code),
        "balance": units.euros(entry.balance, 5),
    }


def _time(clock, second):
    return units.from_clock(clock, second).isoformat(sep=" ")


def _card_rows(data):
    yield "card", f"{data['card']}, {data['type']}, for meter {data['meter']:09d}"
    if "genuine" in data:
        yield "tag", "right" if data["genuine"] else "WRONG"
    if data["tokens"] is None:
        yield "tokens", "neither area is whole"
    for token in data["tokens"] or ():
        words = [str(v) for k, v in token.items() if k not in ("number", "order")]
        yield "token", f"{token.get('number', '?')}: {', '.join(words)}"
    report = data["report"]
    if report is None:
        yield "report", "none: it has not been in the meter"
        return
    if "unreadable" in report:
        yield "report", report["unreadable"]
        return
    doubt = ", uncertain" if report["uncertain"] else ""
    yield "report", f"{report['sequence']}, of {report['time']}{doubt}"
    if "genuine" in report:
        yield "its tag", "right" if report["genuine"] else "WRONG"
    yield "mode", report["mode"]
    for label in ("balance", "emergency_owed", "arrears"):
        yield label.replace("_", " "), f"{report[label]} EUR"
    yield "registers", _registers(report)
    for capture in report["captures"]:
        yield "index of", f"{capture['time'][:16]}: {_registers(capture)}"
    for event in report["events"][-SHOWN:]:
        yield "event", f"{event['number']}: {event['time']} {event['event']} {event['balance']}"


SHOWN = 12  # events of a report, without --json


def _registers(data):
    volume = f", {data['volume_l']} l" if data["volume_l"] else ""
    return (
        f"{data['energy_wh'] / 1000:.3f} kWh, limited {data['limited_wh'] / 1000:.3f} kWh{volume}"
    )


@card_app.command("insert")
def insert_card(
    card: CardArgument,
    meter_dir: FolderOption,
    profile: ProfileOption = "wallonia-card",
    at: AtOption = None,
    key: KeyOption = KEY,
    as_json: JsonOption = False,
):
    """Put a card into an emulated meter whose files are in a folder, and take it out again.

    A meter that is not there is made. Exits 1 unless the meter shows 9, good.
    """
    _visit(card, meter_dir, profile, at, key, as_json)


@card_app.command("pull")
def pull_card(
    card: CardArgument,
    meter_dir: FolderOption,
    after: Annotated[int, typer.Option(min=1, help="octets over the contacts until it is out")],
    spoil: SpoilOption = "torn",
    profile: ProfileOption = "wallonia-card",
    at: AtOption = None,
    key: KeyOption = KEY,
    as_json: JsonOption = False,
):
    """Put a card into an emulated meter and pull it out too early."""
    _visit(card, meter_dir, profile, at, key, as_json, after, spoil)


def _spoil(text):
    if text not in SPOILS:
        raise InputError(f"--spoil {text}: one of {', '.join(SPOILS)}")
    return text


def _visit(path, folder, profile, at, key, as_json, after=None, spoil="torn"):
    """A card's visit to a meter in a folder; the meter is made where there is none."""
    with MemoryCard.held(path, "the meter has read it: put it in again") as card:
        if after is not None:
            card.pull_at(after, _spoil(spoil))
        try:
            meter = _meter_in(folder, card, profile, at, key)
            outcome = put_in(meter, card)
        except OSError as error:
            raise InputError(f"{folder}: {error.strerror or error}") from None
    m = meter.state
    told = "pulled out" if outcome is None else CardOutcome(outcome).name.lower().replace("_", " ")
    data = {
        "outcome": outcome if outcome is None else int(outcome),
        "told": told,
        "loaded": meter.slot.taken,
        "balance": units.euros(m.credit - m.emergency_used, 5),
    }
    rows = [
        ("card", told if outcome is None else f"{outcome:d} {told}"),
        ("loaded", str(data["loaded"])),
        ("balance", f"{data['balance']} EUR"),
    ]
    _print(data, as_json, rows)
    if outcome not in (None, CardOutcome.GOOD):
        raise typer.Exit(1)


def _meter_in(folder, card, profile, at, key):
    """The meter of a folder, at a time.

    :raises InputError: a damaged meter, or a new one that cannot be made
    """
    files = Folder(folder)
    try:
        time = units.now() if at is None else units.moment(at)
        board = VirtualBoard(units.to_clock(time), files)
    except ValueError as error:
        raise InputError(f"--at: {error}") from None
    if files.get("identity") is None:
        _make_meter(files, head_of(card), profile, key)
    board.pass_time(time.second)
    meter = Meter(board)
    if not meter.flashed:
        raise InputError(f"{folder}: no meter: its identity or its profile is damaged")
    return meter


def _make_meter(files, head, profile, key):
    """Flash the meter of a card into an empty folder, and say so.

    :raises InputError: no such profile or key, or a folder with other files
    """
    meter_key = KeyFile(key).meter_key(head.meter, head.key_revision)
    made = flashed(head.meter, head.key_revision, meter_key, profiles.load(profile))
    if not files.empty():
        raise InputError(
            f"{files.path}: no meter, but other files; a new meter takes a folder of its own"
        )
    for name, data in made.items():
        files[name] = data
    say(f"new meter {head.meter:09d} in {files.path}")


# ---- The terminal --------------------------------------------------------------------------------


@terminal_app.command()
def exchange(
    card: CardArgument,
    pay: Annotated[
        str | None, typer.Option(help="payment in EUR, e.g. 20.00; none if left out")
    ] = None,
    reference: ReferenceOption = None,
    pull_after: Annotated[
        int | None, typer.Option(min=1, help="pull the card out after so many octets")
    ] = None,
    spoil: SpoilOption = "torn",
    at: AtOption = None,
    key: KeyOption = KEY,
    db: DbOption = DB,
    as_json: JsonOption = False,
):
    """A card at the terminal: its report is read, a payment taken, and written what is pending."""
    try:
        amount = 0 if pay is None else units.payment(pay)
        if pay is not None and amount <= 0:
            raise ValueError(f"{pay} EUR is no payment; leave it out")
    except ValueError as error:
        raise InputError(f"--pay: {error}") from None
    booked = f"the payment of {_euros(amount)} is booked: " if amount else ""
    with MemoryCard.held(card, f"{booked}put the card in again without --pay") as held:
        if pull_after is not None:
            held.pull_at(pull_after, _spoil(spoil))
        receipt = _terminal(db, key, at).exchange(held, amount, reference)
    data = {
        "meter": receipt.meter,
        "card": receipt.card,
        "paid": units.euros(receipt.paid, 5),
        "repeated": receipt.repeated,
        "said": receipt.said,
        "needed": None if receipt.needed is None else units.euros(receipt.needed, 5),
        "lacking": units.euros(receipt.lacking, 5),
        "doubt": receipt.doubt,
        "given": [orders.text(item.order) for item in receipt.given],
        "withheld": [{"item": orders.text(i.order), "why": why} for i, why in receipt.withheld],
        "carried": units.euros(receipt.carried, 5),
        "tokens": receipt.tokens,
        "written": receipt.written,
    }
    _print(data, as_json, _receipt_rows(receipt))
    if not receipt.written:
        raise typer.Exit(1)


def _receipt_rows(receipt):
    yield "meter", f"{receipt.meter:09d}"
    if receipt.reading is not None:
        m = receipt.reading.state
        yield "balance", f"{_euros(m.credit - m.emergency_used)} at {_time(m.clock, m.second)[:16]}"
    if receipt.doubt:
        yield "report", receipt.doubt
    for line in receipt.said:
        yield "note", line
    if receipt.paid:
        again = ", booked before under this reference" if receipt.repeated else ""
        yield "paid", f"{_euros(receipt.paid)}{again}"
    if receipt.needed is not None and not receipt.paid:
        yield "minimum", _euros(receipt.needed)
    if receipt.lacking:
        yield "WARNING", f"supply will not be restored: {_euros(receipt.lacking)} more is needed"
    for item in receipt.given:
        yield "given", orders.text(item.order)
    for item, why in receipt.withheld:
        yield "withheld", f"{orders.text(item.order)}: {why}"
    yield "on the card", f"{_euros(receipt.carried)}, tokens: {receipt.tokens}"
    if not receipt.written:
        yield "PULLED OUT", "too early: put it in again, nothing is lost"
    elif receipt.tokens:
        yield "next", "put the card in the meter"


# ---- The office ----------------------------------------------------------------------------------


def _pending(db, key, at):
    return _terminal(db, key, at).pending


@office_app.command()
def queue(
    kind: Annotated[str, typer.Argument(help=f"one of {', '.join(orders.KINDS)}")],
    meter: MeterOption,
    values: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE", help="e.g. amount=50.00")
    ] = None,
    expiry: Annotated[str | None, typer.Option(help="the meter refuses it from then on")] = None,
    at: AtOption = None,
    key: KeyOption = KEY,
    db: DbOption = DB,
    as_json: JsonOption = False,
):
    """Queue an order for a meter: the next exchange of its card delivers it."""
    given = {}
    for value in values or ():
        name, equals, text = value.partition("=")
        if not equals:
            raise InputError(f"{value}: write NAME=VALUE, e.g. amount=50.00")
        if name in given:
            raise InputError(f"{name} is given twice")
        given[name] = text != "false" and text
    order = orders.read(kind, given, mark="")
    end = expiry_clock(expiry)
    pending = _pending(db, key, at)
    item = pending.queue(meter, order, end)
    warn_of_past(pending.office, order)
    _print(item_data(item), as_json, [("item", str(item.item)), ("order", orders.text(item.order))])


def item_data(item):
    """An item as plain data."""
    return {
        "item": item.item,
        "meter": item.meter,
        "order_id": item.order_id,
        "order": orders.text(item.order),
        "campaign": item.campaign,
        "queued": _time(item.queued_s // 60, item.queued_s % 60),
        "state": item.state,
    }


@office_app.command()
def cancel(
    item: Annotated[int, typer.Argument(help="number of the item")],
    key: KeyOption = KEY,
    db: DbOption = DB,
):
    """Take back a pending item that was not handed out yet."""
    _pending(db, key, None).cancel(item)
    console.print(f"item {item} is cancelled")


@office_app.command()
def send(
    item: Annotated[int, typer.Argument(help="number of the item")],
    at: AtOption = None,
    key: KeyOption = KEY,
    db: DbOption = DB,
    as_json: JsonOption = False,
):
    """Deliver a pending item by network instead: its token. It takes effect once all the same."""
    token = _pending(db, key, at).send(item)
    rows = [("meter", f"{token.meter:09d}"), ("order", str(token.order)), ("token", token.text)]
    _print(token_data(token), as_json, rows)


@office_app.command()
def campaign(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help=f"TOML file, or {', '.join(resources.names('campaign'))}"
        ),
    ],
    at: AtOption = None,
    key: KeyOption = KEY,
    db: DbOption = DB,
    as_json: JsonOption = False,
):
    """Queue a campaign for every customer with an active budget meter on its reference date."""
    pending = _pending(db, key, at)
    made = pending.campaign(name)
    if as_json:
        print(json.dumps([item_data(item) for item in made], indent=2))
        return
    console.print(f"queued for {len(made)} meters")
    if not made:
        why = [f"{count}: {reason}" for reason, count in pending.left_out(name).items()]
        why = sorted(why) or ["no meter is in the books"]
        console.print("\n".join(f"  {line}" for line in why), soft_wrap=True, markup=False)
    for item in made:
        console.print(f"  meter {item.meter:09d}: {orders.text(item.order)}")


@office_app.command()
def report(
    meter: Annotated[int | None, typer.Option("--meter", help="of this meter only")] = None,
    at: AtOption = None,
    key: KeyOption = KEY,
    db: DbOption = DB,
    as_json: JsonOption = False,
):
    """What the cards brought back, what is pending, money on its way, settlements that are due."""
    office = open_office(db, KeyFile(key), at)
    from budgetmeter.office import overview  # noqa: PLC0415  # SQLAlchemy is an extra

    found = overview.stream(office, meter)
    if as_json:
        print_list(_overview_data(one) for one in found)
        return
    for one in found:
        _show_overview(one)


def print_list(rows):
    """A JSON list of which no more than one row is held at a time."""
    mark = "["
    for row in rows:
        print(f"{mark}\n" + json.dumps(row, indent=2), end="")
        mark = ","
    print("[]" if mark == "[" else "\n]")


def _overview_data(one):
    reading = one.reading
    last = None
    if reading is not None:
        m = reading.state
        last = {"time": _time(m.clock, m.second), **reading_data(m)}
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


def _settlement_data(due):
    return {
        "since": _time(due.since_s // 60, 0),
        "until": _time(due.until_s // 60, 0),
        "limited_wh": due.limited_wh,
        "arrears": None if due.arrears is None else units.euros(due.arrears, 5),
        "basis": "read" if due.read else "estimated",
        "ask_index_until": _time(due.ask_until_s // 60, 0),
    }


def _show_overview(one):
    data = _overview_data(one)
    console.print(f"[bold]meter {one.meter:09d}[/bold]")
    last = data["reading"]
    if last is None:
        console.print("  no report yet")
    else:
        console.print(f"  {last['time']}: {last['mode']}, balance {last['balance']} EUR")
        console.print(f"  {_registers(last)}, arrears {last['arrears']} EUR")
    amounts = data["money"]
    lapsed = f", lapsed {amounts['lapsed']}" if one.money[2] else ""
    void = f", void {amounts['void']}" if one.account.void else ""
    whole = f"  EUR on the way {amounts['on_the_way']}, taken {amounts['taken']}{lapsed}{void}"
    console.print(f"{whole} = issued {amounts['issued']}")
    if one.bare:
        console.print(f"  without reference: orders {', '.join(map(str, one.bare))}")
    for order, _, why in one.unclear:
        console.print(f"  [bold]order {order}[/bold]: {why}")
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
