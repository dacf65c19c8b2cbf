"""A second port of an emulated meter: what is asked there does not disturb its own."""

# pyright: reportIncompatibleMethodOverride=false

from meterfw.board import Board
from meterfw.wire.link import FRAME, NOTHING, Link
from meterfw.wire.service import Service

from budgetmeter.emulator.world import Emulator


class SidePort(Board):
    """The meter's own service on a link beside its port: frames, and no console.

    `budgetmeter.emulator.loopback.LoopbackLine` makes a client's line of it.

    :param world: the meter's emulator
    :ivar sent: what the meter answered here
    """

    def __init__(self, world: Emulator) -> None:
        self.world = world
        self.sent = bytearray()
        self._received = bytearray()
        self._link = Link(self)

    @property
    def board(self) -> "SidePort":
        """Where the answers are."""
        return self

    def receive(self, octets: bytes) -> None:
        """Frames come in; the meter answers each, as after one on its own port."""
        self._received += octets
        link, served = self._link, False
        while (complete := link.poll()) != NOTHING or self._received:
            if complete == FRAME:
                self._service().answer(link.size)
                served = True
        if served:
            self.world.settle()

    def _service(self) -> Service:
        """Of the meter as it is since its last restart."""
        meter = self.world.meter
        name = meter._service.profile_name
        return Service(self, self._link, meter.till, meter.slot, name)

    # What service and link ask of a board

    def power_w(self) -> int:
        return self.world.board.power_w()

    def current_ma(self) -> int:
        return self.world.board.current_ma()

    def voltage_mv(self) -> int:
        return self.world.board.voltage_mv()

    def elapsed_ms(self) -> int:
        return 0

    def pulses(self) -> int:
        return 0

    def supply(self, closed: int) -> None:
        pass

    def load(self, name: str) -> bytes | None:
        return None

    def store(self, name: str, data: bytes) -> None:
        pass

    def read_into(self, buffer: "bytearray | memoryview") -> int:
        size = min(len(self._received), len(buffer))
        buffer[:size] = self._received[:size]
        del self._received[:size]
        return size

    def write(self, data: "bytes | bytearray", size: int) -> None:
        self.sent += data[:size]
