"""DLMS on a TCP port: beside an emulated meter, and in front of a meter at a URL."""

import time
from pathlib import Path

from budgetmeter.bridges.dlms.history import PERIOD_S, History
from budgetmeter.bridges.dlms.session import Connection, Source, clock_of
from budgetmeter.bridges.dlms.wrapper import Broken
from budgetmeter.bridges.seen import look
from budgetmeter.client import Meter, MeterError
from budgetmeter.emulator.loopback import LoopbackLine
from budgetmeter.emulator.ports import GONE, KEEPALIVE_S, Served, Stream, TcpPort
from budgetmeter.emulator.side import SidePort
from budgetmeter.emulator.world import Emulator
from budgetmeter.errors import InputError

IDLE_S = 60.0  # a client that asks nothing for so long gives way to another
TICK_S = 30  # between looks at a meter at a URL for its load profile
LONGEST_PASSWORD = 64  # characters


class DlmsSide:
    """A meter that answers DLMS, to one client at a time.

    :param source: the meter
    :ivar sent: octets for the client
    :ivar heard: when its last whole message came, by the monotonic clock
    """

    def __init__(self, source: Source) -> None:
        self.sent = bytearray()
        self._source = source
        self.begin()

    def receive(self, octets: bytes) -> None:
        """Octets come in from a client.

        :raises ConnectionError: they are no DLMS
        """
        messages = self._connection.messages
        try:
            self.sent += self._connection.feed(octets)
        except Broken as error:
            raise ConnectionAbortedError(str(error)) from None
        if self._connection.messages > messages:
            self.heard = time.monotonic()

    def begin(self) -> None:
        """Another client comes."""
        self._connection = Connection(self._source)
        self.heard = time.monotonic()


class EmulatedSide(DlmsSide):
    """An emulated meter.

    :param world: the meter's emulator
    :param password: without it nobody enters tokens; None lets everybody
    """

    def __init__(self, world: Emulator, password: bytes | None = None) -> None:
        self.world = world
        self._history = History()
        meter = Meter(LoopbackLine(SidePort(world)))
        rows = self._history.rows
        super().__init__(Source(lambda: meter, rows, password, clock=lambda _: world.now_s))
        self._plan(world.now_s - 1)

    def _capture(self) -> None:
        """Capture now, and again at every quarter of an hour."""
        world = self.world
        state = world.meter.state
        register = state.volume_l if world.profile.gas else state.energy_wh
        self._history.add(world.now_s, register, world.balance())
        self._plan(world.now_s)

    def _plan(self, after_s: int) -> None:
        self.world.plan_at(after_s - after_s % PERIOD_S + PERIOD_S, self._capture)


class FarSide(DlmsSide):
    """A meter at a URL, as an `emulator.server.Server` serves it; its time is that of the server.

    :param url: of the meter
    :param timeout: as of `budgetmeter.client.Meter`
    :param password: as of `EmulatedSide`
    :raises MeterError: when the meter does not answer
    """

    def __init__(self, url: str, timeout: float, password: bytes | None = None) -> None:
        self._url, self._timeout = url, timeout
        self._meter: Meter | None = None
        self._history = History()
        self._passed_s = 0
        self._quarter = 0  # of the meter, at the last look
        super().__init__(Source(self._reach, self._history.rows, password, self.close))
        self.number = self._reach().identify().meter

    @property
    def board(self) -> "FarSide":
        """Where the answers are."""
        return self

    @property
    def meter(self) -> "FarSide":
        """Nothing is stored on this side."""
        return self

    def commit(self) -> bool:
        """Nothing is stored on this side."""
        return True

    @property
    def now_s(self) -> int:
        """Seconds since the server began."""
        return self._passed_s

    def run(self, until_s: int) -> None:
        """Time passes: look at the meter now and then."""
        due = until_s // TICK_S > self._passed_s // TICK_S or not self._passed_s
        self._passed_s = until_s
        if due:
            try:
                self._tick()
            except MeterError:
                self.close()

    def close(self) -> None:
        """Give the line back; it is opened anew when it is needed."""
        if self._meter is not None:
            self._meter.close()
        self._meter = None

    def _reach(self) -> Meter:
        if self._meter is None:
            self._meter = Meter(self._url, self._timeout)
        return self._meter

    def _tick(self) -> None:
        """Capture a quarter of an hour that has begun since the last look."""
        seen = look(self._reach())
        at_s, gas = clock_of(seen.status), seen.identity.energy.word == "gas"
        register = seen.registers.volume_l if gas else seen.registers.energy_wh
        if self._quarter and at_s // PERIOD_S > self._quarter:
            self._history.add(at_s, register, int(seen.status.balance.scaleb(5)))
        self._quarter = at_s // PERIOD_S


class DlmsPort(TcpPort):
    """A TCP port for one DLMS client at a time, whatever meter it is served for.

    :param host: address to listen on
    :param port: number; 0 takes a free one
    :param side: the meter
    :param idle_s: a client that asks nothing for so long gives way to another
    :param keepalive_s: how often TCP asks whether a silent client's machine is still there
    :raises InputError: when it cannot be had
    """

    busy = idle = b""  # whom it sends away is told nothing that is no DLMS

    def __init__(
        self,
        host: str,
        port: int,
        side: DlmsSide,
        idle_s: float = IDLE_S,
        keepalive_s: int = KEEPALIVE_S,
    ) -> None:
        super().__init__(host, port, idle_s, keepalive_s)
        self._side = side

    def take_in(self, stream: Stream, world: Served) -> int:
        """Take in a piece; octets that make no message do not count as a sign of life."""
        found = stream.serve(self._side)
        if found != GONE:
            stream.heard = self._side.heard
        return found

    def outgoing(self, world: Served) -> bytearray:
        """Answers for the client."""
        return self._side.sent

    def hang_up(self) -> None:
        """The client is gone, or given up."""
        super().hang_up()
        self._side.sent.clear()
        self._side.begin()


def read_password(path: Path | None) -> bytes | None:
    """The password in the first line of a file; None without a file.

    :raises InputError: unreadable, or no password
    """
    if path is None:
        return None
    try:
        password = (path.read_text("ascii").splitlines() or [""])[0]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        password = ""
    if not 0 < len(password) <= LONGEST_PASSWORD or not password.isprintable():
        raise InputError(
            f"{path}: a password is 1 to {LONGEST_PASSWORD} printable ASCII characters"
        )
    return password.encode()
