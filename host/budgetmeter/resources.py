"""TOML files that come with the package by name, or a user's own by path."""

import tomllib
from collections.abc import Iterable
from decimal import Decimal
from difflib import get_close_matches
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from budgetmeter.errors import InputError

# Where the shipped files of a kind are, each in the room of its trade.
FOLDERS = {
    "profile": "profiles",
    "scenario": "scenario/shipped",
    "fleet": "fleet/policies",
    "campaign": "office/campaigns",
    "rules": "casebook/rules",
}


def folder(kind: str) -> Traversable:
    """The folder of the shipped files of a kind."""
    return files("budgetmeter").joinpath(*FOLDERS[kind].split("/"))


def names(kind: str) -> list[str]:
    """Names of the shipped files of a kind ("profile", "scenario", "fleet", "campaign")."""
    return sorted(path.name[:-5] for path in folder(kind).iterdir() if path.name.endswith(".toml"))


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """A hint at the nearest known word, or at all of them."""
    near = get_close_matches(word, known, 1, cutoff)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"


def read(kind: str, name: str) -> tuple[dict[str, Any], str]:
    """The TOML document of a shipped name or of a path ending in .toml, and what to call it.

    Numbers with a point are `Decimal`.

    :raises InputError: no such name, or a file that cannot be read; one line
    """
    if name.endswith(".toml"):
        path, where = Path(name), name
        if "\0" in name:
            raise InputError(f"{where}: not the name of a file")
    elif name in names(kind):
        path, where = folder(kind) / f"{name}.toml", f"{name}.toml"
    else:
        raise InputError(f"no {kind} {name}; {did_you_mean(name, names(kind), 0.4)}")
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        _check_integers(document)
    except OSError as error:
        raise InputError(f"{where}: {error.strerror}") from None
    except RecursionError:
        raise InputError(f"{where}: nested too deeply") from None
    except UnicodeDecodeError:
        raise InputError(f"{where}: not a text file (UTF-8)") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where}: not TOML: {error}") from None
    except (ValueError, ArithmeticError):
        raise InputError(f"{where}: not TOML: a number too large") from None
    return document, where


def _check_integers(value: object) -> None:
    """TOML's integers have 64 bits; its parser here takes any."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            _check_integers(part)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError
