"""What can be asked of a meter, in human units: how a person writes and reads each kind of order.

What the values of a kind mean, and their ranges, is declared in `meterproto.kinds`. Here is one row
for each way of writing one: its name and its options. The command line, scenarios, the office's
queue, the fleet's policies and the test API all take these names and options.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, cast

from meterfw import layouts
from meterproto import records
from meterproto.codes import Kind
from meterproto.kinds import ROWS, Meaning

from budgetmeter import profiles, resources, units
from budgetmeter.errors import InputError


@dataclass(frozen=True)
class Order:
    """A kind with its two values in the meter's units."""

    kind: Kind
    value: int = 0
    extra: int = 0


@dataclass(frozen=True)
class Asked:
    """An order as somebody asked for it, with what its token needs beside.

    :ivar order_id: tokens under one id take effect once; 0 none
    :ivar expiry: clock value from which on the meter refuses it; 0 never
    """

    order: Order
    order_id: int = 0
    expiry: int = 0


class Values(Protocol):
    """What has a kind and two values: an `Order`, the fields of a token, a row of the books."""

    @property
    def kind(self) -> int: ...

    @property
    def value(self) -> int: ...

    @property
    def extra(self) -> int: ...


# ---- Units: how a value is written and read ------------------------------------------------------


@dataclass(frozen=True)
class Unit:
    """How a person writes a value, and reads it.

    :ivar name: what stands behind the number; "" where nothing does
    :ivar read: the value of what was given, its range unchecked; ValueError if it is none
    :ivar show: the value as text; amounts with so many places
    """

    name: str
    read: Callable[[object, Meaning], int]
    show: Callable[[int, Meaning, int], str]


def moment(value: int) -> str:
    """A clock value as Belgian local time."""
    if not 0 <= value <= records.CLOCK_LIMIT:
        return f"clock {value}"
    return f"{units.from_clock(value):%Y-%m-%d %H:%M}"


def _read_code(given: object, meaning: Meaning) -> int:
    assert meaning.codes is not None
    if not isinstance(given, str):
        words = ", ".join(meaning.codes.words())
        raise ValueError(f"{units.written(given)} is not one of {words}")
    return int(meaning.codes.of_word(given))


def _show_code(value: int, meaning: Meaning, _places: int) -> str:
    codes = meaning.codes
    return codes(value).word if codes is not None and value in list(codes) else str(value)


def _read_flag(given: object, _meaning: Meaning) -> int:
    words = {"true": 1, "false": 0, True: 1, False: 0}
    if not isinstance(given, str | bool) or given not in words:
        raise ValueError(f"{units.written(given)} is not true or false")
    return words[given]


def _read_field(given: object, _meaning: Meaning) -> int:
    """The number of a value of the profile, by its name."""
    if given in FIXED:
        raise ValueError(f"{given} is fixed when the meter is flashed; no token changes it")
    names = layouts.PROFILE_FIELDS
    if not isinstance(given, str) or given not in names:
        raise ValueError(f"unknown key {given}; {resources.did_you_mean(str(given), names)}")
    return names.index(given)


def _euros(given: object, _: object) -> int:
    """Money: text as somebody pays it, to the cent; a number as exact as it is."""
    return units.payment(given) if isinstance(given, str) else units.mc(given)


def _amount(name: str) -> Unit:
    return Unit(
        name,
        _euros if name == "EUR" else lambda given, _: units.mc(given),
        lambda value, _, places: f"{units.euros(value, places)} {name}",
    )


EUR = _amount("EUR")
EUR_PER_KWH = _amount("EUR/kWh")
KWH = Unit("kWh", lambda given, _: units.scaled(given, 1000), lambda v, _, __: f"{v / 1000:g} kWh")
WATT = Unit("W", lambda given, _: units.scaled(given, 1), lambda v, _, __: f"{v} W")
TIME = Unit("", lambda given, _: units.to_clock(units.moment(given)), lambda v, _, __: moment(v))
END = Unit("", lambda given, _: units.end_clock(given), lambda v, _, __: moment(v))
WORD = Unit("", _read_code, _show_code)
FLAG = Unit("", _read_flag, lambda v, _, __: "yes" if v else "no")
FIELD = Unit("", _read_field, lambda v, _, __: layouts.PROFILE_FIELDS[v])
PLAIN = Unit("", lambda given, _: units.scaled(given, 1), lambda v, _, __: str(v))

