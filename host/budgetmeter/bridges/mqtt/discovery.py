"""What Home Assistant learns of a meter: one message for the device with all its entities."""

from dataclasses import dataclass
from importlib import metadata
from typing import Any

from meterproto.codes import ControlState, EmergencyStatus, Event, LogCode, PaymentMode

from budgetmeter.bridges.mqtt.payload import OFF, ON, state
from budgetmeter.bridges.seen import Seen

LONGEST_TOKEN = 255  # characters; what Home Assistant lets a person type
ONLINE, OFFLINE = "online", "offline"


@dataclass(frozen=True)
class Topics:
    """Where messages go.

    :ivar base: what the bridge's own topics begin with
    :ivar discovery: what Home Assistant's topics begin with
    :ivar client: name of the bridge at the broker
    """

    base: str
    discovery: str
    client: str

    @property
    def bridge(self) -> str:
        """Whether the bridge is there; its last will."""
        return f"{self.base}/bridge/{self.client}"

    @property
    def will(self) -> tuple[str, str]:
        """What the broker says when the bridge is lost: topic and message."""
        return self.bridge, OFFLINE

    @property
    def birth(self) -> str:
        """Where Home Assistant says that it has started."""
        return f"{self.discovery}/status"

    def state(self, meter: int) -> str:
        """The state of a meter, retained."""
        return f"{self._meter(meter)}/state"

    def availability(self, meter: int) -> str:
        """Whether a meter answers, retained."""
        return f"{self._meter(meter)}/availability"

    def event(self, meter: int) -> str:
        """Entries of a meter's event log, as they come."""
        return f"{self._meter(meter)}/event"

    def token(self, meter: int) -> str:
        """Where tokens for a meter come in."""
        return f"{self._meter(meter)}/token"

    def answer(self, meter: int) -> str:
        """What became of them."""
        return f"{self.token(meter)}/answer"

    def config(self, meter: int) -> str:
        """The discovery of a meter, retained."""
        return f"{self.discovery}/device/{unique(meter)}/config"

    def _meter(self, meter: int) -> str:
        return f"{self.base}/{meter:09d}"


def unique(meter: int) -> str:
    """The name of a meter that no other device has."""
    return f"budgetmeter_{meter:09d}"


def config(seen: Seen, topics: Topics, accept_tokens: bool) -> dict[str, Any]:
    """The discovery message of a meter: an entity for what its state has.

    :param accept_tokens: whether a person can enter tokens
    """
    identity = seen.identity
    meter, there = identity.meter, state(seen)
    parts = {name: part for name, part in _entities().items() if name in there}
    for name, part in parts.items():
        part["state_topic"] = topics.state(meter)
        part["value_template"] = f"{{{{ value_json.{name} }}}}"
    parts["event"] = {
        "platform": "event",
        "name": "Event",
        "icon": "mdi:history",
        "event_types": [*Event.words(), *LogCode.words(), "other"],
        "state_topic": topics.event(meter),
    }
    if accept_tokens:
        parts |= _tokens(topics, meter)
    for name, part in parts.items():
        part["unique_id"] = f"{unique(meter)}_{name}"
    version = metadata.version("budgetmeter")
    return {
        "device": {
            "identifiers": [unique(meter)],
            "name": f"Budget meter {meter:09d}",
            "manufacturer": "budgetmeter",
            "model": identity.profile,
            "serial_number": f"{meter:09d}",
            "sw_version": identity.firmware,
        },
        "origin": {"name": "budgetmeter", "sw_version": version},
        "components": parts,
        "availability": [
            {"topic": topics.bridge},
            {"topic": topics.availability(meter)},
        ],
        "availability_mode": "all",
        "qos": 1,
    }


def _entities() -> dict[str, dict[str, Any]]:
    return {
        "balance": _money("Balance"),
        "emergency_credit": _money("Emergency credit left"),
        "arrears": _money("Arrears"),
        "price": {
            **_sensor("Price", state_class="measurement"),
            "unit_of_measurement": "EUR/kWh",
            "icon": "mdi:cash",
        },
        "supply": _binary("Supply", "power"),
        "control_state": _words("Supply switch", ControlState.words()),
        "reason": {**_sensor("Why supply is open"), "icon": "mdi:power-plug-off"},
        "emergency_status": _words("Emergency credit", EmergencyStatus.words()),
        "payment_mode": _words("Payment mode", PaymentMode.words()),
        "low_credit": _binary("Low credit", "problem"),
        "energy": _measured("Energy", "energy", "Wh", "total_increasing"),
        "gas": _measured("Gas", "gas", "m³", "total_increasing"),
        "limiter": {**_binary("Limiter"), "icon": "mdi:car-speed-limiter"},
        "power": _measured("Power", "power", "W"),
        "current": _measured("Current", "current", "A"),
        "voltage": _measured("Voltage", "voltage", "V"),
    }


def _tokens(topics: Topics, meter: int) -> dict[str, dict[str, Any]]:
    """A field in which a person types a token, and what became of it."""
    return {
        "token": {
            "platform": "text",
            "name": "Token",
            "icon": "mdi:key",
            "command_topic": topics.token(meter),
            "max": LONGEST_TOKEN,
            "qos": 1,
        },
        "token_answer": {
            **_sensor("Last token"),
            "icon": "mdi:key-alert",
            "state_topic": topics.answer(meter),
            "value_template": "{{ 'taken' if value_json.taken else value_json.error[:255] }}",
        },
    }


def _sensor(name: str, **more: str) -> dict[str, Any]:
    return {"platform": "sensor", "name": name, **more}


def _money(name: str) -> dict[str, Any]:
    return {**_measured(name, "monetary", "EUR", "total"), "suggested_display_precision": 2}


def _measured(name: str, kind: str, unit: str, state_class: str = "measurement") -> dict[str, Any]:
    return _sensor(name, device_class=kind, unit_of_measurement=unit, state_class=state_class)


def _words(name: str, words: list[str]) -> dict[str, Any]:
    return {**_sensor(name, device_class="enum"), "options": words}


def _binary(name: str, kind: str | None = None) -> dict[str, Any]:
    told = {"platform": "binary_sensor", "name": name, "payload_on": ON, "payload_off": OFF}
    return told if kind is None else {**told, "device_class": kind}
