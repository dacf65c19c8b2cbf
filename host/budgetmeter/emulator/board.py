"""The virtual board: a `meterfw.board.Board` in virtual time."""

# pyright: reportIncompatibleMethodOverride=false

from collections.abc import Callable

from meterfw.board import Board
from meterfw.meter import SERVED
from meterfw.wire.link import CHUNK
from meterproto.framing import FLAG

from budgetmeter.card import MemoryCard
from budgetmeter.emulator.parts import Files
from budgetmeter.loads import NOTHING, Draw
from budgetmeter.units import NOMINAL_V

MAINS_MV = NOMINAL_V * 1000  # of the mains it is connected to
_ENDS = bytes([FLAG]) + b"\r\n"  # octets that may complete a line or a frame


class VirtualBoard(Board):
    """Sensors and outputs of a meter, moved on by `pass_time`.

    The load flows only while supply is closed, or through a `bypass` put around it.
    """

    def __init__(self, clock: int, files: Files, p1: bool = False) -> None:
        """A board as flashed.

        :param clock: minutes since 2000-01-01 00:00 UTC+1
        :param p1: it has a P1 port
        :param files: its files by name, with `get` and `[name] = data`; both may raise OSError.
            "identity" and "profile" make it a meter (`budgetmeter.identity.flashed`)
        """
        self.files = files
        self.received = bytearray()  # waits to be read by the meter
        self.sent = bytearray()  # what the meter sent
        self.fitted_p1 = p1
        self.heard_p1 = False  # somebody listens at the P1 port
        self.open_p1 = False  # a telegram for him is being written
        self.sent_p1 = bytearray()  # what he has not yet been given
        self.slot: MemoryCard | None = None
        self.draw = NOTHING
        self.closed = False
        self.bypass = False
        self.lines: tuple[str, ...] = ("", "", "", "")
        self.beeps = 0
        self.wanted = 0  # pulse-seconds per hour asked for by the load
        self.drawn = 0  # and supplied
        self.missing_s = 0
        self._now_s = clock * 60
        self._asked_s = self._now_s
        self.has_clock = True  # a battery-backed clock chip
        self._chip_s = 0  # how far the chip is ahead of the true time
        self._counted = 0
        self._pressed_s = -1

    # What happens to the board

    def pass_time(self, seconds: int) -> None:
        """Let time pass at the present load."""
        self._now_s += seconds
        self.wanted += self.draw.wanted * seconds
        if self.closed or self.bypass:
            self.drawn += self.draw.rate * seconds
        if self.draw.missing:
            self.missing_s += seconds

    def press(self, pressed_s: int = 0) -> None:
        """The button is pressed and released after so many seconds."""
        self._pressed_s = pressed_s

    def receive(self, octets: bytes, poll: Callable[[], object]) -> None:
        """Octets come in on the port; `poll` lets the meter do a pass, until all are served."""
        self.received += octets
        while self.received:
            poll()
        last = octets[-CHUNK:]
        ends = len(last) - len(last.translate(None, _ENDS))
        for _ in range(ends // SERVED):  # what it has read and not come to
            poll()

    @property
    def now_s(self) -> int:
        """Seconds since 2000-01-01 00:00 UTC+1."""
        return self._now_s

    def flowing(self) -> Draw:
        """What the sensors see."""
        return self.draw if self.closed or self.bypass else NOTHING

    # What the meter asks

    def elapsed_ms(self) -> int:
        passed = self._now_s - self._asked_s
        self._asked_s = self._now_s
        return passed * 1000

    def pulses(self) -> int:
        total = self.drawn // 3600
        new = total - self._counted
        self._counted = total
        return new

    def current_ma(self) -> int:
        return self.draw.ma if self.closed or self.bypass else 0

    def power_w(self) -> int:
        return self.draw.w if self.closed or self.bypass else 0

    def voltage_mv(self) -> int:
        return MAINS_MV

    def supply(self, closed: int) -> None:
        self.closed = closed == 1

    def button_s(self) -> int:
        pressed_s, self._pressed_s = self._pressed_s, -1
        return pressed_s

    def clock(self) -> int:
        return (self._now_s + self._chip_s) // 60 if self.has_clock else -1

    def clock_s(self) -> int:
        return (self._now_s + self._chip_s) % 60

    def set_clock(self, clock: int) -> None:
        self._chip_s = clock * 60 - self._now_s

    def show(self, lines: tuple[str, ...]) -> None:
        self.lines = lines

    def beep(self, times: int) -> None:
        self.beeps += times

    def read_into(self, buffer: bytearray | memoryview) -> int:
        size = min(len(self.received), len(buffer))
        if size:
            buffer[:size] = self.received[:size]
            del self.received[:size]
        return size

    def write(self, data: bytes, size: int) -> None:
        self.sent += data[:size]

    def has_p1(self) -> int:
        return int(self.fitted_p1)

    def p1_write(self, data: bytearray, size: int) -> bool:
        if self.open_p1:
            self.sent_p1 += data[:size]
        return True

    def card_in(self) -> int:
        return int(self.slot is not None and self.slot.inside)

    def card_read_into(self, at: int, buffer: bytearray | memoryview) -> bool:
        return self.slot is not None and self.slot.read_into(at, buffer)

    def card_write(self, at: int, data: bytes) -> bool:
        return self.slot is not None and self.slot.write(at, data)

    def load(self, name: str) -> bytes | None:
        return self.files.get(name)

    def store(self, name: str, data: bytes) -> None:
        self.files[name] = bytes(data)
