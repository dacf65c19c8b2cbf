"""Telegrams on ports: of the test API, of `emulate --p1`, and of the bridge `p1`."""

import os
import signal
import socket
import subprocess
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import pytest
from budgetmeter import profiles
from budgetmeter.bridges.p1 import Source
from budgetmeter.errors import InputError
from dsmr_parser.clients import SocketReader
from dsmr_parser.telegram_specifications import BELGIUM_FLUVIUS

from tests.command import run
from tests.emulate.process import BUDGETMETER, Emulated, bridged
from tests.p1 import dsmr, lives

HOUR_S = 3600
OWN = ("1-0:1.4.0", "1-0:1.6.0", "0-0:98.1.0", "!")  # the bridge counts quarters by itself


def reader_of(url):
    """A stranger's reader on a URL."""
    parts = urlsplit(url)
    return SocketReader(parts.hostname, parts.port, BELGIUM_FLUVIUS).read()


@contextmanager
def connected(url):
    """A socket on a URL."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as made:
        yield made


def received(made, enough):
    """What comes on a socket, until `enough` says so."""
    data = b""
    while not enough(data):
        more = made.recv(4096)
        assert more, data
        data += more
    return data


def whole(data):
    """The first telegram, once it is whole; else nothing."""
    begin = max(data.find(b"/BGT5"), 0)
    end = data.find(b"!", begin)
    return data[begin : end + 7] if end >= 0 and len(data) >= end + 7 else b""


def seen(telegram):
    """Breaker, limit, fuse and text, of a telegram that SocketReader has read."""
    return {
        "breaker": int(telegram.ACTUAL_SWITCH_POSITION.value),
        "limit_kw": float(telegram.ACTUAL_TRESHOLD_ELECTRICITY.value),
        "fuse_a": int(telegram.FUSE_THRESHOLD_L1.value),
        "text": bytes.fromhex(telegram.TEXT_MESSAGE.value or "").decode("ascii"),
        "kwh": float(telegram.ELECTRICITY_USED_TARIFF_1.value),
    }


def test_socket_reader_follows_an_hour_of_a_credit_life_second_by_second(make_meter):
    """Emergency credit, off, topped up, disconnected by an order: in the telegram of its second."""
    poor = {"initial_reserve": {"value": 1, "unit": "EUR"}, "window_days": {"value": []}}
    meter = make_meter(profile="wallonia-digital", start="2020-06-02 10:00", change=poor)
    meter.world.p1_every_second = True
    reader = reader_of(meter.p1_url)
    next(reader)
    acts = {
        1800: lambda: meter.top_up("20.00"),
        2400: lambda: meter.order("disconnect", cause="safety"),
        2700: lambda: meter.order("reconnect"),
        3000: meter.press,
    }
    texts, times = set(), set()
    for second in range(HOUR_S):
        acts.get(second, lambda: None)()
        meter.use(watts=30_000, seconds=1)
        telegram = next(reader)
        m, p = meter.world.meter.state, meter.world.meter.profile
        assert seen(telegram) == lives.due(m, p), (second, meter.time)
        assert telegram.P1_MESSAGE_TIMESTAMP.value.second == m.second
        times.add(telegram.P1_MESSAGE_TIMESTAMP.value)
        texts.add(seen(telegram)["text"].partition(", ")[2])
    reader.close()
    assert len(times) == HOUR_S
    assert {"", "EMERGENCY CREDIT", "OFF BY OPERATOR"} < texts


def test_a_reader_has_every_change_without_waiting(meter, p1_url):
    with connected(p1_url) as made:
        first = whole(received(made, whole))
        assert dsmr.read(first.decode())["text"] == "15.00 EUR"
        meter.top_up("20.00")
        told = received(made, lambda data: b"!" in data and b"33352E3030" in data)  # 35.00
        assert dsmr.read(whole(told).decode())["breaker"] == "1"
        with connected(p1_url) as second:  # one reader, as one plug fits
            assert received(second, lambda data: data.endswith(b"\n")) == b"error port in use\r\n"
        made.sendall(b"token 1\r\n~\x01\x01\x01~")  # nobody listens to him
        meter.use(watts=500, minutes=1)
        assert b"ok" not in received(made, whole)


def test_the_telegram_without_a_port(meter, make_meter):
    gas = make_meter(profile="wallonia-gas")
    gas.use(litres=1000, minutes=30)
    meter.wait(hours=1)
    told = dsmr.read(meter.p1(gas=gas))
    assert (told["valve"], float(told["gas_m3"])) == ("1", 0.5)
    assert told["text"].startswith("15.00 EUR; gas ")
    assert gas.time == meter.time
    assert "24.4.0" not in meter.p1()
    gas.wait(hours=1)
    with pytest.raises(InputError, match="at the gas meter"):
        meter.p1(gas=gas)
    with pytest.raises(InputError, match="behind an electricity meter"):
        gas.p1(gas=meter)


def test_three_phases_have_their_lines(make_meter):
    three = {"phases": {"value": 3}}
    meter = make_meter(profile="wallonia-digital", change=three)
    meter.world.board.draw = meter.world.board.draw._replace(w=10_001, ma=15_000)
    lines = dict(line.split("(", 1) for line in meter.p1().splitlines() if "(" in line)
    assert [lines[f"1-0:{n}.7.0"] for n in (1, 21, 41, 61)] == [
        *("10.001*kW)", "03.335*kW)"),
        *("03.333*kW)", "03.333*kW)"),
    ]
    assert {lines[f"1-0:{n}.7.0"] for n in (32, 52, 72)} == {"230.0*V)"}
    assert {lines[f"1-0:{n}.7.0"] for n in (31, 51, 71)} == {"015.00*A)"}
    single = make_meter(profile="wallonia-digital").p1()
    assert "1-0:41.7.0" not in single
    assert "1-0:52.7.0" not in single


def test_emulate_serves_many_meters_each_with_its_gas_meter():
    """Their ports count on from the ones given; the telegrams are those of their own meter."""
    where = ("--count", 3, "--meter", 500, "--p1", 0, "--gas", "wallonia-gas", "--watts", 700)
    with Emulated(*where, "--speed", 50) as emulated:
        assert list(emulated.urls) == [500, 503, 501, 504, 502, 505]
        assert list(emulated.p1) == [500, 501, 502]
        for number, url in emulated.p1.items():
            with connected(url) as made:
                told = whole(received(made, whole)).decode()
                for serial in (number, number + 3):
                    assert f"{serial:09d}".encode().hex() in told
                assert dsmr.read(told)["valve"] == "1"


def test_a_port_that_counts_on_ends_at_the_last_one():
    said = run("emulate", "--p1", 65_535, "--count", 2)
    assert said.status == 2
    assert said.error == "budgetmeter: --p1 65535: 2 meters need ports above 65535\n"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--gas", "wallonia-gas"), "--gas puts a gas meter into P1 telegrams: it needs --p1"),
        (
            ("--p1", 0, "--gas", "wallonia-card"),
            "--gas takes a gas profile, and --profile one of electricity",
        ),
    ],
)
def test_a_gas_meter_where_none_can_be(options, line):
    said = run("emulate", *options)
    assert (said.status, said.error) == (2, f"budgetmeter: {line}\n")


# ---- The bridge


@pytest.mark.parametrize("profile", profiles.names())
def test_the_bridge_tells_what_the_meter_tells(profile, make_meter):
    """Over the wire, in several states, all but the quarters of an hour."""
    meter = make_meter(profile=profile)
    flow = {"litres": 900} if meter.world.profile.gas else {"watts": 2300}
    with closing(Source(meter.url)) as source:
        for _ in range(6):
            meter.use(**flow, hours=11)
            meter.press()
            ours, theirs = (
                [line for line in text.splitlines() if not line.startswith(OWN)]
                for text in (meter.p1(), source.telegram().decode("ascii"))
            )
            assert theirs == ours
            assert dsmr.read(source.telegram().decode("ascii")).get("refused") is None


def test_the_bridge_counts_quarters_from_when_it_began(make_meter):
    meter = make_meter(profile="wallonia-digital")
    with closing(Source(meter.url)) as source:
        for watts in (1000, 3000, 2000):
            meter.use(watts=watts, minutes=15)
            told = source.telegram().decode("ascii")
        assert "1-0:1.6.0(200602123000S)(03.000*kW)" in told


def test_a_gas_meter_behind_by_its_own_url(make_meter):
    first, gas = make_meter(), make_meter(profile="wallonia-gas")
    with closing(Source(first.url, gas.url)) as source:
        assert source.telegram().decode("ascii").split("0-0:96.13.0")[1][:60] in first.p1(gas=gas)
    with pytest.raises(InputError, match="behind an electricity meter"):
        Source(gas.url, first.url)


def test_the_command_serves_tcp_a_terminal_and_one_telegram(make_meter):
    meter = make_meter()
    with bridged("p1", meter.url) as (process, url):
        with connected(url) as made:
            two = received(made, lambda data: data.count(b"!") >= 2)
            assert dsmr.read(whole(two).decode())["text"] == "15.00 EUR"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    with bridged("p1", meter.url, "--pty") as (_, path):
        reader = os.open(path, os.O_RDONLY | os.O_NOCTTY)
        data = b""
        while not whole(data):
            data += os.read(reader, 4096)
        os.close(reader)
        assert dsmr.read(whole(data).decode()).get("refused") is None
    once = run("p1", meter.url, "--once").said
    assert once.startswith("/BGT5")
    assert once.splitlines()[-1].startswith("!")


def test_a_meter_that_is_lost_comes_back(make_meter):
    """One line on standard error, and telegrams go on once the meter is there again."""
    with Emulated() as emulated:
        port = urlsplit(emulated.url).port
        process = subprocess.Popen(
            [BUDGETMETER, "p1", emulated.url, "--timeout", "0.2"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        url = process.stdout.readline().strip()
        with connected(url) as made:
            received(made, whole)
            emulated.end(signal.SIGKILL)
            assert process.stderr.readline().endswith("; trying again\n")
            with Emulated("--tcp", port):
                received(made, whole)
        process.kill()
        process.communicate(timeout=60)


@pytest.mark.parametrize("options", [("--tcp", 0, "--pty"), ("--once", "--pty")])
def test_one_way_out(options, meter_url):
    said = run("p1", meter_url, *options)
    assert (said.status, said.error) == (2, "budgetmeter: one of --tcp, --pty and --once\n")


def test_no_meter_there():
    said = run("p1", "socket://127.0.0.1:1", "--once")
    assert (said.status, said.error.count("\n")) == (2, 1)
