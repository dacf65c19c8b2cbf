"""The MQTT bridge with a real broker: what is retained, what is sent once, what comes back."""

import contextlib
import json
import signal
import socket
import subprocess
import threading

import pytest
from budgetmeter.bridges.mqtt.address import address
from budgetmeter.bridges.mqtt.bridge import Bridge, topics
from budgetmeter.bridges.mqtt.broker import Broker
from budgetmeter.testing import MeterUnderTest, served

from tests.bridges.brokers import BROKERS
from tests.bridges.watching import Watcher
from tests.command import BUDGETMETER

NAMES = topics("budgetmeter", "homeassistant", "bridge")


@pytest.fixture(params=BROKERS)
def broker(request, tmp_path):
    """A real broker that runs."""
    with request.param(tmp_path) as running:
        yield running


@pytest.fixture
def meter():
    """A card meter in virtual time on a port."""
    under_test = MeterUnderTest("wallonia-card", start="2020-06-02 12:00")
    with served(under_test) as url:
        under_test.at_url, under_test.number = url, under_test.client.identify().meter
        yield under_test


@contextlib.contextmanager
def bridged(meter, port, accept_tokens=True, said=None):
    """A bridge from a meter to the broker on a port."""
    say = print if said is None else said.append
    connection = Broker(address(f"127.0.0.1:{port}"), "bridge", NAMES.will, accept_tokens, say)
    bridge = Bridge([meter.at_url], connection, NAMES, 0.05, 5, accept_tokens, say)
    bridge.open()
    try:
        yield bridge
    finally:
        bridge.close()


def balance(watcher, number):
    state = watcher.last(NAMES.state(number))
    return state and state["balance"]


def test_a_meter_is_found_followed_and_topped_up(broker, meter):
    number = meter.number
    with bridged(meter, broker.port), Watcher(broker.port) as watcher:
        there = [NAMES.config(number), NAMES.state(number)]
        online = [NAMES.bridge, NAMES.availability(number)]
        watcher.wait(lambda w: all(w.of(topic) for topic in there + online))
        with Watcher(broker.port) as late:
            late.wait(lambda w: len(w.messages) >= 4)
            assert {(topic, retained) for topic, _, retained in late.messages} == {
                (topic, True) for topic in there + online
            }
            assert [set(late.of(topic)) for topic in online] == [{"online"}, {"online"}]
        assert balance(watcher, number) == 15
        meter.use(watts=2000, hours=1)
        watcher.wait(lambda w: balance(w, number) == 14.5)
        assert watcher.last(NAMES.state(number))["energy"] == 2000
        token = meter.vending.top_up("20.00")
        watcher.publish(NAMES.token(number), token.text)
        watcher.wait(lambda w: w.of(NAMES.answer(number)))
        answer = watcher.last(NAMES.answer(number))
        assert (answer["taken"], answer["number"], answer["balance"]) == (True, token.number, 34.5)
        watcher.wait(lambda w: balance(w, number) == 34.5)
        kinds = [json.loads(text)["event_type"] for text in watcher.of(NAMES.event(number))]
        assert kinds == ["token-accepted", "credited"]
        watcher.publish(NAMES.token(number), token.text)
        watcher.wait(lambda w: len(w.of(NAMES.answer(number))) == 2)
        assert watcher.last(NAMES.answer(number))["error"] == "token refused: taken before"
        watcher.publish(NAMES.token(number), "no token at all")
        watcher.wait(lambda w: len(w.of(NAMES.answer(number))) == 3)
        assert watcher.last(NAMES.answer(number))["error"].startswith("no token: ")
        assert meter.balance == 34.5
    with Watcher(broker.port) as late:
        late.wait(lambda w: set(w.of(NAMES.bridge)) == {"offline"} and balance(w, number) == 34.5)


def test_a_broker_that_comes_back_has_all_again_and_no_token_twice(broker, meter):
    number, said = meter.number, []
    gate = Gate(f"socket://127.0.0.1:{broker.port}")
    with gate, bridged(meter, gate.port, said=said), Watcher(broker.port) as watcher:
        watcher.wait(lambda w: balance(w, number) == 15)
        watcher.publish(NAMES.token(number), meter.vending.top_up("20.00").text)
        watcher.wait(lambda w: balance(w, number) == 35)
        gate.shut()
        broker.kill()
        meter.top_up("30.00")  # while nobody is there
        watcher.forget()
        broker.start()
        watcher.wait(lambda w: w.connections == 2)
        gate.open()
        watcher.wait(lambda w: balance(w, number) == 65)
        for topic in (NAMES.config(number), NAMES.availability(number), NAMES.bridge):
            watcher.wait(lambda w, topic=topic: w.of(topic))
        watcher.wait(lambda w: {(3, "token-accepted"), (4, "credited")} <= events(w, number))
        watcher.publish(NAMES.token(number), meter.vending.top_up("5.00").text)
        watcher.wait(lambda w: balance(w, number) == 70)
        assert meter.registers().credited == 70
    assert said == [
        f"mqtt://127.0.0.1:{gate.port}: connection lost; trying again",
        f"mqtt://127.0.0.1:{gate.port}: connected again",
    ]


def events(watcher, number):
    told = map(json.loads, watcher.of(NAMES.event(number)))
    return {(event["number"], event["event_type"]) for event in told}


