"""What the verbs print: rows for people or JSON for programs, and lines beside it."""

import json
import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console

console = Console(highlight=False, markup=False)


def say(text: str) -> None:
    """A line on standard error beside what a command prints."""
    print(f"budgetmeter: {text}", file=sys.stderr, flush=True)


def show(data: Any, as_json: bool, rows: Iterable[tuple[str, str]]) -> None:
    """Print as JSON, or as aligned rows of (label, text)."""
    if as_json:
        print(json.dumps(data, indent=2))
        return
    rows = list(rows)
    width = max(len(label) for label, _ in rows) + 2
    for label, text in rows:
        console.print(f"{label:{width}}{text}", soft_wrap=True)


def token_data(token: Any) -> dict[str, Any]:
    """A token that was issued (`budgetmeter.office.office.Issued`) as plain data."""
    return {
        "meter": token.meter,
        "number": token.number,
        "order": token.order_id,
        "text": token.text,
        "hex": token.token.hex(),
    }
