"""The page: its files, and what it has to know of profiles, rules, events and stories."""

from importlib.resources import files
from typing import Any

from meterproto.codes import CardOutcome, Event, LogCode, Reason, Result, TokenReason

from budgetmeter import catalogue, profiles
from budgetmeter.profiles import Profile
from budgetmeter.web import stories, texts

SCRIPTS = ("words.js", "http.js", "inside.js", "chart.js", "hall.js", "story.js", "face.js")
STYLE = "face.css"
BUTTONS = {"wallonia-card": ["red", "blue"], "wallonia-gas": ["blue"]}  # B-4
BY_CARD = ("flanders-2003",)
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


def read(name: str) -> str:
    """A file of the page.

    :raises OSError: there is none
    """
    return (files("budgetmeter.web") / "page" / name).read_text(encoding="utf-8")


def served(name: str) -> str:
    """A file of the page as HTTP serves it: the page names its style and its scripts."""
    text = read(name)
    style = f'<link rel="stylesheet" href="{STYLE}">'
    scripts = "\n".join(f'<script src="{one}"></script>' for one in SCRIPTS)
    return text.replace("<!-- style -->", style).replace("<!-- scripts -->", scripts)


def contents() -> dict[str, Any]:
    """What the page has to know, as JSON."""
    return {
        "languages": texts.languages(),
        "texts": texts.table(),
        "profiles": {name: _profile(profiles.load(name)) for name in profiles.names()},
        "events": {code.word: list(code.rules) for code in (*Event, *LogCode)},
        "reasons": {int(reason): [reason.word, list(reason.rules)] for reason in Reason},
        "outcomes": CardOutcome.words(),
        "refusals": _refusals(),
        "rules": {rule.id: f"{rule.clause}: {rule.title}" for rule in catalogue.rules().values()},
        "stories": [stories.story(name).plain() for name in stories.NAMES],
    }


def _refusals() -> dict[int, str]:
    """The key of the words for each reason a meter answers with."""
    results = {TokenReason.RESULT + result: f"result.{result.word}" for result in Result}
    return {int(reason): f"refusal.{reason.word}" for reason in TokenReason} | results


def _profile(profile: Profile) -> dict[str, Any]:
    """What a page draws of a profile."""
    values = profile.values
    return {
        "energy": "gas" if profile.gas else "electricity",
        "card": profile.name in BUTTONS or profile.name in BY_CARD,
        "buttons": BUTTONS.get(profile.name, ["plain"]),
        "hold_s": values["reopen_hold_s"],
        "prefixes": [*catalogue.REGIONS.get(profile.region, ()), "B", "AMB"],
    }
