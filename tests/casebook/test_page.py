"""The page of the case book is the one that the rule files give."""

from pathlib import Path

from budgetmeter.casebook import page

ROOT = Path(__file__).parents[2]


def test_the_page_is_fresh():
    assert (ROOT / page.PAGE).read_text("utf-8") == page.text()
