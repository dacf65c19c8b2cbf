"""The verbs `card …`: memory cards as files, and their visits to a meter in a folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from construct import ConstructError
from meterfw.account import rules
from meterfw.meter import Meter
from meterproto import cards as layout
from meterproto import tokens
from meterproto.codes import CardOutcome, CardType

from budgetmeter import orders, profiles, resources, units
from budgetmeter.card import MemoryCard, head_of
from budgetmeter.cli.options import (
    DB,
    KEY,
    AtOption,
    CardArgument,
    DbOption,
    JsonOption,
    KeyOption,
    MeterOption,
    SpoilOption,
    open_terminal,
    spoil,
)
from budgetmeter.emulator import VirtualBoard
from budgetmeter.emulator.folder import Folder, taken
from budgetmeter.emulator.world import insert as put_in
from budgetmeter.errors import InputError
from budgetmeter.identity import flashed
from budgetmeter.office.keys import KeyFile
from budgetmeter.report.lines import console, say, show
from budgetmeter.report.readings import capture_data, event_data, reading_data, registers, time

app = typer.Typer(no_args_is_help=True, help="Memory cards, as files.")

TYPES = {kind.word: kind for kind in CardType}
SHOWN = 12  # events of a report, without --json
FolderOption = Annotated[Path, typer.Option("--meter-dir", help="folder of the emulated meter")]
ProfileOption = Annotated[str, typer.Option(help="profile of a meter that is new")]


@app.command("new")
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
) -> None:
    """Make a card for a meter. A customer's card replaces the one before, with what was on it."""
    if kind not in TYPES:
        raise InputError(f"--type {kind}: {resources.did_you_mean(kind, list(TYPES))}")
    if card.exists():
        raise InputError(f"{card}: is there already")
    MemoryCard().save(card)  # a blank one first: what cannot be written is not made
    try:
        made = open_terminal(db, key, at).new_card(meter, TYPES[kind], item)
    except InputError:
        card.unlink()
        raise
    made.save(card)
    console.print(f"{kind} card for meter {meter:09d} in {card}", soft_wrap=True)


@app.command("show")
def show_card(
    card: CardArgument,
    key: Annotated[Path | None, typer.Option("--key", help="check tags with these keys")] = None,
    as_json: JsonOption = False,
) -> None:
    """What stands on a card: its tokens, and the meter's report."""
    image = bytes(MemoryCard.load(card).data)
    head = head_of(MemoryCard(image))
    keys = KeyFile(key) if key is not None else None
    data = {
        "card": head.card,
        "type": _type_word(head.type),
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
    show(data, as_json, _card_rows(data))
    if genuine is False:
        raise typer.Exit(1)


def _type_word(code: int) -> str:
    """What a card is for."""
    return CardType(code).word if code in list(CardType) else f"unknown {code}"


def _tokens_of(contents: bytes) -> list[bytes]:
    try:
        return layout.tokens_of(contents)[1]
    except (ConstructError, ValueError):
        return []


def _token(data: bytes) -> dict[str, Any]:
    try:
        fields = tokens.parse(data)
    except (ConstructError, ValueError) as error:
        return {"unreadable": str(error).splitlines()[0]}
    return {
        "number": fields.number,
        "order": fields.order_id,
        **dict(orders.describe(fields)),
    }


def _report(contents: bytes, keys: KeyFile | None) -> dict[str, Any]:
    """A report as plain data."""
    try:
        parts = layout.report(contents)
    except (ConstructError, ValueError):
        return {"unreadable": "a layout unknown here"}
    head, m = parts["head"], parts["state"]
    data = {
        "sequence": head.sequence,
        "time": time(m.clock, m.second),
        "uncertain": bool(m.uncertain),
        "firmware": head.firmware.rstrip(b"\0").decode("ascii", "replace"),
        **reading_data(m),
        "last_token": head.number,
        "last_order": head.order,
        "answers": [
            {"number": a.number, "status": a.status, "reason": a.reason} for a in parts["answers"]
        ],
        "captures": [capture_data(capture) for capture in parts["captures"]],
        "events": [event_data(head.first_event + i, e) for i, e in enumerate(parts["events"])],
    }
    if keys is not None:
        key = keys.meter_key(head.meter, head.key_revision)
        data["genuine"] = layout.report_genuine(contents, key)
    return data


def _card_rows(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
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
    yield "registers", registers(report)
    for capture in report["captures"]:
        yield "index of", f"{capture['time'][:16]}: {registers(capture)}"
    for event in report["events"][-SHOWN:]:
        yield "event", f"{event['number']}: {event['time']} {event['event']} {event['balance']}"


@app.command("insert")
def insert_card(
    card: CardArgument,
    meter_dir: FolderOption,
    profile: ProfileOption = "wallonia-card",
    at: AtOption = None,
    key: KeyOption = KEY,
    as_json: JsonOption = False,
) -> None:
    """Put a card into an emulated meter whose files are in a folder, and take it out again.

    A meter that is not there is made. Exits 1 unless the meter shows 9, good.
    """
    _visit(card, meter_dir, profile, at, key, as_json)


@app.command("pull")
def pull_card(
    card: CardArgument,
    meter_dir: FolderOption,
    after: Annotated[int, typer.Option(min=1, help="octets over the contacts until it is out")],
    left: SpoilOption = "torn",
    profile: ProfileOption = "wallonia-card",
    at: AtOption = None,
    key: KeyOption = KEY,
    as_json: JsonOption = False,
) -> None:
    """Put a card into an emulated meter and pull it out too early."""
    _visit(card, meter_dir, profile, at, key, as_json, after, left)


def _visit(
    path: Path,
    folder: Path,
    profile: str,
    at: str | None,
    key: Path,
    as_json: bool,
    after: int | None = None,
    left: str = "torn",
) -> None:
    """A card's visit to a meter in a folder; the meter is made where there is none."""
    with MemoryCard.held(path, "the meter has read it: put it in again") as card:
        if after is not None:
            card.pull_at(after, spoil(left))
        try:
            with taken(folder) as files:
                meter = _meter_in(files, card, profile, at, key)
                outcome = put_in(meter, card)
        except OSError as error:
            raise InputError(f"{folder}: {error.strerror or error}") from None
    m = meter.state
    words = "pulled out" if outcome is None else CardOutcome(outcome).word.replace("-", " ")
    data = {
        "outcome": outcome if outcome is None else int(outcome),
        "told": words,
        "loaded": meter.slot.taken,
        "balance": units.euros(rules.balance(m), 5),
    }
    rows = [
        ("card", words if outcome is None else f"{outcome:d} {words}"),
        ("loaded", str(data["loaded"])),
        ("balance", f"{data['balance']} EUR"),
    ]
    show(data, as_json, rows)
    if outcome not in (None, CardOutcome.GOOD):
        raise typer.Exit(1)


def _meter_in(files: Folder, card: MemoryCard, profile: str, at: str | None, key: Path) -> Meter:
    """The meter of a folder, at a time.

    :raises InputError: a damaged meter, or a new one that cannot be made
    """
    try:
        now = units.now() if at is None else units.moment(at)
        board = VirtualBoard(units.to_clock(now), files)
    except ValueError as error:
        raise InputError(f"--at: {error}") from None
    if files.get("identity") is None:
        _make_meter(files, head_of(card), profile, key)
    board.pass_time(now.second)
    meter = Meter(board)
    if not meter.flashed:
        raise InputError(f"{files.path}: no meter: its identity or its profile is damaged")
    return meter


def _make_meter(files: Folder, head: Any, profile: str, key: Path) -> None:
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
