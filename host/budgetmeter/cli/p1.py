"""The verb `p1`: telegrams of any meter, as its P1 port would send them."""

import contextlib
import signal
import sys
from typing import Annotated

import typer

from budgetmeter.bridges.p1 import Bridge, Source, reader_port
from budgetmeter.cli.arguments import LOOPBACK, port_option
from budgetmeter.cli.meter import TimeoutOption, UrlArgument
from budgetmeter.client.meter import TIMEOUT_S
from budgetmeter.emulator.ports import PtyPort
from budgetmeter.errors import InputError


def p1(
    url: UrlArgument,
    gas: Annotated[str, typer.Option(metavar="URL", help="the gas meter behind it")] = "",
    tcp: Annotated[
        int | None,
        port_option("TCP port; 0 takes a free one"),
    ] = None,
    bind: Annotated[str, typer.Option(metavar="ADDRESS", help="TCP: listen here")] = LOOPBACK,
    pty: Annotated[bool, typer.Option("--pty", help="a pseudo-terminal instead")] = False,
    once: Annotated[bool, typer.Option("--once", help="print one telegram, and end")] = False,
    timeout: TimeoutOption = TIMEOUT_S,
) -> None:
    """P1 telegrams of a meter, one a second, on a port for a reader. Prints the port's URL."""
    if (tcp is not None or bind != LOOPBACK) + pty + once > 1:
        raise InputError("one of --tcp, --pty and --once")

    def opened() -> Source:
        return Source(url, gas, timeout)

    source = opened()
    if once:
        with contextlib.closing(source):
            sys.stdout.write(source.telegram().decode("ascii").replace("\r\n", "\n"))
        return
    with contextlib.ExitStack() as stack:
        stack.callback(source.close)
        port = PtyPort() if pty else reader_port(bind, tcp or 0)
        stack.callback(port.close)
        bridge = Bridge(opened, port, _say)
        for name in ("SIGINT", "SIGTERM"):
            with contextlib.suppress(AttributeError, ValueError):
                signal.signal(getattr(signal, name), lambda *_: bridge.stop())
        print(port.url, flush=True)
        bridge.run(source)


def _say(line: str) -> None:
    print(f"budgetmeter: {line}", file=sys.stderr, flush=True)
