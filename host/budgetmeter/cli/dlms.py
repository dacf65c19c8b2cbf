"""The verb `dlms`: any meter as a DLMS/COSEM server."""

import contextlib
import signal
from pathlib import Path
from typing import Annotated

import typer

from budgetmeter.bridges.dlms.ports import IDLE_S, DlmsPort, FarSide, read_password
from budgetmeter.bridges.dlms.wrapper import PORT
from budgetmeter.cli.arguments import LOOPBACK, port_option
from budgetmeter.cli.meter import TimeoutOption, UrlArgument
from budgetmeter.client.meter import TIMEOUT_S
from budgetmeter.emulator.server import Server


def dlms(
    url: UrlArgument,
    port: Annotated[int, port_option("TCP port; 0 takes a free one")] = PORT,
    bind: Annotated[str, typer.Option(metavar="ADDRESS", help="listen here")] = LOOPBACK,
    password: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="who enters tokens gives the password in this file"),
    ] = None,
    idle: Annotated[
        float,
        typer.Option(min=0.1, metavar="SECONDS", help="silent clients give way to others after"),
    ] = IDLE_S,
    timeout: TimeoutOption = TIMEOUT_S,
) -> None:
    """A meter as a DLMS/COSEM server, wrapper and HDLC. Prints the port's URL."""
    word = read_password(password)
    with contextlib.ExitStack() as stack:
        side = FarSide(url, timeout, word)
        stack.callback(side.close)
        server = Server()
        stack.callback(server.close)
        served = DlmsPort(bind, port, side, idle)
        server.add(side, served)
        for name in ("SIGINT", "SIGTERM"):
            with contextlib.suppress(AttributeError, ValueError):
                signal.signal(getattr(signal, name), lambda *_: server.stop())
        print(served.url, flush=True)
        server.run()
