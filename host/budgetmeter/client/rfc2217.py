"""A serial port behind a serial server, `rfc2217://host:port`, over pyserial."""

import contextlib
import time

import serial

from budgetmeter.client.errors import LineError

LOOK_S = 0.05  # longest wait of one read; the server is asked for settings only as the port opens


class Rfc2217Line:
    """A line to a serial server that speaks RFC 2217.

    pyserial's port asks the server anew for baud rate and format whenever a time-out of it is
    changed, and knows none for writing: so its time-out is set once, and a longer wait is several.

    :param baud: bits per second of the port behind the server
    :raises serial.SerialException: when it cannot be opened; `lines.open_line` translates
    """

    def __init__(self, url: str, baud: int) -> None:
        self.url = url
        self._port = serial.serial_for_url(url, baudrate=baud, timeout=LOOK_S)

    def write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except (serial.SerialException, OSError):
            raise self._lost() from None

    def read(self, wait_s: float) -> bytes:
        until = self.now() + wait_s
        try:
            data = self._port.read(1)
            while not data and self.now() < until:
                data = self._port.read(1)
        except (serial.SerialException, OSError):
            raise self._lost() from None
        with contextlib.suppress(serial.SerialException, OSError):  # told by the next read
            data += self._port.read(self._port.in_waiting)
        return data

    def _lost(self) -> LineError:
        return LineError(f"{self.url}: closed by the other side")

    def now(self) -> float:
        return time.monotonic()

    def close(self) -> None:
        self._port.close()
