"""Judges discovery messages by the schemas of Home Assistant; runs where that is installed.

Each line of standard input is an object with `name` and `message`. What is wrong is printed, a line
each with the field; without a word all is well. The exit status is 1 when something is wrong.
"""

import asyncio
import copy
import importlib
import json
import logging
import sys
import tempfile

import voluptuous as vol
from homeassistant.components.mqtt import discovery, schemas
from homeassistant.core import HomeAssistant
from homeassistant.helpers import frame

CHOICE = "platform"  # says which schema, and is not handed to it


class Heard(logging.Handler):
    """What Home Assistant has to say."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


def wrong(message, heard):
    """What is wrong with a message, each with the field; what is logged counts."""
    try:
        device = schemas.DEVICE_DISCOVERY_SCHEMA(copy.deepcopy(message))
    except vol.Invalid as error:
        yield from _told("", error)
        return
    for name in message.keys() - {*map(str, device)}:
        yield f"{name}: unknown"
    for key, entity in message["components"].items():
        part = {name: value for name, value in entity.items() if name != CHOICE}
        discovery._merge_common_device_options(part, message)
        part |= {"device": message["device"]}
        schema = importlib.import_module(f"homeassistant.components.mqtt.{entity[CHOICE]}")
        try:
            taken = schema.DISCOVERY_SCHEMA(copy.deepcopy(part))
        except vol.Invalid as error:
            yield from _told(f"components.{key}", error)
            continue
        for name in sorted(part.keys() - {*map(str, taken)}):
            yield f"components.{key}.{name}: unknown"
        yield from (f"components.{key}: {line}" for line in heard.lines)
        heard.lines.clear()


def _told(where, error):
    """An error of the schemas, which may be several."""
    for each in getattr(error, "errors", [error]):
        field = ".".join([where, *map(str, each.path)]).strip(".")
        yield f"{field}: {each.msg}"


async def judge(lines):
    """What is wrong with all messages."""
    heard = Heard()
    logging.getLogger().addHandler(heard)
    with tempfile.TemporaryDirectory() as folder:
        hass = HomeAssistant(folder)
        frame.async_setup(hass)
        found = []
        for line in lines:
            case = json.loads(line)
            found += [f"{case['name']}: {each}" for each in wrong(case["message"], heard)]
        await hass.async_stop(force=True)
    return found + heard.lines


if __name__ == "__main__":
    mistakes = asyncio.run(judge(sys.stdin))
    print("\n".join(mistakes), end="\n" if mistakes else "")
    sys.exit(bool(mistakes))
