"""What can be asked of a meter, in human units: the kinds of tokens and the options of each."""

from dataclasses import dataclass

from meterfw import layouts
from meterproto import records
from meterproto.codes import Cause, Kind, PaymentMode

from budgetmeter import profiles, units
from budgetmeter.errors import InputError


@dataclass(frozen=True)
class Order:
    """A kind with its two values in the meter's units."""

    kind: Kind
    value: int = 0
    extra: int = 0


def amount(text, limit=records.TOP_UP_LIMIT):
    value = units.payment(text) if isinstance(text, str) else units.mc(text)
    if not 0 < value <= limit:
        raise ValueError(f"{text} EUR is not above 0 and at most {units.euros(limit)} EUR")
    return value


def plain(text):
    """The same text.

    :raises ValueError: digits or letters other than ASCII
    """
    if isinstance(text, str) and not text.isascii():
        raise ValueError(f"{text!r} is not a number, time or name in plain ASCII")
    return text


def clock(text):
    return units.to_clock(units.moment(text))


def end(text):
    return units.end_clock(text)


def whole(text):
    return units.scaled(text, 1)


def one_of(codes):
    def read(text):
        names = {code.name.lower().replace("_", "-"): code for code in codes}
        if text not in names:
            raise ValueError(f"{text!r} is not one of {', '.join(names)}")
        return int(names[text])

    return read


def price(text):
    value = units.mc(text)
    if not 0 <= value <= records.PRICE_LIMIT:
        raise ValueError(f"{text} EUR/kWh is not from 0 to 2.00")
    return value


def kwh(text):
    value = units.scaled(text, 1000)
    if not 0 <= value <= 1_000_000:
        raise ValueError(f"{text} kWh is not from 0 to 1000")
    return value


def power(text):
    value = whole(text)
    if not 0 <= value <= records.POWER_LIMIT:
        raise ValueError(f"{text} W is not from 0 to {records.POWER_LIMIT}")
    return value


def debt(text):
    return amount(text, records.BALANCE_LIMIT)


def overdraft(text):
    return amount(text, records.OVERDRAFT_LIMIT)


def preset(text):
    value = units.mc(text)
    if not 0 <= value <= records.PRESET_LIMIT:
        raise ValueError(f"{text} EUR is not from 0 to {units.euros(records.PRESET_LIMIT)} EUR")
    return value


# Options of each kind: name, how it is read, whether it must be given.
KINDS = {
    "top-up": (Kind.TOP_UP, [("amount", amount, True)]),
    "support": (Kind.SUPPORT, [("amount", amount, True)]),
    "aid": (Kind.AID, [("amount", amount, True)]),
    "overdraft": (Kind.OVERDRAFT, [("amount", overdraft, True), ("until", end, True)]),
    "hold": (Kind.HOLD, [("until", end, True)]),
    "end-hold": (Kind.HOLD, []),
    "limiter-enable": (Kind.LIMITER_ENABLE, []),
    "limiter-release": (Kind.LIMITER_RELEASE, []),
    "limit": (Kind.LIMIT, [("until", end, True), ("power", power, True)]),
    "minimum-supply-disable": (Kind.MINIMUM_SUPPLY_DISABLE, []),
    "minimum-supply-enable": (Kind.MINIMUM_SUPPLY_ENABLE, []),
    "arrears-paid": (Kind.ARREARS_PAID, [("amount", debt, True)]),
    "price": (Kind.PRICE, [("price", price, True), ("from", clock, False)]),
    "emergency-preset": (Kind.EMERGENCY_PRESET, [("amount", preset, False), ("kwh", kwh, False)]),
    "payment-mode": (
        Kind.PAYMENT_MODE,
        [("mode", one_of(PaymentMode), True), ("protected", bool, False)],
    ),
    "disconnect": (Kind.DISCONNECT, [("cause", one_of(Cause), True)]),
    "reconnect": (Kind.RECONNECT, []),
    "clear-tamper": (Kind.CLEAR_TAMPER, []),
    "clock": (Kind.CLOCK, [("time", clock, True)]),
    "parameter": (Kind.PARAMETER, [("name", str, True), ("to", str, True)]),
    "key-change": (Kind.KEY_CHANGE, []),
    "test": (Kind.TEST, []),
}
FIXED = (
    "energy",
    "payment_mode",
    "limiter_fitted",
)  # values of the profile that every meter refuses to change
OPTIONS = tuple(dict.fromkeys(name for _, options in KINDS.values() for name, _, _ in options))


def read(name, given, mark="--"):
    """An `Order` from a kind's name and its options as text; options left out are None.

    :param mark: what stands before an option's name where it is asked for
    :raises InputError: an unknown kind, an option missing, not of this kind, or unusable
    """
    if name not in KINDS:
        raise InputError(f"no kind {name}; one of {', '.join(KINDS)}")
    kind, options = KINDS[name]
    given = {key: value for key, value in given.items() if value not in (None, False)}
    known = [key for key, _, _ in options]
    for key in given:
        if key not in known:
            takes = " and ".join(mark + k for k in known) or "no option of its own"
            raise InputError(f"{name} takes {takes}, not {mark}{key}")
    values = {}
    for key, reader, needed in options:
        if key in given:
            try:
                values[key] = reader(plain(given[key]))
            except ValueError as error:
                raise InputError(f"{mark}{key}: {error}") from None
        elif needed:
            raise InputError(f"{name} needs {mark}{key}")
    return _combine(kind, values)