# Values of the profile that every meter refuses to change.
FIXED = ("energy", "payment_mode", "limiter_fitted")


# ---- The rows ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """One value of an order: the option that gives it, and its words.

    :ivar option: its name on the command line, in a file and in the test API; None: nobody gives it
    :ivar label: what it is called where an order is described
    :ivar spoken: whether its label stands before it where an order is shown in a few words
    :ivar beside: the extra that goes with this value, where a kind has two sorts of value
    """

    option: str | None
    unit: Unit
    place: Literal["value", "extra"] = "value"
    needed: bool = True
    label: str = ""
    spoken: bool = False
    beside: int = 0

    @property
    def called(self) -> str:
        """Its label, which is the option's name where nothing else is given."""
        return self.label or self.option or ""


@dataclass(frozen=True)
class Form:
    """One way of writing a kind: its name and its parts."""

    name: str
    kind: Kind
    parts: tuple[Part, ...] = ()

    def options(self) -> list[str]:
        """Names of its options."""
        return [part.option for part in self.parts if part.option is not None]

    def usage(self) -> str:
        """Its options as a command line has them; what may be left out in brackets."""
        words: list[str] = []
        for part in self.parts:
            if part.option is not None:
                value = "" if part.unit is FLAG else f" {part.option.upper()}"
                word = f"--{part.option}{value}"
                words.append(word if part.needed else f"[{word}]")
        alternatives = len({part.place for part in self.parts}) < len(self.parts)
        return (" | " if alternatives else " ").join(words)

    def meaning(self, part: Part) -> Meaning:
        """What a part means, by the row of its kind."""
        row = ROWS[self.kind]
        found = row.extra if part.place == "extra" else row.value_meaning(part.beside)
        assert found is not None
        return found


_AMOUNT = Part("amount", EUR)
_UNTIL = Part("until", END, spoken=True)

_PARTS: dict[Kind, tuple[Part, ...]] = {
    Kind.TOP_UP: (_AMOUNT,),
    Kind.SUPPORT: (_AMOUNT,),
    Kind.AID: (_AMOUNT,),
    Kind.OVERDRAFT: (_AMOUNT, Part("until", END, "extra", spoken=True)),
    Kind.HOLD: (_UNTIL,),
    Kind.LIMIT: (_UNTIL, Part("power", WATT, "extra", label="connection")),
    Kind.ARREARS_PAID: (_AMOUNT,),
    Kind.PRICE: (
        Part("price", EUR_PER_KWH),
        Part("from", TIME, "extra", needed=False, spoken=True),
    ),
    Kind.EMERGENCY_PRESET: (
        Part("amount", EUR, label="preset"),
        Part("kwh", KWH, label="preset", beside=1),
    ),
    Kind.PAYMENT_MODE: (
        Part("mode", WORD),
        Part("protected", FLAG, "extra", needed=False, spoken=True),
    ),
    Kind.DISCONNECT: (Part("cause", WORD),),
    Kind.CLOCK: (Part("time", TIME),),
    Kind.PARAMETER: (Part("name", FIELD, label="parameter"), Part("to", PLAIN, "extra")),
    Kind.KEY_CHANGE: (Part(None, PLAIN, label="new revision"),),
}
END_HOLD = Form("end-hold", Kind.HOLD)  # a hold until 0


def _forms() -> Iterator[Form]:
    for kind, row in ROWS.items():
        yield Form(row.name, kind, _PARTS.get(kind, ()))
        if kind == Kind.HOLD:
            yield END_HOLD


KINDS: dict[str, Form] = {form.name: form for form in _forms()}

# What each option gives, with an example.
OPTIONS: dict[str, str] = {
    "amount": "EUR, e.g. 20.00",
    "until": "end, e.g. 2021-03-31T18:00; a day is meant to its last minute",
    "power": "power of the connection in W; 0 lifts the limit",
    "price": "EUR/kWh, e.g. 0.30",
    "from": "when it comes, e.g. 2021-01-01; at once if left out",
    "kwh": "as energy instead, in kWh",
    "mode": "credit, prepayment or limiter-only",
    "protected": "a protected customer",
    "cause": "safety, fraud or bad-will",
    "time": "the time to set, e.g. 2021-01-01T12:00",
    "name": "which value of the profile",
    "to": "what it becomes, as in a profile",
}
FLAGS = ("protected",)


