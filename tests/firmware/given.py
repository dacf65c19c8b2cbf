"""What the unit tests are given as plain data, since MicroPython reads no TOML and no construct.

`python -m tests.firmware.given` writes `given.json`: the profiles, the catalogue's vectors, and of
the protocol all codes and messages, of which the firmware's layouts have what it reads.
"""

import json
import tomllib
from pathlib import Path

from budgetmeter import profiles
from meterfw import layouts
from meterproto import generate
from meterproto.codes import CODES, prefix
from meterproto.quantity import fields

HERE = Path(__file__).parent
FILE = HERE / "given.json"


def text():
    """The text of `given.json`: profiles by name in the meter's units; vectors by id; codes by
    class and name; format and field names of records."""
    given = {"profiles": {}, "vectors": {}, "codes": {}, "records": {}}
    for name in profiles.names():
        record = profiles.load(name).record()
        given["profiles"][name] = {
            field: getattr(record, field) for field in layouts.PROFILE_FIELDS
        }
    for vector in tomllib.loads((HERE / "vectors.toml").read_text("utf-8"))["vector"]:
        given["vectors"][vector.pop("id")] = vector
    for codes in CODES:
        given["codes"][prefix(codes)] = {code.name: code.value for code in codes}
    for name, record, _, _ in generate.RECORDS:
        names = [field for field, _, _ in fields(record)]
        given["records"][name] = {"format": generate.layout(record), "fields": names}
    return json.dumps(given, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
