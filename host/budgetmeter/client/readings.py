"""What a meter answers, in human units: EUR as `Decimal`, Belgian local time, codes by name.

The classes have the fields of the declarations in `meterproto.messages`, converted by their unit;
`help(Status)` lists them with their meanings.
"""

from dataclasses import asdict, fields, make_dataclass
from datetime import datetime
from decimal import Decimal
from enum import IntEnum

from meterproto import messages
from meterproto.codes import Event, LogCode, Reason
from meterproto.quantity import fields as declared

from budgetmeter import units

# Clock fields that are always a time; in the others 0 stands for none.
_ALWAYS = ("clock",)


def _euros(amount):
    return Decimal(amount).scaleb(-5)


def _time(clock):
    return units.from_clock(clock) if clock else None


def _text(octets):
    return octets.rstrip(b"\0").decode("ascii", "replace")


def _reasons(bits):
    return tuple(reason for reason in Reason if bits & reason)


# By unit: how a value is converted, and what it becomes.
_UNITS = {
    "mc": (_euros, Decimal),
    "mc/kWh": (_euros, Decimal),
    "clock": (_time, datetime),
    "flag": (bool, bool),
    "bytes": (_text, str),
    "bits": (_reasons, tuple),
}


def _plan(struct):
    """Fields of a reading: name, type, meaning, and what makes it of a parsed container."""
    names = [name for name, _, _ in declared(struct)]
    for name, quantity, docs in declared(struct):
        base = name[:-4]
        if name.endswith("_mc") and f"{name[:-3]}_eur" in names:
            continue
        if name == "second" and "clock" in names:
            continue
        if name == "clock":
            yield "time", datetime, "Belgian local time", _moment
        elif name.endswith("_eur") and f"{base}_mc" in names:
            meaning = docs.removesuffix(", whole euros, floored").removesuffix(", whole euros")
            yield base, Decimal, f"{meaning}, EUR", _total(base)
        elif name == "code":
            yield name, Event | LogCode, "what happened", _event
        elif quantity.codes is not None and quantity.unit != "bits":
            yield name, quantity.codes, docs, _converted(name, quantity.codes)
        else:
            convert, kind = _UNITS.get(quantity.unit, (int, int))
            unit = {"mc": ", EUR", "mc/kWh": ", EUR/kWh"}.get(quantity.unit, "")
            if quantity.unit in ("mA", "W", "s", "Wh", "l"):
                unit = f", {quantity.unit}"
            yield name, kind, docs + unit, _converted(name, convert)


def _moment(raw):
    return units.from_clock(raw.clock, raw.second)


def _total(base):
    return lambda raw: Decimal(raw[f"{base}_eur"]) + _euros(raw[f"{base}_mc"])


def _event(raw):
    if raw.code in list(Event):
        return Event(raw.code)
    return LogCode(raw.code) if raw.code in list(LogCode) else raw.code


def _converted(name, convert):
    return lambda raw: convert(raw[name])


def _reading(name, struct, about, **more):
    """A frozen dataclass of a struct's fields; `more` are computed ones: (type, doc, maker)."""
    plan = list(_plan(struct))
    plan += [(key, *rest) for key, rest in more.items()]
    listed = "\n".join(f":ivar {key}: {meaning}" for key, _, meaning, _ in plan)
    made = make_dataclass(name, [(key, kind) for key, kind, _, _ in plan], frozen=True)
    made.__module__ = __name__
    made.__doc__ = f"{about}\n\n{listed}\n"
    made.makers = {key: maker for key, _, _, maker in plan}
    made.meanings = {key: meaning for key, _, meaning, _ in plan}
    return made


Identity = _reading("Identity", messages.Identity, "Who a meter is.")
Status = _reading(
    "Status",
    messages.Status,
    "Account, limits and supply of a meter.",
    balance=(
        Decimal,
        "what the customer sees: credit less emergency credit used, EUR",
        lambda raw: _euros(raw.credit - raw.emergency_used),
    ),
)
Registers = _reading("Registers", messages.Registers, "Energy and lifetime totals of a meter.")
Entry = _reading("Entry", messages.Entry, "One dated entry of a meter's event log.", number=(
    int, "its number, counted for ever", lambda raw: raw.number
))  # fmt: skip


def reading(kind, raw):
    """A parsed container as one of the classes above."""
    return kind(**{key: maker(raw) for key, maker in kind.makers.items()})


def plain(read):
    """A reading as plain data for JSON: money as exact text, codes as words, times in ISO form."""
    return {key: _plain(value) for key, value in asdict(read).items()}


def _plain(value):
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, IntEnum):
        return value.name.lower().replace("_", "-")
    if isinstance(value, Decimal):
        return f"{value:.5f}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def shown(read):
    """(name, text) of each field of a reading, for a person."""
    for field in fields(read):
        value = _plain(getattr(read, field.name))
        if isinstance(value, list):
            value = ", ".join(map(str, value))
        elif isinstance(value, bool):
            value = "yes" if value else "no"
        yield field.name, "none" if value in (None, "") else str(value)
