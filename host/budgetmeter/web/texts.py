"""The words of the page in four languages, from `texts.toml`."""

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def _document() -> dict[str, Any]:
    path = files("budgetmeter.web") / "texts.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def languages() -> dict[str, str]:
    """The languages, each with its own name."""
    document = _document()
    return dict(zip(document["languages"], document["names"], strict=True))


def table() -> dict[str, dict[str, str]]:
    """Each language's words by their key, such as "hall.title"."""
    found: dict[str, dict[str, str]] = {language: {} for language in languages()}
    for key, words in _rows(_document(), ""):
        for language, word in zip(found, words, strict=True):
            found[language][key] = word
    return found


def _rows(section: dict[str, Any], above: str) -> Iterator[tuple[str, list[str]]]:
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _rows(value, f"{above}{key}.")
        elif above:
            yield above + key, value
