"""Files that the pages name in `code` exist."""

import re

import pytest

from tests.docs.pages import ROOT, name, prose

TOP = "boards|docs|examples|firmware|host|protocol|tests|.github"
NAMED = re.compile(rf"`((?:{TOP})/[\w./-]+)`")
PAGES = [ROOT / "CONTRIBUTING.md", ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_that_a_page_names_exist(page):
    named = NAMED.findall(prose(page.read_text("utf-8")))
    assert [path for path in named if "NAME" not in path and not (ROOT / path).exists()] == []


def test_a_change_names_files_that_exist():
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert len(set(NAMED.findall(page))) > 20
