"""What several verbs take: a text that is not empty, a file, a port."""

from pathlib import Path
from typing import Any

import typer

LOOPBACK = "127.0.0.1"


def some_text(text: str) -> str:
    """An argument that is no empty text."""
    if not text:
        raise typer.BadParameter("is empty")
    return text


def some_file(text: str) -> Path:
    """A path of a text that is not empty."""
    return Path(some_text(text))


def port_option(text: str) -> Any:
    """An option that is a TCP port.

    :param text: its help
    """
    return typer.Option(metavar="PORT", min=0, max=65_535, help=text)
