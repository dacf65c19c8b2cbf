"""The words of the page in four languages: its own of `texts.toml`, and those that all share."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from budgetmeter import texts
from budgetmeter.texts import LANGUAGES

SHARED = (
    "emergency.",
    "event.",
    "reason.",
    "refusal.",
    "result.",
    "supply.",
)  # sections of `budgetmeter.texts`


@cache
def _document() -> dict[str, Any]:
    path = files("budgetmeter.web") / "texts.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def languages() -> dict[str, str]:
    """The languages, each with its own name."""
    return dict(zip(LANGUAGES, _document()["names"], strict=True))


def table() -> dict[str, dict[str, str]]:
    """Each language's words by their key, such as "hall.title"."""
    own = {key: value for key, value in _document().items() if key != "names"}
    words = {key: row for key, row in texts.table().items() if key.startswith(SHARED)}
    words |= dict(texts.rows(own))
    return {
        language: {key: row[place] for key, row in words.items()}
        for place, language in enumerate(LANGUAGES)
    }
