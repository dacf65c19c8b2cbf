"""A port and its users: slow, silent, deaf, broken off, too many. The meter goes on serving."""

import os
import socket
import threading
import tty
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import pytest
from budgetmeter import profiles
from budgetmeter.client import FaultyLine, LineError, Meter
from budgetmeter.client.lines import open_line
from budgetmeter.emulator import ConstantLoad, Emulator, ports
from budgetmeter.emulator.ports import PtyPort, TcpPort
from budgetmeter.emulator.server import LAST_S, Server
from meterproto import framing, messages

REQUEST = framing.encode(messages.Header.build({"version": 1, "type": 3, "sequence": 7}))
CLOCK = 11_012_400


@contextmanager
def serving(*made, **how):
    """A running server with a meter on each port."""
    server = Server(**how)
    for port in made:
        world = Emulator(profiles.load("wallonia-card"), CLOCK, ConstantLoad(), trace=False)
        server.add(world, port)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()
        server.close()


@pytest.fixture
def url():
    with serving(TcpPort("127.0.0.1", 0)) as server:
        yield server.urls[0]


def connect(url):
    parts = urlsplit(url)
    made = socket.create_connection((parts.hostname, parts.port), timeout=20)
    return made


def everything(user):
    """What comes until the other side hangs up."""
    data = b""
    while piece := user.recv(65_536):
        data += piece
    return data


def test_a_second_user_is_told_and_the_first_goes_on(url):
    with Meter(url) as first:
        first.ping()
        for _ in range(5):
            with connect(url) as second:
                assert everything(second) == ports.BUSY
        with Meter(url) as second, pytest.raises(LineError, match="error port in use"):
            second.ping()
        first.ping()
    with Meter(url) as later:
        later.ping()


def test_one_octet_at_a_time(url):
    with connect(url) as user:
        for octet in REQUEST:
            user.send(bytes([octet]))
        frames = []
        decoder = framing.Decoder()
        while not frames:
            frames = list(decoder.feed(user.recv(1)))
        assert frames[0][:3] == bytes([1, 131, 7])


def test_what_was_asked_before_hanging_up_is_answered(url):
    """As from `printf 'version\\n' | nc -N`."""
    with connect(url) as user:
        user.sendall(b"version\n" * 500)
        user.shutdown(socket.SHUT_WR)
        assert everything(user).count(b"ok\r\n") == 500


def test_half_a_frame_and_gone(url):
    for cut in range(1, len(REQUEST)):
        with connect(url) as user:
            user.send(REQUEST[:cut])
        with Meter(url) as meter:
            meter.ping()


def test_a_user_who_never_reads_costs_a_bounded_room_and_is_given_up():
    with serving(TcpPort("127.0.0.1", 0), give_up_s=0.5) as server:
        deaf = connect(server.urls[0])
        deaf.setblocking(False)
        sent, most = 0, 0
        with deaf:
            while sent < 1 << 30:
                try:
                    sent += deaf.send(b"events\nhelp\nstatus\n" * 100)
                except BlockingIOError:
                    stream = server._meters[0][1].stream
                    if stream is not None:  # not yet taken on, or hung up on already
                        most = max(most, len(stream._out))
                except OSError:
                    break  # in the end it is hung up on
        assert sent < 1 << 30
        assert 0 < most <= ports.ROOM + 256 * 1024
        with Meter(server.urls[0]) as meter:
            meter.ping()


def test_nobody_reads_a_pseudo_terminal_and_later_somebody_does():
    with serving(PtyPort(), give_up_s=0.2) as server:
        device = os.open(server.urls[0], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(device)
        refused = 0
        while refused < 1000:
            try:
                os.write(device, b"status\n" * 10)
            except BlockingIOError:
                refused += 1
        os.close(device)
        with Meter(server.urls[0], tries=30) as meter:
            assert meter.status().balance == 15


def test_other_meters_do_not_wait_for_a_deaf_user():
    with serving(TcpPort("127.0.0.1", 0), TcpPort("127.0.0.1", 0)) as server:
        deaf = connect(server.urls[0])
        with deaf, Meter(server.urls[1]) as meter:
            deaf.setblocking(False)
            for _ in range(200):
                with suppress(BlockingIOError):
                    deaf.send(b"events\n" * 500)
                meter.ping()


def test_ten_thousand_connections_leave_nothing_behind():
    with serving(TcpPort("127.0.0.1", 0)) as server:

        def descriptors():
            return len(os.listdir("/proc/self/fd"))

        with Meter(server.urls[0]) as meter:
            meter.ping()
        before = descriptors()
        for i in range(10_000):
            with connect(server.urls[0]) as user:
                if i % 3 == 0:
                    user.send(REQUEST[: i % len(REQUEST)])
                if i % 1000 == 0:  # gone without a goodbye
                    user.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        with Meter(server.urls[0]) as meter:
            assert meter.status().balance == 15
        assert descriptors() <= before + 2
        assert len(server._watched[0]) <= 2


def test_faults_on_a_real_port(url):
    line = FaultyLine(open_line(url), 5, split=0.3, drop=0.1, duplicate=0.2, delay=0.2,
                      delay_s=0.01, flip=0.0005)  # fmt: skip
    with Meter(line, timeout=0.2, tries=100) as meter:
        for _ in range(20):
            assert meter.status().balance == 15
    assert sum(line.faults.values()) > 10


def test_time_stops_at_the_end_of_the_clock():
    world = Emulator(profiles.load("wallonia-card"), LAST_S // 60 - 60, ConstantLoad(100))
    server = Server(speed=float("inf"))
    server.add(world, TcpPort("127.0.0.1", 0))
    for _ in range(50):
        server._selector.select(0)
        server._pass_time()
    assert world.now_s == LAST_S
    assert server._idle_s() is None  # and the process sleeps
    server.close()


def test_an_address_in_use_is_one_line():
    from budgetmeter.errors import InputError

    port = TcpPort("127.0.0.1", 0)
    number = urlsplit(port.url).port
    with pytest.raises(InputError, match="in use by another program"):
        TcpPort("127.0.0.1", number)
    port.close()
