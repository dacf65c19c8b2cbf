"""The verb `panel`: a page with a meter in it."""

from pathlib import Path
from typing import Annotated

import typer

from budgetmeter.errors import InputError
from budgetmeter.report import output


def panel(
    out: Annotated[Path, typer.Option(metavar="FILE", help="the HTML file to write")],
) -> None:
    """Write a single HTML file in which the firmware itself runs, without a server."""
    from budgetmeter.web.panel import html  # noqa: PLC0415  # other verbs do not wait for it

    if out.suffix not in (".html", ".htm"):
        raise InputError(f"--out {out}: a file that ends in .html")
    output.check([], [out])
    text = html()
    with output.naming(out):
        out.write_text(text, encoding="utf-8")
    print(f"{out}: {len(text.encode()) // 1000} kB; open it in a browser")
