"""The HTTP server: the application on an address, in a thread of its own."""

import socket
import threading
import time
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager

import uvicorn

from budgetmeter.emulator.ports import TcpPort
from budgetmeter.emulator.server import Server
from budgetmeter.emulator.world import Emulator
from budgetmeter.errors import InputError, port_problem
from budgetmeter.web.api import application
from budgetmeter.web.guard import Guard
from budgetmeter.web.shelf import Shelf

LOOPBACK = "127.0.0.1"
_GRACE_S = 1  # for open streams when it ends


class HttpServer:
    """Serves the meters of a `Server` over HTTP until it is closed; a context manager.

    :param server: its thread does what is asked for; it has its meters already
    :param address: where to listen; another than loopback takes a secret
    :param port: 0 takes a free one
    :param secret: what callers must send; "" for none
    :param open_keys: whether the meters' keys are no secret
    :raises InputError: the address cannot be used
    :ivar url: where the page is
    """

    def __init__(
        self,
        server: Server,
        address: str = LOOPBACK,
        port: int = 0,
        secret: str = "",
        open_keys: bool = True,
    ) -> None:
        try:
            family, _, _, _, at = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        except (OSError, UnicodeError) as error:
            raise InputError(port_problem(address, error)) from None
        guard = Guard(str(at[0]), secret)
        app = application(Shelf(server, open_keys), guard)
        # The protocol is named, or asyncio does not send at once: each answer would wait 40 ms.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(at)
            listener.listen(socket.SOMAXCONN)
        except OSError as error:
            listener.close()
            raise InputError(port_problem(f"{address}, port {port}", error)) from None
        name = listener.getsockname()
        shown = f"[{name[0]}]" if family == socket.AF_INET6 else name[0]
        self.url = f"http://{shown}:{name[1]}/"
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
        )
        self._listener = listener
        self._uvicorn = uvicorn.Server(config)
        sockets = [listener]
        self._thread = threading.Thread(
            target=self._uvicorn.run, args=(sockets,), name="budgetmeter http", daemon=True
        )
        self._thread.start()
        while not self._uvicorn.started and self._thread.is_alive():
            time.sleep(0.005)

    def __enter__(self) -> "HttpServer":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of every caller, and give the port back."""
        self._uvicorn.should_exit = True
        self._thread.join()
        self._listener.close()


@contextmanager
def served(world: Emulator, lock: AbstractContextManager[object]) -> Generator[str]:
    """One meter over HTTP on loopback, its time in the hands of whoever has the lock; its URL."""
    server = Server(speed=0, lock=lock)
    server.add(world, TcpPort(LOOPBACK, 0))
    thread = threading.Thread(target=server.run, name="budgetmeter", daemon=True)
    thread.start()
    try:
        with HttpServer(server) as http:
            yield http.url
    finally:
        server.stop()
        thread.join()
        server.close()
