"""Every call of HTTP, declared once: the checks of what comes in and the OpenAPI description.

A call is a row: method, path, what its query or body may hold, what it answers. `shelf` does it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from meterfw.layouts import STATE_FIELDS
from meterproto import cards
from meterproto.tokens import METER_LIMIT

from budgetmeter import orders
from budgetmeter.report.phases import PHASES
from budgetmeter.texts import LANGUAGES
from budgetmeter.units import DAY_S
from budgetmeter.web.counter import CARD_SIZE
from budgetmeter.web.refusals import bad

LONGEST_S = 31 * DAY_S  # that may pass in one call
LONGEST_PRESS_S = 3600
FASTEST = 1_000_000  # times real time
MAX_W = 100_000
MAX_LITRES = 100_000
MAX_BODY = 65_536  # octets
CARD_TEXT = 4 * ((cards.SIZE + 2) // 3)  # characters of a card as base64


@dataclass(frozen=True)
class Field:
    """One value of a query or a body.

    :ivar low, high: of a number; of a text its length
    :ivar words: the texts there are; empty for any
    """

    name: str
    kind: Literal["integer", "number", "string", "object", "value"]
    meaning: str
    low: int = 0
    high: int = 0
    needed: bool = False
    words: tuple[str, ...] = ()

    def schema(self) -> dict[str, Any]:
        """Its JSON schema."""
        made: dict[str, Any] = {"description": self.meaning}
        if self.kind == "value":
            return made | {"type": ["string", "number", "boolean"], "maxLength": self.high}
        made["type"] = self.kind
        if self.words:
            made["enum"] = list(self.words)
        elif self.kind == "string":
            made |= {"minLength": self.low, "maxLength": self.high}
        elif self.kind != "object":
            made |= {"minimum": self.low, "maximum": self.high}
        return made

    def read(self, value: object) -> Any:
        """A value of JSON, checked.

        :raises Refusal: another kind, or out of its range
        """
        if self.kind in ("integer", "number"):
            return self._number(value)
        if self.kind == "object":
            if not isinstance(value, dict):
                raise bad(f"{self.name} is an object of names and values.")
            return value
        if self.kind == "value" and isinstance(value, bool | int | Decimal):
            return value
        if not isinstance(value, str):
            raise bad(f"{self.name} is a text.")
        if self.words and value not in self.words:
            raise bad(f"{self.name} is one of {', '.join(self.words)}.")
        if not self.words and not self.low <= len(value) <= self.high:
            raise bad(f"{self.name} has {self.low} to {self.high} characters.")
        return value

    def _number(self, value: object) -> int | float:
        article = "a whole number" if self.kind == "integer" else "a number"
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise bad(f"{self.name} is {article} from {self.low} to {self.high}.")
        if not self.low <= value <= self.high or (self.kind == "integer" and value != int(value)):
            raise bad(f"{self.name} is {article} from {self.low} to {self.high}.")
        return int(value) if value == int(value) else float(value)


@dataclass(frozen=True)
class Call:
    """One call.

    :ivar work: name of what does it in `shelf.Shelf`
    :ivar body: fields of a JSON body; or "octets" for a card; or nothing
    :ivar answer: name of the schema of its answer; "octets" for a card; "" for none
    :ivar status: of the answer
    :ivar changes: whether it may change a meter
    """

    method: str
    path: str
    work: str
    meaning: str
    answer: str
    body: tuple[Field, ...] | Literal["octets"] = ()
    query: tuple[Field, ...] = ()
    status: int = 200
    refusals: tuple[int, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether it may change a meter."""
        return self.method != "GET"

    @property
    def of_meter(self) -> bool:
        """Whether its path names a meter."""
        return "{number}" in self.path

    def read_body(self, raw: bytes, media: str) -> dict[str, Any]:
        """The fields of a body, checked.

        :raises Refusal: no JSON object, a field too many or too few, or one that is not right
        """
        if self.body == "octets":
            if media != "application/octet-stream":
                raise bad("A card comes as application/octet-stream.")
            return {"octets": raw}
        if not self.body:
            return {}
        if not raw:
            return _checked(self.body, {})
        if media != "application/json":
            raise bad("A body is JSON, sent as application/json.")
        try:
            found = json.loads(raw, parse_float=Decimal, parse_constant=_no_constant)
        except (ValueError, ArithmeticError, RecursionError):
            raise bad("The body is no JSON.") from None
        if not isinstance(found, dict):
            raise bad("The body is no JSON object.")
        return _checked(self.body, found)

    def read_query(self, given: Mapping[str, str]) -> dict[str, Any]:
        """The values of a query, checked.

        :raises Refusal: one that is not right
        """
        found: dict[str, Any] = {}
        for name, text in given.items():
            digits = text.isascii() and text.isdigit() and len(text) <= 12
            found[name] = int(text) if digits else text
        return _checked(self.query, found)