def kinds_of(option: str) -> list[str]:
    """Names of the kinds that take an option."""
    return [name for name, form in KINDS.items() if option in form.options()]


def form_of(kind: int) -> Form | None:
    """The row of a kind; None for a kind unknown here."""
    return KINDS[ROWS[Kind(kind)].name] if kind in list(Kind) else None


# ---- Reading -------------------------------------------------------------------------------------


def plain(given: object) -> object:
    """The same, if it is text in plain ASCII or no text at all.

    :raises ValueError: digits or letters other than ASCII
    """
    if isinstance(given, str) and not given.isascii():
        raise ValueError(f"{given!r} is not a number, time or name in plain ASCII")
    return given


def read(name: object, given: Mapping[str, object], mark: str = "--") -> Order:
    """An `Order` from a kind's name and its options; options left out are None.

    :param given: by name of the option: text as on the command line, or what TOML has instead:
        numbers, times, true
    :param mark: what stands before an option's name where it is asked for
    :raises InputError: an unknown kind, an option missing, not of this kind, or unusable
    """
    if not isinstance(name, str) or name not in KINDS:
        raise InputError(f"no kind {name}; one of {', '.join(KINDS)}")
    form = KINDS[name]
    given = {key: value for key, value in given.items() if value is not None}
    known = form.options()
    for key in given:
        if key not in known:
            takes = " and ".join(mark + option for option in known) or "no option of its own"
            raise InputError(f"{name} takes {takes}, not {mark}{key}")
    chosen = [part for part in form.parts if part.option in given]
    _check_complete(form, chosen, mark)
    values = {"value": 0, "extra": 0}
    for part in chosen:
        value = given[cast(str, part.option)]
        if form.kind == Kind.PARAMETER and part.option == "to":
            values["extra"] = _become(values["value"], value, f"{mark}to")
            continue
        try:
            values[part.place] = _read_part(form, part, plain(value))
        except ValueError as error:
            raise InputError(f"{mark}{part.option}: {error}") from None
        if part.beside:
            values["extra"] = part.beside
    return Order(form.kind, values["value"], values["extra"])


def _check_complete(form: Form, chosen: list[Part], mark: str) -> None:
    """:raises InputError: an option that is needed is missing, or two say the same"""
    for part in form.parts:
        same = [other for other in form.parts if other.place == part.place]
        if len(same) > 1:
            if len([other for other in chosen if other in same]) != 1:
                either = " or ".join(f"{mark}{other.option}" for other in same)
                raise InputError(f"{form.name} takes either {either}")
        elif part.option is not None and part.needed and part not in chosen:
            raise InputError(f"{form.name} needs {mark}{part.option}")


def _read_part(form: Form, part: Part, given: object) -> int:
    """The value of a part, within the range of its row."""
    meaning, unit = form.meaning(part), part.unit
    value = unit.read(given, meaning)
    if not meaning.holds(value):
        high = unit.show(meaning.high, meaning, 2)
        if meaning.low == 1 and not meaning.zero:
            raise ValueError(f"{given} {unit.name} is not above 0 and at most {high}")
        raise ValueError(f"{given} {unit.name} is not from 0 to {high}")
    return value


def _become(field: int, given: object, where: str) -> int:
    """What a value of the profile becomes, written as in a profile file.

    :raises InputError: not a value of that field
    """
    name = layouts.PROFILE_FIELDS[field]
    value = given
    if isinstance(given, str):
        if given in ("true", "false"):
            value = given == "true"
        elif profiles.QUANTITIES[name][0].unit in ("weekdays", "bits"):
            value = [part.strip() for part in given.split(",") if part.strip()]
    return profiles.value(name, {"value": value}, where)


def expiry(given: object, mark: str = "--") -> int:
    """Clock value of an expiry; 0, never, where it is None. A day is meant to its last minute.

    :raises InputError: no time
    """
    if given is None:
        return 0
    try:
        return units.end_clock(given)
    except ValueError as error:
        raise InputError(f"{mark}expiry: {error}") from None


