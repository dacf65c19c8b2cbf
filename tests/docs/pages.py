"""The Markdown pages of the repository, cut into what is tested.

`python -m tests.docs.pages` prints the dead links of all pages, and fails if there is one.
"""

import re
import sys
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).parents[2]
LEFT_OUT = {".venv", "node_modules", "out", ".git", ".pytest_cache", ".hypothesis"}
PAGES = [
    path
    for path in sorted(ROOT.glob("**/*.md"))
    if not LEFT_OUT & set(path.relative_to(ROOT).parts)
]
FENCE = re.compile(r"^( *)```.*?^\1```", re.M | re.S)
LINK = re.compile(r"\]\(([^)\s]+)\)")
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


def dead(page):
    """The links of a page that lead nowhere."""
    found = []
    for link in LINK.findall(prose(page.read_text("utf-8"))):
        if "://" in link:
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.is_file():
            found.append(f"{link}: no such file")
        elif target.suffix == ".md" and anchor and anchor not in anchors(target.read_text("utf-8")):
            found.append(f"{link}: no such heading")
    return found


def main():
    found = [f"{name(page)}: {link}" for page in PAGES for link in dead(page)]
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
