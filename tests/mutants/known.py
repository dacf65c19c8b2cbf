"""Mutants that change nothing anybody could see, each with its reason: `equivalent.toml`."""

import tomllib
from functools import cache
from pathlib import Path

from tests.mutants.change import Mutant

FILE = Path(__file__).with_name("equivalent.toml")
Key = tuple[str, str, str, str]


@cache
def listed() -> dict[Key, str]:
    """The reasons, by module, function, the line before and the line after."""
    entries = tomllib.loads(FILE.read_text("utf-8")).get("mutant", [])
    return {(e["module"], e["function"], e["before"], e["after"]): e["because"] for e in entries}


def key(mutant: Mutant) -> Key:
    """What a mutant is listed by."""
    return mutant.module, mutant.function, mutant.before, mutant.after


def equivalent(mutant: Mutant) -> str:
    """Why it changes nothing; "" if it does."""
    return listed().get(key(mutant), "")
