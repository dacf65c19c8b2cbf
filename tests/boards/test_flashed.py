"""A meter as it is flashed lives as its source does: random lives, the same to the last octet."""

import json
import random

import pytest
from budgetmeter import profiles
from budgetmeter.identity import flashed
from budgetmeter.issue import Issuer
from meterfw import layouts
from meterfw.store import journal
from meterproto.codes import Kind

from tests import micropython
from tests.cards import test_micropython, visits
from tests.firmware import power_cycle
from tests.firmware.support import EUR, clock
from tests.micropython import built

METER = 4711
STEPS = 250
NAMES = ["identity", "profile", *journal.FILES, journal.BEGUN, "key", "captures"]


def steps(draw, office, now):
    """What happens in a life: use, waiting, the button, tokens of every kind, old and forged."""
    made, seen = [], []
    for _ in range(STEPS):
        what = draw.choice(("use", "use", "use", "wait", "press", "token", "token"))
        if what == "use":
            made.append(["use", draw.choice((0, 1, 30, 300, 499, 900))])
        elif what == "wait":
            made.append(["wait", draw.choice((1, 59, 600, 3600, 40_000))])
        elif what == "press":
            made.append(["press", draw.choice((0, 1, 5))])
        elif seen and draw.random() < 0.2:
            again = draw.choice(seen)
            made.append(["token", draw.choice((again, again[:-2] + "00", again[:-2]))])
        else:
            seen.append(token(draw, office, now).hex())
            made.append(["token", seen[-1]])
    return made


def token(draw, office, now):
    """A token of any kind, its values likely to do something."""
    kind = draw.choice(list(Kind))
    order = draw.randrange(1, 40)
    until = now + draw.choice((-10, 60, 3000))
    values = {
        Kind.PRICE: (draw.choice((0, 30_000, 200_000)), draw.choice((0, until))),
        Kind.OVERDRAFT: (50 * EUR, until),
        Kind.HOLD: (draw.choice((0, until)), 0),
        Kind.LIMIT: (until, draw.choice((0, 3000))),
        Kind.PAYMENT_MODE: (draw.choice((1, 2, 2, 3)), 1),
        Kind.DISCONNECT: (draw.choice((1, 2, 3)), 0),
        Kind.CLOCK: (now + draw.choice((0, 500)), 0),
        Kind.EMERGENCY_PRESET: draw.choice(((10 * EUR, 0), (50_000, 1))),
        Kind.PARAMETER: (draw.randrange(len(layouts.PROFILE_FIELDS)), draw.choice((0, 1, 500))),
    }
    if kind == Kind.KEY_CHANGE:
        return office.change_key(bytes(draw.randrange(256) for _ in range(32)))
    value, extra = values.get(kind, (draw.choice((1, 5, 60, 250)) * EUR, 0))
    return office.token(kind, value, extra, order_id=order)


@pytest.mark.parametrize("profile", ["wallonia-card", "wallonia-gas", "flanders-digital"])
def test_a_flashed_meter_lives_as_its_source_does(profile, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw = random.Random(profile)
    office = Issuer(METER, bytes(32), derive=True)
    now = clock("2020-12-08 12:00")
    files = flashed(METER, 1, office.key, profiles.load(profile))
    plan = {"files": {name: data.hex() for name, data in files.items()}, "names": NAMES, "now": now}
    plan["steps"] = steps(draw, office, now)
    source = json.loads(json.dumps(power_cycle.life(plan)))
    as_flashed = json.loads(micropython.run(power_cycle.__file__, json.dumps(plan), built.meter()))
    assert as_flashed == source
    statuses = [status for status, _ in source["answers"]]
    assert {4, 5} < set(statuses)
    assert statuses.count(3) > 15


def test_what_is_flashed_takes_the_place_of_its_source(tmp_path):
    script = tmp_path / "whence.py"
    script.write_text("import meterfw.meter\nprint(meterfw.meter.__file__)\n")
    assert micropython.run(script, files=built.meter()) == "/lib/meterfw/meter.mpy\n"
    assert micropython.run(script) == "/lib/meterfw/meter.py\n"


def test_a_flashed_meter_makes_of_every_card_what_its_source_makes_of_it():
    made = json.dumps(test_micropython.told())
    seen = json.loads(micropython.run(visits.__file__, made, built.meter()))
    assert seen == json.loads(json.dumps(visits.run(json.loads(made))))
