"""A hook of mkdocs: the pages of the site are the repository's own, at their own places.

A relative link therefore means the same in the repository and in the site. A file that a page links
to and that is no page (a drawing, a TOML file, a source) is copied beside it. The first page has
the panel, running.
"""

import re
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from budgetmeter.web import panel
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
FENCE = re.compile(r"^```.*?^```", re.M | re.S)
PANEL = "meter.html"
FRAME = f"""\
<figure class="meter">
<iframe src="{PANEL}" title="A budget meter to touch" loading="lazy"></iframe>
<figcaption>The firmware itself runs here. <a href="{PANEL}">On a page of its own</a></figcaption>
</figure>

"""
BEFORE = "Three promises,"  # where the first page has it
LEFT_OUT = {".venv", "node_modules", "out", ".git", ".pytest_cache"}


def pages():
    """The Markdown files of the repository, as paths relative to its root."""
    for path in sorted(ROOT.glob("**/*.md")):
        relative = path.relative_to(ROOT)
        if not LEFT_OUT & set(relative.parts):
            yield PurePosixPath(relative.as_posix())


def links(text):
    """Targets of the relative links of a page, without their anchors."""
    for target in LINK.findall(FENCE.sub("", text)):
        if "://" not in target and not target.startswith("mailto:"):
            yield unquote(target)


def on_files(files, config):
    """What the site is made of, in place of the files of `docs`."""
    theme = [file for file in files if file.src_uri.startswith("assets/")]
    wanted = dict.fromkeys([*pages(), PurePosixPath("docs/site.css")])
    for page in pages():
        folder = ROOT / page.parent
        for target in links((ROOT / page).read_text("utf-8")):
            path = (folder / target).resolve()
            if path.is_file():
                wanted[PurePosixPath(path.relative_to(ROOT).as_posix())] = None
    made = [File.generated(config, str(path), abs_src_path=str(ROOT / path)) for path in wanted]
    running = File.generated(config, PANEL, content=panel.html())
    return Files([*theme, *made, running])


def on_page_markdown(markdown, page, config, files):
    """Put the panel on the first page."""
    if page.file.src_uri != "README.md":
        return markdown
    if BEFORE not in markdown:
        raise ValueError(f"the first page has no {BEFORE!r}")
    return markdown.replace(BEFORE, FRAME + BEFORE, 1)
