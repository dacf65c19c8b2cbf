"""Lines: octets to a meter and back, over a port or within this process."""

import contextlib
import socket
import time
from typing import Protocol
from urllib.parse import urlsplit

from budgetmeter.client.errors import LineError
from budgetmeter.errors import port_problem

BAUD = 115_200
OPEN_S = 10.0
WRITE_S = 5.0  # longest wait for a port to take octets
PIECE = 4096  # octets read at a time
LOOP = "loop"


class Line(Protocol):
    """What a client needs of a line. `now` is the clock that `read` waits on, in seconds."""

    def write(self, data: bytes) -> None:
        """Send octets.

        :raises LineError: when the line broke
        """
        ...

    def read(self, wait_s: float) -> bytes:
        """What has come in, waiting at most so long for the first octet; empty if nothing came.

        :raises LineError: when the line broke
        """
        ...

    def now(self) -> float: ...

    def close(self) -> None: ...


class SerialLine:
    """A port by its pyserial URL: `/dev/ttyACM0`, `rfc2217://…`.

    A device is taken for this program alone. pyserial's own errors are kinds of OSError.

    :raises LineError: when it cannot be opened
    """

    def __init__(self, url: str) -> None:
        import serial  # noqa: PLC0415  # lines of other kinds do without what it needs

        self.url = url
        if not url.isprintable() or not url.strip():
            raise LineError(f"{url!r} is no port, such as /dev/ttyACM0 or socket://127.0.0.1:7000")
        try:
            self._port = serial.serial_for_url(
                url, baudrate=BAUD, timeout=0, write_timeout=WRITE_S, exclusive=True
            )
            if "://" not in url:
                self._port.reset_input_buffer()  # what was meant for whoever had it before
        except (OSError, ValueError, OverflowError) as error:
            raise LineError(port_problem(url, error)) from None

    def write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except OSError as error:
            raise LineError(port_problem(self.url, error)) from None

    def read(self, wait_s: float) -> bytes:
        port = self._port
        try:
            port.timeout = wait_s
            data = port.read(1)
        except OSError as error:
            raise LineError(port_problem(self.url, error)) from None
        if data:
            with contextlib.suppress(OSError):  # told by the next read
                port.timeout = 0
                data += port.read(PIECE)
        return data

    def now(self) -> float:
        return time.monotonic()

    def close(self) -> None:
        self._port.close()


class SocketLine:
    """A TCP port by its pyserial URL, `socket://127.0.0.1:7000`.

    Not pyserial's own: that one keeps the socket open when the other side is gone, loses the
    last octets, and serves no descriptor above 1023.

    :raises LineError: when it cannot be opened
    """

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            parts = urlsplit(url)
            address = parts.hostname, parts.port
        except ValueError:
            parts, address = urlsplit(""), (None, None)
        if not all(address) or parts.query or parts.path.strip("/"):
            raise LineError(f"{url}: an address such as socket://127.0.0.1:7000")
        try:
            self._socket = socket.create_connection(address, OPEN_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (OSError, UnicodeError) as error:
            raise LineError(port_problem(url, error)) from None

    def write(self, data: bytes) -> None:
        try:
            self._socket.settimeout(WRITE_S)
            self._socket.sendall(data)
        except OSError as error:
            raise LineError(port_problem(self.url, error)) from None

    def read(self, wait_s: float) -> bytes:
        try:
            self._socket.settimeout(wait_s)
            data = self._socket.recv(PIECE)
        except (TimeoutError, BlockingIOError):
            return b""
        except OSError as error:
            raise LineError(port_problem(self.url, error)) from None
        if not data:
            raise LineError(f"{self.url}: closed by the other side")
        return data

    def now(self) -> float:
        return time.monotonic()

    def close(self) -> None:
        self._socket.close()


def open_line(url: str) -> Line:
    """The line of a URL; `loop` or `loop:PROFILE` is an emulated meter in this process.

    :raises LineError: when it cannot be opened
    :raises InputError: no such profile
    """
    kind, _, profile = url.partition(":")
    if kind == LOOP and not profile.startswith("//"):
        return _loop(profile)
    return SocketLine(url) if kind == "socket" else SerialLine(url)


def _loop(profile: str) -> Line:
    from budgetmeter import profiles  # noqa: PLC0415  # other lines need no emulator
    from budgetmeter.emulator import ConstantLoad, Emulator  # noqa: PLC0415
    from budgetmeter.emulator.loopback import LoopbackLine  # noqa: PLC0415
    from budgetmeter.units import clock_now  # noqa: PLC0415

    world = Emulator(profiles.load(profile or "wallonia-card"), clock_now(), ConstantLoad())
    return LoopbackLine(world)
