"""Facts: what happened in a household's case, and when. A case is nothing but its facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from budgetmeter import units
from budgetmeter.errors import InputError

CENT = units.EUR // 100  # mc
CORRECTION = "correction"  # a fact of every case: the fact of its `number` was a mistake
# Field of a fact to how it is read.
FIELDS = {
    "amount": "EUR",
    "cost": "EUR",
    "price": "EUR",
    "monthly": "EUR",
    "until": "day",
    "started": "day",
    "combined": "flag",
    "main_residence": "flag",
    "communicating": "flag",
    "coupled": "flag",
    "no_gas": "flag",
    "inquiry": "flag",
    "removal": "flag",
    "urban": "flag",
    "distance_km": "count",
    "inhabitants": "count",
    "points": "count",
    "energy_wh": "count",
    "power_w": "count",
    "original_w": "count",
    "share": "count",
    "number": "count",
    "hours": "count",
    "calls_s": "count",
    "urgent_s": "count",
    "chat_s": "count",
    "media_h": "count",
    "by": "text",
    "status": "text",
    "municipality": "text",
    "note": "text",
}


@dataclass(frozen=True)
class Fact:
    """Something that happened on a day.

    :ivar number: its place in the case, from 1; 0 where the rules deem it
    :ivar given: its fields: cents, days, counts, flags and text
    """

    day: date
    name: str
    given: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0

    @property
    def amount(self) -> int:
        """Its amount in cents, 0 where it has none."""
        return int(self.given.get("amount", 0))

    def written(self) -> dict[str, str]:
        """Its fields as somebody would write them."""
        return {key: written(key, value) for key, value in self.given.items()}

    def __str__(self) -> str:
        return " ".join([self.name, *(f"{key}={text}" for key, text in self.written().items())])


def standing(facts: Sequence[Fact]) -> list[Fact]:
    """The facts without those that a correction took back, and without corrections.

    A mistake never happened: it counts on no day, whenever it was found out.
    """
    wrong = {fact.given["number"] for fact in facts if fact.name == CORRECTION}
    return [fact for fact in facts if fact.name != CORRECTION and fact.number not in wrong]


def day_of(value: object) -> date:
    """A day of a date, or of text such as 2021-01-12.

    :raises ValueError: neither, or outside of the meter's calendar
    """
    try:
        day = value if isinstance(value, date) else date.fromisoformat(str(value).strip())
    except ValueError:
        raise ValueError(f"{value!r} is not a day such as 2021-01-12") from None
    day = date(day.year, day.month, day.day)
    if not 2000 <= day.year <= 2098:
        raise ValueError(f"{day} is not within 2000 to 2098")
    return day


def read_field(name: str, value: object) -> Any:
    """A field as somebody wrote it: cents, a day, a flag, a whole number or text.

    :raises InputError: no such field, or a value it cannot have
    """
    if name not in FIELDS:
        raise InputError(f"a fact has no field {name}; there are {', '.join(FIELDS)}")
    kind = FIELDS[name]
    try:
        if kind == "EUR":
            text = str(value) if isinstance(value, int | Decimal) else value
            cents = units.payment(text) // CENT if isinstance(text, str) else -1
            if cents < 0:
                raise ValueError(f"{value!r} is no amount such as 20.00")
            return cents
        if kind == "day":
            return day_of(value)
        if kind == "flag":
            return _flag(value)
        if kind == "count":
            count = units.scaled(value, 1)
            if count < 0:
                raise ValueError(f"{value} is negative")
            return count
    except ValueError as error:
        raise InputError(f"{name}: {error}") from None
    if not (text := str(value)).isprintable() or len(text) > 200:
        raise InputError(f"{name}: up to 200 printable characters")
    return text


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if str(value) in ("yes", "true", "no", "false"):
        return str(value) in ("yes", "true")
    raise ValueError(f"{value!r} is neither yes nor no")


def euros(cents: int) -> str:
    """Cents as text in euros."""
    return units.euros(cents * CENT)


def written(name: str, value: Any) -> str:
    """A field as somebody would write it."""
    kind = FIELDS[name]
    if kind == "EUR":
        return euros(value)
    if kind == "flag":
        return "yes" if value else "no"
    return str(value)
