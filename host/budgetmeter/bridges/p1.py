"""P1 telegrams of any meter at a URL, written by the firmware's own module.

A meter says over its wire all that a telegram tells, except what the quarters of an hour were: the
bridge counts those itself, from when it began.
"""

import contextlib
import selectors
import time
from collections.abc import Callable
from decimal import Decimal

from meterfw import layouts
from meterfw.board import Board
from meterfw.p1.demand import Demand
from meterfw.p1.telegram import Telegram
from meterfw.store.journal import Ledger

from budgetmeter import profiles, units
from budgetmeter.client import Meter
from budgetmeter.client.errors import LineError, NoAnswer
from budgetmeter.emulator.p1 import Deaf, P1Port
from budgetmeter.emulator.ports import GIVE_UP_S, PtyPort
from budgetmeter.errors import InputError

SECOND_S = 1.0  # between telegrams
AGAIN_S = 5.0  # before a lost line is opened anew


class _Board(Board):
    """What a meter's sensors say, as read; it keeps no files, and meters nothing itself."""

    def __init__(self) -> None:
        self.w = self.ma = self.mv = 0

    def elapsed_ms(self) -> int:
        return 0

    def pulses(self) -> int:
        return 0

    def supply(self, closed: int) -> None:
        pass

    def power_w(self) -> int:
        return self.w

    def current_ma(self) -> int:
        return self.ma

    def voltage_mv(self) -> int:
        return self.mv

    def load(self, name: str) -> bytes | None:
        return None

    def store(self, name: str, data: bytes | bytearray) -> None:
        pass


class Copy:
    """A meter as a telegram needs it, kept up to date by reading it.

    :param url: as for `budgetmeter.client.Meter`
    :param timeout: seconds to wait for an answer
    :raises LineError, NoAnswer, BadAnswer: when it cannot be read
    :ivar gas: whether it meters gas
    """

    def __init__(self, url: str, timeout: float) -> None:
        self.ledger = Ledger()
        self.board = _Board()  # pyright: ignore[reportAbstractUsage]
        self.demand = Demand(self.board)
        self._meter = Meter(url, timeout)
        try:
            identity = self._meter.identify()
            self.number = identity.meter
            self.gas = identity.energy == layouts.ENERGY_GAS
            profile = self.ledger.profile
            profile.energy, profile.phases = int(self.gas), _phases(identity.profile)
            self.read()
        except BaseException:
            self.close()
            raise
        self.demand.begin(self.ledger.state)

    def close(self) -> None:
        """Give the line back."""
        self._meter.close()

    def read(self) -> None:
        """Read account, registers and sensors."""
        status, registers = self._meter.status(), self._meter.registers()
        m, board = self.ledger.state, self.board
        for reading in (status, registers):
            for name in layouts.STATE_FIELDS:
                value = getattr(reading, name, None)
                if value is not None:
                    setattr(m, name, _plain(value))
        m.clock, m.second = units.to_clock(status.time), status.time.second
        board.w, board.ma = status.power_w or 0, status.current_ma or 0
        board.mv = status.voltage_mv or 0
        self.demand.follow(m)


def _phases(profile: str) -> int:
    """Phases of a profile by its name; 1 of one that is not ours."""
    if profile not in profiles.names():
        return 1
    return profiles.load(profile).record().phases


def _plain(value: object) -> int:
    """A field of the state from what a reading made of it."""
    if isinstance(value, Decimal):
        return int(value.scaleb(5))
    if isinstance(value, tuple):
        return sum(int(bit) for bit in value)
    if isinstance(value, int):
        return int(value)
    return 0  # times, which a telegram does not tell


