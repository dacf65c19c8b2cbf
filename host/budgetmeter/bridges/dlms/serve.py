"""DLMS in front of a meter at a URL: a TCP port, one client at a time."""

import contextlib
import socket
import threading
import time

from meterproto.codes import Energy

from budgetmeter import units
from budgetmeter.bridges.dlms.history import PERIOD_S, Capture, History
from budgetmeter.bridges.dlms.session import Connection, Source
from budgetmeter.bridges.dlms.wrapper import Broken
from budgetmeter.bridges.seen import look
from budgetmeter.client import Meter, MeterError
from budgetmeter.errors import InputError, port_problem

TURN_S = 0.5  # between looks at what is to be done, at most
IDLE_S = 60.0  # a client who says nothing for so long gives way to another
TICK_S = 30.0  # between looks at the meter for its load profile
PIECE = 4096
SEND_S = 30.0  # for a client to read its answers


class Server:
    """Serves until it is stopped.

    :param url: of the meter
    :param timeout: as of `budgetmeter.client.Meter`
    :param host: address to listen on
    :param port: number; 0 takes a free one
    :raises InputError: when the port cannot be had
    :raises MeterError: when the meter does not answer
    """

    def __init__(self, url: str, timeout: float, host: str, port: int) -> None:
        self._meter_url, self._timeout = url, timeout
        self._meter: Meter | None = None
        self._history = History()
        self._source = Source(self._reach, self._history, self._drop)
        self.identity = self._reach().identify()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._listener = socket.create_server((host, port), family=family)
        except (OSError, UnicodeError) as error:
            self._drop()
            raise InputError(port_problem(f"{host}, port {port}", error)) from None
        self._listener.settimeout(TURN_S)
        at = self._listener.getsockname()
        shown = f"[{at[0]}]" if family == socket.AF_INET6 else at[0]
        self.url = f"socket://{shown}:{at[1]}"
        self._ticked = -TICK_S
        self._last_s = 0  # when the meter was last looked at for the load profile
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let `run` return; from any thread or a signal handler."""
        self._stopped.set()

    def close(self) -> None:
        """Give line and port back."""
        self._drop()
        self._listener.close()

    def run(self) -> None:
        """Serve one client after the other."""
        while not self._stopped.is_set():
            self._tick()
            try:
                client, _ = self._listener.accept()
            except OSError:
                continue
            with client, contextlib.suppress(OSError):
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._serve(client)

    def _serve(self, client: socket.socket) -> None:
        """Serve a client until it leaves, or is silent for long."""
        connection = Connection(self._source)
        heard = time.monotonic()
        while not self._stopped.is_set() and time.monotonic() - heard < IDLE_S:
            self._tick()
            client.settimeout(TURN_S)
            try:
                octets = client.recv(PIECE)
            except TimeoutError:
                continue
            if not octets:
                return
            heard = time.monotonic()
            try:
                answer = connection.feed(octets)
            except Broken:
                return
            client.settimeout(SEND_S)
            client.sendall(answer)

    def _reach(self) -> Meter:
        """The client of the meter, opened anew where its line broke."""
        if self._meter is None:
            self._meter = Meter(self._meter_url, self._timeout)
        return self._meter

    def _drop(self) -> None:
        if self._meter is not None:
            self._meter.close()
        self._meter = None

    def _tick(self) -> None:
        """Capture a quarter of an hour that has begun since the last look."""
        now = time.monotonic()
        if now - self._ticked < TICK_S:
            return
        self._ticked = now
        try:
            seen = look(self._reach(), self.identity)
        except MeterError:
            self._drop()
            return
        at = seen.status.time
        at_s = units.to_clock(at) * 60 + at.second
        if self._last_s and at_s // PERIOD_S > self._last_s // PERIOD_S:
            gas = self.identity.energy == Energy.GAS
            register = seen.registers.volume_l if gas else seen.registers.energy_wh
            balance = int(seen.status.balance.scaleb(5))
            self._history.add(Capture(at_s, register, balance))
        self._last_s = at_s
