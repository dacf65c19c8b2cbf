"""One rule source, three runtimes: the same lives through CPython, Numba and real MicroPython."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from budgetmeter import profiles
from budgetmeter.fleet import compiled
from budgetmeter.identity import flashed
from budgetmeter.issue import Issuer
from meterfw import layouts
from meterfw.store import journal
from meterproto.codes import Kind
from numba import njit

from tests import micropython
from tests.firmware import histories, power_cycle, replay
from tests.firmware.support import EUR, clock

LIVES = 25  # of each profile
LENGTH = 120


def lives():
    """Seeded random lives of every profile, starting at different seasons."""
    made = []
    for name in profiles.names():
        record = profiles.load(name).record()
        values = [getattr(record, field) for field in layouts.PROFILE_FIELDS]
        for seed in range(LIVES):
            rng = random.Random(f"{name} {seed}")
            start = clock(f"{2001 + seed}-{1 + seed % 12:02d}-27 07:30")
            operations = histories.life(rng, values, start, LENGTH)
            made.append({"profile": values, "clock": start, "operations": operations})
    return made


@pytest.fixture(scope="module")
def expected():
    """The lives, and their checksums in CPython."""
    made = lives()
    return made, [replay.checksums(life) for life in made]


def compiled_checksums():
    """`replay.checksums` for operations as an integer array, compiled by Numba."""
    rule = compiled.compile_rules()
    install, advance, press = rule.install, rule.advance, rule.press
    apply, judge, power_up, resume = rule.apply, rule.judge, rule.power_up, rule.resume
    supply_on, stride = rule.supply_on, rule.stride
    names = layouts.STATE_FIELDS
    lines = "\n".join(f"    total = (total * 31 + m.{name}) % 1000000007" for name in names)
    scope = {}
    exec(f"def checksum(m, total):\n{lines}\n    return total", scope)
    checksum = njit(scope["checksum"])

    @njit
    def run(states, some_profiles, start, operations, totals):
        m, p = states[0], some_profiles[0]
        install(m, p, start)
        totals[0] = checksum(m, 0)
        for i in range(len(operations)):
            kind, a, b, c, d = operations[i]
            answer = 0
            if kind == 0:
                advance(m, p, a, b, c, d)
                answer = supply_on(m)
            elif kind == 1:
                answer = press(m, p, a)
            elif kind == 4:
                if a >= 0:
                    resume(m, p, a)
                power_up(m, p)
            else:
                answer = apply(m, p, a, b, c, d)
                if kind == 2:
                    judge(m, p)
            totals[2 * i + 1] = checksum(m, answer)
            totals[2 * i + 2] = stride(m, p, 3600, 1500, 6500, 1500)

    def checksums(life):
        row = np.array([tuple(life["profile"])], compiled.PROFILE)
        padded = [(operation + [-1] * 5)[:5] for operation in life["operations"]]
        totals = np.zeros(2 * len(padded) + 1, np.int64)
        run(np.zeros(1, compiled.STATE), row, life["clock"], np.array(padded, np.int64), totals)
        return totals.tolist()

    return checksums


def first_difference(life, expected, seen):
    """What a reader needs to find a divergence."""
    i = next((i for i, (a, b) in enumerate(zip(expected, seen, strict=True)) if a != b), None)
    return None if i is None else (i, life["operations"][max(i - 1, 0) // 2])


def test_lives_reach_every_event_and_result(expected):
    """The lives are worth replaying: every event of the rules happens in them."""
    made, _ = expected
    seen, answers = 0, set()
    for life in made:
        p = replay.filled(replay.record.Profile(), layouts.PROFILE_FIELDS, life["profile"])
        m = replay.record.State()
        replay.orders.install(m, p, life["clock"])
        for operation in life["operations"]:
            answer = replay.apply(m, p, operation)
            if operation[0] in (histories.ORDER, histories.BOOK):
                answers.add(answer)
            seen |= m.events
    missing = {n for i, n in enumerate(layouts.EVENT_WORDS.split()) if not seen >> i & 1}
    assert missing <= {"unbilled"}  # needs 10,000 EUR: a test of its own
    assert answers >= set(range(12)) - {layouts.RESULT_BALANCE_LIMIT}


def test_numba_equals_cpython(expected):
    made, totals = expected
    checksums = compiled_checksums()
    for life, expected_totals in zip(made, totals, strict=True):
        assert first_difference(life, expected_totals, checksums(life)) is None


def test_micropython_equals_cpython(expected):
    made, totals = expected
    output = micropython.run(Path(replay.__file__), json.dumps(made))
    for life, expected_totals, line in zip(made, totals, output.splitlines(), strict=True):
        assert first_difference(life, expected_totals, json.loads(line)) is None


EXTREMES = {
    "rich": {"credit": layouts.BALANCE_LIMIT, "price": layouts.PRICE_LIMIT, "remainder": 999},
    "poor": {"credit": -layouts.BALANCE_LIMIT + 5, "price": layouts.PRICE_LIMIT, "remainder": 999},
    "limited": {"arrears": layouts.BALANCE_LIMIT - 5, "limiter_engaged": 1, "price": 200_000},
    "granted": {
        "credit": layouts.BALANCE_LIMIT - 1,
        "overdraft": layouts.OVERDRAFT_LIMIT,
        "overdraft_until": layouts.CLOCK_LIMIT,
    },
    "registers": {
        "energy_wh": layouts.REGISTER_LIMIT - 1,
        "limited_wh": layouts.REGISTER_LIMIT - 1,
        "unbilled_wh": layouts.REGISTER_LIMIT - 1,
        "volume_l": layouts.REGISTER_LIMIT - 1,
        "tamper_wh": layouts.REGISTER_LIMIT - 1,
        "charge_stopped": 1,
    },
    "late": {"clock": layouts.CLOCK_LIMIT - 3, "calendar_until": 0},
}


def test_no_intermediate_leaves_the_small_ints_on_a_board():
    """Lives from the edges of every range, in the board's steps, with MicroPython's heap locked."""
    made = []
    for name in profiles.names():
        record = profiles.load(name).record()
        values = [getattr(record, field) for field in layouts.PROFILE_FIELDS]
        for edge, state in EXTREMES.items():
            rng = random.Random(f"{name} {edge}")
            operations = histories.life(rng, values, 10_000_000, LENGTH, state, ceiling=500)
            life = {"profile": values, "clock": 10_000_000, "operations": operations}
            made.append({**life, "state": state, "locked": 1})
    output = micropython.run(Path(replay.__file__), json.dumps(made))
    for life, line in zip(made, output.splitlines(), strict=True):
        assert first_difference(life, replay.checksums(life), json.loads(line)) is None


def test_a_steady_step_allocates_nothing():
    """Under a locked heap MicroPython raises when anything is allocated."""
    output = micropython.run(Path(__file__).with_name("locked_heap.py"))
    assert output.split() == [
        "electricity",
        "ok",
        "limited",
        "ok",
        "gas",
        "ok",
        "planted",
        "raised",
    ]


# ---- The journal on a file system, power to power ----------------------------------------------


def in_cpython(plan):
    return json.loads(json.dumps(power_cycle.life(plan)))


def in_micropython(plan):
    return json.loads(micropython.run(power_cycle.__file__, json.dumps(plan)))


def test_the_journal_keeps_the_account_in_both_interpreters(tmp_path, monkeypatch):
    """Each life starts, in an interpreter of its own, from the files the one before left."""
    monkeypatch.chdir(tmp_path)
    office = Issuer(4711, bytes(32), derive=True)
    noon = clock("2020-12-08 12:00")
    profile = profiles.load("wallonia-card")
    files = {k: v.hex() for k, v in flashed(4711, 1, office.key, profile).items()}
    names = [*files, *journal.FILES, journal.BEGUN, "key"]

    def token(kind, *values, **more):
        return ["token", office.token(kind, *values, **more).hex()]

    top_up = token(Kind.TOP_UP, 20 * EUR, order_id=1)
    lives = [
        (noon, [["use", 300], top_up, ["use", 240]]),  # 240 Wh are cut off
        (noon + 60, [top_up, ["wait", 60], token(Kind.SUPPORT, EUR), ["use", 499]]),
        (None, [["token", office.change_key(bytes(range(32))).hex()], ["wait", 3600]]),
        (None, [top_up, token(Kind.TOP_UP, 5 * EUR), ["use", 260]]),
    ]
    seen = []
    for now, steps in lives:
        plan = {"files": files, "now": now, "steps": steps, "names": names}
        one, other = in_cpython(plan), in_micropython(plan)
        assert one == other
        seen.append(other)
        files = other["files"]
    states = [dict(zip(layouts.STATE_FIELDS, life["state"], strict=True)) for life in seen]
    assert [life["found"] for life in seen] == [journal.NEW] + 3 * [journal.WHOLE]
    assert [m["energy_wh"] for m in states] == [540, 799, 799, 1059]
    assert [m["credited_eur"] for m in states] == [15 + 20, 36, 36, 41]
    assert [m["uncertain"] for m in states] == [0, 0, 1, 1]
    statuses = [[status for status, _ in life["answers"]] for life in seen]
    assert statuses == [[3], [6, 3], [3], [5, 3]]  # the same token is taken once

    files = {**files, "store.0": "00", "store.1": "ff" * 900}
    plan = {"files": files, "now": noon, "steps": [], "names": names}
    one, other = in_cpython(plan), in_micropython(plan)
    assert one == other
    assert other["found"] == journal.LOST