class Source:
    """Where telegrams come from: a meter at a URL, and perhaps a gas meter behind it.

    :param url: of the meter
    :param gas: of the gas meter behind it, if any
    :param timeout: seconds to wait for an answer
    :raises LineError, NoAnswer, BadAnswer: when one of them cannot be read
    :raises InputError: when the one behind is no gas meter, or the other one is
    """

    def __init__(self, url: str, gas: str = "", timeout: float = 1.0) -> None:
        self._copies = [Copy(url, timeout)]
        try:
            if gas:
                self._copies.append(Copy(gas, timeout))
                if [copy.gas for copy in self._copies] != [False, True]:
                    raise InputError("--gas puts a gas meter behind an electricity meter")
        except BaseException:
            self.close()
            raise
        first, last = self._copies[0], self._copies[-1]
        self._telegram = Telegram(first.ledger, first.board, first.number, first.demand)
        if last.gas:
            self._telegram.gas, self._telegram.gas_number = last.ledger, last.number

    def close(self) -> None:
        """Give the lines back."""
        for copy in self._copies:
            copy.close()

    def telegram(self) -> bytes:
        """The meter read anew, as a telegram.

        :raises LineError, NoAnswer, BadAnswer: when it cannot be read
        """
        for copy in self._copies:
            copy.read()
        telegram = self._telegram
        telegram.begin()
        pieces: list[bytes] = []
        while size := telegram.piece():
            pieces.append(bytes(telegram.buffer[:size]))
        return b"".join(pieces)


def reader_port(host: str, number: int) -> P1Port:
    """A TCP port for a reader.

    :raises InputError: when it cannot be had
    """
    return P1Port(bytearray(), lambda listens: None, host, number)


class Bridge:
    """Sends a telegram a second to whoever reads at a port, until it is stopped.

    :param opened: makes a `Source`, again after it was lost
    :param port: of `reader_port`, or a pseudo-terminal
    :param lost: told once when the meter is lost, with the reason
    """

    def __init__(
        self, opened: Callable[[], Source], port: P1Port | PtyPort, lost: Callable[[str], object]
    ) -> None:
        self._opened, self._port, self._lost = opened, port, lost
        self._source: Source | None = None
        self._stopped = self._told = False
        self._nobody = Deaf()

    def stop(self) -> None:
        """Let `run` return, within a second; from any thread or a signal handler."""
        self._stopped = True

    def run(self, source: Source) -> None:
        """Serve until stopped.

        :param source: the first one, closed in the end
        """
        self._source = source
        try:
            due = time.monotonic()
            while not self._stopped:
                now = time.monotonic()
                if now >= due:
                    due = max(due + SECOND_S, now) if self._tell() else now + AGAIN_S
                self._serve(min(max(due - time.monotonic(), 0.0), SECOND_S))
        finally:
            if self._source is not None:
                self._source.close()

    def _tell(self) -> bool:
        """Hand a telegram to the port; False when the meter is lost."""
        try:
            self._source = self._source or self._opened()
            told = self._source.telegram()
        except (LineError, NoAnswer) as error:
            if not self._told:
                self._lost(f"{error}; trying again")
            self._told = True
            if self._source is not None:
                self._source.close()
            self._source = None
            return False
        self._told = False
        stream, now = self._port.stream, time.monotonic()
        if stream is not None and stream.takes_more():
            stream.hold(bytearray(told))
            if not stream.send(now) or stream.stuck(now, GIVE_UP_S):
                self._port.hang_up()
        elif stream is not None:
            self._port.hang_up()
        return True

    def _serve(self, wait_s: float) -> None:
        """Look after readers for so long."""
        end = time.monotonic() + wait_s
        while not self._stopped:
            with contextlib.closing(selectors.DefaultSelector()) as selector:
                for fd, (events, _) in self._port.interests().items():
                    selector.register(fd, events)
                for key, events in selector.select(max(end - time.monotonic(), 0)):
                    if events & selectors.EVENT_READ:
                        self._port.serve(self._nobody, key.fd)  # pyright: ignore
                    elif self._port.stream is not None:
                        self._port.stream.send(time.monotonic())
            if time.monotonic() >= end:
                return
