"""Metrics: what readers of others find in them, and what Prometheus' own judge says."""

import shutil
import subprocess
import urllib.request

import pytest
from budgetmeter import profiles
from budgetmeter.bridges.metrics import Exporter, Sample
from budgetmeter.bridges.seen import look
from budgetmeter.client import Meter
from budgetmeter.testing import MeterUnderTest
from prometheus_client import openmetrics, parser
from prometheus_client.openmetrics import parser as strict

from tests.command import run
from tests.emulate.process import Emulated

OPEN = "application/openmetrics-text; version=1.0.0"
assert openmetrics


def fetch(url, accept="text/plain"):
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode()


@pytest.fixture(scope="module")
def served():
    """Metrics of a meter of each profile, and of one that does not answer: URL and samples."""
    samples = []
    for number, name in enumerate(sorted(profiles.names()), 1):
        meter = MeterUnderTest(name, number=number, start="2020-06-02 12:00")
        gas = profiles.load(name).gas
        meter.use(**({"litres": 500} if gas else {"watts": 2000}), hours=2)
        samples.append(Sample(number, look(meter.client), True))
    samples.append(Sample(99, samples[0].seen, False))
    exporter = Exporter(("127.0.0.1", 0), lambda: samples)
    yield exporter.url, samples
    exporter.close()


def test_two_readers_of_others_agree_with_the_client(served):
    url, samples = served
    plain = {
        (sample.name, sample.labels["meter"]): sample.value
        for family in parser.text_string_to_metric_families(fetch(url))
        for sample in family.samples
    }
    exact = {
        (sample.name, sample.labels["meter"]): sample.value
        for family in strict.text_string_to_metric_families(fetch(url, OPEN))
        for sample in family.samples
    }
    for number, seen, _ in samples[:-1]:
        status, registers = seen.status, seen.registers
        wanted = {
            "up": 1,
            "balance_euros": float(status.balance),
            "credited_euros_total": float(registers.credited),
            "charged_euros_total": float(registers.charged),
            "energy_joules_total": registers.energy_wh * 3600,
            "kilowatthour_price_euros": float(status.price),
            "supply_on": int(status.supply_on),
        }
        if seen.identity.energy.word == "gas":
            wanted["gas_cubic_meters_total"] = 1.0
            assert ("budgetmeter_power_watts", f"{number:09d}") not in plain
        else:
            assert registers.energy_wh == 4000
            wanted |= {"power_watts": status.power_w, "voltage_volts": 230}
        for found in (plain, exact):
            assert {
                name: found[f"budgetmeter_{name}", f"{number:09d}"] for name in wanted
            } == wanted
    assert {name for name, meter in plain if meter == "000000099"} == {
        "budgetmeter_up",
        "budgetmeter_info",
    }
    assert plain["budgetmeter_up", "000000099"] == 0


def test_exactly_one_state_of_each_switch_is_in_force(served):
    url, samples = served
    states = {}
    for family in parser.text_string_to_metric_families(fetch(url)):
        for sample in family.samples:
            if "state" in sample.labels and not sample.name.endswith("reason"):
                key = sample.name, sample.labels["meter"]
                states[key] = states.get(key, 0) + sample.value
    assert len(states) == 3 * (len(samples) - 1)
    assert set(states.values()) == {1}


def test_names_and_units_are_after_the_conventions(served):
    """What `promtool check metrics` looks for, on every machine; itself where it is installed."""
    text = fetch(served[0])
    for family in parser.text_string_to_metric_families(text):
        assert family.documentation, family.name
        assert (family.type == "counter") == family.samples[0].name.endswith("_total")
        for word in ("kwh", "wh", "milli", "mwh", "kilowatts", "cents", "minutes", "hours"):
            assert word not in family.name.split("_"), family.name
    judge = shutil.which("promtool")
    if judge:
        done = subprocess.run(
            [judge, "check", "metrics"], input=text, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_emulated_meters_have_metrics_beside_their_ports():
    with Emulated("--count", 3, "--watts", 1000, "--metrics", 0) as emulated:
        url = emulated.process.stderr.readline().split()[1]
        for each in emulated.urls.values():
            with Meter(each) as meter:
                while meter.status().power_w != 1000:
                    pass
        with Meter(emulated.url) as meter:
            text = fetch(url)
            assert meter.status().balance == 15
        found = [
            sample
            for family in parser.text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name in ("budgetmeter_up", "budgetmeter_power_watts")
        ]
        assert [(sample.labels["meter"], sample.value) for sample in found] == [
            (f"{number:09d}", value) for value in (1, 1000) for number in emulated.urls
        ]


def test_a_port_that_is_taken_is_one_line(served):
    port = served[0].split(":")[2].split("/")[0]
    done = run("emulate", "--metrics", port)
    assert (done.status, done.said) == (2, "")
    assert done.error == f"budgetmeter: --metrics 127.0.0.1:{port}: in use by another program\n"
