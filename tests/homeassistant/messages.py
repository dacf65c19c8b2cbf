"""The discovery messages of a meter of every profile, and some with a mistake planted in them."""

import copy
import json

from budgetmeter import profiles
from budgetmeter.bridges.mqtt.bridge import topics
from budgetmeter.bridges.mqtt.discovery import config
from budgetmeter.bridges.seen import look
from budgetmeter.testing import MeterUnderTest

NAMES = topics("budgetmeter", "homeassistant", "bridge")
# A mistake in a message: what stands there instead, and the field that has to be named
PLANTED = {
    "components.balance.device_class": "coins",
    "components.energy.unit_of_measurement": "miles",
    "components.energy.state_class": "rising",
    "components.supply.device_class": "bread",
    "components.event.event_types": None,
    "components.token.max": 256,
    "components.power.value_template": "{{ value_json.power",
    "components.reason.friendly": "yes",
    "components.limiter.platform": "toaster",
    "components.token.command_topic": "a/#",
    "origin.name": None,
    "device": None,
    "qos": 5,
    "availability_mode": "some",
}


def good():
    """(name, message) of each profile, with and without tokens."""
    for profile in profiles.names():
        seen = look(MeterUnderTest(profile).client)
        for accept_tokens in (False, True):
            message = json.loads(json.dumps(config(seen, NAMES, accept_tokens)))
            yield f"{profile}{' with tokens' * accept_tokens}", message


def planted():
    """(field, message) of each mistake."""
    whole = dict(good())["wallonia-card with tokens"]
    for field, value in PLANTED.items():
        message = place = copy.deepcopy(whole)
        *path, last = field.split(".")
        for name in path:
            place = place[name]
        if value is None:
            del place[last]
        else:
            place[last] = value
        yield field, message