def _no_constant(text: str) -> float:
    raise ValueError(text)


def _checked(fields: tuple[Field, ...], found: Mapping[str, object]) -> dict[str, Any]:
    known = {field.name: field for field in fields}
    for name in found:
        if name not in known:
            shown = ascii(name[:40])
            raise bad(f"There is no {shown} here; there is {', '.join(known) or 'nothing'}.")
    for name, field in known.items():
        if field.needed and name not in found:
            raise bad(f"{name} is missing.")
    return {name: known[name].read(value) for name, value in found.items()}


_SECONDS = Field("seconds", "integer", "how long", 0, LONGEST_S, needed=True)
_ORDER = (
    Field("kind", "string", "what is asked of the meter", needed=True, words=tuple(orders.KINDS)),
    *(Field(name, "value", meaning, high=64) for name, meaning in orders.OPTIONS.items()),
    Field("order-id", "value", "the meter carries out one order for each id", high=64),
    Field("expiry", "value", "the meter refuses it from then on", high=64),
)

CALLS = (
    Call("GET", "/meters", "meters", "The meters there are.", "Meters"),
    Call(
        "POST",
        "/meters",
        "make",
        "A new meter in memory. Its time stands still but for the call time.",
        "View",
        body=(
            Field("profile", "string", "name of a profile", 1, 64),
            Field("start", "string", "Belgian local time, e.g. 2020-06-02T12:00", 1, 32),
            Field("change", "object", "values of the profile to replace, by name"),
            Field("language", "string", "of its display and console", words=LANGUAGES),
        ),
        status=201,
        refusals=(409,),
    ),
    Call("GET", "/meters/{number}", "view", "A meter now.", "View"),
    Call(
        "DELETE",
        "/meters/{number}",
        "drop",
        "A meter made over HTTP goes.",
        "",
        status=204,
        refusals=(409,),
    ),
    Call("GET", "/meters/{number}/display", "display", "Its four lines.", "Display"),
    Call("GET", "/meters/{number}/balance", "balance", "What the customer sees.", "Balance"),
    Call(
        "GET",
        "/meters/{number}/events",
        "events",
        "Its log from an entry on, oldest first. A meter keeps the latest.",
        "Events",
        query=(Field("first", "integer", "number of the first entry", 0, 2**30 - 1),),
    ),
    Call(
        "POST",
        "/meters/{number}/press",
        "press",
        "Press the button and hold it for so many seconds.",
        "View",
        body=(Field("seconds", "integer", "how long", 0, LONGEST_PRESS_S),),
    ),
    Call(
        "PUT",
        "/meters/{number}/load",
        "load",
        "What the household draws from now on: watts, or litres of gas an hour.",
        "View",
        body=(
            Field("watts", "integer", "electricity, W", 0, MAX_W),
            Field("litres_per_hour", "integer", "gas, l/h", 0, MAX_LITRES),
        ),
        refusals=(409,),
    ),
    Call(
        "PUT",
        "/meters/{number}/language",
        "speak",
        "Its display and console speak another language.",
        "View",
        body=(Field("language", "string", "which", needed=True, words=LANGUAGES),),
    ),
    Call(
        "POST",
        "/meters/{number}/time",
        "time",
        "Time passes for this meter, on top of what its speed brings.",
        "View",
        body=(_SECONDS,),
    ),
    Call(
        "POST",
        "/meters/{number}/power-cut",
        "power_cut",
        "The mains are away for so long; the meter starts again from what it has stored.",
        "View",
        body=(_SECONDS,),
    ),
    Call(
        "PUT",
        "/meters/{number}/card",
        "put_card",
        "A card goes into the slot, is read and written, and stays.",
        "View",
        body="octets",
        refusals=(409,),
    ),
    Call(
        "GET",
        "/meters/{number}/card",
        "card",
        "The card in the slot, as it is now.",
        "octets",
        refusals=(409,),
    ),
    Call(
        "DELETE",
        "/meters/{number}/card",
        "pull_card",
        "The card comes out.",
        "octets",
        refusals=(409,),
    ),
    Call(
        "POST",
        "/meters/{number}/terminal",
        "terminal",
        "The customer's card goes into a terminal; without a card the shop gives a new one.",
        "Receipt",
        body=(
            Field("card", "string", "its octets, base64", CARD_TEXT, CARD_TEXT),
            Field("pay", "string", "a payment, EUR", 1, 12),
        ),
        refusals=(403,),
    ),
    Call(
        "POST",
        "/meters/{number}/orders",
        "order",
        "The operator asks something of the meter, by network.",
        "Answer",
        body=_ORDER,
        refusals=(403,),
    ),
    Call(
        "POST",
        "/meters/{number}/queue",
        "queue",
        "The same, but it waits at the terminals for a card that was in the meter since.",
        "Waiting",
        body=_ORDER,
        refusals=(403, 409),
    ),
    Call(
        "POST",
        "/meters/{number}/tokens",
        "token",
        "Enter a token, as it is typed.",
        "Answer",
        body=(Field("token", "string", "groups of characters", 1, 256, needed=True),),
    ),
    Call("GET", "/speed", "speed", "How fast time passes for the meters of emulate.", "Speed"),
    Call(
        "PUT",
        "/speed",
        "set_speed",
        "Another speed, times real time; 0 stops the clocks.",
        "Speed",
        body=(Field("speed", "number", "times real time", 0, FASTEST, needed=True),),
    ),
)

