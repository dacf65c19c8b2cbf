"""The plugin as a user meets it: a project of his own, its own environment, the built wheel."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import venv
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
import yaml
from budgetmeter.errors import InputError
from budgetmeter.testing import MeterUnderTest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
SECTION = README.split("### A meter in your pipeline\n")[1].split("\n### ")[0]


def block(language):
    return re.search(rf"^```{language}\n(.*?)^```", SECTION, re.M | re.S)[1]


STEPS = yaml.safe_load(block("yaml"))["jobs"]["test"]["steps"]


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """An environment in which `pip install budgetmeter` finds the wheel built from here."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "-w", str(folder), str(ROOT)], check=True, timeout=120)
    (wheel,) = folder.glob("budgetmeter-*.whl")
    constraint = folder / "constraints.txt"
    constraint.write_text(f"budgetmeter @ {wheel.as_uri()}\n")
    venv.create(folder / "venv", with_pip=True)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "PYTHON"))}
    return kept | {
        "PATH": f"{folder / 'venv' / 'bin'}:{os.environ['PATH']}",
        "PIP_CONSTRAINT": str(constraint),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "XDG_STATE_HOME": str(folder),
    }


def step(script, environment, project):
    """A step of a workflow, as its runner does it; whatever it left running is ended."""
    process = subprocess.Popen(
        ["bash", "-e", "-c", script],
        env=environment,
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        process.wait(timeout=300)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
    said, errors = process.communicate(timeout=60)
    return process.returncode, said, errors


@pytest.fixture(scope="session")
def installed(environment, tmp_path_factory):
    """The environment after the workflow's installation."""
    (install,) = (s["run"] for s in STEPS if "pip install" in s.get("run", ""))
    status, _, errors = step(install, environment, tmp_path_factory.mktemp("empty"))
    assert status == 0, errors
    return environment


def test_the_workflow_of_the_readme_as_written(installed, tmp_path):
    (tmp_path / "test_meter.py").write_text(block("python"))
    said = []
    for wanted in STEPS:
        if "uses" in wanted:  # checkout is the folder, setup-python the environment
            assert wanted["uses"].split("@")[0] in ("actions/checkout", "actions/setup-python")
        elif "pip install" not in wanted["run"]:
            status, output, errors = step(wanted["run"], installed, tmp_path)
            assert status == 0, errors + output
            said.append(output)
    tests, asked = said
    assert "1 passed" in tests
    assert '"control_state": "connected"' in asked
    assert "meter 100000001\n" in asked


def test_the_test_has_ten_lines():
    lines = [line for line in block("python").splitlines() if line.strip()]
    assert len(lines) == 10


def project(installed, folder, text, *arguments):
    """Run pytest on a test file in the project."""
    (folder / "test_it.py").write_text(text)
    return step(" ".join(["pytest", "-p", "no:cacheprovider", *arguments]), installed, folder)


def test_every_fixture_without_an_import(installed, tmp_path):
    text = """
import pytest
from budgetmeter.client import Meter

pytestmark = pytest.mark.meter(start="2021-02-01 10:00")

@pytest.mark.meter(profile="wallonia-gas")
def test_gas(meter):
    assert meter.time.year == 2021
    meter.use(litres=500, hours=2)
    assert meter.registers().volume_l == 1000

def test_port(meter, meter_url, vending):
    with Meter(meter_url) as client:
        assert client.enter(vending.top_up("20.00").text).balance == 35
        meter.use(watts=1000, hours=4)
        assert client.status().balance == meter.balance == 34
        meter.cut_power(minutes=5)
        assert client.registers().credited == 35
        assert meter.events().count("power-up") == 1

def test_cards(meter, vending):
    card = vending.card(vending.top_up("20.00"), vending.issue("support", amount="5"))
    card.pull_at(1000)
    assert meter.insert(card) is None  # pulled out: what it took counts once all the same
    card.push()
    assert meter.insert(card).name in ("GOOD", "REFUSED")
    assert meter.insert(card).name in ("GOOD", "REFUSED")
    assert meter.balance == 40

def test_faults(meter, meter_url, vending, faulty_line):
    with Meter(faulty_line(split=0.3, drop=0.2), tries=20) as client:
        client.enter(vending.issue("support", amount="5").octets)
    with Meter(faulty_line(meter_url, delay=0.5, delay_s=0.01), tries=20) as client:
        assert client.status().balance == 20
"""
    status, said, errors = project(installed, tmp_path, text, "--strict-markers", "-W", "error")
    assert status == 0, said + errors
    assert "4 passed" in said


def test_a_failure_shows_what_happened_to_the_meter(installed, tmp_path):
    text = """
def test_off(meter, faulty_line):
    faulty_line(seed=42)
    meter.top_up("5.00")
    meter.use(watts=9000, hours=20)
    assert meter.balance == 7
"""
    status, said, _ = project(installed, tmp_path, text)
    assert status == 1
    shown = said.split("Meter ---")[1]
    assert "wallonia-card at 2020-06-03 08:00:00, disconnected" in shown
    assert re.search(r"2020-06-02 12:00:00  credited +20.00 EUR  \+5.00 +OC-16", shown)
    assert "OC-15" in shown
    assert "seed 42: no fault" in shown


MISTAKES = {
    'use(watts=float("nan"), hours=1)': "watts=nan is not a number from 0 to 100000",
    'use(watts=float("inf"), hours=1)': "watts=inf is not a number from 0 to 100000",
    "use(watts=1e12, hours=1)": "watts=1000000000000.0 is not a number from 0 to 100000",
    "use(watts=-5, hours=1)": "watts=-5 is not a number from 0 to 100000",
    "use(watts=None, hours=1)": "watts=None is not a number from 0 to 100000",
    "use(litres=5, hours=1)": "a gas meter uses litres, any other watts",
    'use(watts=5, hours=float("nan"))': "hours=nan is not a number",
    "use(watts=5, hours=10**400)": "hours=1000",
    'use(watts=5, hours="1")': "hours='1' is not a number",
    'wait(days=float("inf"))': "days=inf is not a number",
    "wait(days=1e9)": "the meter's calendar ends in 2099",
    "wait(days=1e308)": "the meter's calendar ends in 2099",
    "wait(hours=-1)": "time does not run back",
    "cut_power(hours=1e9)": "the meter's calendar ends in 2099",
    'press(seconds=float("nan"))': "seconds=nan is not a number",
    "press(seconds=-1)": "time does not run back",
    "enter(None)": "a token is bytes or text, not NoneType",
    "enter(5)": "a token is bytes or text, not int",
    'insert("nosuch.card")': "a card is a budgetmeter.card.MemoryCard, not str",
}


@pytest.mark.parametrize("doing", MISTAKES)
def test_what_no_meter_can_do_is_one_line_and_changes_nothing(doing):
    meter = MeterUnderTest()
    before = meter.time, meter.status(), meter.registers()
    with pytest.raises(InputError) as raised:
        eval(f"meter.{doing}", {"meter": meter})
    assert MISTAKES[doing] in str(raised.value)
    assert "\n" not in str(raised.value)
    assert (meter.time, meter.status(), meter.registers()) == before
    meter.use(watts=1000, hours=4)
    assert meter.balance == 14


def test_consumption_in_fractions():
    meter = MeterUnderTest()
    meter.use(watts=100.7, hours=0.5)
    assert meter.registers().energy_wh == 50
    meter.use(watts=Decimal("1000.4"), hours=1, minutes=-30)
    assert meter.registers().energy_wh == 550
    gas = MeterUnderTest("wallonia-gas")
    gas.use(litres=99.6, hours=Fraction(1, 2))
    assert gas.registers().volume_l == 50


def test_up_to_the_end_of_the_calendar():
    meter = MeterUnderTest(start="2099-12-31 12:00")
    with pytest.raises(InputError, match="the meter's calendar ends in 2099"):
        meter.wait(hours=12)
    meter.wait(hours=11, minutes=59)
    assert meter.time == datetime(2099, 12, 31, 23, 59)


def test_mistakes_are_named(installed, tmp_path):
    text = """
import pytest

@pytest.mark.meter(profile="walonia-card")
def test_profile(meter): pass

@pytest.mark.meter("wallonia-card")
def test_marker(meter): pass

@pytest.mark.meter(number=0)
def test_number(meter): pass

@pytest.mark.meter(key=b"12")
def test_key(meter): pass

@pytest.mark.meter(change={"nonsense": 1})
def test_change(meter): pass

def test_past(meter): meter.at("2020-01-01")

def test_amount(meter): meter.top_up("-5")

def test_gas(meter): meter.use(litres=5, hours=1)
"""
    status, said, errors = project(installed, tmp_path, text)
    assert status == 1, errors
    for words in (
        "did you mean wallonia-card?",
        "the marker meter takes profile=…, start=…, number=…, key=…, change=…",
        "the marker meter: number=0: a serial number is 1 to 999999999",
        "the marker meter: key: 32 octets, not 2",
        "unknown key nonsense",
        "is past: it is 2020-06-02 12:00:00",
        "-5 EUR is not above 0",
        "a gas meter uses litres, any other watts",
    ):
        assert words in said


def test_who_does_not_ask_for_a_meter_does_not_wait_for_one(installed, tmp_path):
    text = """
import sys

def test_nothing():
    assert not [name for name in sys.modules if name.startswith(("meterfw", "construct", "serial"))]
"""
    status, said, _ = project(installed, tmp_path, text)
    assert status == 0, said


SEVERAL = """
import pytest
from budgetmeter.client import Meter, TokenRefused
from budgetmeter.issue import Issuer
from budgetmeter.office.keys import KeyFile

@pytest.fixture(scope="module")
def street(make_meter):
    return [make_meter(), make_meter(profile="wallonia-gas"), make_meter(number=5)]

@pytest.fixture(scope="session")
def kept(make_meter):
    return make_meter(start="2021-02-01 10:00")

def test_numbers(street, meter):
    numbers = [one.client.identify().meter for one in (meter, *street)]
    assert len(set(numbers)) == 4 and numbers[3] == 5
    assert len({one.url for one in (meter, *street)}) == 4
    assert street[1].world.profile.gas

def test_a_token_is_for_one_meter(street):
    with pytest.raises(TokenRefused):
        street[0].enter(street[2].vending.top_up("5.00"))
    street[2].top_up("5.00")

def test_first(kept):
    kept.use(watts=1000, hours=2)

def test_second(kept):
    assert kept.registers().energy_wh == 2000

@pytest.mark.meter(number=77, key=bytes(range(32)))
def test_an_office_that_seals_its_own_tokens(meter, meter_url):
    office = Issuer(77, bytes(range(32)))
    with Meter(meter_url) as client:
        assert client.enter(office.token(1, 500_000)).balance == 20

def test_vending_keys(make_meter, tmp_path):
    keys = KeyFile.create(tmp_path / "vending.key")
    keys.add_revision()
    made = make_meter(number=9, key=keys)
    assert made.client.identify().key_revision == 2
    assert made.enter(Issuer(9, keys.meter_key(9, 2), 2).token(1, 500_000)).balance == 20

@pytest.mark.meter(change={"initial_reserve": {"value": 40, "unit": "EUR"}})
def test_changed(meter):
    assert meter.balance == 40

def test_fails(street, make_meter):
    make_meter(number=8).use(watts=-5, hours=1)
"""

OWN = """
import pytest

@pytest.fixture
def meter(make_meter):
    return make_meter(number=6)

def test_port(meter_url, vending, meter):
    assert meter.enter(vending.top_up("5.00")).balance == 20
    assert meter_url == meter.url
"""


def test_several_meters_their_keys_and_scopes(installed, tmp_path):
    status, said, _ = project(installed, tmp_path, SEVERAL)
    assert status == 1
    assert "1 failed, 7 passed" in said, said
    assert "watts=-5 is not a number from 0 to 100000" in said
    assert "testing.py" not in said
    assert said.count("wallonia-gas at 2020-06-02 12:00:00") == 1  # each meter's story


def test_a_meter_of_the_users_own_making(installed, tmp_path):
    status, said, _ = project(installed, tmp_path, OWN)
    assert status == 0, said


def test_a_fault_of_ours_is_shown_whole(installed, tmp_path):
    text = """
def test_it(meter, monkeypatch):
    monkeypatch.setattr(meter.world, "run", None)
    meter.use(watts=5, hours=1)
"""
    status, said, _ = project(installed, tmp_path, text)
    assert status == 1
    assert "TypeError" in said
    assert "testing.py" in said
