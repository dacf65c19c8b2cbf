"""Messages made of what a meter answers: plain data for JSON."""

from decimal import Decimal
from typing import Any

from meterproto.codes import Energy, Event, LogCode, Reason

from budgetmeter.bridges.seen import Seen
from budgetmeter.client import Entered, Entry, TokenRefused
from budgetmeter.errors import BudgetmeterError

ON, OFF = "ON", "OFF"
NO_REASON = "none"


def state(seen: Seen) -> dict[str, Any]:
    """The state of a meter: money in EUR, energy in Wh, gas in m³, power in W, current in A.

    It has no time, so that it stays the same while nothing happens.
    """
    status, registers = seen.status, seen.registers
    told: dict[str, Any] = {
        "balance": _number(status.balance),
        "credit": _number(status.credit),
        "emergency_credit": _number(status.emergency_preset - status.emergency_used),
        "emergency_used": _number(status.emergency_used),
        "emergency_status": status.emergency_status.word,
        "arrears": _number(status.arrears),
        "overdraft": _number(status.overdraft),
        "price": _number(status.price),
        "payment_mode": status.payment_mode.word,
        "supply": ON if status.supply_on else OFF,
        "control_state": status.control_state.word,
        "reason": reasons(status.reasons),
        "low_credit": ON if status.warned else OFF,
        "energy": registers.energy_wh,
        "credited": _number(registers.credited),
        "charged": _number(registers.charged),
    }
    if seen.identity.energy == Energy.GAS:
        return {**told, "gas": registers.volume_l / 1000}
    told["limiter"] = ON if status.limiter_engaged else OFF
    told["limiter_available"] = ON if status.limiter_available else OFF
    told["limit_current"] = status.limit_ma / 1000
    told["limit_power"] = status.limit_w
    if status.power_w is not None:
        told["power"] = status.power_w
    if status.current_ma is not None:
        told["current"] = status.current_ma / 1000
    if status.voltage_mv:
        told["voltage"] = status.voltage_mv / 1000
    return told


def reasons(present: tuple[Reason, ...]) -> str:
    """Why supply is open: words, or "none"."""
    return ", ".join(reason.word for reason in present) or NO_REASON


def event(entry: Entry) -> dict[str, Any]:
    """An entry of the event log."""
    return {
        "event_type": event_type(entry.code),
        "number": entry.number,
        "time": entry.time.isoformat(),
        "balance": _number(entry.balance),
        "reason": reasons(entry.reasons),
    }


def event_type(code: Event | LogCode | int) -> str:
    """The word of a code; "other" for one of a later firmware."""
    return code.word if isinstance(code, Event | LogCode) else "other"


def answer(outcome: Entered | BudgetmeterError) -> dict[str, Any]:
    """What became of a token: whether the meter took it, or why not."""
    if isinstance(outcome, Entered):
        return {
            "taken": True,
            "number": outcome.number,
            "effect": outcome.effect,
            "balance": _number(outcome.balance),
            "control_state": outcome.control_state.word,
        }
    told: dict[str, Any] = {"taken": False, "error": str(outcome)}
    if isinstance(outcome, TokenRefused):
        told |= {"number": outcome.number, "reason": outcome.reason}
    return told


def _number(amount: Decimal) -> float:
    """Euros as a number of JSON; its shortest form is exact to the millicent."""
    return float(amount)