def _combine(kind, values):
    if kind == Kind.PARAMETER:
        return _parameter(values["name"], values["to"])
    if kind == Kind.EMERGENCY_PRESET:
        if len(values) != 1:
            raise InputError("emergency-preset takes either --amount or --kwh")
        if "kwh" in values:
            return Order(kind, values["kwh"], 1)
        return Order(kind, values["amount"])
    numbers = [int(value) for value in values.values()]
    return Order(kind, *numbers)


def _parameter(name, text):
    """One profile value, written as in a profile file."""
    if name in FIXED:
        raise InputError(f"--name: {name} is fixed when the meter is flashed; no token changes it")
    value = text
    if text in ("true", "false"):
        value = text == "true"
    elif name in profiles.QUANTITIES:
        quantity, _ = profiles.QUANTITIES[name]
        if quantity.unit in ("weekdays", "bits"):
            value = [part.strip() for part in text.split(",") if part.strip()]
    number = profiles.value(name, {"value": value}, "--to")
    return Order(Kind.PARAMETER, layouts.PROFILE_FIELDS.index(name), number)


def over(order, expiry, now):
    """What of an order is past at a clock value: (option, Belgian local time)."""
    ends = {Kind.HOLD: order.value, Kind.LIMIT: order.value, Kind.OVERDRAFT: order.extra}
    times = {"until": ends.get(order.kind, 0), "expiry": expiry}
    return [(name, moment(at)) for name, at in times.items() if 0 < at <= now]


# ---- In words ------------------------------------------------------------------------------------

_TWO = {
    kind for kind, options in KINDS.values() if len(options) > 1 or kind == Kind.PARAMETER
}  # kinds with an extra value
_SAID = ("until", "from", "protected")  # labels without which a value is not clear


def text(order):
    """An order in a few words: "top-up 20.00 EUR", "hold until 2021-04-01 00:00"."""
    if order.kind == Kind.HOLD and not order.value:
        return "end-hold"
    words = []
    for label, value in describe(order, 2 if order.value % 1000 == 0 else 5):
        if label == "protected":
            words += [label] if value == "yes" else []
        elif label in _SAID and value != "at once":
            words.append(f"{label} {value}")
        else:
            words.append(value)
    return " ".join(words)


def note(order):
    """An order as the audit log keeps it: its kind, and its values in the meter's units."""
    extra = f" {order.extra}" if order.kind in _TWO else ""
    return f"{Kind(order.kind).name} {order.value}{extra}"


def told(noted):
    """What `note` wrote in words; other text as it is."""
    name, *values = noted.split(" ")
    if name not in Kind.__members__ or not all(value.isdecimal() for value in values):
        return noted
    kind = Kind[name]
    if not values:
        return name.lower().replace("_", "-")
    if len(values) != (2 if kind in _TWO else 1):
        return noted
    return text(Order(kind, *map(int, values)))


def describe(fields, places=5):
    """A token's values in human units, as (label, text) pairs.

    :param places: of amounts in EUR; 5 is exact
    """
    kind, value, extra = fields.kind, fields.value, fields.extra
    name = Kind(kind).name.lower().replace("_", "-") if kind in list(Kind) else f"unknown {kind}"
    yield "kind", name
    if kind in (Kind.TOP_UP, Kind.SUPPORT, Kind.AID, Kind.ARREARS_PAID, Kind.OVERDRAFT):
        yield "amount", f"{units.euros(value, places)} EUR"
    if kind == Kind.OVERDRAFT:
        yield "until", moment(extra)
    if kind in (Kind.HOLD, Kind.LIMIT):
        yield "until", moment(value) if value else "at once"
    if kind == Kind.LIMIT:
        yield "connection", f"{extra} W" if extra else "no limit"
    if kind == Kind.PRICE:
        yield "price", f"{units.euros(value, places)} EUR/kWh"
        yield "from", moment(extra) if extra else "at once"
    if kind == Kind.EMERGENCY_PRESET:
        yield (
            "preset",
            f"{value / 1000:g} kWh" if extra == 1 else f"{units.euros(value, places)} EUR",
        )
    if kind == Kind.PAYMENT_MODE and value in list(PaymentMode):
        yield "mode", PaymentMode(value).name.lower().replace("_", "-")
        yield "protected", "yes" if extra else "no"
    if kind == Kind.DISCONNECT and value in list(Cause):
        yield "cause", Cause(value).name.lower().replace("_", "-")
    if kind == Kind.CLOCK:
        yield "time", moment(value)
    if kind == Kind.PARAMETER and 0 <= value < len(layouts.PROFILE_FIELDS):
        name = layouts.PROFILE_FIELDS[value]
        yield "parameter", f"{name} = {profiles.shown(name, extra)}"
    if kind == Kind.KEY_CHANGE:
        yield "new revision", str(value)


def moment(value):
    """A clock value as Belgian local time."""
    if not 0 <= value <= records.CLOCK_LIMIT:
        return f"clock {value}"
    return f"{units.from_clock(value):%Y-%m-%d %H:%M}"
