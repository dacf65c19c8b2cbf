"""A meter behind a serial server: `rfc2217://` works, and asks for settings only when it opens.

The server is pyserial's own, in front of the port of an emulated meter. Settings changed in the
middle of a conversation cost a round trip each: then one status takes as long as many.
"""

import contextlib
import socket
import threading
from decimal import Decimal

import pytest
import serial
import serial.rfc2217
from budgetmeter.client import Meter

pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # pyserial
OPTION = b"\xff\xfa\x2c"  # IAC SB COM-PORT-OPTION: a setting is asked for


class SerialServer:
    """An RFC 2217 server for one user, in front of another port, while the context lasts.

    :ivar url: where it is reached
    :ivar settings: how often a setting was asked for
    """

    def __init__(self, port):
        self._port = serial.serial_for_url(port, timeout=0.05)
        self.settings = 0

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"rfc2217://127.0.0.1:{self._listener.getsockname()[1]}"
        self._end = threading.Event()
        self._user = None
        self._serving = threading.Thread(target=self._serve, daemon=True)
        self._serving.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self.hang_up()
        self._serving.join()
        self._listener.close()
        self._port.close()

    def hang_up(self):
        """Be gone for the present user."""
        if self._user is not None:
            with contextlib.suppress(OSError):
                self._user.shutdown(socket.SHUT_RDWR)

    def write(self, data):
        """What the protocol's side of the server says to the user."""
        self._user.sendall(data)

    def _serve(self):
        while not self._end.is_set():
            try:
                self._user, _ = self._listener.accept()
            except OSError:
                return
            with self._user:
                self._carry()

    def _carry(self):
        manager = serial.rfc2217.PortManager(self._port, self)
        gone = threading.Event()
        reading = threading.Thread(target=self._read, args=(manager, gone), daemon=True)
        reading.start()
        with contextlib.suppress(OSError):
            while data := self._user.recv(1024):
                self.settings += data.count(OPTION)
                self._port.write(b"".join(manager.filter(data)))
        gone.set()
        reading.join()

    def _read(self, manager, gone):
        with contextlib.suppress(OSError):
            while not gone.is_set():
                data = self._port.read(self._port.in_waiting or 1)
                if data:
                    self._user.sendall(b"".join(manager.escape(data)))


@pytest.fixture
def server(meter_url):
    with SerialServer(meter_url) as made:
        yield made


def test_a_plain_client_is_served(server):
    """So the server is right."""
    with serial.serial_for_url(server.url, baudrate=115_200, timeout=5) as port:
        port.write(b"version\r\n")
        assert port.read_until(b"\n") == b"meter 100000001\r\n"


def test_our_client_is_served(server):
    with Meter(server.url) as client:
        assert client.status().balance == Decimal(15)
        asked = server.settings
        assert client.registers().energy_wh == 0
        assert client.status().balance == Decimal(15)
        assert server.settings == asked
