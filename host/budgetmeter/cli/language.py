"""Options of what people read: in which language, and a report as a file."""

from pathlib import Path
from typing import Annotated

import typer

from budgetmeter import texts
from budgetmeter.cli.arguments import some_file

LanguageOption = Annotated[
    str,
    typer.Option("--lang", metavar="LANGUAGE", help=f"language: {', '.join(texts.LANGUAGES)}; en"),
]
ReportOption = Annotated[
    Path | None,
    typer.Option(
        "--report", metavar="FILE", help="a report to send and print: .html", parser=some_file
    ),
]
