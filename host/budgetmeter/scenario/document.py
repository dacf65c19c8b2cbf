"""The TOML document of a scenario: its place in messages, its files, and checks of its values."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from budgetmeter import resources, units
from budgetmeter.casebook import Rulebook
from budgetmeter.emulator import load as loads
from budgetmeter.errors import InputError

T = TypeVar("T")


class Document:
    """A document that is being read; every error names the place.

    :param where: its file, for messages
    :param folder: where the files are that it names; None for a scenario of the package
    """

    def __init__(self, where: str, folder: Path | None) -> None:
        self.where = where
        self.folder = folder
        self.files: list[str] = [] if folder is None else [where]
        self.gas = False
        self.book: Rulebook | None = None  # the rule file of its case, if it has one

    def fail(self, message: str, where: str | None = None) -> NoReturn:
        raise InputError(f"{where or self.where}: {message}")

    def known(self, table: Any, allowed: Iterable[str], where: str) -> None:
        """Fail unless this is a table that has no other keys."""
        names = list(allowed)
        if not isinstance(table, dict):
            self.fail(f"a table with {', '.join(names)}", where)
        for key in table:
            if key not in names:
                self.fail(f"unknown key {key}; {resources.did_you_mean(key, names)}", where)

    def value(self, read: Callable[[Any], T], value: Any, where: str) -> T:
        """`read(value)`, its ValueError as an InputError."""
        try:
            return read(value)
        except (ValueError, TypeError) as error:
            self.fail(str(error), where)

    def beside(self, path: str) -> str:
        """A path in the file, relative to the file."""
        self.files.append(str(self.folder / path) if self.folder is not None else path)
        return self.files[-1]

    def rate(self, key: str, value: Any, where: str) -> int:
        """A constant load: watts, or litres an hour of gas."""
        if (key == "litres_per_hour") != self.gas:
            self.fail("watts for electricity, litres_per_hour for gas", where)
        ceiling = loads.MAX_LITRES_PER_HOUR if self.gas else loads.MAX_W
        rate = self.value(lambda v: units.scaled(v, 1), value, where)
        if not 0 <= rate <= ceiling:
            self.fail(f"{key} is from 0 to {ceiling}", where)
        return rate


def choice(words: Iterable[str]) -> Callable[[Any], str]:
    """Reads one of the words; ValueError for anything else."""
    known = list(words)

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in known:
            raise ValueError(f"{units.written(value)} is not one of {', '.join(known)}")
        return value

    return read


def flag(value: Any) -> bool:
    """:raises ValueError: neither true nor false"""
    if not isinstance(value, bool):
        raise ValueError(f"{units.written(value)} is not true or false")
    return value


def money(value: Any) -> str:
    """Euros as they are compared, with two places.

    :raises ValueError: no number
    """
    return units.euros(units.mc(value))
