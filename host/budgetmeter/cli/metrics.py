"""The option `--metrics`, which several verbs have."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from budgetmeter.cli.arguments import LOOPBACK
from budgetmeter.errors import InputError

if TYPE_CHECKING:
    from budgetmeter.bridges.metrics import Exporter, Source

MetricsOption = Annotated[
    str,
    typer.Option(metavar="[ADDRESS:]PORT", help="serve metrics for Prometheus; 0 takes a free one"),
]


def metrics_place(text: str) -> tuple[str, int] | None:
    """Address and port of the option; None where it is left out.

    :raises InputError: neither, or the extra is missing
    """
    if not text:
        return None
    found = re.fullmatch(r"(?:(\S+):)?([0-9]{1,5})", text)
    if found is None or int(found[2]) > 65_535:
        raise InputError(f"--metrics {text}: a port such as 9100, or 0.0.0.0:9100")
    try:
        import budgetmeter.bridges.metrics  # noqa: F401, PLC0415  # an extra
    except ImportError:
        raise InputError(
            "--metrics needs prometheus-client: pip install 'budgetmeter[metrics]'"
        ) from None
    return (found[1] or LOOPBACK).strip("[]"), int(found[2])


def exporter(place: tuple[str, int], source: "Source") -> "Exporter":
    """Serve metrics from now on; says where.

    :raises InputError: when the port cannot be had
    """
    from budgetmeter.bridges.metrics import Exporter  # noqa: PLC0415  # an extra

    serving = Exporter(place, source)
    typer.echo(f"metrics: {serving.url}", err=True)
    return serving
