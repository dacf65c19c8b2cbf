"""What a bridge reads of a meter, in one look."""

from dataclasses import dataclass

from budgetmeter.client import Identity, Meter, Registers, Status


@dataclass(frozen=True)
class Seen:
    """Who a meter is, its account and its registers, read one after the other."""

    identity: Identity
    status: Status
    registers: Registers


def look(meter: Meter, identity: Identity | None = None) -> Seen:
    """Read a meter.

    :param identity: as it was read before; a meter keeps it while its line is open
    :raises MeterError: as `Meter.status`
    """
    return Seen(identity or meter.identify(), meter.status(), meter.registers())
