"""What COSEM objects are made of: their names and classes, attributes, and what reads the meter."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from budgetmeter.bridges.dlms.data import (
    DATA,
    INT8,
    INT32,
    UINT16,
    Data,
    date_time,
    name_octets,
    octets,
    structure,
)
from budgetmeter.bridges.dlms.history import Row
from budgetmeter.client import Entry, Identity, Meter, Registers, Status

# Classes
PLAIN, REGISTER, PROFILE, CLOCK, ASSOCIATION = 1, 3, 7, 8, 15
DISCONNECT, LIMITER, ACCOUNT, CREDIT, CHARGE, GATEWAY = 70, 71, 111, 112, 113, 115

# Logical names
ASSOCIATION_NAME = "0.0.40.0.0.255"
CLOCK_NAME = "0.0.1.0.0.255"
DEVICE_NAME = "0.0.42.0.0.255"
SERIAL_NAME = "0.0.96.1.0.255"
FIRMWARE_NAME = "1.0.0.2.0.255"
ENERGY_NAME = "1.0.1.8.0.255"
POWER_NAME = "1.0.1.7.0.255"
CURRENT_NAME = "1.0.11.7.0.255"
VOLTAGE_NAME = "1.0.32.7.0.255"
GAS_NAME = "7.0.3.0.0.255"
LOAD_NAME = "1.0.99.1.0.255"
EVENTS_NAME = "0.0.99.98.0.255"
EVENT_NAME = "0.0.96.11.0.255"
DISCONNECT_NAME = "0.0.96.3.10.255"
LIMITER_NAME = "0.0.17.0.0.255"
ACCOUNT_NAME = "0.0.19.0.0.255"
CREDIT_NAME = "0.0.19.10.0.255"
EMERGENCY_NAME = "0.0.19.10.1.255"
CHARGE_NAME = "0.0.19.20.0.255"
DEBT_NAME = "0.0.19.20.1.255"
NOTHING_NAME = "0.0.0.0.0.0"
GATEWAY_NAME = "0.0.19.40.0.255"

MONEY_SCALE = -5  # EUR
METHODS = {
    PROFILE: 2,
    REGISTER: 1,
    CLOCK: 6,
    ASSOCIATION: 4,
    DISCONNECT: 2,
    ACCOUNT: 3,
    CREDIT: 3,
    CHARGE: 5,
    GATEWAY: 1,
}
INT32_LIMIT = 2**31 - 1
INT16_LIMIT = 2**15 - 1


class Token(NamedTuple):
    """The last token that came in here.

    :ivar octets: of the token
    :ivar at_s: when, seconds since 2000-01-01 00:00 UTC+1
    :ivar status: `meterproto.codes.TokenStatus`
    :ivar reason: why: `meterproto.codes.TokenReason`
    """

    octets: bytes
    at_s: int
    status: int
    reason: int


class Column(NamedTuple):
    """What a profile captures: an attribute of an object."""

    class_id: int
    name: str
    attribute: int

    def described(self) -> Data:
        """As a capture object definition."""
        return structure(
            Data(UINT16, self.class_id),
            octets(name_octets(self.name)),
            Data(INT8, self.attribute),
            Data(UINT16, 0),
        )


@dataclass(frozen=True)
class Table:
    """The rows of a profile.

    :ivar columns: what they have; the first is the clock
    :ivar rows: gives them, oldest first
    """

    columns: tuple[Column, ...]
    rows: Callable[[], Iterable[Row]]


@dataclass(frozen=True)
class Thing:
    """An object.

    :ivar attributes: from the second on, some as octets already; the first is the name
    :ivar table: of a profile; its second attribute
    """

    class_id: int
    name: str
    attributes: tuple[Callable[[], Data | bytes], ...]
    version: int = 0
    table: Table | None = field(default=None, compare=False)

    def has(self, index: int) -> bool:
        """Whether there is an attribute of this number."""
        return 1 <= index <= len(self.attributes) + 1

    def does(self, index: int) -> bool:
        """Whether its class has a method of this number."""
        return 1 <= index <= METHODS.get(self.class_id, 0)

    def encoded(self, index: int) -> bytes:
        """The octets of an attribute that it has, a table left aside."""
        value = octets(name_octets(self.name)) if index == 1 else self.attributes[index - 2]()
        return value if isinstance(value, bytes) else DATA.build(value)


class Reader:
    """Reads what the objects are made of, each when it is needed and at most once.

    What it gives raises MeterError when the meter does not answer.

    :param meter: gives the client of the meter
    :param identity: who the meter is
    :param clock: the meter's time of a status, seconds since 2000-01-01 00:00 UTC+1
    :param captures: the load profile
    :param token: the last one that came in
    :param client: address of the DLMS client
    :param trusted: whether it gave the password
    """

    def __init__(
        self,
        meter: Callable[[], Meter],
        identity: Identity,
        clock: Callable[[Status], int],
        captures: Iterable[Row],
        token: Token | None,
        client: int,
        trusted: bool,
    ) -> None:
        self._meter, self._clock = meter, clock
        self.identity = identity
        self.captures, self.token = captures, token
        self.client, self.trusted = client, trusted

    @cached_property
    def status(self) -> Status:
        """The account and the supply."""
        return self._meter().status()

    @cached_property
    def registers(self) -> Registers:
        """Energy and lifetime totals."""
        return self._meter().registers()

    @cached_property
    def events(self) -> list[Entry]:
        """The event log, oldest first."""
        return self._meter().events()

    def now(self) -> bytes:
        """The time at the meter."""
        return date_time(self._clock(self.status), self.status.uncertain)


def money(amount: Decimal) -> Data:
    """EUR at scale -5; what a field of 32 bits cannot have stops at its end."""
    mc = int(amount.scaleb(5))
    return Data(INT32, min(max(mc, -INT32_LIMIT), INT32_LIMIT))
