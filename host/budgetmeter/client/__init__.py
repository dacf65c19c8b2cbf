"""A meter on a line: read it, enter tokens, type at its console.

`lines` carries octets (serial devices, sockets, a meter in this process, a faulty line around any
of them). `exchange` asks and repeats; `readings` turns answers into human units. `meter` is the
client, `errors` what it raises.
"""

from budgetmeter.client.errors import (
    AuthenticationFailure,
    BadAnswer,
    ExecutionFailure,
    FormatFailure,
    LineError,
    LockedOut,
    MeterError,
    NoAnswer,
    TokenRefused,
    TokenUsed,
    ValidationFailure,
)
from budgetmeter.client.faulty import FaultyLine
from budgetmeter.client.lines import Line
from budgetmeter.client.meter import Entered, Meter
from budgetmeter.client.readings import Entry, Identity, Registers, Status

__all__ = [
    "AuthenticationFailure",
    "BadAnswer",
    "Entered",
    "Entry",
    "ExecutionFailure",
    "FaultyLine",
    "FormatFailure",
    "Identity",
    "Line",
    "LineError",
    "LockedOut",
    "Meter",
    "MeterError",
    "NoAnswer",
    "Registers",
    "Status",
    "TokenRefused",
    "TokenUsed",
    "ValidationFailure",
]
