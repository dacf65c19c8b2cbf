"""The meter in COSEM's words: the objects of one server, each made of one look at the meter.

An object is a class, a version, a logical name, and its attributes from 1 on, after the Blue Book
of the DLMS User Association. What the meter does not say on its own wire (thresholds of its
profile) is 0, a time it does not have is unspecified.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, cached_property, lru_cache
from typing import NamedTuple

from meterproto.codes import Energy, PaymentMode

from budgetmeter import profiles, units
from budgetmeter.bridges.dlms import data as axdr
from budgetmeter.bridges.dlms.apdu import CONFORMANCE, LN_CONTEXT, LOW_LEVEL, LOWEST_LEVEL, MAX_PDU
from budgetmeter.bridges.dlms.apdu import VERSION as DLMS
from budgetmeter.bridges.dlms.data import (
    BITS,
    BOOLEAN,
    DATA,
    ENUM,
    INT8,
    INT16,
    INT32,
    UINT8,
    UINT16,
    UINT32,
    Data,
    array,
    date_time,
    name_octets,
    octets,
    structure,
    utf8,
)
from budgetmeter.bridges.dlms.history import ENTRIES, PERIOD_S, Row
from budgetmeter.bridges.dlms.wrapper import SERVER
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

# Units (IEC 62056-6-2, table of units)
WATT, AMPERE, VOLT, WATT_HOUR, CUBIC_METRE, NO_UNIT = 27, 33, 35, 30, 13, 255
MONETARY = 0  # unit of a currency
MONEY_SCALE = -5  # EUR
ENTER = 1  # method of the token gateway
REMOTE = 0  # way in which a token came
LOGGED = 128  # entries a meter's log keeps
SORT_FIFO = 1
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
MODES = {PaymentMode.CREDIT: 1, PaymentMode.PREPAYMENT: 2, PaymentMode.LIMITER_ONLY: 1}
ACTIVE = 2  # status of an account
IN_USE, CONSUMED = 3, 4  # status of a credit
INT32_LIMIT = 2**31 - 1
INT16_LIMIT = 2**15 - 1
TO_READY = 3  # control mode: who is remote makes supply ready, and a person closes it
CONSUMPTION, PAYMENT_EVENT = 0, 2  # types of charge
TOKEN, EMERGENCY = 0, 2  # types of credit
TAKES_TOKENS, PAID_BACK, CONFIRMED = "00001", "00100", "01100"  # configurations of a credit


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


def objects(reader: Reader) -> list[Thing]:
    """All objects, the association first."""
    gas = reader.identity.energy == Energy.GAS

    def latest() -> Data:
        return Data(UINT8, int(reader.events[-1].code) if reader.events else 0)

    things = [
        *_identity(reader),
        *(_gas(reader) if gas else _electricity(reader)),
        _profile(LOAD_NAME, _load(reader, gas), PERIOD_S, ENTRIES),
        Thing(PLAIN, EVENT_NAME, (latest,)),
        _profile(EVENTS_NAME, _events(reader), 0, LOGGED),
        *_account(reader, gas),
        _gateway(reader),
    ]
    return [_association(reader, things), *things]


def _association(reader: Reader, others: list[Thing]) -> Thing:
    thing: Thing

    def object_list() -> bytes:
        shapes = ((t.class_id, t.version, t.name, len(t.attributes), t.table is not None)
                  for t in (thing, *others))  # fmt: skip
        return _object_list(tuple(shapes))

    context = structure(
        Data(BITS, f"{CONFORMANCE:024b}"),
        Data(UINT16, MAX_PDU),
        Data(UINT16, MAX_PDU),
        Data(UINT8, DLMS),
        Data(INT8, 0),
        octets(b""),
    )
    thing = Thing(
        ASSOCIATION,
        ASSOCIATION_NAME,
        (
            object_list,
            lambda: structure(Data(INT8, reader.client), Data(UINT16, SERVER)),
            lambda: octets(LN_CONTEXT),
            lambda: context,
            lambda: octets(LOW_LEVEL if reader.trusted else LOWEST_LEVEL),
            lambda: octets(b""),
            lambda: Data(ENUM, 2),
        ),
    )
    return thing


@lru_cache
def _object_list(shapes: tuple[tuple[int, int, str, int, bool], ...]) -> bytes:
    """The object list of things of these shapes, encoded; there are few, and it is long."""
    return DATA.build(array([_listed(*shape) for shape in shapes]))


def _listed(class_id: int, version: int, name: str, count: int, has_table: bool) -> Data:
    """An entry of the object list: class, version, name, access rights."""
    selectors = array([Data(INT8, 1), Data(INT8, 2)])
    attributes = [
        structure(
            Data(INT8, index),
            Data(ENUM, 1),  # read only
            selectors if has_table and index == 2 else Data(axdr.NULL),
        )
        for index in range(1, count + 2)
    ]
    methods = [
        structure(Data(INT8, index), Data(ENUM, int(class_id == GATEWAY)))
        for index in range(1, METHODS.get(class_id, 0) + 1)
    ]
    return structure(
        Data(UINT16, class_id),
        Data(UINT8, version),
        octets(name_octets(name)),
        structure(array(attributes), array(methods)),
    )


def _identity(reader: Reader) -> list[Thing]:
    def serial() -> bytes:
        return f"{reader.identity.meter:09d}".encode()

    return [
        Thing(CLOCK, CLOCK_NAME, _clock(reader)),
        Thing(PLAIN, DEVICE_NAME, (lambda: octets(b"BUDGET" + serial() + b" "),)),
        Thing(PLAIN, SERIAL_NAME, (lambda: octets(serial()),)),
        Thing(PLAIN, FIRMWARE_NAME, (lambda: octets(reader.identity.firmware.encode()),)),
    ]


def _clock(reader: Reader) -> tuple[Callable[[], Data], ...]:
    def change(month: int, hour: int) -> bytes:
        """The last Sunday of a month of any year, at an hour of local time."""
        return bytes([0xFF, 0xFF, month, 0xFE, 7, hour, 0, 0, 0, 0x80, 0, 0])

    return (
        lambda: octets(reader.now()),
        lambda: Data(INT16, axdr.DEVIATION_MIN),
        lambda: Data(UINT8, reader.now()[-1]),
        lambda: octets(change(3, 2)),
        lambda: octets(change(10, 3)),
        lambda: Data(INT8, 60),
        lambda: Data(BOOLEAN, True),
        lambda: Data(ENUM, 1),  # an internal crystal
    )


def _register(name: str, value: Callable[[], Data], scale: int, unit: int) -> Thing:
    scaler = structure(Data(INT8, scale), Data(ENUM, unit))
    return Thing(REGISTER, name, (value, lambda: scaler))


def _electricity(reader: Reader) -> list[Thing]:
    def status(name: str) -> Callable[[], Data]:
        return lambda: Data(UINT32, getattr(reader.status, name) or 0)

    return [
        _register(ENERGY_NAME, lambda: Data(UINT32, reader.registers.energy_wh), 0, WATT_HOUR),
        _register(POWER_NAME, status("power_w"), 0, WATT),
        _register(CURRENT_NAME, status("current_ma"), -3, AMPERE),
        _register(VOLTAGE_NAME, status("voltage_mv"), -3, VOLT),
        _disconnect(reader),
        _limiter(reader),
    ]


def _gas(reader: Reader) -> list[Thing]:
    volume = _register(GAS_NAME, lambda: Data(UINT32, reader.registers.volume_l), -3, CUBIC_METRE)
    return [volume, _disconnect(reader)]


def _disconnect(reader: Reader) -> Thing:
    return Thing(
        DISCONNECT,
        DISCONNECT_NAME,
        (
            lambda: Data(BOOLEAN, reader.status.supply_on),
            lambda: Data(ENUM, int(reader.status.control_state)),
            lambda: Data(ENUM, TO_READY),
        ),
    )


def _limiter(reader: Reader) -> Thing:
    """Its limit is one of current or of power; what is monitored says which."""

    def monitored() -> Data:
        name = CURRENT_NAME if reader.status.limit_ma else POWER_NAME
        return structure(Data(UINT16, REGISTER), octets(name_octets(name)), Data(INT8, 2))

    def limit() -> int:
        return reader.status.limit_ma or reader.status.limit_w

    nothing = structure(octets(bytes(6)), Data(UINT16, 0))
    return Thing(
        LIMITER,
        LIMITER_NAME,
        (
            monitored,
            lambda: Data(UINT32, limit() if reader.status.limiter_engaged else 2**32 - 1),
            lambda: Data(UINT32, limit()),
            lambda: Data(UINT32, limit()),
            lambda: Data(UINT32, 0),
            lambda: Data(UINT32, 0),
            lambda: structure(Data(UINT16, 0), octets(date_time(None)), Data(UINT32, 0)),
            array,
            lambda: Data(BOOLEAN, False),
            lambda: structure(nothing, nothing),
        ),
    )


# ---- Money --------------------------------------------------------------------------------------


def money(amount: Decimal) -> Data:
    """EUR at scale -5; what a field of 32 bits cannot have stops at its end."""
    mc = int(amount.scaleb(5))
    return Data(INT32, min(max(mc, -INT32_LIMIT), INT32_LIMIT))


def _account(reader: Reader, gas: bool) -> list[Thing]:
    def status():
        return reader.status

    def credit_status() -> Data:
        told = status()
        offered = told.emergency_status.word
        left = told.emergency_preset > told.emergency_used
        bits = (
            told.balance > 0,
            told.warned,
            offered == "enabled" and left,
            offered == "selectable",
            False,
            offered == "in-use",
            told.balance <= 0 and offered != "in-use",
            False,
        )
        return Data(BITS, "".join(str(int(bit)) for bit in bits))

    names = [octets(name_octets(name)) for name in (CREDIT_NAME, EMERGENCY_NAME)]
    charges = [octets(name_octets(name)) for name in (CHARGE_NAME, DEBT_NAME)]
    nothing = money(Decimal(0))
    account = Thing(
        ACCOUNT,
        ACCOUNT_NAME,
        (
            lambda: structure(
                Data(ENUM, MODES[PaymentMode(status().payment_mode)]), Data(ENUM, ACTIVE)
            ),
            lambda: Data(UINT8, int(status().emergency_status.word == "in-use")),
            credit_status,
            lambda: money(status().balance),
            lambda: money(max(-status().credit, Decimal(0)) + status().emergency_used),
            lambda: nothing,
            lambda: money(status().arrears),
            lambda: array(names),
            lambda: array(charges),
            lambda: array([structure(name, charges[0], Data(BITS, "000")) for name in names]),
            lambda: array([structure(names[0], Data(UINT8, 100))]),
            lambda: octets(date_time(None)),
            lambda: octets(date_time(None)),
            lambda: structure(utf8("EUR"), Data(INT8, MONEY_SCALE), Data(ENUM, MONETARY)),
            lambda: nothing,
            lambda: nothing,
            lambda: Data(UINT16, 0),
            lambda: Data(INT32, 0),
        ),
    )
    in_use = lambda: status().emergency_status.word == "in-use"  # noqa: E731
    return [
        account,
        _credit(
            CREDIT_NAME,
            TOKEN,
            amount=lambda: status().credit,
            limit=lambda: -status().overdraft,
            configuration=lambda: TAKES_TOKENS,
            state=lambda: CONSUMED if in_use() else IN_USE,
        ),
        _credit(
            EMERGENCY_NAME,
            EMERGENCY,
            amount=lambda: status().emergency_preset - status().emergency_used,
            configuration=lambda: CONFIRMED if _by_button(reader) else PAID_BACK,
            state=lambda: int(status().emergency_status),
            preset=lambda: status().emergency_preset,
        ),
        _charge(reader, gas),
        _debt(reader),
    ]


def _by_button(reader: Reader) -> bool:
    """Whether emergency credit waits for the button; no, of a profile that is not ours."""
    name = reader.identity.profile
    return name in profiles.names() and not profiles.load(name).record().emergency_auto


def _none() -> Decimal:
    return Decimal(0)


def _credit(
    name: str,
    kind: int,
    amount: Callable[[], Decimal],
    configuration: Callable[[], str],
    state: Callable[[], int],
    limit: Callable[[], Decimal] = _none,
    preset: Callable[[], Decimal] = _none,
) -> Thing:
    """A credit; the one of tokens is used before the one for emergencies."""
    return Thing(
        CREDIT,
        name,
        (
            lambda: money(amount()),
            lambda: Data(ENUM, kind),
            lambda: Data(UINT8, 1 if kind == TOKEN else 2),
            lambda: money(_none()),
            lambda: money(limit()),
            lambda: Data(BITS, configuration()),
            lambda: Data(ENUM, state()),
            lambda: money(preset()),
            lambda: money(_none()),
            lambda: octets(date_time(None)),
        ),
    )


def _charge(reader: Reader, gas: bool) -> Thing:
    """The price of a kWh, which consumption is charged at."""
    status = lambda: reader.status  # noqa: E731

    def unit_charge(price: Decimal) -> Data:
        """A price of more than 0.32767 EUR does not fit scale -5: it is given at -4, rounded."""
        mc = int(price.scaleb(5))
        scale, amount = (-5, mc) if mc <= INT16_LIMIT else (-4, (mc + 5) // 10)
        return _unit_charge(scale, GAS_NAME if gas else ENERGY_NAME, min(amount, INT16_LIMIT))

    def begins() -> Data:
        at = status().price_from
        return octets(date_time(None if at is None else units.to_clock(at) * 60))

    return _charged(
        CHARGE_NAME,
        CONSUMPTION,
        paid=lambda: reader.registers.charged,
        active=lambda: unit_charge(status().price),
        passive=lambda: unit_charge(status().price_next),
        begins=begins,
    )


def _debt(reader: Reader) -> Thing:
    """Debt of minimum supply, which top-ups pay back by the share that the profile says."""
    nothing = _unit_charge(MONEY_SCALE, NOTHING_NAME, 0)
    return _charged(
        DEBT_NAME,
        PAYMENT_EVENT,
        paid=_none,
        active=lambda: nothing,
        passive=lambda: nothing,
        begins=lambda: octets(date_time(None)),
        left=lambda: reader.status.arrears,
    )


def _unit_charge(scale: int, of: str, amount: int) -> Data:
    """A price, by the kWh of a register."""
    class_id, attribute = (0, 0) if of == NOTHING_NAME else (REGISTER, 2)
    return structure(
        structure(Data(INT8, 3), Data(INT8, scale)),
        structure(Data(UINT16, class_id), octets(name_octets(of)), Data(INT8, attribute)),
        array([structure(octets(b""), Data(INT16, amount))]),
    )


def _charged(
    name: str,
    kind: int,
    paid: Callable[[], Decimal],
    active: Callable[[], Data],
    passive: Callable[[], Data],
    begins: Callable[[], Data],
    left: Callable[[], Decimal] = _none,
) -> Thing:
    """A charge; the one by consumption is collected before the one by payments."""
    return Thing(
        CHARGE,
        name,
        (
            lambda: money(paid()),
            lambda: Data(ENUM, kind),
            lambda: Data(UINT8, 1 if kind == CONSUMPTION else 2),
            active,
            passive,
            begins,
            lambda: Data(UINT32, 0),
            lambda: Data(BITS, "00"),
            lambda: octets(date_time(None)),
            lambda: money(_none()),
            lambda: money(left()),
            lambda: Data(UINT16, 0),
        ),
    )


def _gateway(reader: Reader) -> Thing:
    def status() -> Data:
        token = reader.token
        bits = f"{token.reason:08b}" if token else "0" * 8
        return structure(Data(ENUM, token.status if token else 0), Data(BITS, bits))

    return Thing(
        GATEWAY,
        GATEWAY_NAME,
        (
            lambda: octets(reader.token.octets if reader.token else b""),
            lambda: octets(date_time(reader.token.at_s if reader.token else None)),
            array,
            lambda: Data(ENUM, REMOTE),
            status,
        ),
    )


# ---- Profiles -----------------------------------------------------------------------------------


def _profile(name: str, table: Table, period_s: int, most: int) -> Thing:
    return Thing(
        PROFILE,
        name,
        (
            array,  # its table is read in its place
            lambda: array([column.described() for column in table.columns]),
            lambda: Data(UINT32, period_s),
            lambda: Data(ENUM, SORT_FIFO),
            table.columns[0].described,
            lambda: Data(UINT32, sum(1 for _ in table.rows())),
            lambda: Data(UINT32, most),
        ),
        version=1,
        table=table,
    )


_CLOCK_COLUMN = Column(CLOCK, CLOCK_NAME, 2)
_BALANCE_COLUMN = Column(ACCOUNT, ACCOUNT_NAME, 5)


def _load(reader: Reader, gas: bool) -> Table:
    register = Column(REGISTER, GAS_NAME if gas else ENERGY_NAME, 2)
    return Table((_CLOCK_COLUMN, register, _BALANCE_COLUMN), lambda: reader.captures)


def _events(reader: Reader) -> Table:
    @cache
    def rows() -> list[Row]:
        found: list[Row] = []
        for entry in reader.events:
            at_s = units.to_clock(entry.time) * 60 + entry.time.second
            cells = (octets(date_time(at_s)), Data(UINT8, int(entry.code)), money(entry.balance))
            found.append((at_s, tuple(DATA.build(cell) for cell in cells)))
        return found

    return Table((_CLOCK_COLUMN, Column(PLAIN, EVENT_NAME, 2), _BALANCE_COLUMN), rows)
