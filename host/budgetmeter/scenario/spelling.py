"""How earlier versions wrote orders in a scenario, and how each of them is written now."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

from budgetmeter import orders


def _amount(kind: str) -> Callable[[Any], dict[str, Any]]:
    return lambda value: {"kind": kind, "amount": value}


def _word(prefix: str, *words: str) -> Callable[[Any], dict[str, Any]]:
    return lambda value: {"kind": prefix + (value if value in words else words[0])}


def _hold(value: Any) -> dict[str, Any]:
    return {"kind": "end-hold"} if value == "end" else {"kind": "hold", "until": value}


def _table(kind: str, **new_names: str) -> Callable[[Any], dict[str, Any]]:
    """A table whose keys have other names now."""

    def renamed(value: dict[str, Any]) -> dict[str, Any]:
        parts = {new_names.get(key, key): part for key, part in dict(value).items()}
        return {"kind": kind, **parts}

    return renamed


def _mode(value: Any) -> dict[str, Any]:
    table = {"to": value} if isinstance(value, str) else value
    return _table("payment-mode", to="mode")(table)


def _cause(value: Any) -> dict[str, Any]:
    return {"kind": "disconnect", "cause": value}


# The old action: the order it was, from its old value.
OLD: dict[str, Callable[[Any], dict[str, Any]]] = {
    "top_up": _amount("top-up"),
    "support": _amount("support"),
    "aid": _amount("aid"),
    "arrears_paid": _amount("arrears-paid"),
    "overdraft": _table("overdraft", order="order-id"),
    "hold": _hold,
    "limiter": _word("limiter-", "enable", "release"),
    "limit": _table("limit", connection_w="power"),
    "minimum_supply": _word("minimum-supply-", "disable", "enable"),
    "price": _table("price", value="price"),
    "emergency_preset": _table("emergency-preset"),
    "mode": _mode,
    "disconnect": _cause,
    "reconnect": lambda _: {"kind": "reconnect"},
    "clear_tamper": lambda _: {"kind": "clear-tamper"},
}


def new_spelling(key: str, value: Any) -> str | None:
    """What is written now for a key that is an order's; None for any other key."""
    if key in OLD:
        try:
            return f"order = {_written(OLD[key](value))}"
        except (TypeError, ValueError):  # not even in the old spelling a value of this action
            key = key.replace("_", "-").replace("mode", "payment-mode")
    if key in orders.KINDS:
        options = dict.fromkeys(orders.KINDS[key].options(), "…")
        return f"order = {_written({'kind': key, **options})}"
    return None


def _written(value: Any) -> str:
    """A value as TOML has it, on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_written(part)}" for key, part in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return value.isoformat() if isinstance(value, date) else str(value)
