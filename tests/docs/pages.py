"""The Markdown pages of the repository, cut into what is tested."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEFT_OUT = {".venv", "node_modules", "out", ".git", ".pytest_cache", ".hypothesis"}
PAGES = [
    path
    for path in sorted(ROOT.glob("**/*.md"))
    if not LEFT_OUT & set(path.relative_to(ROOT).parts)
]
FENCE = re.compile(r"^( *)```.*?^\1```", re.M | re.S)
HEADING = re.compile(r"^(#+) +(.+?)\s*$", re.M)


def name(path):
    """A page as tests name it."""
    return str(path.relative_to(ROOT))


def prose(text):
    """A page without its blocks of code."""
    return FENCE.sub("", text)


def slug(heading):
    """The anchor of a heading, as forges and the site make it."""
    plain = re.sub(r"[`*_]", "", re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading))
    return re.sub(r"[^\w\- ]", "", plain.lower()).strip().replace(" ", "-")


def anchors(text):
    """All anchors of a page."""
    return {slug(title) for _, title in HEADING.findall(prose(text))}
