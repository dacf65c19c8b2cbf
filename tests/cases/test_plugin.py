"""The pytest plugin among a user's own fixtures, threads and unittest classes.

A project of a user knows nothing of ours: it has fixtures with common names, test classes, clients
that it never closes. What it gets wrong is told in its own terms, without the plugin's internals.
"""

import os
import subprocess
import sys
from xml.etree import ElementTree

import pytest

OWN = """
import pytest

@pytest.fixture
def meter():
    return "my meter"
"""

WITH_OWN = """
def test_own(meter):
    assert meter == "my meter"

def test_url(meter_url):
    assert meter_url.startswith("socket")
"""

CLIENTS = """
import pytest
from budgetmeter.client import Meter, MeterError

def test_two_clients(meter, meter_url):
    with Meter(meter_url) as first:
        first.status()
        with pytest.raises(MeterError), Meter(meter_url, timeout=0.3) as second:
            second.status()
        first.status()

def test_left_open(meter_url):
    client = Meter(meter_url)
    client.status()

def test_after(meter, meter_url):
    with Meter(meter_url) as client:
        assert client.status().balance == 15

class TestUnit:
    def test_method(self, meter):
        meter.use(watts=100, hours=1)

@pytest.fixture
def funded(meter):
    meter.top_up("50.00")
    return meter

def test_fixture(funded, meter):
    assert funded is meter
"""

UNITTEST = """
import unittest
import pytest

class Meters(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _meter(self, meter):
        self.meter = meter

    def test_it(self):
        self.meter.use(watts=1000, hours=1)
        assert self.meter.balance < 15

    def test_fail(self):
        self.meter.use(watts=1000, hours=1)
        assert self.meter.balance == 0
"""

MISTAKE = """
def test_negative(meter):
    meter.use(watts=-5, hours=1)
"""

NUMBERED = """
import pytest

@pytest.mark.meter(number=123456789)
def test_number(meter):
    assert meter.client.identify().meter == 123456789
    assert meter.top_up("5.00").balance == 20
"""

PROJECT = {
    "own/conftest.py": OWN,
    "own/test_own.py": WITH_OWN,
    "test_clients.py": CLIENTS,
    "test_unittest.py": UNITTEST,
    "test_mistake.py": MISTAKE,
    "test_number.py": NUMBERED,
}


class Told:
    """What pytest said of the project.

    :ivar said: on standard output
    """

    def __init__(self, said, results):
        self.said = said
        self._tests = {
            case.get("name"): case for case in ElementTree.parse(results).iter("testcase")
        }

    def outcome(self, name):
        """Whether a test has "passed", or its "failure" or "error", and what is shown of that."""
        for result in self._tests[name]:
            return result.tag, result.text
        return "passed", ""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """One run of all tests of the project."""
    folder = tmp_path_factory.mktemp("project")
    for name, text in PROJECT.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--junitxml=results.xml"]
    done = subprocess.run(
        command, cwd=folder, env=kept, capture_output=True, text=True, timeout=120, check=False
    )
    return Told(done.stdout, folder / "results.xml")


def test_a_fixture_of_the_user_comes_first(told):
    assert told.outcome("test_own")[0] == "passed"


def test_a_fixture_of_the_same_name_is_told_in_one_line(told):
    """The user's `meter` is his; the plugin's `meter_url` cannot serve it, and says so."""
    kind, shown = told.outcome("test_url")
    assert kind == "error"
    assert "AttributeError" not in shown
    assert "pytest_plugin.py" not in shown
    assert "fixture" in shown
    assert "meter" in shown


@pytest.mark.parametrize(
    "name", ["test_two_clients", "test_left_open", "test_after", "test_method", "test_fixture"]
)
def test_clients_classes_and_fixtures_of_the_user(told, name):
    assert told.outcome(name) == ("passed", "")


def test_a_unittest_class_gets_a_meter_and_its_story(told):
    assert told.outcome("test_it")[0] == "passed"
    assert told.outcome("test_fail")[0] == "failure"
    assert "wallonia-card at 2020-06-02 13:00:00, connected" in told.said


def test_a_mistake_shows_the_line_of_the_user_alone(told):
    kind, shown = told.outcome("test_negative")
    assert kind == "failure"
    assert "watts=-5 is not a number from 0 to 100000" in shown
    assert "testing.py" not in shown


def test_a_meter_with_a_number_of_its_own(told):
    assert told.outcome("test_number") == ("passed", "")