# ---- Answers ----------------------------------------------------------------------------------

_TEXT = {"type": "string"}
_INTEGER = {"type": "integer"}
_EUR = {"type": "string", "pattern": r"^-?\d+\.\d{5}$", "description": "EUR, exact"}
_TIME = {"type": "string", "description": "Belgian local time, e.g. 2020-06-02 12:00:00"}
_NUMBER = {"type": "integer", "minimum": 1, "maximum": METER_LIMIT}
_SUPPLY = {"type": "string", "enum": ["disconnected", "connected", "ready"]}
_LINES = {"type": "array", "items": _TEXT, "minItems": 4, "maxItems": 4}
_SPEED = {"type": ["number", "null"], "description": "times real time; null: only by the call time"}


def _object(**properties: Any) -> dict[str, Any]:
    """An object that has all of these and nothing else."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


SCHEMAS: dict[str, Any] = {
    "Error": _object(error={"type": "string", "description": "one sentence"}),
    "Meters": _object(meters={"type": "array", "items": _ref("Summary")}),
    "Summary": _object(
        meter=_NUMBER,
        profile=_TEXT,
        energy=_TEXT,
        time=_TIME,
        supply=_SUPPLY,
        balance=_EUR,
        speed=_SPEED,
        url={"type": ["string", "null"], "description": "of its own port"},
    ),
    "View": _object(
        meter=_NUMBER,
        profile=_TEXT,
        energy={"type": "string", "enum": ["electricity", "gas"]},
        time=_TIME,
        speed=_SPEED,
        display=_LINES,
        supply=_SUPPLY,
        phase={"type": "string", "enum": list(PHASES)},
        emergency={"type": "string", "enum": ["enabled", "selectable", "in-use", "consumed"]},
        balance=_EUR,
        floor=_EUR,
        load={"type": "integer", "description": "asked for: W, or litres of gas an hour"},
        flowing={"type": "integer", "description": "what of it flows"},
        current_ma=_INTEGER,
        power_w=_INTEGER,
        pulses={"type": "integer", "description": "Wh or litres since the meter was made"},
        beeps=_INTEGER,
        card=_object(
            inside={"type": "boolean"},
            outcome={"type": "integer", "description": "as on the display; 9 good"},
            taken={"type": "integer", "description": "tokens taken from it"},
        ),
        events={"type": "integer", "description": "number of the next entry of the log"},
        state=_object(**dict.fromkeys(STATE_FIELDS, _INTEGER)),
    ),
    "Display": _object(display=_LINES),
    "Balance": _object(balance=_EUR, floor=_EUR),
    "Events": _object(
        events={
            "type": "array",
            "items": _object(
                number=_INTEGER,
                time=_TIME,
                event=_TEXT,
                meaning=_TEXT,
                rules={"type": "array", "items": _TEXT},
                reasons={"type": "integer", "description": "bits: why supply is open"},
                balance=_EUR,
            ),
        }
    ),
    "Receipt": _object(
        card={"type": "string", "description": "its octets, base64"},
        paid=_EUR,
        carried=_EUR | {"description": "EUR on the card"},
        given={"type": "integer", "description": "what waited and is on the card now"},
        withheld={"type": "integer", "description": "what waits for a card with fresh data"},
    ),
    "Answer": _object(
        taken={"type": "boolean"},
        reason={"type": "string", "description": "the meter's word"},
        meaning=_TEXT,
        view=_ref("View"),
    ),
    "Waiting": _object(waiting=_INTEGER),
    "Speed": _object(speed=_SPEED),
}
assert CARD_SIZE == cards.SIZE
