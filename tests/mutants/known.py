"""Mutants that change nothing anybody could see, each with its reason: `equivalent.toml`."""

import tomllib
from functools import cache
from pathlib import Path

from tests.mutants.change import Mutant

FILE = Path(__file__).with_name("equivalent.toml")


@cache
def _listed() -> dict[tuple[str, str, str, str], str]:
    entries = tomllib.loads(FILE.read_text("utf-8")).get("mutant", [])
    return {(e["module"], e["function"], e["old"], e["new"]): e["because"] for e in entries}


def equivalent(mutant: Mutant) -> str:
    """Why it changes nothing; "" if it does."""
    key = (mutant.module, mutant.function, " ".join(mutant.old.split()), mutant.new)
    return _listed().get(key, "")
