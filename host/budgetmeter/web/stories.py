"""Guided stories: shipped scenarios as steps of a page, where the visitor does the next thing."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from meterproto.codes import Energy

from budgetmeter import orders, profiles, resources, units
from budgetmeter.profiles import Profile

NAMES = (
    "friday-evening",
    "negative-limit",
    "under-the-limiter",
    "card-december-2020",
    "gas-leak-test",
)
# What a page can see for itself of what a scenario expects.
SEEN = ("supply", "balance", "emergency", "phase", "card", "given", "withheld", "carried")


@dataclass(frozen=True)
class Story:
    """A story as a page plays it.

    :ivar profile: with the scenario's changes
    :ivar start_s: seconds since 2000-01-01 00:00 UTC+1
    :ivar load: W, or litres of gas an hour
    :ivar steps: each with `at_s` and `time`, what is done, and what is expected, as JSON
    """

    name: str
    profile: Profile
    change: dict[str, Any]
    start_s: int
    load: int
    steps: list[dict[str, Any]]

    def plain(self) -> dict[str, Any]:
        """What a page gets to know, as JSON."""
        return {
            "name": self.name,
            "profile": self.profile.name,
            "change": self.change,
            "start": f"{units.from_clock(self.start_s // 60):%Y-%m-%dT%H:%M:%S}",
            "start_s": self.start_s,
            "load": self.load,
            "steps": self.steps,
        }


def story(name: str) -> Story:
    """A shipped scenario with a constant load as a story.

    :raises InputError: no such scenario
    """
    content, _ = resources.read("scenario", name)
    profile = profiles.load(content["profile"])
    change = content.get("change", {})
    if change:
        profile = profile.changed(change, name)
    (load,) = content["load"].values()
    steps = [_step(entry, profile) for entry in content["at"]]
    start_s = units.to_clock(content["start"]) * 60
    return Story(name, profile, _json(change), start_s, int(load), steps)


def _step(entry: dict[str, Any], profile: Profile) -> dict[str, Any]:
    """One dated entry of a scenario."""
    time = entry["time"]
    expect = {key: _json(value) for key, value in entry.get("expect", {}).items() if key in SEEN}
    step: dict[str, Any] = {
        "at_s": units.to_clock(time) * 60 + time.second,
        "time": f"{time:%Y-%m-%d %H:%M:%S}",
        "do": "look",
        "expect": expect,
    }
    for key, value in entry.items():
        if key in _ACTIONS:
            step |= {"do": key, **_ACTIONS[key](value, profile)}
    return step


def _order(table: dict[str, Any], _profile: Profile) -> dict[str, Any]:
    asked = orders.read_table(table)
    order = asked.order
    numbers = {"kind": int(order.kind), "value": order.value, "extra": order.extra}
    numbers |= {"order_id": asked.order_id, "expiry": asked.expiry}
    return {"words": _json(table), "numbers": numbers}


def _press(value: Any, _profile: Profile) -> dict[str, Any]:
    return {"seconds": 0 if value is True else int(value)}


def _load(value: dict[str, Any], _profile: Profile) -> dict[str, Any]:
    (rate,) = value.values()
    return {"rate": int(rate)}


def _terminal(value: Any, _profile: Profile) -> dict[str, Any]:
    return {"pay": "0.00" if value is True else str(value)}


def _campaign(name: str, profile: Profile) -> dict[str, Any]:
    content, _ = resources.read("campaign", name)
    amount = content["amounts"][Energy(profile.values["energy"]).word]
    return _order({"kind": content["kind"], "amount": amount}, profile)


_ACTIONS: dict[str, Any] = {
    "order": _order,
    "press": _press,
    "load": _load,
    "card": lambda _value, _profile: {},
    "terminal": _terminal,
    "campaign": _campaign,
}


def _json(value: Any) -> Any:
    """A TOML value as JSON has it: decimals and times as text."""
    if isinstance(value, dict):
        return {key: _json(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_json(one) for one in value]
    if isinstance(value, bool | int | str):
        return value
    return str(value) if isinstance(value, Decimal) else value.isoformat()
