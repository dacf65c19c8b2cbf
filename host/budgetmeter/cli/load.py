"""Options of verbs that read a load from a file."""

from pathlib import Path
from typing import Annotated

import typer

from budgetmeter.errors import InputError
from budgetmeter.loads import Request

LoadZone = Annotated[
    str,
    typer.Option(
        metavar="ZONE", help="zone of the load's times without an offset, e.g. Europe/Brussels"
    ),
]
LoadShape = Annotated[
    str,
    typer.Option(metavar="SHAPE", help="shape of the load's file: a name or a TOML file"),
]


def load_request(load: Path | list[Path] | None, zone: str, shape: str) -> Request:
    """What the options say of a load's file.

    :raises InputError: when there is no such file to say it of
    """
    if not load and (zone or shape):
        raise InputError("--load-zone and --load-shape are for a --load")
    return Request(zone, shape)
