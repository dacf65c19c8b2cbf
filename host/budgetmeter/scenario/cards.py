"""Actions and expectations with cards, between meter and terminal, and with pending work."""

from collections.abc import Callable, Mapping
from typing import Any

from meterfw.account.record import State
from meterproto.codes import CardOutcome, CardType

from budgetmeter import orders, units
from budgetmeter.card import SPOILS, MemoryCard
from budgetmeter.errors import InputError
from budgetmeter.scenario.document import Document, choice, money
from budgetmeter.scenario.model import Act
from budgetmeter.scenario.stage import Stage

_CONTRACT = ("customer", "protected", "since", "judge", "judge_until")
_ONE_SHOT = {kind.word: kind for kind in CardType if kind != CardType.CUSTOMER}


def contract(document: Document, table: Any, where: str) -> dict[str, Any]:
    """The `contract` table of a scenario, as `Office.add_meter` takes it."""
    document.known(table, _CONTRACT, where)
    read: dict[str, Any] = {}
    for key, value in table.items():
        if key in ("customer", "protected"):
            read[key] = str(value)[:32] if key == "customer" else bool(value)
        else:
            clock = units.end_clock if key == "judge_until" else _clock
            read[f"{key}_s"] = document.value(clock, value, f"{where}: {key}") * 60
    return read


def _clock(value: Any) -> int:
    return units.to_clock(units.moment(value))


def _pull(document: Document, table: Mapping[str, Any], where: str) -> tuple[int, str] | None:
    """How a card is pulled out: octets and what that leaves, or None."""
    if "pull" not in table:
        return None
    spoil = table.get("spoil", "torn")
    if spoil not in SPOILS:
        document.fail(f"spoil is one of {', '.join(SPOILS)}", where)
    octets = units.scaled(table["pull"], 1)
    if octets < 1:
        document.fail("pull is a number of octets, at least 1", where)
    return octets, spoil


def _card(document: Document, value: Any, where: str) -> Act:
    if value is True:
        value = {}
    document.known(value, ("type", "item", "file", "pull", "spoil"), where)
    kind = value.get("type")
    if kind is not None and kind not in _ONE_SHOT:
        document.fail(f"type is one of {', '.join(_ONE_SHOT)}", where)
    if (kind is None) != ("item" not in value):
        document.fail("type and item go together", where)
    pull = _pull(document, value, where)
    path = value.get("file")
    if path is not None:
        if not isinstance(path, str):
            document.fail("file is the name of a file", where)
        path = document.beside(path)

    def act(stage: Stage) -> None:
        counter = stage.counter
        if path is not None:
            card = MemoryCard.load(path)
        elif kind is not None:
            card = counter.one_shot(_ONE_SHOT[kind], value["item"])
        else:
            card = counter.card
        card.push()
        if pull is not None:
            card.pull_at(*pull)
        counter.insert(card)
        if path is not None:
            card.save(path)

    return act


def _terminal(document: Document, value: Any, where: str) -> Act:
    if value is True:
        value = {}
    elif isinstance(value, str):
        value = {"pay": value}
    document.known(value, ("pay", "pull", "spoil"), where)
    pay = units.mc(value.get("pay", 0))
    pull = _pull(document, value, where)

    def act(stage: Stage) -> None:
        counter, world = stage.counter, stage.emulator
        counter.card.push()
        if pull is not None:
            counter.card.pull_at(*pull)
        counter.visit(pay)
        if pay:
            world.trace.top_ups.append((world.now_s // 60, pay))

    return act


def _queue(document: Document, value: Any, where: str) -> Act:
    document.known(value, ("kind", "expiry", *orders.OPTIONS), where)
    try:
        asked = orders.read_table(value)
    except InputError as error:
        document.fail(str(error), where)

    def act(stage: Stage) -> None:
        meter = stage.emulator.meter.gateway.meter
        if not stage.asks(asked.order):
            return
        stage.counter.pending.queue(meter, asked.order, asked.expiry)

    return act


def _campaign(document: Document, value: Any, _where: str) -> Act:
    name = document.beside(value) if str(value).endswith(".toml") else str(value)

    def act(stage: Stage) -> None:
        stage.counter.pending.campaign(name)

    return act


def _network(_document: Document, value: Any, _where: str) -> Act:
    number = units.scaled(value, 1)

    def act(stage: Stage) -> None:
        stage.counter.send(number)

    return act


ACTIONS: dict[str, Callable[[Document, Any, str], Act]] = {
    "card": _card,
    "terminal": _terminal,
    "queue": _queue,
    "campaign": _campaign,
    "network": _network,
}


def _whole(value: Any) -> int:
    return units.scaled(value, 1)


def _of_receipt(read: Callable[[Any], Any]) -> Callable[[Stage, State], Any]:
    """What is seen of the last exchange; a word where there was none."""

    def seen(stage: Stage, _state: State) -> Any:
        receipt = stage.counter.receipt
        return "no exchange" if receipt is None else read(receipt)

    return seen


def _outcome(stage: Stage, _state: State) -> str:
    outcome = stage.counter.outcome
    return "pulled-out" if outcome is None else outcome.word


# How to read what is expected, and what is seen.
EXPECTATIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Stage, State], Any]]] = {
    "card": (choice([*CardOutcome.words(), "pulled-out"]), _outcome),
    "carried": (money, _of_receipt(lambda receipt: units.euros(receipt.carried))),
    "needed": (money, _of_receipt(lambda receipt: units.euros(receipt.needed or 0))),
    "lacking": (money, _of_receipt(lambda receipt: units.euros(receipt.lacking))),
    "given": (_whole, _of_receipt(lambda receipt: len(receipt.given))),
    "withheld": (_whole, _of_receipt(lambda receipt: len(receipt.withheld))),
}
