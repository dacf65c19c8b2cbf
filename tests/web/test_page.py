"""The page in a real browser: stories played by clicks, and the meter equal to CPython's."""

import threading

import pytest
from budgetmeter import spoken, texts
from budgetmeter.emulator import ConstantLoad, Emulator
from budgetmeter.emulator.ports import TcpPort
from budgetmeter.emulator.server import Server
from budgetmeter.emulator.world import METER
from budgetmeter.profiles import load
from budgetmeter.testing import MeterUnderTest
from budgetmeter.web import panel, stories
from budgetmeter.web.serve import HttpServer

from tests.web import browse
from tests.web.cpython import played

MOST = 1_000_000  # octets of the single file


@pytest.fixture(scope="module")
def panel_url(tmp_path_factory):
    path = tmp_path_factory.mktemp("panel") / "meter.html"
    path.write_text(panel.html(), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def http_url():
    profile = load("wallonia-card")
    server = Server(speed=1.0)
    server.add(
        Emulator(profile, 10_000_000, ConstantLoad(200), trace=False), TcpPort("127.0.0.1", 0)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    with HttpServer(server) as http:
        yield http.url
    server.stop()
    thread.join()
    server.close()


@pytest.fixture(scope="module")
def inside(panel_url):
    return browse("play.mjs", panel_url)


@pytest.fixture(scope="module")
def over_http(http_url):
    return browse("play.mjs", http_url, *OVER_HTTP)


@pytest.fixture(params=["inside", "over_http"])
def kind(request):
    return request.getfixturevalue(request.param)


# The page is the same; over HTTP two stories make every call that there is for it.
OVER_HTTP = ("negative-limit", "gas-leak-test")
PLAYED = [("inside", name) for name in stories.NAMES]
PLAYED += [("over_http", name) for name in OVER_HTTP]


@pytest.mark.parametrize(("kind", "name"), PLAYED, indirect=["kind"])
def test_a_story_is_played_to_its_end_as_its_scenario_says(kind, name):
    story = kind["stories"][name]
    assert story["trouble"] == ""
    assert story["ended"]
    assert story["met"] == [True] * len(stories.story(name).steps)


@pytest.mark.parametrize(("kind", "name"), PLAYED, indirect=["kind"])
def test_the_meter_of_a_story_is_that_of_cpython_field_by_field(kind, name):
    state, entries = played(name)
    story = kind["stories"][name]
    assert story["state"] == state
    assert story["events"] == entries


def test_supply_is_lost_and_regained(kind):
    supplies = kind["stories"]["negative-limit"]["supplies"]
    assert {"connected", "disconnected", "ready"} <= set(supplies)
    lost = supplies.index("disconnected")
    assert "connected" in supplies[:lost]
    assert "connected" in supplies[lost:]


def test_the_browser_has_nothing_to_complain_of(kind):
    assert kind["said"] == []


@pytest.fixture(scope="module")
def visit(panel_url, tmp_path_factory):
    card = tmp_path_factory.mktemp("card") / "customer.card"
    meter = MeterUnderTest(number=METER)
    meter.vending.card(meter.vending.top_up("20.00")).save(card)
    return browse("visit.mjs", panel_url, card)


def test_a_reload_finds_the_meter_as_it_was(visit):
    before, after = visit["before"], visit["after"]
    assert before["energy_wh"] > 2000
    changed = {key for key in before if before[key] != after[key]}
    assert changed == set()
    assert visit["rate_after"] == visit["rate"] == 2200
    assert visit["language"] == "en"


def test_a_card_file_of_cpython_is_taken(visit):
    assert visit["card"].endswith("9, good.")
    assert visit["credit"] == visit["after"]["credit"] + 2_000_000
    assert visit["events"][-4:] == ["credited", "power-down", "power-up", "clock-set"]


def test_the_page_speaks_four_languages(visit):
    titles = visit["languages"]
    assert [titles[language][0] for language in titles] == ["nl", "fr", "de", "en"]
    assert len({title for _, title, _ in titles.values()}) == 4


def test_the_display_speaks_the_language_of_the_page(visit):
    shown = {language: display for language, (_, _, display) in visit["languages"].items()}
    assert shown == {one: spoken.display(one)["page.balance"] for one in texts.LANGUAGES}


def test_axe_finds_nothing_serious(visit):
    assert visit["faults"] == {"fresh": [], "story": [], "dark": [], "telephone": []}


def test_a_telephone_shows_the_whole_width(visit):
    assert visit["wide"] == 0


def test_everything_that_can_be_touched_has_a_name(visit):
    assert visit["nameless"] == []
    assert (visit["said"], visit["trouble"]) == ([], "")


def test_the_single_file_is_small_and_asks_for_nothing():
    text = panel.html()
    assert len(text.encode()) < MOST
    assert "default-src 'none'" in text
    page = text.partition('id="bundle">')[0] + text.partition("</script>")[2]
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page
