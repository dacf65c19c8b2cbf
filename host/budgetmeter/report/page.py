"""A report as one HTML file: nothing to load from elsewhere, made to be read and printed on A4.

What somebody wrote (titles, file names, notes) is escaped where it enters, in `Page`.
"""

import io
import re
from collections.abc import Iterable, Sequence
from html import escape
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import TYPE_CHECKING, Any

from meterfw import VERSION
from meterproto import stored
from meterproto.messages import VERSION as PROTOCOL

from budgetmeter import catalogue, profiles
from budgetmeter.profiles import Profile
from budgetmeter.texts import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH_IN = 8.2  # of a plot: its letters are read at the width of A4
TALL = 1.1  # a plot so much higher than wide gets a page
STYLE = """
@page { size: A4; margin: 16mm 14mm 18mm;
  @bottom-right { content: counter(page) " / " counter(pages); font: 8pt sans-serif } }
:root { color-scheme: light }
* { box-sizing: border-box }
body { font: 10pt/1.4 "Helvetica Neue", Arial, "Liberation Sans", sans-serif; color: #1a1a1a;
  background: #fff; max-width: 190mm; margin: 0 auto; padding: 8mm 4mm }
h1 { font-size: 17pt; line-height: 1.2; margin: 0 0 1mm }
h2 { font-size: 12pt; margin: 8mm 0 2mm; border-bottom: 1px solid #8c8c8c; break-after: avoid }
p { margin: 1mm 0 } .under { color: #444 } .foot { margin-top: 8mm; color: #555; font-size: 8pt }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: 8.5pt }
th, td { text-align: left; vertical-align: top; padding: 0.8mm 2.5mm 0.8mm 0;
  border-bottom: 1px solid #e3e3e3; overflow-wrap: anywhere }
th { color: #555; font-weight: 600; border-bottom-color: #8c8c8c }
td.number, th.number, td.time { white-space: nowrap; overflow-wrap: normal;
  font-variant-numeric: tabular-nums }
td.number, th.number { text-align: right }
td.in { padding-left: 5mm }
tr { break-inside: avoid } thead { display: table-header-group }
.rule { color: #444; display: block } .rule b { color: #1a1a1a }
figure { margin: 2mm 0; break-inside: avoid; overflow-x: auto }
figure svg { width: 100%; min-width: 640px; height: auto }
.beside { display: grid; gap: 0 8mm;
  grid-template-columns: repeat(auto-fit, minmax(75mm, 1fr)) }
ul { margin: 1mm 0; padding-left: 5mm }
.bad { border-left: 3px solid #93241c; padding-left: 3mm }
@media print { body { padding: 0; max-width: none; print-color-adjust: exact;
  -webkit-print-color-adjust: exact } .wide, figure { overflow: visible }
  figure svg { min-width: 0; max-height: 144mm }
  figure.tall svg { max-height: 235mm } th, td { padding-top: 0.5mm; padding-bottom: 0.5mm } }
"""


