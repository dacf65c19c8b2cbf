"""What code and tests cite from the design page stands there."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

FOLDERS = ("firmware", "protocol", "host", "boards", "tests", "examples")
SECTION = re.compile(r"\bdesign,? (\d+(?:\.\d+)?)")
VECTOR = re.compile(r"\bT([1-9]\d?)\b")
HEADINGS = re.compile(r"^#+ (\d+(?:\.\d+)?)\.? ", re.M)
ROWS = re.compile(r"^\| T(\d+) \|", re.M)
DESIGN = (ROOT / "docs" / "design.md").read_text("utf-8")
SOURCES = [
    path
    for folder in FOLDERS
    for path in sorted((ROOT / folder).glob("**/*"))
    if path.suffix in (".py", ".toml") and "node_modules" not in path.parts
    if path != Path(__file__)
]


def cited(pattern):
    """Number to the files that cite it."""
    places = {}
    for path in SOURCES:
        for number in pattern.findall(path.read_text("utf-8")):
            places.setdefault(number, []).append(str(path.relative_to(ROOT)))
    return places


@pytest.mark.parametrize(
    ("pattern", "there"), [(SECTION, HEADINGS), (VECTOR, ROWS)], ids=["design", "vectors"]
)
def test_what_is_cited_is_there(pattern, there):
    citations = cited(pattern)
    assert citations
    known = there.findall(DESIGN)
    assert len(known) == len(set(known))
    missing = {number: places for number, places in citations.items() if number not in known}
    assert missing == {}


def test_functions_of_the_architecture_exist():
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = set(re.findall(r"`(?:[\w.]+\.)?(\w+)\(\)`", page))
    sources = "\n".join(path.read_text("utf-8") for path in SOURCES if "tests" not in path.parts)
    assert {n for n in named if not re.search(rf"^\s*def {n}\(", sources, re.M)} == set()
