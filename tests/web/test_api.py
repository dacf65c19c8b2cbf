"""HTTP: the guard, one sentence for each error, hostile bodies from the OpenAPI description."""

import os
import socket
import threading

import pytest
import requests
import schemathesis
from budgetmeter.client.web import Web, WebError
from budgetmeter.emulator import ConstantLoad, Emulator
from budgetmeter.emulator.ports import TcpPort
from budgetmeter.emulator.server import Server
from budgetmeter.errors import InputError
from budgetmeter.profiles import load
from budgetmeter.web import page, panel, texts
from budgetmeter.web.calls import CALLS
from budgetmeter.web.counter import Counter
from budgetmeter.web.guard import Guard
from budgetmeter.web.openapi import description
from budgetmeter.web.serve import HttpServer
from hypothesis import HealthCheck, settings
from meterproto import cards, tokens
from meterproto.codes import Kind

from tests.micropython import HERE as MICROPYTHON
from tests.web import crowd

FIRST = 100_000_001


def emulated(count=3, gas=False):
    """A server that stands still, with so many meters, and its thread."""
    profile = load("wallonia-gas" if gas else "wallonia-card")
    server = Server(speed=0)
    for number in range(FIRST, FIRST + count):
        world = Emulator(profile, 10_000_000, ConstantLoad(200), meter=number, trace=False)
        server.add(world, TcpPort("127.0.0.1", 0))
    thread = threading.Thread(target=server.run)
    thread.start()
    return server, thread


@pytest.fixture(scope="module")
def server():
    made, thread = emulated()
    yield made
    made.stop()
    thread.join()
    made.close()


@pytest.fixture(scope="module")
def http(server):
    with HttpServer(server) as made:
        yield made


@pytest.fixture
def web(http):
    with Web(http.url) as made:
        yield made


def accounts(server):
    """The state of every meter, as bytes of its log and account."""
    return server.ask(
        lambda: [(bytes(w.meter.log.data), w.balance(), w.now_s) for w in server.worlds]
    ).result(60)


# ---- What comes of it --------------------------------------------------------------------------


def test_a_day_by_http(web):
    meter = web.make("wallonia-card", "2020-06-02T12:00", initial_reserve="1.00")
    meter.use(watts=1000)
    assert meter.wait(4 * 3600)["supply"] == "connected"  # friendly hours
    card, receipt = meter.terminal(pay="20.00")
    assert receipt["carried"] == "20.00000"
    assert meter.put_in(card)["card"] == {"inside": True, "outcome": 9, "taken": 1}
    written = meter.pull_out()
    assert cards.newest(written, cards.OUTWARD, cards.OUTWARD_SIZE) is not None
    assert meter.balance == 20
    assert [entry["event"] for entry in meter.events()][-1] == "credited"
    _, again = meter.terminal(written)
    assert again["carried"] == "0.00000"  # the report proves it taken
    meter.drop()
    with pytest.raises(WebError, match="There is no meter"):
        meter.view()


def test_the_fixture_gives_the_same_meter(meter, meter_http):
    meter_http.order("top-up", amount="20.00")
    assert meter_http.balance == meter.balance == 35
    meter.top_up("5.00")
    assert meter_http.balance == 40


def test_a_stream_tells_what_happens(web):
    meter = web.make()
    stream = meter.stream()
    assert next(stream)[0] == "view"
    meter.order("top-up", amount="20.00")
    names = [next(stream) for _ in range(3)]
    assert [data["event"] for name, data in names if name == "happened"][-1] == "credited"
    stream.close()
    meter.drop()


@pytest.mark.parametrize("kind", [Kind.TOP_UP, Kind.HOLD, Kind.LIMITER_ENABLE])
def test_the_counter_seals_as_construct_does(server, kind):
    issuer = server.worlds[0].issuer
    octets = Counter(issuer).token(kind, 5000, 7, order_id=3)
    fields = tokens.parse(octets)
    head = {"version": 1, "kind": int(kind), "key_revision": 1, "meter": FIRST}
    values = {"number": issuer.number, "order_id": 3, "value": 5000, "extra": 7, "expiry": 0}
    assert octets == tokens.seal({**head, **values}, issuer.key)
    assert fields.value == 5000
    card = Counter(issuer).new_card()
    assert cards.head_genuine(bytes(card), issuer.key)


