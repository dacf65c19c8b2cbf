"""What the unit tests are given as plain data, since MicroPython reads no TOML.

`python -m tests.firmware.given` writes `given.json`: the profiles and the catalogue's vectors.
"""

import json
import tomllib
from pathlib import Path

from budgetmeter import profiles
from meterfw import layouts

HERE = Path(__file__).parent
FILE = HERE / "given.json"


def text():
    """The text of `given.json`: profiles by name in the meter's units; vectors by id."""
    given = {"profiles": {}, "vectors": {}}
    for name in profiles.names():
        record = profiles.load(name).record()
        given["profiles"][name] = {
            field: getattr(record, field) for field in layouts.PROFILE_FIELDS
        }
    for vector in tomllib.loads((HERE / "vectors.toml").read_text("utf-8"))["vector"]:
        given["vectors"][vector.pop("id")] = vector
    return json.dumps(given, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
