"""The verb `mqtt`: meters on a broker."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from budgetmeter.bridges.mqtt.address import PASSWORD, address
from budgetmeter.cli.meter import TimeoutOption
from budgetmeter.cli.metrics import MetricsOption, exporter, metrics_place
from budgetmeter.client.meter import TIMEOUT_S
from budgetmeter.errors import InputError
from budgetmeter.report.lines import say
from budgetmeter.units import DAY_S

if TYPE_CHECKING:
    from budgetmeter.bridges.metrics import Sample
    from budgetmeter.bridges.mqtt.bridge import Bridge

MOST = 1000  # meters on one connection
EVERY_S = 10.0


def mqtt(
    urls: Annotated[
        list[str], typer.Argument(metavar="URL…", help="of each meter, as for `status`")
    ],
    broker: Annotated[
        str, typer.Option(metavar="ADDRESS", help="HOST:PORT, mqtt://USER@HOST or mqtts://HOST")
    ],
    password_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=f"the broker's password; else {PASSWORD} has it"),
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="mqtts: certificates to trust; else the system's"),
    ] = None,
    every: Annotated[
        float, typer.Option(min=0.05, max=DAY_S, metavar="SECONDS", help="between two looks")
    ] = EVERY_S,
    timeout: TimeoutOption = TIMEOUT_S,
    topic: Annotated[str, typer.Option(help="what the bridge's topics begin with")] = "budgetmeter",
    discovery: Annotated[
        str, typer.Option(help="what Home Assistant's topics begin with")
    ] = "homeassistant",
    client_id: Annotated[
        str, typer.Option(help="name of this bridge at the broker; one bridge, one name")
    ] = "budgetmeter",
    accept_tokens: Annotated[
        bool, typer.Option("--accept-tokens", help="let messages carry tokens for the meters")
    ] = False,
    metrics: MetricsOption = "",
    for_s: Annotated[
        float | None,
        typer.Option("--for", min=0.1, max=31_536_000, metavar="SECONDS", help="end after so long"),
    ] = None,
) -> None:
    """Meters on an MQTT broker, as Home Assistant finds them, until stopped."""
    to = address(broker, password_file, ca)
    place = metrics_place(metrics)
    if len(urls) > MOST:
        raise InputError(f"at most {MOST} meters on one connection")
    if len(set(urls)) < len(urls):
        raise InputError("one URL stands there twice")
    try:
        from budgetmeter.bridges.mqtt.bridge import Bridge, topics  # noqa: PLC0415  # an extra
        from budgetmeter.bridges.mqtt.broker import Broker  # noqa: PLC0415
    except ImportError:
        raise InputError("mqtt needs paho-mqtt: pip install 'budgetmeter[mqtt]'") from None
    names = topics(topic, discovery, client_id)
    connection = Broker(to, client_id, names.will, accept_tokens, say)
    bridge = Bridge(urls, connection, names, every, timeout, accept_tokens, say)
    ended = threading.Event()
    _stop_on_signals(ended)
    with contextlib.ExitStack() as stack:
        bridge.open()
        stack.callback(bridge.close)
        if place is not None:
            source = _source(bridge)
            stack.enter_context(contextlib.closing(exporter(place, source)))
        count = len(bridge.readings())
        print(f"{count} {'meter' if count == 1 else 'meters'} on {to}", flush=True)
        ended.wait(for_s)


def _source(bridge: "Bridge"):
    """Where metrics come from: the latest look at each meter."""

    def read() -> "Iterator[Sample]":
        from budgetmeter.bridges.metrics import Sample  # noqa: PLC0415  # an extra

        return (Sample(*reading) for reading in bridge.readings())

    return read


def _stop_on_signals(ended: threading.Event) -> None:
    """Let Ctrl-C and, where the system has it, SIGTERM end the bridge in good order."""
    for name in ("SIGINT", "SIGTERM"):
        with contextlib.suppress(AttributeError, ValueError):  # none such; not the main thread
            signal.signal(getattr(signal, name), lambda *_: ended.set())