class Page:
    """A report that grows section by section.

    :param title: the first heading and the name of the document
    :param words: its language
    """

    def __init__(self, title: str, words: Words, *under: str) -> None:
        self.words = words
        self._title = title
        self._parts = [f"<h1>{escape(title)}</h1>"]
        self._parts += [f'<p class="under">{escape(line)}</p>' for line in under if line]

    def heading(self, text: str) -> None:
        """A section begins."""
        self._parts.append(f"<h2>{escape(text)}</h2>")

    def lines(self, lines: Iterable[str], kind: str = "") -> None:
        """A list; nothing where there is none."""
        items = "".join(f"<li>{escape(line)}</li>" for line in lines)
        if items:
            self._parts.append(f'<ul class="{kind}">{items}</ul>' if kind else f"<ul>{items}</ul>")

    def table(
        self,
        header: Sequence[str],
        rows: Iterable[Sequence[str | Sequence[str]]],
        kinds: Sequence[str] = (),
    ) -> None:
        """A table. A cell that is a list has a line for each of its texts, a rule or the like.

        :param kinds: "number", "time" or "" for each column
        """
        kinds = [*kinds[: len(header)], *[""] * (len(header) - len(kinds))]
        head = "".join(_cell("th", text, kind) for text, kind in zip(header, kinds, strict=True))
        body = "".join(
            "<tr>"
            + "".join(_cell("td", cell, kind) for cell, kind in zip(row, kinds, strict=True))
            + "</tr>"
            for row in rows
        )
        shown = f"<thead><tr>{head}</tr></thead>" if any(header) else ""
        self._parts.append(f'<div class="wide"><table>{shown}<tbody>{body}</tbody></table></div>')

    def beside(self, *tables: Iterable[Sequence[str]]) -> None:
        """Tables of label, number and note beside each other, where there is room."""
        self._parts.append('<div class="beside">')
        for rows in tables:
            self.table(("", "", ""), rows, ("", "number"))
        self._parts.append("</div>")

    def plot(self, figure: "Figure", about: str) -> None:
        """A figure of matplotlib as SVG in the page.

        :param about: what it shows, for who cannot see it
        """
        width, height = figure.get_size_inches()
        kind = ' class="tall"' if height > TALL * width else ""
        self._parts.append(f"<figure{kind}>{svg(figure, about)}</figure>")

    def profile(self, profile: Profile) -> None:
        """Every value of a profile, what is left out, and the versions."""
        words = self.words
        self.heading(f"{words('page.parameters')}: {profile.title}")
        self.table(
            (words("page.key"), words("page.value"), words("page.meaning"), words("page.rules")),
            (
                (key, profiles.shown(key, value), profiles.QUANTITIES[key][1],
                 self.rules(profile.rules[key]))
                for key, value in profile.values.items()
            ),
        )  # fmt: skip
        if profile.left_out:
            self.heading(words("page.left_out"))
            self.lines(profile.left_out)

    def rules(self, ids: Iterable[str]) -> list[str]:
        """Rules in words, each with the article of its source."""
        known = catalogue.rules()
        return [
            f"{one} {known[one].title} ({known[one].clause})" if one in known
            else self.words("page.no_source") if one == catalogue.NO_SOURCE else one
            for written in ids for one in written.split(", ")
        ]  # fmt: skip

    def versions(self, *more: tuple[str, str]) -> None:
        """With which programs it was made."""
        self.heading(self.words("page.versions"))
        rows = [
            ("budgetmeter", version("budgetmeter")), ("firmware", VERSION),
            ("protocol", str(PROTOCOL)), ("layout", str(stored.LAYOUT)),
            ("Python", python_version()), *more,
        ]  # fmt: skip
        self.table(("", ""), rows)

    def html(self) -> str:
        """The whole document."""
        foot = escape(self.words("page.made_by", version=version("budgetmeter")))
        body = "\n".join(self._parts)
        return (
            f'<!doctype html>\n<html lang="{self.words.language}">\n<head>\n'
            '<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
            "style-src 'unsafe-inline'\">\n"
            f"<title>{escape(self._title)}</title>\n<style>{STYLE}</style>\n</head>\n"
            f'<body>\n{body}\n<p class="foot">{foot}</p>\n</body>\n</html>\n'
        )

    def save(self, path: Path) -> None:
        """Write it to a file.

        :raises OSError: when that fails
        """
        path.write_text(self.html(), encoding="utf-8")


def svg(figure: "Figure", about: str) -> str:
    """A figure as an SVG element, the same for the same figure."""
    import matplotlib  # noqa: PLC0415  # an extra

    out = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "budgetmeter"}):
        figure.savefig(out, format="svg", metadata={"Date": None})
    image = out.getvalue()
    image = re.sub(r' d="[^"]*"', _rounded, image[image.index("<svg") :])
    for number, name in enumerate(re.findall(r'<clipPath id="(\w+)"', image)):
        image = image.replace(name, f"clip{number}")  # matplotlib's names change with the process
    label = f'<svg role="img" aria-label="{escape(about)}"'
    return image.replace("<svg", label, 1)


def _rounded(path: re.Match[str]) -> str:
    """A path with two decimals: a hundredth of a point is finer than any printer."""
    return re.sub(r"(\.\d\d)\d+", r"\1", path[0])


def _cell(tag: str, content: str | Sequence[str], kind: str) -> str:
    if isinstance(content, str):
        shown = escape(content.strip())
        if content.startswith("  "):
            kind = "in"
    else:
        shown = "".join(_line(one) for one in content)
    return f'<{tag} class="{kind}">{shown}</{tag}>' if kind else f"<{tag}>{shown}</{tag}>"


def _line(text: str) -> str:
    first, _, rest = text.partition(" ")
    if first in catalogue.rules():
        return f'<span class="rule"><b>{escape(first)}</b> {escape(rest)}</span>'
    return f'<span class="rule">{escape(text)}</span>'


def values(rows: dict[str, Any]) -> list[tuple[str, str]]:
    """Parameters as rows: lists with commas."""
    return [
        (key, ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value))
        for key, value in rows.items()
    ]


def number(value: float, sign: bool = False) -> str:
    """A number with as many places as a reader needs."""
    places = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3
    text = f"{value:{'+' if sign else ''},.{places}f}"
    return text.replace("-0.000", "0.000").replace("+0.000", "0.000")
