"""The serial port: a UART, or the one MicroPython talks on (USB, or the serial chip of a board)."""

import select
import sys

from meterfw import const

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from machine import UART

BAUD = 115_200  # of a UART
_PATIENCE_MS = const(100)  # USB takes a few hundred octets at a time


class Uart:
    """A `machine.UART` whose buffers hold a frame."""

    def __init__(self, uart: "UART") -> None:
        self.uart = uart

    def read_into(self, buffer: "bytearray | memoryview") -> int:
        """Read what is there."""
        if not self.uart.any():
            return 0
        return self.uart.readinto(buffer) or 0

    def write(self, data: "bytes | bytearray", size: int) -> None:
        """Send; what does not fit into the buffer waits for the wire."""
        left = memoryview(data)[:size]
        while left:  # the RP2040 takes no more than fits, the ESP32 waits by itself
            sent = self.uart.write(left)
            if sent:
                left = left[sent:]


class P1:
    """The P1 port: a UART that only sends, or None on a board without one."""

    def __init__(self, uart: "UART | None") -> None:
        self.uart = uart

    def fitted(self) -> int:
        return self.uart is not None

    def write(self, data: bytearray, size: int) -> bool:
        """Begin to send what fits into its buffer; False while something is on the wire."""
        uart = self.uart
        if uart is None or not uart.txdone():
            return False
        uart.write(data, size)  # pyright: ignore[reportCallIssue]  # a slice would allocate
        return True


def ready(poll: "select.poll", wait_ms: int = 0) -> bool:
    """Whether what a `select.poll` watches is ready, or gets so; allocates nothing."""
    for _ in poll.ipoll(wait_ms):
        return True
    return False


class Standard:
    """Standard input and output. Ctrl-C has to be off, or an octet 3 would stop the meter.

    :ivar source: where octets are read
    """

    def __init__(self) -> None:
        self.source = sys.stdin.buffer
        self._out = sys.stdout.buffer
        self._readable = select.poll()
        self._readable.register(sys.stdin, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(sys.stdout, select.POLLOUT)
        self._deaf = False

    def read_into(self, buffer: "bytearray | memoryview") -> int:
        """Read what is there, octet by octet: more may wait for what never comes."""
        size = 0
        while size < len(buffer) and ready(self._readable):
            octet = self.source.read(1)
            if not octet:
                break
            buffer[size] = octet[0]
            size += 1
        return size

    def write(self, data: "bytes | bytearray", size: int) -> None:
        """Send. What nobody reads for _PATIENCE_MS is dropped, and after it all until they do."""
        self._deaf = not ready(self._writable, 0 if self._deaf else _PATIENCE_MS)
        if not self._deaf:
            self._out.write(memoryview(data)[:size])
