"""What several verbs take: a text, a file, a plot to be written."""

import logging
from importlib import import_module
from pathlib import Path
from types import ModuleType

import typer

from budgetmeter.errors import InputError


def some_text(text: str) -> str:
    """An argument that is no empty text."""
    if not text:
        raise typer.BadParameter("is empty")
    return text


def some_file(text: str) -> Path:
    """A path of a text that is not empty."""
    return Path(some_text(text))


def plotter(module: str, path: Path | None) -> ModuleType | None:
    """The module that plots, when there is something to plot.

    :param path: what `--plot` names
    :raises InputError: an ending that is no picture's, or matplotlib is not installed
    """
    if path is None:
        return None
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise InputError(f"--plot {path}: a file ending in .png, .svg or .pdf")
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # nobody asked about its caches
    try:
        return import_module(module)
    except ImportError:
        raise InputError("--plot needs matplotlib: pip install 'budgetmeter[plot]'") from None
