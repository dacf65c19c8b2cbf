"""Phases of supply, as a customer tells them apart.

`phase_number` is in the portable subset of the rules: the fleet compiles it.
"""

from meterfw.account.record import State
from meterfw.layouts import (
    CONTROL_STATE_CONNECTED,
    EMERGENCY_STATUS_IN_USE,
    PAYMENT_MODE_CREDIT,
    REASON_CREDIT,
    REASON_LEAK_TEST,
    REASON_OPERATOR,
    REASON_OVERLOAD,
    REASON_TAMPER,
)

# In the order plots stack them.
PHASES = (
    "credit",
    "negative limit",
    "kept on",
    "emergency",
    "limited",
    "postpaid",
    "ready",
    "off: credit",
    "off: overload",
    "off: leak test",
    "off: operator",
    "off: tamper",
    "power cut",
)

OFF = tuple(phase for phase in PHASES if phase.startswith("off") or phase == "ready")

CREDIT = PHASES.index("credit")
NEGATIVE_LIMIT = PHASES.index("negative limit")
KEPT_ON = PHASES.index("kept on")
EMERGENCY = PHASES.index("emergency")
LIMITED = PHASES.index("limited")
POSTPAID = PHASES.index("postpaid")
READY = PHASES.index("ready")
OFF_CREDIT = PHASES.index("off: credit")
OFF_OVERLOAD = PHASES.index("off: overload")
OFF_LEAK_TEST = PHASES.index("off: leak test")
OFF_OPERATOR = PHASES.index("off: operator")
OFF_TAMPER = PHASES.index("off: tamper")


def off_number(m: State) -> int:
    """Which of the phases without supply; the gravest reason counts."""
    if m.reasons & REASON_TAMPER:
        return OFF_TAMPER
    if m.reasons & REASON_OPERATOR:
        return OFF_OPERATOR
    if m.reasons & REASON_CREDIT:
        return OFF_CREDIT
    if m.reasons & REASON_LEAK_TEST:
        return OFF_LEAK_TEST
    if m.reasons & REASON_OVERLOAD:
        return OFF_OVERLOAD
    return READY


def phase_number(m: State) -> int:
    """Index in PHASES of the phase a meter's state is in."""
    if m.control_state != CONTROL_STATE_CONNECTED:
        return off_number(m)
    if m.payment_mode == PAYMENT_MODE_CREDIT:
        return POSTPAID
    if m.limiter_engaged == 1:
        return LIMITED
    if m.emergency_status == EMERGENCY_STATUS_IN_USE and m.credit <= -m.overdraft:
        return EMERGENCY
    if m.kept == 1:
        return KEPT_ON
    if m.credit >= 0:
        return CREDIT
    return NEGATIVE_LIMIT


def phase(m: State) -> str:
    """The phase a meter's state is in."""
    return PHASES[phase_number(m)]
