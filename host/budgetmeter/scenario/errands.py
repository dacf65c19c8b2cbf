"""Scenario actions with cards: between meter and terminal, and the office's pending work."""

from meterproto.codes import CardOutcome, CardType

from budgetmeter import orders, units
from budgetmeter.card import SPOILS, MemoryCard
from budgetmeter.errors import InputError

_CONTRACT = ("customer", "protected", "since", "judge", "judge_until")
_ONE_SHOT = {kind.name.lower(): kind for kind in CardType if kind != CardType.CUSTOMER}


def contract(reader, table, where):
    """The `contract` table of a scenario, as `Office.add_meter` takes it."""
    reader.known(table, _CONTRACT, where)
    read = {}
    for key, value in table.items():
        if key in ("customer", "protected"):
            read[key] = str(value)[:32] if key == "customer" else bool(value)
        else:
            time = reader.value(units.moment, value, f"{where}: {key}")
            read[f"{key}_s"] = reader.value(units.to_clock, time, f"{where}: {key}") * 60
    return read


def counter(world):
    """The emulator's counter, made when it is first needed.

    :raises InputError: SQLAlchemy is not installed
    """
    if world.counter is None:
        try:
            from budgetmeter.scenario.counter import Counter  # noqa: PLC0415
        except ImportError:
            raise InputError("cards need SQLAlchemy: pip install 'budgetmeter[vending]'") from None
        world.counter = Counter(world, **world.contract)
    return world.counter


def _pull(reader, table, where):
    """How a card is pulled out: octets and what that leaves, or None."""
    if "pull" not in table:
        return None
    spoil = table.get("spoil", "torn")
    if spoil not in SPOILS:
        reader.fail(f"spoil is one of {', '.join(SPOILS)}", where)
    octets = units.scaled(table["pull"], 1)
    if octets < 1:
        reader.fail("pull is a number of octets, at least 1", where)
    return octets, spoil


def _do_card(reader, value, where):
    if value is True:
        value = {}
    reader.known(value, ("type", "item", "file", "pull", "spoil"), where)
    kind = value.get("type")
    if kind is not None and kind not in _ONE_SHOT:
        reader.fail(f"type is one of {', '.join(_ONE_SHOT)}", where)
    if (kind is None) != ("item" not in value):
        reader.fail("type and item go together", where)
    pull = _pull(reader, value, where)
    path = value.get("file")
    if path is not None:
        if not isinstance(path, str):
            reader.fail("file is the name of a file", where)
        path = reader.beside(path)

    def act(world):
        desk = counter(world)
        if path is not None:
            card = MemoryCard.load(path)
        elif kind is not None:
            card = desk.one_shot(_ONE_SHOT[kind], value["item"])
        else:
            card = desk.card
        card.push()
        if pull is not None:
            card.pull_at(*pull)
        desk.insert(card)
        if path is not None:
            card.save(path)

    return act


def _do_terminal(reader, value, where):
    if value is True:
        value = {}
    elif isinstance(value, str):
        value = {"pay": value}
    reader.known(value, ("pay", "pull", "spoil"), where)
    pay = units.mc(value.get("pay", 0))
    pull = _pull(reader, value, where)

    def act(world):
        desk = counter(world)
        desk.card.push()
        if pull is not None:
            desk.card.pull_at(*pull)
        desk.visit(pay)
        if pay:
            world.trace.top_ups.append((world.now_s // 60, pay))

    return act


def _do_queue(reader, value, where):
    reader.known(value, ("kind", "expiry", *orders.OPTIONS), where)
    if "kind" not in value:
        reader.fail("kind is missing", where)
    given = {k: v if isinstance(v, bool) else str(v) for k, v in value.items() if k != "kind"}
    expiry = units.end_clock(given.pop("expiry")) if "expiry" in given else 0
    try:
        order = orders.read(value["kind"], given, mark="")
    except InputError as error:
        reader.fail(str(error), where)

    def act(world):
        counter(world).pending.queue(_meter(world), order, expiry)  # pyright: ignore

    return act


def _do_campaign(reader, value, where):
    name = reader.beside(value) if str(value).endswith(".toml") else str(value)

    def act(world):
        counter(world).pending.campaign(name)

    return act


def _do_network(reader, value, where):
    number = units.scaled(value, 1)

    def act(world):
        counter(world).send(number)

    return act


def _meter(world):
    return world.meter.gateway.meter


ACTIONS = {
    "card": _do_card,
    "terminal": _do_terminal,
    "queue": _do_queue,
    "campaign": _do_campaign,
    "network": _do_network,
}


def _outcome(value):
    names = [outcome.name.lower().replace("_", "-") for outcome in CardOutcome]
    if value not in (*names, "pulled-out"):
        raise ValueError(f"{units.written(value)} is not one of {', '.join(names)}, pulled-out")
    return value


def _money(value):
    return units.euros(units.mc(value))


def _seen(read):
    """What is seen of the last exchange; a word where there was none."""

    def seen(world, m):
        receipt = counter(world).receipt
        return "no exchange" if receipt is None else read(receipt)

    return seen


def _shown(world, m):
    outcome = counter(world).outcome
    return "pulled-out" if outcome is None else outcome.name.lower().replace("_", "-")


EXPECTATIONS = {
    "card": (_outcome, _shown),
    "carried": (_money, _seen(lambda receipt: units.euros(receipt.carried))),
    "needed": (_money, _seen(lambda receipt: units.euros(receipt.needed or 0))),
    "lacking": (_money, _seen(lambda receipt: units.euros(receipt.lacking))),
    "given": (lambda value: units.scaled(value, 1), _seen(lambda receipt: len(receipt.given))),
    "withheld": (
        lambda value: units.scaled(value, 1),
        _seen(lambda receipt: len(receipt.withheld)),
    ),
}
