"""Orders, declared once: what the two values of each kind of token mean, and what becomes of them.

A kind either **adds** (money, in any order) or **sets** (the last one issued counts) one setting of
the meter. How a person writes and reads an order is the host's: `budgetmeter.orders`.
"""

from dataclasses import dataclass
from enum import Enum

from meterproto import records
from meterproto.codes import Cause, Code, Kind, PaymentMode, Setting
from meterproto.quantity import fields

ENERGY_LIMIT = 1_000_000  # Wh of an emergency credit
CLOCK_FIRST = 60  # the calendar begins at 01:00 of its first day, so that local time is in it
VALUE_LIMIT = 2**30  # a value of a token is within ± this
REVISION_LIMIT = 65_535


class Effect(Enum):
    """What an order does to its setting."""

    ADDS = "adds to"
    SETS = "sets"
    NONE = "changes nothing"


@dataclass(frozen=True)
class Meaning:
    """What one value of an order is.

    :ivar what: in a few words
    :ivar unit: "mc", "mc/kWh", "Wh", "W", "clock" (minutes since 2000-01-01 00:00 UTC+1) or ""
    :ivar low, high: smallest and largest value, both allowed
    :ivar zero: what 0 says, where it says something else than a quantity; then 0 is allowed too
    :ivar codes: the codes the value is one of, if it is one
    """

    what: str
    unit: str
    low: int
    high: int
    zero: str = ""
    codes: type[Code] | None = None

    def holds(self, value: int) -> bool:
        """Whether a value is one that this can be."""
        return self.low <= value <= self.high or (value == 0 and bool(self.zero))


@dataclass(frozen=True)
class Row:
    """One kind of order.

    :ivar value, extra: what the two values of its token are; None: not used, 0
    :ivar other: what the value is instead where extra is 1
    :ivar setting: the `Setting` it sets; what it adds to, in words; "key", whose revision says
        which change is the last; "" for nothing
    :ivar once: the meter takes it once for each order id, and refuses it without one
    """

    kind: Kind
    effect: Effect
    setting: Setting | str
    value: Meaning | None = None
    extra: Meaning | None = None
    other: Meaning | None = None
    once: bool = False

    @property
    def name(self) -> str:
        """The kind as people write it: "top-up"."""
        return self.kind.word

    def value_meaning(self, extra: int) -> Meaning | None:
        """What the value is beside this extra."""
        return self.other if self.other is not None and extra == 1 else self.value


def _money(what: str, high: int, low: int = 1) -> Meaning:
    return Meaning(what, "mc", low, high)


def _time(what: str, zero: str = "") -> Meaning:
    return Meaning(what, "clock", CLOCK_FIRST, records.CLOCK_LIMIT, zero)


def _code(what: str, codes: type[Code]) -> Meaning:
    return Meaning(what, "", min(codes), max(codes), codes=codes)


_ROWS = (
    Row(Kind.TOP_UP, Effect.ADDS, "credit", _money("amount", records.TOP_UP_LIMIT)),
    Row(Kind.SUPPORT, Effect.ADDS, "credit", _money("amount", records.TOP_UP_LIMIT)),
    Row(Kind.AID, Effect.ADDS, "credit", _money("amount", records.TOP_UP_LIMIT)),
    Row(
        Kind.OVERDRAFT,
        Effect.SETS,
        Setting.OVERDRAFT,
        _money("limit", records.OVERDRAFT_LIMIT),
        _time("its end"),
        once=True,
    ),
    Row(Kind.HOLD, Effect.SETS, Setting.HOLD, _time("its end", zero="at once")),
    Row(Kind.LIMITER_ENABLE, Effect.SETS, Setting.LIMITER),
    Row(
        Kind.LIMIT,
        Effect.SETS,
        Setting.LIMIT,
        _time("its end"),
        Meaning("power of the connection", "W", 1, records.POWER_LIMIT, zero="no limit"),
    ),
    Row(Kind.LIMITER_RELEASE, Effect.SETS, Setting.LIMITER_RELEASE),
    Row(Kind.MINIMUM_SUPPLY_DISABLE, Effect.SETS, Setting.MINIMUM_SUPPLY),
    Row(Kind.MINIMUM_SUPPLY_ENABLE, Effect.SETS, Setting.MINIMUM_SUPPLY),
    Row(Kind.ARREARS_PAID, Effect.ADDS, "arrears paid", _money("amount", records.BALANCE_LIMIT)),
    Row(
        Kind.PRICE,
        Effect.SETS,
        Setting.PRICE,
        Meaning("price", "mc/kWh", 0, records.PRICE_LIMIT),
        _time("from when", zero="at once"),
    ),
    Row(
        Kind.EMERGENCY_PRESET,
        Effect.SETS,
        Setting.EMERGENCY_PRESET,
        _money("amount", records.PRESET_LIMIT, low=0),
        Meaning("1: the value is an energy", "", 0, 1),
        Meaning("energy at the price", "Wh", 0, ENERGY_LIMIT),
    ),
    Row(
        Kind.PAYMENT_MODE,
        Effect.SETS,
        Setting.PAYMENT_MODE,
        _code("mode", PaymentMode),
        Meaning("1: a protected customer", "", 0, 1),
    ),
    Row(Kind.DISCONNECT, Effect.SETS, Setting.SUPPLY, _code("cause", Cause)),
    Row(Kind.RECONNECT, Effect.SETS, Setting.SUPPLY),
    Row(Kind.CLEAR_TAMPER, Effect.SETS, Setting.TAMPER),
    Row(Kind.CLOCK, Effect.SETS, Setting.CLOCK, _time("the time")),
    Row(
        Kind.PARAMETER,
        Effect.SETS,
        Setting.PARAMETER,
        Meaning("number of its field in the profile", "", 0, len(fields(records.Profile)) - 1),
        Meaning("what it becomes, as that field has it", "", -VALUE_LIMIT, VALUE_LIMIT - 1),
    ),
    Row(Kind.KEY_CHANGE, Effect.SETS, "key", Meaning("new revision", "", 1, REVISION_LIMIT)),
    Row(Kind.TEST, Effect.NONE, ""),
)

ROWS: dict[Kind, Row] = {row.kind: row for row in _ROWS}

ADDS = tuple(row.kind for row in _ROWS if row.effect is Effect.ADDS)
CREDIT = tuple(row.kind for row in _ROWS if row.setting == "credit")  # of these, not for arrears

NOTHING = 255  # in the firmware's table: a kind that sets nothing whose rank counts


def setting(kind: int, value: int = 0, extra: int = 0) -> int | None:
    """The setting that an order sets, as a number; None for one that sets nothing.

    :param value: of a parameter: its field number
    :param extra: of a price: from when it is to hold (clock), 0 at once
    """
    row = ROWS.get(Kind(kind)) if kind in list(Kind) else None
    if row is None or not isinstance(row.setting, Setting):
        return None
    if row.setting is Setting.PRICE and extra > 0:
        return int(Setting.ANNOUNCED_PRICE)
    return int(row.setting) + (value if row.setting is Setting.PARAMETER else 0)
