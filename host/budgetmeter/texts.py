"""Messages in Dutch, French, German and English: one kind of table for everything people read.

A table is a TOML file: sections of keys, and for each key the texts of the four languages in the
order of `LANGUAGES`. `{name}` in a text is filled in. Whoever needs a message asks `Words` by its
key, such as "plot.balance"; a key without a text is an error, never an empty place.
"""

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from budgetmeter.errors import InputError

LANGUAGES = ("nl", "fr", "de", "en")
DEFAULT = "en"


class Words:
    """The messages of one language.

    :ivar language: "nl", "fr", "de" or "en"
    """

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        self.language = language
        self._texts = texts

    def __call__(self, key: str, **filled: object) -> str:
        """A message with its places filled in.

        :raises KeyError: no message has the key
        """
        text = self._texts[key]
        return text.format(**filled) if filled else text

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def list(self, key: str) -> list[str]:
        """A message that is several words: "Mon Tue Wed …"."""
        return self(key).split()

    def date(self, day: date) -> str:
        """A day with its weekday: "Mon 6 Jul 2020"."""
        weekday, month = self.list("calendar.weekdays"), self.list("calendar.months")
        return f"{weekday[day.weekday()]} {day.day} {month[day.month - 1]} {day.year}"


@cache
def of(language: str = DEFAULT) -> Words:
    """The messages of a language.

    :raises InputError: no such language
    """
    at = place(language)
    return Words(language, {key: texts[at] for key, texts in table().items()})


def place(language: str) -> int:
    """Where a language stands among the texts of a key.

    :raises InputError: no such language
    """
    if language not in LANGUAGES:
        raise InputError(f"language {language!r}: one of {', '.join(LANGUAGES)}")
    return LANGUAGES.index(language)


@cache
def table() -> dict[str, tuple[str, ...]]:
    """Every message by its key: its texts in the order of `LANGUAGES`."""
    source = (files("budgetmeter") / "data" / "texts.toml").read_text(encoding="utf-8")
    return dict(rows(tomllib.loads(source)))


def rows(section: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """The messages of a table that was read, each with its whole key."""
    for key, value in section.items():
        if isinstance(value, dict):
            yield from rows(value, f"{above}{key}.")
        else:
            yield above + key, tuple(value)
