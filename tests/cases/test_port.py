"""Hostile users of a meter's port: they flood it, tear it down, vanish, or wear out its flash.

A user costs the other meters of a process nothing, and costs his own meter no more than his
requests; a user whose machine is gone does not hold the port for hours.
"""

import os
import socket
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from budgetmeter import profiles
from budgetmeter.client import Meter
from budgetmeter.emulator import ConstantLoad, Emulator
from budgetmeter.emulator.ports import TcpPort
from budgetmeter.emulator.server import Server

from tests.emulate.test_server import CLOCK, connect, serving
from tests.firmware.bench import Bench

AT_ONCE = 64 * 1024  # octets of one user that a server may take in before it looks at the others
HOUR_S = 3600


@contextmanager
def by_hand(count):
    """A server of meters that takes a turn when it is told; gives it, and its meters."""
    with closing(Server(speed=0)) as server:
        worlds = []
        for _ in range(count):
            worlds.append(
                Emulator(profiles.load("wallonia-card"), CLOCK, ConstantLoad(), trace=False)
            )
            server.add(worlds[-1], TcpPort("127.0.0.1", 0))
        yield server, worlds


def counted(world):
    """The sizes of what a meter takes in from now on."""
    sizes, receive = [], world.receive

    def note(octets):
        sizes.append(len(octets))
        receive(octets)

    world.receive = note
    return sizes


def flood(user):
    """Send junk until no more goes; how much went."""
    user.setblocking(False)
    sent = 0
    try:
        while True:
            sent += user.send(bytes(65_536))
    except BlockingIOError:
        return sent


@pytest.mark.parametrize(
    "knocked",
    [
        False,
        pytest.param(
            True,
            marks=pytest.mark.xfail(
                strict=True, reason="a second user makes the server read the first one's flood"
            ),
        ),
    ],
    ids=["one user", "a second one knocks"],
)
def test_a_flood_at_one_meter_does_not_keep_the_others_waiting(knocked):
    with by_hand(2) as (server, (flooded, _)), connect(server.urls[0]) as flooder:
        server.turn()  # lets him in
        assert flood(flooder) > 2 * AT_ONCE
        sizes = counted(flooded)
        with connect(server.urls[0] if knocked else server.urls[1]) as second:
            server.turn()
            assert sum(sizes) <= AT_ONCE
            if not knocked:
                second.sendall(b"version\n")
                for _ in range(4):
                    server.turn()
                assert b"ok\r\n" in second.recv(4096)


@pytest.mark.xfail(strict=True, reason="each line of anybody's writes the account to the flash")
def test_asking_for_what_a_board_does_not_have_stores_nothing():
    bench = Bench()
    names = bench.stores()
    for _ in range(50):
        assert bench.type("repl")[-1].startswith("error")
    assert names == []


def keepalive_s(url):
    """When the system next asks whether the far side of a port's user is still there."""
    port = urlsplit(url).port
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local, state, timer = (line.split()[i] for i in (1, 3, 5))
        if int(local.split(":")[1], 16) == port and state == "01":  # established
            kind, ticks = timer.split(":")
            assert kind == "02", "no keepalive"
            return int(ticks, 16) / os.sysconf("SC_CLK_TCK")
    raise AssertionError("no user")


@pytest.mark.xfail(strict=True, reason="a user whose machine is gone keeps the port for two hours")
def test_a_user_whose_machine_is_gone_is_missed_within_the_hour():
    with serving(TcpPort("127.0.0.1", 0)) as server, Meter(server.urls[0]) as meter:
        meter.ping()
        assert keepalive_s(server.urls[0]) < HOUR_S


def test_connections_torn_down_in_the_middle_leave_the_meter_as_it_was():
    with serving(TcpPort("127.0.0.1", 0)) as server:
        for _ in range(100):
            with connect(server.urls[0]) as user:
                user.sendall(b"\x7e\x01garbage" + os.urandom(300))
                user.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        with Meter(server.urls[0]) as meter:
            assert meter.status().balance == 15


def test_a_line_without_end_is_refused_and_the_next_one_is_answered():
    with serving(TcpPort("127.0.0.1", 0)) as server, connect(server.urls[0]) as user:
        user.sendall(b"A" * 500_000 + b"\nversion\n")
        said = b""
        while b"ok\r\n" not in said:
            said += user.recv(4096)
        assert said.startswith(b"error line too long\r\n")