def test_an_offices_meters_get_no_tokens_here(server):
    with HttpServer(server, open_keys=False) as closed, Web(closed.url) as web:
        with pytest.raises(WebError, match="its office only") as raised:
            web.meter().order("top-up", amount="20.00")
        assert raised.value.status == 403


def test_an_answer_leaves_at_once(http):
    """asyncio waits for more to send on a socket whose protocol it does not know."""
    assert http._listener.proto == socket.IPPROTO_TCP


# ---- The guard ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "meters.example"}, 403),
        ({"Origin": "http://meters.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_no_page_of_another_site_presses_the_button(server, http, headers, status):
    from http.client import HTTPConnection

    before = accounts(server)
    host, port = http.url.removeprefix("http://").strip("/").split(":")
    connection = HTTPConnection(host, int(port))
    connection.request("POST", f"/meters/{FIRST}/press", headers=headers)
    answer = connection.getresponse()
    assert answer.status == status
    answer.read()
    connection.close()
    assert accounts(server) == before


def test_another_address_takes_a_secret():
    with pytest.raises(InputError, match="--http-secret"):
        Guard("0.0.0.0")


def test_with_a_secret_only_who_has_it_comes_in(server):
    with HttpServer(server, secret="a-secret-of-some-length") as made:
        with Web(made.url) as web, pytest.raises(WebError) as raised:
            web.meters()
        assert raised.value.status == 401
        with Web(made.url, "a-secret-of-some-length") as web:
            assert len(web.meters()) == 3


# ---- Hostile bodies ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def victim():
    """A server of its own, its address, and a session of calls to it."""
    server, thread = emulated()
    with HttpServer(server) as made, requests.Session() as session:
        yield server, made.url, session
    server.stop()
    thread.join()
    server.close()


tried = []  # the shapes
schema = schemathesis.openapi.from_dict(description())
# Some calls have one shape only; the others make up for them.
EACH = -(-int(os.environ.get("SHAPES", "100")) // (len(CALLS) - 6))
CHANGING = {(call.method, call.path) for call in CALLS if call.changes}


@schema.exclude(path_regex="stream").parametrize()
@settings(
    max_examples=EACH, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
def test_hostile_calls(victim, case):
    server, url, session = victim
    server.ask(lambda: server.set_speed(0)).result(60)
    before = accounts(server)
    tried.append(case)
    answer = case.call(base_url=url, session=session)
    assert answer.status_code < 500, answer.content
    if answer.status_code >= 400 and case.method != "HEAD":
        assert list(answer.json()) == ["error"]
    if answer.status_code >= 400 or (case.method, case.path) not in CHANGING:
        assert accounts(server) == before


def test_a_few_clients_and_meters():
    """A slice of `make http`."""
    crowd.crowd(8, 16, 1)


# ---- What is shipped ---------------------------------------------------------------------------


def test_every_word_of_the_page_is_there_in_four_languages():
    table = texts.table()
    assert list(table) == ["nl", "fr", "de", "en"]
    keys = {language: set(words) for language, words in table.items()}
    assert len({frozenset(found) for found in keys.values()}) == 1
    assert all(word.strip() for words in table.values() for word in words.values())
    known = page.contents()
    wanted = {f"event.{word}" for word in known["events"]}
    wanted |= {f"outcome.{word}" for word in known["outcomes"]}
    wanted |= {f"meters.{name}" for name in known["profiles"]}
    for story in known["stories"]:
        wanted |= {f"tale.{story['name']}.{i + 1}" for i in range(len(story["steps"]))}
    assert wanted <= keys["en"]


def test_the_micropython_that_is_shipped_is_that_of_the_tests():
    package = MICROPYTHON / "node_modules/@micropython/micropython-webassembly-pyscript"
    shipped = panel.HOST / "web/micropython"
    for name in ("micropython.wasm", "micropython.mjs"):
        assert (shipped / name).read_bytes() == (package / name).read_bytes()
