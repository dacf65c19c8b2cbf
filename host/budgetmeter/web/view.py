"""What a page sees of a meter: values that JSON knows. It runs in MicroPython too."""

from meterfw.account import rules
from meterfw.account.record import State
from meterfw.layouts import (
    EMERGENCY_STATUS_CONSUMED,
    EMERGENCY_STATUS_IN_USE,
    ENERGY_GAS,
    STATE_FIELDS,
)
from meterfw.meter import Meter
from meterfw.wire.text import exact, timestamp

from budgetmeter.report.phases import phase

try:
    from typing import TYPE_CHECKING
except ImportError:  # MicroPython
    TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Sight(Protocol):
        """What can be seen of a board in virtual time."""

        lines: tuple[str, ...]
        closed: bool
        beeps: int
        drawn: int

        def current_ma(self) -> int: ...
        def power_w(self) -> int: ...
        def card_in(self) -> int: ...


SUPPLY = ("disconnected", "connected", "ready")  # by control state
EMERGENCY = ("enabled", "selectable", "", "in-use", "consumed")  # by emergency status


def floor(m: State) -> int:
    """The balance at which nothing more is given, mc: limit, emergency credit owed or in use."""
    taken = m.emergency_used
    if m.emergency_status in (EMERGENCY_STATUS_IN_USE, EMERGENCY_STATUS_CONSUMED):
        taken = max(taken, m.emergency_preset)
    return -m.overdraft - taken


def view(meter: Meter, board: "Sight", rate: int) -> "dict[str, Any]":
    """A meter now, by name: money exact in EUR as text, and every field of its state as it is.

    :param rate: what the household asks for: W, or litres of gas an hour
    """
    m, slot = meter.state, meter.slot
    return {
        "meter": meter.gateway.meter,
        "energy": "gas" if meter.profile.energy == ENERGY_GAS else "electricity",
        "time": timestamp(m.clock, m.second),
        "display": list(board.lines),
        "supply": SUPPLY[m.control_state],
        "phase": phase(m),
        "emergency": EMERGENCY[m.emergency_status],
        "balance": exact(rules.balance(m)),
        "floor": exact(floor(m)),
        "load": rate,
        "current_ma": board.current_ma(),
        "power_w": board.power_w(),
        "flowing": rate if board.closed else 0,
        "pulses": board.drawn // 3600,
        "beeps": board.beeps,
        "card": {
            "inside": board.card_in() == 1,
            "outcome": slot.outcome if slot.present else 0,
            "taken": slot.taken if slot.present else 0,
        },
        "events": meter.log.count,
        "state": {name: getattr(m, name) for name in STATE_FIELDS},
    }


def events(meter: Meter, first: int) -> "list[dict[str, Any]]":
    """The log from entry `first` on, as far as it is kept."""
    log = meter.log
    found = []
    for number, (clock, second, code, reasons, balance) in log.numbered(first):
        found.append(
            {
                "number": number,
                "time": timestamp(clock, second),
                "event": log.name(code),
                "reasons": reasons,
                "balance": exact(balance),
            }
        )
    return found
