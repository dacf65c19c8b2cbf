"""Balances and registers that a card brought back, as plain data and as text."""

from typing import Any

from meterfw.account import rules
from meterfw.store.log import Log
from meterproto.codes import PaymentMode

from budgetmeter import units


def euros(amount: int) -> str:
    """Millicents as "20.00 EUR"."""
    return f"{units.euros(amount)} EUR"


def time(clock: int, second: int = 0) -> str:
    """Belgian local time of a clock value: "2020-12-08 10:00:00"."""
    return units.from_clock(clock, second).isoformat(sep=" ")


def reading_data(m: Any) -> dict[str, Any]:
    """Balances and registers of a state as plain data."""
    return {
        "mode": PaymentMode(m.payment_mode).word,
        "balance": units.euros(rules.balance(m), 5),
        "credit": units.euros(m.credit, 5),
        "emergency_owed": units.euros(m.emergency_used, 5),
        "arrears": units.euros(m.arrears, 5),
        **_registers_data(m),
    }


def capture_data(capture: Any) -> dict[str, Any]:
    """An index capture as plain data."""
    return {
        "time": time(capture.clock),
        "credit": units.euros(capture.credit, 5),
        "arrears": units.euros(capture.arrears, 5),
        **_registers_data(capture),
    }


def _registers_data(read: Any) -> dict[str, Any]:
    return {
        "energy_wh": read.energy_wh,
        "limited_wh": read.limited_wh,
        "volume_l": read.volume_l,
    }


def event_data(number: int, entry: Any) -> dict[str, Any]:
    """An entry of the event log as plain data."""
    return {
        "number": number,
        "time": time(entry.clock, entry.second),
        "event": Log.name(entry.code),
        "balance": units.euros(entry.balance, 5),
    }


def registers(data: dict[str, Any]) -> str:
    """Registers, as `reading_data` and `capture_data` have them, as text."""
    volume = f", {data['volume_l']} l" if data["volume_l"] else ""
    return (
        f"{data['energy_wh'] / 1000:.3f} kWh, limited {data['limited_wh'] / 1000:.3f} kWh{volume}"
    )
