"""The meter in COSEM's words: the objects of one server, each made of one look at the meter.

An object is a class, a version, a logical name, and its attributes from 1 on, after the Blue Book
of the DLMS User Association. What the meter does not say on its own wire (thresholds of its
profile) is 0, a time it does not have is unspecified.
"""

from collections.abc import Callable
from functools import cache, lru_cache

from meterproto.codes import Energy

from budgetmeter import units
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
    UINT8,
    UINT16,
    UINT32,
    Data,
    array,
    date_time,
    name_octets,
    octets,
    structure,
)
from budgetmeter.bridges.dlms.history import ENTRIES, PERIOD_S, Row
from budgetmeter.bridges.dlms.payment import account, gateway
from budgetmeter.bridges.dlms.things import (
    ACCOUNT,
    ACCOUNT_NAME,
    ASSOCIATION,
    ASSOCIATION_NAME,
    CLOCK,
    CLOCK_NAME,
    CURRENT_NAME,
    DEVICE_NAME,
    DISCONNECT,
    DISCONNECT_NAME,
    ENERGY_NAME,
    EVENT_NAME,
    EVENTS_NAME,
    FIRMWARE_NAME,
    GAS_NAME,
    GATEWAY,
    LIMITER,
    LIMITER_NAME,
    LOAD_NAME,
    METHODS,
    PLAIN,
    POWER_NAME,
    PROFILE,
    REGISTER,
    SERIAL_NAME,
    VOLTAGE_NAME,
    Column,
    Reader,
    Table,
    Thing,
    money,
)
from budgetmeter.bridges.dlms.wrapper import SERVER

# Units (IEC 62056-6-2, table of units)
WATT, AMPERE, VOLT, WATT_HOUR, CUBIC_METRE, NO_UNIT = 27, 33, 35, 30, 13, 255
LOGGED = 128  # entries a meter's log keeps
SORT_FIFO = 1
TO_READY = 3  # control mode: who is remote makes supply ready, and a person closes it


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
        *account(reader, gas),
        gateway(reader),
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
