"""A serial port behind a serial server, `rfc2217://host:port`, over pyserial."""

import contextlib
import time
from urllib.parse import urlsplit

import serial

from budgetmeter.client.errors import LineError
from budgetmeter.errors import port_problem

LOOK_S = 0.05  # longest wait of one read


class Rfc2217Line:
    """A line to a serial server that speaks RFC 2217.

    pyserial's port asks the server anew for baud rate and format whenever a time-out of it is
    changed, and knows none for writing: so its time-out is set once, and a longer wait is several.
    Its errors are kinds of OSError.

    :param baud: bits per second of the port behind the server
    :raises LineError: when it cannot be opened
    """

    def __init__(self, url: str, baud: int) -> None:
        self.url = url
        try:
            parts = urlsplit(url)
            whole = parts.hostname and parts.port
        except ValueError:
            whole = False
        if not whole:
            raise LineError(f"{url}: an address such as rfc2217://127.0.0.1:2217")
        try:
            self._port = serial.serial_for_url(url, baudrate=baud, timeout=LOOK_S)
        except (OSError, ValueError) as error:
            raise LineError(port_problem(url, error)) from None

    def write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except OSError:
            raise self._lost() from None

    def read(self, wait_s: float) -> bytes:
        until = self.now() + wait_s
        try:
            data = self._port.read(1)
            while not data and self.now() < until:
                data = self._port.read(1)
        except OSError:
            raise self._lost() from None
        with contextlib.suppress(OSError):  # told by the next read
            data += self._port.read(self._port.in_waiting)
        return data

    def _lost(self) -> LineError:
        return LineError(f"{self.url}: closed by the other side")

    def now(self) -> float:
        return time.monotonic()

    def close(self) -> None:
        self._port.close()
