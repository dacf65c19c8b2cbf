"""DLMS on ports: of `emulate --dlms`, and of the command `dlms`; who hogs one, and who errs."""

import contextlib
import signal
import socket
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from budgetmeter.bridges.dlms.history import PERIOD_S
from budgetmeter.bridges.dlms.ports import DlmsPort, EmulatedSide, FarSide
from budgetmeter.testing import served

from tests.command import run
from tests.dlms import fuzz
from tests.dlms.strangers import GATEWAY, GATEWAY_NAME, GuruxClient, PyDlmsClient, Refused, place
from tests.emulate.process import Emulated, bridged

ENERGY = (3, "1.0.1.8.0.255", 2)
BALANCE = (111, "0.0.19.0.0.255", 5)


def test_emulate_serves_many_meters_and_a_gas_meter_behind_each():
    options = ("--count", 2, "--meter", 500, "--dlms", 0, "--p1", 0, "--gas", "wallonia-gas")
    with Emulated(*options) as emulated:
        assert list(emulated.dlms) == list(emulated.urls) == [500, 502, 501, 503]
        for number, url in emulated.dlms.items():
            with closing(PyDlmsClient(url)) as stranger:
                assert stranger.read(1, "0.0.96.1.0.255", 2) == b"%09d" % number
                gas = any(class_id == 3 and name.startswith("7.") for class_id, _, name, _ in
                          stranger.listed())  # fmt: skip
                assert gas == (number > 501)


def test_the_command_serves_a_meter_at_a_url_and_takes_its_tokens(make_meter):
    meter = make_meter()
    meter.use(watts=500, hours=2)
    token = meter.vending.top_up("20.00").octets
    with bridged("dlms", meter.url, "--port", 0) as (process, url):
        with closing(GuruxClient(url, hdlc=True)) as stranger:
            assert stranger.read(*ENERGY) == 1000
            stranger.act(GATEWAY, GATEWAY_NAME, 1, token)
            assert stranger.read(*BALANCE) == int(meter.balance.scaleb(5)) == 34_75_000
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


def patiently(stranger):
    """The balance, as soon as the meter behind the server answers."""
    while True:
        with contextlib.suppress(Refused):
            return stranger.read(*BALANCE)


def test_a_meter_that_is_lost_comes_back():
    with Emulated() as emulated:
        port = urlsplit(emulated.url).port
        serving = bridged("dlms", emulated.url, "--timeout", "0.2", "--port", 0)
        with serving as (_, url), closing(PyDlmsClient(url)) as stranger:
            assert patiently(stranger) == 15_00_000
            emulated.end(signal.SIGKILL)
            with pytest.raises(Refused, match="TEMPORARY_FAILURE"):
                stranger.read(*BALANCE)
            with Emulated("--tcp", port):
                assert patiently(stranger) == 15_00_000


def test_the_load_profile_of_a_meter_at_a_url(make_meter):
    """The first look of each quarter of an hour."""
    meter = make_meter()
    with closing(FarSide(meter.url, 1.0)) as side:
        for second in range(0, 20 * 3600, 450):
            side.run(second)
            meter.use(watts=4000, seconds=450)
        rows = list(side._history.rows)
        assert len(rows) == 20 * 4 - 1
        assert all(at % PERIOD_S == 0 for at, _ in rows)
        found = [int.from_bytes(cells[1][1:], "big") for _, cells in rows]
        assert found == sorted(found)
        assert 0 <= meter.client.registers().energy_wh - found[-1] <= 1000


@pytest.fixture
def port(make_meter):
    """A port whose client may be silent for a moment only."""
    meter = make_meter()
    port = DlmsPort("127.0.0.1", 0, EmulatedSide(meter.world), idle_s=0.2)
    with served(meter, port):
        yield port


def answered(line):
    line.sendall(fuzz.wrapped(fuzz.AARQ))
    return line.recv(4096)[8:9] == b"\x61"


def test_a_second_client_waits_and_one_that_drips_octets_gives_way(port):
    """Octets without a message in them are no sign of life."""
    with socket.create_connection(place(port.url), timeout=60) as first:
        assert answered(first)
        with socket.create_connection(place(port.url), timeout=60) as second:
            assert second.recv(1) == b""  # sent away without a word
        while True:
            first.sendall(b"\x00")
            with socket.create_connection(place(port.url), timeout=60) as third:
                if third.send(fuzz.wrapped(fuzz.AARQ)) and third.recv(1):
                    break
    with socket.create_connection(place(port.url), timeout=60) as last:
        assert answered(last)


@pytest.mark.parametrize(
    "octets", [b"GET / HTTP/1.1\r\n\r\n", b"\x00\x02abcdefgh", b"\x00\x01\x00\x10\x00\x01\xff\xff"]
)
def test_who_speaks_something_else_is_hung_up_on(port, octets):
    with socket.create_connection(place(port.url), timeout=60) as line:
        line.sendall(octets)
        with contextlib.suppress(ConnectionResetError):
            assert line.recv(16) == b""
    with socket.create_connection(place(port.url), timeout=60) as line:
        assert answered(line)


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def one_line(said):
    """What a mistake is answered: one line, and exit status 2."""
    assert (said.status, said.said) == (2, "")
    assert said.error.startswith("budgetmeter: ")
    assert said.error.count("\n") == 1
    return said.error


def test_mistakes_are_one_line(taken, tmp_path, meter_url):
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "odd").write_bytes(b"caf\xe9\n")
    assert "refused" in one_line(run("dlms", "socket://127.0.0.1:1", "--port", 0))
    assert one_line(run("dlms", "nonsense://x", "--port", 0))
    assert "in use" in one_line(run("dlms", meter_url, "--port", taken))
    assert one_line(run("dlms", meter_url, "--port", 0, "--bind", "256.1.1.1"))
    assert "65535" in one_line(run("dlms", meter_url, "--port", 70_000))
    for file in ("empty", "odd", "missing"):
        assert file in one_line(run("dlms", meter_url, "--password", tmp_path / file))
    assert "in use" in one_line(run("emulate", "--dlms", taken))
    wrong = one_line(run("emulate", "--dlms", 65_535, "--count", 2))
    assert wrong == "budgetmeter: --dlms 65535: 2 meters need ports above 65535\n"
    assert "goes with --dlms" in one_line(run("emulate", "--dlms-password", tmp_path / "odd"))


def test_a_client_that_never_reads_holds_nobody_up_and_is_given_up():
    with Emulated("--count", 2, "--dlms", 0, "--give-up", 0.5) as emulated:
        first, second = emulated.dlms.values()
        with socket.socket() as flood:
            flood.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            flood.connect(place(first))
            flood.sendall(fuzz.wrapped(fuzz.AARQ))
            flood.setblocking(False)
            with contextlib.suppress(OSError):  # until nothing more goes
                while True:
                    flood.send(500 * fuzz.wrapped(fuzz.GET))
            with closing(PyDlmsClient(second)) as stranger:
                assert stranger.read(*BALANCE) == 15_00_000
            flood.settimeout(60)
            with pytest.raises(ConnectionError):
                flood.sendall(bytes(1 << 24))
        with closing(PyDlmsClient(first)) as stranger:
            assert stranger.read(*BALANCE) == 15_00_000
