"""What a step of a scenario can do: give an order, press the button, change the load, cut power.

Actions with cards are in `cards`.
"""

from collections.abc import Callable
from typing import Any

from meterproto.codes import Kind, Result, TokenReason

from budgetmeter import orders, units
from budgetmeter.emulator import ConstantLoad
from budgetmeter.errors import InputError
from budgetmeter.scenario import cards, cases
from budgetmeter.scenario.document import Document, flag
from budgetmeter.scenario.model import Act
from budgetmeter.scenario.stage import Stage
from budgetmeter.units import DAY_S

LONGEST_PRESS_S = 3600


def _order(document: Document, table: Any, where: str) -> Act:
    """An order as the command line, the queue and the fleet write it."""
    if not isinstance(table, dict):
        document.fail('a table such as { kind = "hold", until = 2021-03-31 }', where)
    try:
        asked = orders.read_table(table)
    except InputError as error:
        document.fail(str(error), where)
    wanted = asked.order
    if wanted.kind == Kind.KEY_CHANGE:
        document.fail("key changes come from an office", where)

    def act(stage: Stage) -> Result | TokenReason | None:
        if not stage.asks(wanted):
            return None
        return stage.emulator.order(
            wanted.kind, wanted.value, wanted.extra, asked.order_id, asked.expiry
        )

    return act


def _load(document: Document, value: Any, where: str) -> Act:
    document.known(value, ("watts", "litres_per_hour"), where)
    if len(value) != 1:
        document.fail("one of watts, litres_per_hour", where)
    key, wanted = next(iter(value.items()))
    rate = document.rate(key, wanted, where)

    def act(stage: Stage) -> None:
        world = stage.emulator
        if not isinstance(world.load, ConstantLoad):
            raise InputError(f"{where}: only a constant load can be changed")
        world.load.set(rate, document.gas)
        world.load_changed()

    return act


def _press(document: Document, value: Any, where: str) -> Act:
    seconds = 0 if value is True else units.scaled(value, 1)
    if not 0 <= seconds <= LONGEST_PRESS_S:
        document.fail(f"true, or seconds from 0 to {LONGEST_PRESS_S}", where)
    return lambda stage: stage.emulator.press(seconds)


def _cut_power(document: Document, value: Any, where: str) -> Act:
    seconds = units.scaled(value, 1)
    if not 0 <= seconds <= 366 * DAY_S:
        document.fail("seconds, up to a year", where)
    return lambda stage: stage.emulator.cut_power(seconds)


def _bypass(_document: Document, value: Any, _where: str) -> Act:
    around = flag(value)

    def act(stage: Stage) -> None:
        stage.emulator.board.bypass = around

    return act


# Each reads what was written and answers what is to be done; a ValueError names the value.
ACTIONS: dict[str, Callable[[Document, Any, str], Act]] = {
    "order": _order,
    "press": _press,
    "load": _load,
    "bypass": _bypass,
    "cut_power": _cut_power,
    **cards.ACTIONS,
    **cases.ACTIONS,
}