def order_id(given: object, order: Order) -> int:
    """An order id; where it is None, 1 for a kind that needs one, else 0.

    :raises InputError: not a whole number that an order can have
    """
    if given is None:
        return 1 if ROWS[order.kind].once else 0
    limit = records.ORDER_LIMIT
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= limit:
        raise InputError(f"order {units.written(given)} is not a whole number from 1 to {limit}")
    return given


def read_table(table: Mapping[str, object]) -> Asked:
    """An order as a file has it: `kind`, its options, and if wanted `order-id` and `expiry`.

    :raises InputError: as `read`
    """
    given = dict(table)
    if "kind" not in given:
        raise InputError("kind is missing")
    name, wanted_id, ends = (given.pop(key, None) for key in ("kind", "order-id", "expiry"))
    order = read(name, given, mark="")
    return Asked(order, order_id(wanted_id, order), expiry(ends, mark=""))


def past(order: Order, ends: int, now: int) -> list[tuple[str, str]]:
    """What of an order is past at a clock value: (option, Belgian local time)."""
    form = KINDS[ROWS[order.kind].name]
    times = [(part.called, _of(order, part)) for part in form.parts if part.unit is END]
    return [(name, moment(at)) for name, at in [*times, ("expiry", ends)] if 0 < at <= now]


# ---- In words ------------------------------------------------------------------------------------


def text(order: Values) -> str:
    """An order in a few words: "top-up 20.00 EUR", "hold until 2021-04-01 00:00"."""
    if order.kind == int(Kind.HOLD) and not order.value:
        return END_HOLD.name
    words = [_name(order.kind)]
    form = form_of(order.kind)
    if form is None:
        return words[0]
    places = 2 if order.value % 1000 == 0 else 5
    for part in form.parts:
        shown = _shown(form, part, order, places)
        if shown is None or (part.unit is FLAG and shown == "no"):
            continue
        if part.unit is FLAG:
            shown = part.called
        elif part.spoken and _of(order, part):
            shown = f"{part.called} {shown}"
        words.append(shown)
    return " ".join(words)


def note(order: Values) -> str:
    """An order as the audit log keeps it: its kind, and its values in the meter's units."""
    kind = Kind(order.kind)
    extra = f" {order.extra}" if ROWS[kind].extra is not None else ""
    return f"{kind.name} {order.value}{extra}"


def in_words(noted: str) -> str:
    """What `note` wrote, in words; other text as it is."""
    name, *values = noted.split(" ")
    if name not in Kind.__members__ or not all(value.isdecimal() for value in values):
        return noted
    kind = Kind[name]
    if not values:
        return kind.word
    if len(values) != (1 if ROWS[kind].extra is None else 2):
        return noted
    return text(Order(kind, *map(int, values)))


def describe(order: Values, places: int = 5) -> Iterator[tuple[str, str]]:
    """A token's values in human units, as (label, text) pairs.

    :param places: of amounts in EUR; 5 is exact
    """
    yield "kind", _name(order.kind)
    form = form_of(order.kind)
    if form is None:
        return
    for part in form.parts:
        shown = _shown(form, part, order, places)
        if shown is not None:
            yield part.called, shown


def _name(kind: int) -> str:
    return Kind(kind).word if kind in list(Kind) else f"unknown {kind}"


def _parameter(order: Values) -> str:
    name = layouts.PROFILE_FIELDS[order.value]
    return f"{name} = {profiles.shown(name, order.extra)}"


def _of(order: Values, part: Part) -> int:
    """The value of a part."""
    return order.extra if part.place == "extra" else order.value


def _shown(form: Form, part: Part, order: Values, places: int) -> str | None:
    """A part in human units; None where the order does not have it or has no such value."""
    if part.place == "value" and part.beside != _beside(form, order):
        return None
    meaning, value = form.meaning(part), _of(order, part)
    if form.kind == Kind.PARAMETER:  # both values are said as one
        return _parameter(order) if part.unit is FIELD and meaning.holds(value) else None
    if value == 0 and meaning.zero:
        return meaning.zero
    if meaning.codes is not None and not meaning.holds(value):
        return None
    return part.unit.show(value, meaning, places)


def _beside(form: Form, order: Values) -> int:
    """Which sort of value an order has, for kinds with two."""
    sorts = {part.beside for part in form.parts if part.place == "value"}
    return order.extra if order.extra in sorts else 0
