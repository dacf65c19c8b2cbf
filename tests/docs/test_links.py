"""No dead link: every relative link of every page, and every anchor."""

import pytest
import yaml

from tests.docs.pages import PAGES, ROOT, dead, name


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    assert dead(page) == []


def test_a_dead_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# One\n[a](page.md#one) [b](page.md#two) [c](other.md) [d](https://x.example)\n"
    )
    assert dead(page) == ["page.md#two: no such heading", "other.md: no such file"]


def listed(entries):
    """The pages of a navigation."""
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            for inner in entry.values():
                yield from [inner] if isinstance(inner, str) else listed(inner)


def test_the_site_has_every_page_once():
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
    assert sorted(listed(config["nav"])) == sorted(name(page) for page in PAGES)
