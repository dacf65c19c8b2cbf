"""The requirements catalogue: what each rule id stands for, and where it is written."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

NO_SOURCE = "no source"

# Prefixes of the ids that speak about each region; facts (B) and ambiguities (AMB) about all.
REGIONS: dict[str, tuple[str, ...]] = {
    "Wallonia": ("OC", "OS", "WE", "WG"),
    "Flanders": ("FE",),
    "Brussels": ("BE", "BX"),
}


@dataclass(frozen=True)
class Rule:
    """One requirement: its id, tier ("A" is the meter), clause and what it asks in short.

    :ivar context: why nothing carries it out; "" where something does
    """

    id: str
    tier: str
    clause: str
    title: str
    context: str = ""


@cache
def rules() -> dict[str, Rule]:
    """All rules of the catalogue by id."""
    text = (files("budgetmeter") / "data" / "rules.toml").read_text(encoding="utf-8")
    return {
        rule_id: Rule(
            rule_id,
            entry.get("tier", ""),
            entry["clause"],
            entry["title"],
            entry.get("context", ""),
        )
        for rule_id, entry in tomllib.loads(text).items()
    }


def relevant(ids: Iterable[str], region: str) -> list[str]:
    """Those of the rule ids that speak about a region; all of them if none does."""
    prefixes = (*REGIONS.get(region, ()), "B", "AMB")
    chosen = [i for i in ids if i.rpartition("-")[0] in prefixes]
    return chosen or list(ids)
