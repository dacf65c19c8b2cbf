"""Hostile users of every kind beside many meters: an honest one is answered within a few turns.

Turns of the server's loop are counted, not seconds: what one turn may take is bounded by what it
takes in (`test_port` in `cases`).
"""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from budgetmeter.client import LineError, Meter
from budgetmeter.emulator import ports
from budgetmeter.emulator.ports import Stream, TcpPort

from tests.cases.test_port import by_hand, flood
from tests.emulate.test_server import REQUEST, connect, serving

METERS = 60
TURNS = 4  # at most, from a question to its answer
ROUND = 200  # and from his coming in: each of those before him has his turn
LINGER = b"\1\0\0\0\0\0\0\0"


class Hostile:
    """A user who does one hostile thing again and again."""

    def __init__(self, url: str, kind: str) -> None:
        self.url, self.kind = url, kind
        self.user = connect(url)
        self.user.setblocking(False)

    def act(self) -> None:
        with suppress(BlockingIOError, ConnectionError):
            getattr(self, self.kind)()

    def floods_with_junk(self) -> None:
        self.user.send(os.urandom(65_536))

    def floods_with_questions(self) -> None:
        self.user.send(b"events\nhelp\n" * 2000)  # and never reads

    def knocks(self) -> None:
        for _ in range(3):
            connect(self.url).close()

    def tears_down(self) -> None:
        self.user.send(REQUEST[:7])
        self.user.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
        self.user.close()
        self.user = connect(self.url)
        self.user.setblocking(False)

    def reads_one_octet(self) -> None:
        self.user.send(b"events\n" * 100)
        self.user.recv(1)

    def hangs_in_a_frame(self) -> None:
        self.user.send(b"\x7e" + bytes(100))


KINDS = [name for name in vars(Hostile) if not name.startswith("_") and name != "act"]


@pytest.fixture
def crowd() -> Iterator[tuple]:
    """A server of meters, all but the last with a hostile user, and its URLs."""
    with by_hand(METERS) as (server, _), ExitStack() as stack:
        users = [Hostile(url, KINDS[i % len(KINDS)]) for i, url in enumerate(server.urls[:-1])]
        for user in users:
            stack.callback(lambda user=user: user.user.close())
        yield server, users


def test_an_honest_user_is_answered_within_a_few_turns(crowd):
    server, users = crowd
    assert len(KINDS) == 6
    with connect(server.urls[-1]) as honest:
        for turns in [ROUND, *[TURNS] * 25]:
            for user in users:
                user.act()
            honest.setblocking(True)
            honest.sendall(b"version\n")
            honest.setblocking(False)
            said = b""
            for _ in range(turns):
                server.turn()
                with suppress(BlockingIOError):
                    said += honest.recv(4096)
            assert said.endswith(b"ok\r\n")


def test_an_idle_user_loses_the_port_only_when_another_waits():
    with serving(TcpPort("127.0.0.1", 0, idle_s=0)) as server, Meter(server.urls[0]) as idle:
        idle.ping()
        idle.ping()  # nobody else: he keeps it
        with Meter(server.urls[0]) as second:
            second.ping()
            with pytest.raises(LineError, match="error idle: another user has the port"):
                idle.ping()
            second.ping()


def test_a_busy_user_keeps_the_port():
    with serving(TcpPort("127.0.0.1", 0, idle_s=3600)) as server, Meter(server.urls[0]) as first:
        first.ping()
        with Meter(server.urls[0]) as second, pytest.raises(LineError, match="port in use"):
            second.ping()
        first.ping()


class Reader:
    """Takes so many octets at each opportunity, and no more until the next."""

    def __init__(self, takes: int) -> None:
        self.takes, self.ready = takes, True

    def write(self, data: bytearray) -> int:
        if not self.ready:
            self.ready = True
            raise BlockingIOError
        self.ready = False
        return min(self.takes, len(data))


@pytest.mark.parametrize(("takes", "dropped"), [(0, True), (1, True), (50, True), (200, False)])
def test_a_slow_reader_is_dropped_and_one_on_a_slow_line_is_not(takes, dropped):
    """Once a second so many octets, while answers wait all the time."""
    stream = Stream(-1, lambda size: b"", Reader(takes).write)
    given_up = False
    for now in range(300):
        stream.hold(bytearray(ports.ROOM))
        stream.send(float(now))
        given_up = given_up or stream.stuck(float(now), ports.GIVE_UP_S)
    assert given_up is dropped


def test_a_flood_does_not_keep_the_server_from_stopping():
    with serving(TcpPort("127.0.0.1", 0)) as server, connect(server.urls[0]) as flooder:
        flood(flooder)
        with connect(server.urls[0]):
            server.stop()  # and `serving` joins the thread
