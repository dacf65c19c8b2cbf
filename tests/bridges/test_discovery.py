"""The discovery: what Home Assistant asks of it, in so far as a page of tests can say."""

import json
import re

import pytest
from budgetmeter import profiles
from budgetmeter.bridges.mqtt.bridge import topics
from budgetmeter.bridges.mqtt.discovery import config
from budgetmeter.bridges.mqtt.payload import event, event_type, state
from budgetmeter.bridges.seen import look
from budgetmeter.testing import MeterUnderTest

NAMES = topics("budgetmeter", "homeassistant", "bridge")
# Units that Home Assistant allows for a device class
UNITS = {
    "monetary": {"EUR"},
    "energy": {"Wh", "kWh"},
    "gas": {"m³"},
    "power": {"W"},
    "current": {"A"},
    "voltage": {"V"},
}
TEMPLATE = re.compile(r"\{\{ value_json\.(\w+) \}\}")


@pytest.fixture(params=profiles.names())
def meter(request):
    return MeterUnderTest(request.param, start="2020-06-02 12:00")


@pytest.mark.parametrize("accept_tokens", [False, True])
def test_every_entity_is_whole_and_reads_a_key_of_the_state(meter, accept_tokens):
    seen = look(meter.client)
    told = json.loads(json.dumps(state(seen)))
    message = config(seen, NAMES, accept_tokens)
    assert message["availability_mode"] == "all"
    assert message["device"]["identifiers"] == [f"budgetmeter_{seen.identity.meter:09d}"]
    parts = message["components"]
    assert ("token" in parts) == ("token_answer" in parts) == accept_tokens
    assert len({part["unique_id"] for part in parts.values()}) == len(parts)
    assert len({part["name"] for part in parts.values()}) == len(parts)
    read = set()
    for part in parts.values():
        if part["platform"] == "sensor" and "device_class" in part:
            options = part.get("options")
            assert (options is not None) == (part["device_class"] == "enum")
            if options is None:
                assert part["unit_of_measurement"] in UNITS[part["device_class"]]
        if found := TEMPLATE.fullmatch(part.get("value_template", "")):
            read.add(found[1])
            value = told[found[1]]
            assert value in part.get("options", [value])
            if part["platform"] == "binary_sensor":
                assert value in (part["payload_on"], part["payload_off"])
    wanted = {"balance", "emergency_credit", "supply", "reason", "energy"}
    gas = seen.identity.energy.word == "gas"
    assert wanted | ({"gas"} if gas else {"limiter", "power"}) <= read


def test_every_event_of_a_life_is_among_the_types(meter):
    types = config(look(meter.client), NAMES, False)["components"]["event"]["event_types"]
    assert len(set(types)) == len(types)
    meter.order("test")
    if not meter.world.profile.gas:
        meter.use(watts=3000, hours=60)
    told = [event(entry) for entry in meter.client.events()]
    assert [each["number"] for each in told] == list(range(len(told)))
    assert {each["event_type"] for each in told} <= set(types)
    assert event_type(200) == "other" in types


def test_the_state_is_the_account_to_the_millicent(meter):
    if meter.world.profile.name != "brussels-limiter":  # which takes no top-up
        meter.top_up("12.34")
    if not meter.world.profile.gas:
        meter.use(watts=1234, hours=5)
    seen = look(meter.client)
    told = json.loads(json.dumps(state(seen)))
    assert f"{told['balance']:.5f}" == f"{meter.balance:.5f}"
    account, books = meter.world.conservation()
    assert account == books
    booked = told["credited"] - told["charged"] + float(seen.registers.settled)
    assert round(booked * 100_000) == account
