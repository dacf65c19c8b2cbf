"""What a meter answers, in human units: EUR as `Decimal`, Belgian local time, codes by name.

The classes have the fields of the declarations in `meterproto.messages`, converted by their unit;
`help(Status)` lists them with their meanings.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple, TypeVar, cast

from construct import Struct
from meterfw.account import rules
from meterproto import messages
from meterproto.codes import (
    Code,
    ControlState,
    EmergencyStatus,
    Energy,
    Event,
    LogCode,
    PaymentMode,
    Reason,
    logged,
)
from meterproto.quantity import fields as declared

from budgetmeter import units

Convert = Callable[[Any], Any]


class Field(NamedTuple):
    """A field of a reading, and what makes it of a parsed container."""

    name: str
    type: object
    meaning: str
    maker: Convert


def _euros(amount: int) -> Decimal:
    return Decimal(amount).scaleb(-5)


def _time_or_none(clock: int) -> datetime | None:
    return units.from_clock(clock) if clock else None


def _text(octets: bytes) -> str:
    return octets.rstrip(b"\0").decode("ascii", "replace")


def _reasons(bits: int) -> tuple[Reason, ...]:
    return tuple(reason for reason in Reason if bits & reason)


# By unit: how a value is converted, and what it becomes.
_UNITS: dict[str, tuple[Convert, object]] = {
    "mc": (_euros, Decimal),
    "mc/kWh": (_euros, Decimal),
    "clock": (_time_or_none, datetime | None),
    "flag": (bool, bool),
    "bytes": (_text, str),
    "bits": (_reasons, tuple[Reason, ...]),
}


def _plan(struct: Struct) -> Iterator[Field]:
    """Fields of a reading of what a struct declares."""
    names = [name for name, _, _ in declared(struct)]
    for name, quantity, docs in declared(struct):
        base = name[:-4]
        if name.endswith("_mc") and f"{name[:-3]}_eur" in names:
            continue
        if name == "second" and "clock" in names:
            continue
        if name == "clock":
            yield Field("time", datetime, "Belgian local time", _local_time)
        elif name.endswith("_eur") and f"{base}_mc" in names:
            meaning = docs.removesuffix(", whole euros, floored").removesuffix(", whole euros")
            yield Field(base, Decimal, f"{meaning}, EUR", _total(base))
        elif name == "code":
            yield Field(name, Event | LogCode | int, "what happened", _event)
        elif quantity.codes is not None and quantity.unit != "bits":
            yield Field(name, quantity.codes, docs, _converted(name, quantity.codes))
        else:
            convert, kind = _UNITS.get(quantity.unit, (int, int))
            unit = {"mc": ", EUR", "mc/kWh": ", EUR/kWh"}.get(quantity.unit, "")
            if quantity.unit in ("mA", "W", "s", "Wh", "l"):
                unit = f", {quantity.unit}"
            yield Field(name, kind, docs + unit, _converted(name, convert))


def _local_time(raw: Any) -> datetime:
    return units.from_clock(raw.clock, raw.second)


def _balance(raw: Any) -> Decimal:
    return _euros(rules.balance(raw))


def _total(base: str) -> Convert:
    return lambda raw: Decimal(raw[f"{base}_eur"]) + _euros(raw[f"{base}_mc"])


def _event(raw: Any) -> Event | LogCode | int:
    try:
        return logged(raw.code)
    except ValueError:  # of a later firmware
        return raw.code


def _given(name: str) -> Convert:
    return lambda raw: raw.get(name)


def _converted(name: str, convert: Convert) -> Convert:
    return lambda raw: convert(raw[name])


@dataclass(frozen=True)
class Reading:
    """Base of the readings.

    :cvar makers: what makes each field of a parsed container
    :cvar meanings: what each field means
    """

    makers: ClassVar[dict[str, Convert]]
    meanings: ClassVar[dict[str, str]]


R = TypeVar("R", bound=Reading)


def _of(struct: Struct, *computed: Field) -> Callable[[type[R]], type[R]]:
    """Fill in a dataclass whose fields are those that a struct declares, and some computed ones.

    :raises TypeError: when they are not
    """
    plan = [*_plan(struct), *computed]

    def complete(kind: type[R]) -> type[R]:
        written = {field.name: field.type for field in fields(kind)}
        if written != (wanted := {field.name: field.type for field in plan}):
            raise TypeError(f"{kind.__name__}: write its fields as {wanted}")
        listed = "\n".join(f":ivar {field.name}: {field.meaning}" for field in plan)
        kind.__doc__ = f"{kind.__doc__}\n\n{listed}\n"
        kind.makers = {field.name: field.maker for field in plan}
        kind.meanings = {field.name: field.meaning for field in plan}
        return kind

    return complete


@_of(messages.Identity)
@dataclass(frozen=True)
class Identity(Reading):
    """Who a meter is."""

    meter: int
    key_revision: int
    energy: Energy
    firmware: str
    profile: str
    layout: int


@_of(
    messages.Status,
    Field(
        "balance",
        Decimal,
        "what the customer sees: credit less emergency credit used, EUR",
        _balance,
    ),
    *(
        Field(name, int | None, f"{docs}, {quantity.unit}; none from an older meter", _given(name))
        for name, quantity, docs in declared(messages.Present)
    ),
)
@dataclass(frozen=True)
class Status(Reading):
    """Account, limits and supply of a meter."""

    time: datetime
    uncertain: bool
    payment_mode: PaymentMode
    control_state: ControlState
    reasons: tuple[Reason, ...]
    credit: Decimal
    emergency_status: EmergencyStatus
    emergency_preset: Decimal
    emergency_used: Decimal
    arrears: Decimal
    overdraft: Decimal
    overdraft_until: datetime | None
    overdraft_order: int
    hold_until: datetime | None
    price: Decimal
    price_next: Decimal
    price_from: datetime | None
    warned: bool
    kept: bool
    charge_stopped: bool
    limiter_available: bool
    limiter_engaged: bool
    minimum_supply_disabled: bool
    limit_ma: int
    limit_w: int
    limit_until: datetime | None
    connection_w: int
    rearm_left_s: int
    leak_left_s: int
    window: bool
    winter: bool
    last_top_up: Decimal
    last_top_up_clock: datetime | None
    supply_on: bool
    token_number: int
    token_order: int
    locked_s: int
    memory_lost: bool
    balance: Decimal
    power_w: int | None
    current_ma: int | None
    voltage_mv: int | None


@_of(messages.Registers)
@dataclass(frozen=True)
class Registers(Reading):
    """Energy and lifetime totals of a meter."""

    energy_wh: int
    limited_wh: int
    unbilled_wh: int
    volume_l: int
    tamper_wh: int
    credited: Decimal
    charged: Decimal
    settled: Decimal


@_of(
    messages.Entry,
    Field("number", int, "its number, counted for ever", _converted("number", int)),
)
@dataclass(frozen=True)
class Entry(Reading):
    """One dated entry of a meter's event log."""

    time: datetime
    code: Event | LogCode | int
    reasons: tuple[Reason, ...]
    balance: Decimal
    number: int


def reading(kind: type[R], raw: Any) -> R:
    """A parsed container as one of the classes above."""
    return kind(**{key: maker(raw) for key, maker in kind.makers.items()})


def plain(read: Reading) -> dict[str, Any]:
    """A reading as plain data for JSON: money as exact text, codes as words, times in ISO form."""
    return {key: _plain_value(value) for key, value in asdict(read).items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, Code):
        return value.word
    if isinstance(value, Decimal):
        return f"{value:.5f}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, tuple):
        return [_plain_value(item) for item in cast(tuple[object, ...], value)]
    return value


def shown(read: Reading) -> Iterator[tuple[str, str]]:
    """(name, text) of each field of a reading, for a person."""
    for field in fields(read):
        value = _plain_value(getattr(read, field.name))
        if isinstance(value, list):
            value = ", ".join(map(str, cast(list[object], value)))
        elif isinstance(value, bool):
            value = "yes" if value else "no"
        yield field.name, "none" if value in (None, "") else str(value)