def test_without_being_asked_it_takes_no_token(broker, meter):
    number = meter.number
    with bridged(meter, broker.port, False), Watcher(broker.port) as watcher:
        watcher.wait(lambda w: w.last(NAMES.config(number)))
        assert "token" not in watcher.last(NAMES.config(number))["components"]
        watcher.publish(NAMES.token(number), meter.vending.top_up("20.00").text)
        meter.use(watts=1000, hours=1)
        watcher.wait(lambda w: balance(w, number) == 14.75)
        assert meter.registers().credited == 15


def test_a_retained_token_is_not_taken(broker, meter):
    number, said = meter.number, []
    with Watcher(broker.port) as watcher:
        watcher.publish(NAMES.token(number), meter.vending.top_up("20.00").text, retain=True)
        with bridged(meter, broker.port, said=said):
            watcher.wait(lambda w: balance(w, number) == 15)
            watcher.publish(NAMES.token(number), meter.vending.top_up("5.00").text)
            watcher.wait(lambda w: balance(w, number) == 20)
    assert said == [f"{NAMES.token(number)}: a retained token is not taken"]


def test_a_meter_that_goes_and_comes_back(broker, meter):
    number, said = meter.number, []
    gate = Gate(meter.at_url)
    meter.at_url = gate.url
    with gate, bridged(meter, broker.port, said=said), Watcher(broker.port) as watcher:
        watcher.wait(lambda w: w.of(NAMES.availability(number))[-1:] == ["online"])
        gate.shut()
        watcher.wait(lambda w: w.of(NAMES.availability(number))[-1:] == ["offline"])
        watcher.publish(NAMES.token(number), meter.vending.top_up("5.00").text)
        watcher.wait(lambda w: w.of(NAMES.answer(number)))
        assert not watcher.last(NAMES.answer(number))["taken"]
        meter.use(watts=1000, hours=1)
        gate.open()
        watcher.wait(lambda w: w.of(NAMES.availability(number))[-1:] == ["online"])
        watcher.wait(lambda w: balance(w, number) == 14.75)
    assert [line.rpartition(": ")[2] for line in said][1:] == [f"meter {number:09d} answers"]
    assert said[0].endswith("; trying again")


def test_an_acknowledgement_that_is_lost_asks_the_meter_once(broker, meter):
    """A wrong token counts towards the lock-out: repeated by the broker, it counts once."""
    number = meter.number
    gate = Gate(f"socket://127.0.0.1:{broker.port}")
    wrong = bytearray(meter.vending.top_up("20.00").octets)
    wrong[-1] ^= 1
    from meterproto import tokens

    with gate, bridged(meter, gate.port), Watcher(broker.port) as watcher:
        watcher.wait(lambda w: balance(w, number) == 15)
        gate.deaf = True  # what the bridge says gets lost from now on
        watcher.publish(NAMES.token(number), tokens.to_text(bytes(wrong)))
        while not refused(meter):
            pass
        gate.cut()
        watcher.wait(lambda w: w.of(NAMES.answer(number)))
        assert watcher.last(NAMES.answer(number))["error"].startswith("token refused: tag wrong")
        watcher.publish(NAMES.token(number), meter.vending.top_up("5.00").text)
        watcher.wait(lambda w: balance(w, number) == 20)
        assert refused(meter) == 1
        assert gate.connections == 2


def refused(meter):
    return meter.events().count("token-refused")


class Gate:
    """A door on the way to a TCP port: it can be shut, go deaf, or cut who is inside."""

    def __init__(self, url):
        host, _, port = url.removeprefix("socket://").rpartition(":")
        self._to = host, int(port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"socket://127.0.0.1:{self.port}"
        self.deaf = self._closed = self._shut = False
        self.connections = 0
        self._inside = []

    def __enter__(self):
        threading.Thread(target=self._let_in, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self._closed = True
        self._listener.close()
        self.cut()

    def _let_in(self):
        while not self._closed:
            try:
                near, _ = self._listener.accept()
                if self._shut:
                    near.close()
                    continue
                far = socket.create_connection(self._to)
            except OSError:
                continue
            self.connections += 1
            self._inside += [near, far]
            for a, b, ours in ((near, far, True), (far, near, False)):
                threading.Thread(target=self._carry, args=(a, b, ours), daemon=True).start()

    def _carry(self, a, b, ours):
        with contextlib.suppress(OSError):
            while data := a.recv(4096):
                if not (ours and self.deaf):
                    b.sendall(data)
        for one in (a, b):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def cut(self):
        """Cut who is inside; whoever comes is let in, and heard."""
        for one in self._inside:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._inside.clear()
        self.deaf = False

    def shut(self):
        """Nobody gets through."""
        self._shut = True
        self.cut()

    def open(self):
        """Everybody does."""
        self._shut = False


def test_a_bridge_that_is_killed_is_missed(broker, meter):
    arguments = ["--broker", broker.address, "--every", "0.05"]
    process = subprocess.Popen(
        [BUDGETMETER, "mqtt", meter.at_url, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with Watcher(broker.port) as watcher:
        watcher.wait(lambda w: w.of("budgetmeter/bridge/budgetmeter") == ["online"])
        assert process.stdout.readline() == f"1 meter on mqtt://{broker.address}\n"
        process.kill()
        watcher.wait(lambda w: w.of("budgetmeter/bridge/budgetmeter") == ["online", "offline"])
    process.communicate()


def test_a_bridge_that_is_stopped_says_goodbye(broker, meter):
    process = subprocess.Popen(
        [BUDGETMETER, "mqtt", meter.at_url, "--broker", broker.address],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 0
    with Watcher(broker.port) as watcher:
        watcher.wait(lambda w: set(w.of("budgetmeter/bridge/budgetmeter")) == {"offline"})
