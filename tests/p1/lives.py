"""Random lives whose telegrams four strangers read: they name the breaker, limit, valve and text.

`python -m tests.p1.lives 1000` takes so many lives of every profile (`make p1`). A telegram is read
whenever something that it tells of the account has changed.
"""

import itertools
import json
import random
import re
import subprocess
import sys
from pathlib import Path

from budgetmeter import profiles
from meterfw import layouts
from meterfw.account import rules
from meterfw.panel.display import headline
from meterfw.wire.text import euros

from tests import micropython
from tests.firmware import histories, replay
from tests.firmware.support import clock
from tests.p1.replayed import Life

HERE = Path(__file__).parent
OLD = Path(sys.executable).parents[1] / "readers"  # an older release of dsmr_parser
LENGTH = 120
BATCH = 2000  # telegrams for a process


def life(profile, seed):
    """A seeded life of a profile, as `replay` has it."""
    record = profiles.load(profile).record()
    values = [getattr(record, field) for field in layouts.PROFILE_FIELDS]
    rng = random.Random(f"p1 {profile} {seed}")
    start = clock(f"{2001 + seed % 90}-{1 + seed % 12:02d}-27 07:30")
    operations = histories.life(rng, values, start, LENGTH)
    return {"profile": values, "clock": start, "operations": operations}


def due(m, p):
    """What a telegram has to tell of an account, worked out from what its display shows."""
    said = headline(m, p)
    if m.payment_mode == layouts.PAYMENT_MODE_PREPAYMENT:
        said = f"{euros(rules.balance(m))} EUR" + (f", {said}" if said else "")
    wanted = {"text": said}
    if p.energy == layouts.ENERGY_GAS:
        wanted["valve"] = m.control_state
        wanted["gas_m3"] = m.volume_l % 100_000_000 / 1000
        return wanted
    limited = m.limiter_engaged == 1
    wanted["breaker"] = m.control_state
    wanted["limit_kw"] = m.limit_w // 100 / 10 if limited and m.limit_w else 999.9
    wanted["fuse_a"] = m.limit_ma // 1000 if limited and m.limit_ma else 999
    wanted["kwh"] = m.energy_wh / 1000
    return wanted


def told(profile, seed):
    """Telegrams of a life, each with what it has to tell."""
    lived = Life(life(profile, seed), replay)
    m, p = lived.ledger.state, lived.ledger.profile
    before = None
    for operation in life(profile, seed)["operations"]:
        lived.step(operation)
        wanted = due(m, p)
        if wanted != before:
            size = lived.write()
            yield bytes(lived.room[:size]).decode("ascii"), wanted
            before = wanted


STATES = {  # what a telegram and a display depend on; every combination that shows differently
    "payment_mode": (2, 1, 3),
    "control_state": (1, 0, 2),
    "reasons": (0, 1, 2, 4, 8, 16, 3),
    "emergency_status": (0, 1, 3, 4),
    "limiter_available": (0, 1),
    "limiter_engaged": (0, 1),
    "kept": (0, 1),
    "warned": (0, 1),
}
LIMITS = ((10_000, 0), (0, 2300), (6500, 1380))  # mA, W


def states(profile):
    """Telegrams of every state of a profile that shows differently, each with what it tells."""
    lived = Life(life(profile, 0), replay)
    m, p = lived.ledger.state, lived.ledger.profile
    seen = set()
    amounts = itertools.cycle((0, 999, -999, -1000, 1234567, -987654321, 1_000_000_000))
    for *values, limit in itertools.product(*STATES.values(), LIMITS):
        for name, value in zip(STATES, values, strict=True):
            setattr(m, name, value)
        m.leak_left_s = m.credit = m.energy_wh = m.volume_l = 0
        m.limit_ma, m.limit_w = limit
        wanted = due(m, p)
        key = tuple(wanted.values())
        if key not in seen:
            seen.add(key)
            m.credit, m.leak_left_s = next(amounts), 7 * len(seen) % 1000
            m.energy_wh = m.volume_l = 123_456_789 * len(seen) % 1_000_000_000
            size = lived.write()
            yield bytes(lived.room[:size]).decode("ascii"), due(m, p)


def _said(command, telegrams):
    done = subprocess.run(
        command, input=json.dumps(telegrams), capture_output=True, text=True, check=False, cwd=HERE
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def read(telegrams):
    """What each reader says of telegrams: a dictionary for every telegram, by reader."""
    assert OLD.is_dir(), "an older dsmr_parser is installed by `make lint`"
    new = _said([sys.executable, "dsmr.py"], telegrams)
    old = _said([sys.executable, "dsmr.py", str(OLD)], telegrams)
    node = _said([micropython.node(), "read.cjs"], telegrams)
    answers = []
    for a, b, c in zip(new, old, node, strict=True):
        answer = {"dsmr_parser": a, "dsmr_parser 1.4": b, "p1-reader": c["p1_reader"]}
        answer["dsmr-parser"] = c.get("dsmr_parser") or {"refused": c.get("refused")}
        answers.append(answer)
    return answers


# What a reader knows nothing of
UNKNOWN = {"dsmr-parser": {"fuse_a", "valve", "gas_m3"}}
EMPTY_TEXT = (None, "")
AROUND = "^-?[0-9.]+ EUR(, )?| [0-9]+ s"  # a headline


def differences(wanted, answers):
    """What the readers say otherwise than it is; a reader that refuses says nothing right."""
    found = []
    for reader, said in answers.items():
        for name, value in wanted.items():
            if name in UNKNOWN.get(reader, ()):
                continue
            seen = said.get(name)
            if name == "text":
                right = seen == value or (value == "" and seen in EMPTY_TEXT)
            else:
                right = seen is not None and abs(float(seen) - value) < 1e-6
            if not right:
                found.append((reader, name, seen, value))
    return found


def judged(names, seeds, all_states=False):
    """How many telegrams of lives were read, what was told in them, and what was read wrongly."""
    pending, wrong, seen, count = [], [], set(), 0
    for profile in names:
        if all_states:
            pending += states(profile)
        for seed in seeds:
            pending += told(profile, seed)
        if pending:
            for start in range(0, len(pending), BATCH):
                batch = pending[start : start + BATCH]
                answers = read([telegram for telegram, _ in batch])
                for (telegram, wanted), answer in zip(batch, answers, strict=True):
                    seen |= {(k, v) for k, v in wanted.items() if k in ("breaker", "valve")}
                    seen.add(("headline", re.sub(AROUND, "", wanted["text"])))
                    for name in ("limit_kw", "fuse_a"):
                        seen |= {(name, wanted.get(name) not in (None, 999, 999.9))}
                    if different := differences(wanted, answer):
                        wrong.append((profile, telegram, different))
            count += len(pending)
            pending = []
    return count, seen, wrong


def main():
    """Exit status 1 when a reader said otherwise than it was."""
    lives = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    names = profiles.names()
    total, failed = 0, 0
    for begin in range(0, lives, 20):
        count, _, wrong = judged(names, range(begin, min(begin + 20, lives)), begin == 0)
        total, failed = total + count, failed + len(wrong)
        for profile, telegram, different in wrong[:3]:
            print(profile, different, telegram, sep="\n", flush=True)
    print(f"{lives * len(names):,} lives, {total:,} telegrams, each read by four: {failed} wrong")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
