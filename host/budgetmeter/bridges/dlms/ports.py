"""DLMS on a port of its own beside an emulated meter."""

from meterfw.meter import Meter as Firmware

from budgetmeter.bridges.dlms.history import PERIOD_S, Capture, History
from budgetmeter.bridges.dlms.session import Connection, Source
from budgetmeter.bridges.dlms.wrapper import Broken
from budgetmeter.client import Meter
from budgetmeter.emulator.loopback import LoopbackLine
from budgetmeter.emulator.ports import TcpPort
from budgetmeter.emulator.side import SidePort
from budgetmeter.emulator.world import Emulator


class DlmsSide:
    """An emulated meter as an `emulator.server.Server` serves it, answering DLMS.

    :param world: the meter's emulator
    :ivar sent: octets for the client
    """

    def __init__(self, world: Emulator) -> None:
        self.world = world
        self.sent = bytearray()
        self._history = History()
        meter = Meter(LoopbackLine(SidePort(world)))
        self._source = Source(lambda: meter, self._history)
        self._connection = Connection(self._source)
        self._plan(world.now_s - 1)

    @property
    def meter(self) -> Firmware:
        """The meter as it is since its last restart."""
        return self.world.meter

    @property
    def board(self) -> "DlmsSide":
        """Where the answers are."""
        return self

    @property
    def now_s(self) -> int:
        """Seconds since 2000-01-01 00:00 UTC+1."""
        return self.world.now_s

    def run(self, until_s: int) -> None:
        """Run to a time in seconds since 2000 UTC+1."""
        self.world.run(until_s)

    def receive(self, octets: bytes) -> None:
        """Octets come in from a client.

        :raises ConnectionError: they are no DLMS
        """
        try:
            self.sent += self._connection.feed(octets)
        except Broken as error:
            raise ConnectionAbortedError(str(error)) from None

    def begin(self) -> None:
        """Another client comes."""
        self._connection = Connection(self._source)

    def _capture(self) -> None:
        """Capture now, and again at every quarter of an hour."""
        world = self.world
        state = world.meter.state
        register = state.volume_l if world.profile.gas else state.energy_wh
        self._history.add(Capture(world.now_s, register, world.balance()))
        self._plan(world.now_s)

    def _plan(self, after_s: int) -> None:
        self.world.plan_at(after_s - after_s % PERIOD_S + PERIOD_S, self._capture)


class DlmsPort(TcpPort):
    """A TCP port for one DLMS client at a time."""

    busy = idle = b""  # whom it sends away learns nothing that is no DLMS

    def __init__(self, host: str, port: int, side: DlmsSide, idle_s: float) -> None:
        super().__init__(host, port, idle_s)
        self._side = side

    def hang_up(self) -> None:
        """The client is gone, or given up."""
        super().hang_up()
        self._side.begin()
