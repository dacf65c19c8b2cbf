"""What several verbs take: a text that is not empty, a file."""

from pathlib import Path

import typer


def some_text(text: str) -> str:
    """An argument that is no empty text."""
    if not text:
        raise typer.BadParameter("is empty")
    return text


def some_file(text: str) -> Path:
    """A path of a text that is not empty."""
    return Path(some_text(text))
