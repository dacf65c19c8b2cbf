"""One meter of a fleet: event for event what the emulator's is, in both interpreters."""

import numpy as np
import pytest
from budgetmeter import profiles
from budgetmeter.fleet import engine, single
from budgetmeter.fleet.rows import Household, Outcome, fields_of
from budgetmeter.report.phases import PHASES
from meterproto.codes import Event

from tests.fleet.support import events, simulated, small

HOLD = """
[[policy.order]]
time = 2021-01-06T12:00:00
kind = "hold"
until = 2021-01-12T20:00:00
share_pct = 50
[[policy.order]]
time = 2021-01-15T09:30:00
kind = "overdraft"
amount = 50
until = 2021-01-20T10:15:00
[[policy.order]]
time = 2021-01-16T00:00:00
kind = "price"
price = "0.31337"
"""


def policy(name):
    """A profile, and orders of the operator where there is prepayment."""
    orders = HOLD if profiles.load(name).prepayment else ""
    return f'profile = "{name}"\n{orders}'


def telling(chunk, count):
    """Meters of a chunk to which the most different things happen, each adding new ones."""
    kinds = [{code for _, _, code, _, _ in events(chunk, i)} for i in range(len(chunk.states))]
    chosen, seen = [], set()
    for _ in range(count):
        best = max(range(len(kinds)), key=lambda i: (len(kinds[i] - seen), len(kinds[i]), i))
        chosen.append(best)
        seen |= kinds[best]
        kinds[best] = set()
    return chosen, seen


def emulated(study, meter):
    """Events and end of a meter in the emulator, as the fleet has them."""
    world, end_s = single.emulator(study, meter)
    world.run(end_s)
    entries = [e for e in world.trace.entries if isinstance(e.code, Event)]
    return world, [(e.clock, e.second, int(e.code), e.reasons, e.balance) for e in entries]


def by_phase(seconds):
    """Times in phases; passing zero with a negative limit is no event, so a step may span it."""
    merged = {phase: s for phase, s in seconds.items() if s}
    merged["credit"] = merged.get("credit", 0) + merged.pop("negative limit", 0)
    return merged


# What has to happen to the meters looked at, beside what every prepayment meter sees.
HAPPENS = {
    "wallonia-card": {Event.EMERGENCY_SELECTABLE, Event.HOLD_ENDED, Event.OVERDRAFT_ENDED},
    "wallonia-digital": {Event.LIMITER_ENGAGED, Event.OVERLOAD, Event.ARREARS_PAID},
    "wallonia-gas": {Event.LEAK_TEST_STARTED, Event.EMERGENCY_CONSUMED},
    "flanders-2003": {Event.LIMITER_RELEASED, Event.OVERLOAD, Event.PRICE_CHANGED},
    "flanders-digital": {Event.LIMITER_ENGAGED, Event.OVERLOAD},
    "brussels-limiter": {Event.OVERLOAD, Event.CONNECTED},
}


@pytest.mark.parametrize("name", profiles.names())
def test_a_fleet_meter_is_the_emulators(name, tmp_path):
    study = small(tmp_path, policy(name), meters=60, days=35)
    chunk, _ = simulated(study, 60)
    meters, seen = telling(chunk, 3)
    assert seen >= HAPPENS[name]
    for meter in meters:
        world, happened = emulated(study, meter)
        assert events(chunk, meter) == happened
        state = chunk.states[meter]
        for field in state.dtype.names:
            assert int(state[field]) == getattr(world.meter.state, field), field
        o = chunk.outcomes[meter]
        assert o["top_ups"] == len(world.trace.top_ups)
        assert o["topped_up"] == sum(amount for _, amount in world.trace.top_ups)
        assert o["wanted"] == world.board.wanted // 3600
        seconds = dict(zip(PHASES, o["phase_s"].tolist(), strict=True))
        assert by_phase(seconds) == by_phase(world.trace.durations)


def test_at_one_minute_too(tmp_path):
    study = small(tmp_path, policy("flanders-2003"), meters=60, days=30, step=1)
    chunk, _ = simulated(study, 60)
    meters, seen = telling(chunk, 2)
    assert Event.OVERLOAD in seen
    for meter in meters:
        assert events(chunk, meter) == emulated(study, meter)[1]


@pytest.mark.parametrize("name", profiles.names())
def test_compiled_is_interpreted(name, tmp_path):
    study = small(tmp_path, policy(name), meters=12, days=60)
    chunk, ready = simulated(study, 12)
    spells = iter(chunk.spells.tolist())
    for meter in range(12):
        one = engine.interpreted(ready, meter, chunk.log.shape[1])
        assert [tuple(row) for row in one.log] == events(chunk, meter)
        for field in chunk.states.dtype.names:
            assert chunk.states[meter][field] == getattr(one.state, field), field
        for field in fields_of(Household):
            assert chunk.households[meter][field] == getattr(one.household, field), field
        for field in fields_of(Outcome):
            assert chunk.outcomes[meter][field] == getattr(one.outcome, field), field
        assert chunk.outcomes[meter]["phase_s"].tolist() == one.outcome.phase_s
        assert chunk.months[meter].tolist() == one.months
        assert [next(spells) for _ in range(one.outcome.spells)] == one.spells[: one.outcome.spells]


def test_time_and_self_disconnections_add_up(tmp_path):
    study = small(tmp_path, 'profile = "wallonia-card"', meters=200, days=90)
    chunk, _ = simulated(study, 200, log=0)
    o = chunk.outcomes
    assert (o["phase_s"].sum(axis=1) == (study.end - study.start) * 60).all()
    assert o["spells"].sum() == len(chunk.spells) > 200
    assert o["off_s"].sum() == chunk.spells[:, 1].sum()
    assert o["longest_off_s"].max() == chunk.spells[:, 1].max()
    # all of it is time without supply, though an overload may add to that
    assert (o["off_s"] <= o["phase_s"][:, PHASES.index("ready") :].sum(axis=1)).all()


def test_more_spells_than_expected_find_room(tmp_path):
    """The buffer grows; nothing is lost or said twice."""
    slow = ("cover_pct=5", "errand_h=1", "heed_pct=0", "protected_pct=0", "base_kwh=20000")
    changes = '[policy.change]\ninitial_reserve = "1.00"\nemergency_preset = "0.00"\n'
    hours = 'window_from = "00:00"\nwindow_to = "00:00"\nwindow_days = []\n'
    study = small(tmp_path, f'profile = "wallonia-card"\n{changes}{hours}', 60, 90, changes=slow)
    chunk, ready = simulated(study, 60, log=0)
    room = 60 * 8 + engine.room_for_spells(ready)
    assert len(chunk.spells) == chunk.outcomes["spells"].sum() > room
    assert (chunk.spells[:, 1] > 0).all()


def test_the_orders_of_a_share_go_to_the_same_households(tmp_path):
    text = 'profile = "wallonia-card"\n' + "".join(
        f"[[policy.order]]\ntime = 2021-01-0{day}T10:00:00\nkind = 'support'\n"
        f"amount = {amount}\nshare_pct = {share}\n"
        for day, amount, share in ((2, 1, 25), (3, 10, 25), (4, 100, 60))
    )
    chunk, _ = simulated(small(tmp_path, text, meters=400, days=5), 400, log=0)
    o = chunk.outcomes
    given = (o["credited"] - o["topped_up"]) // 100_000 - 15  # the initial reserve
    counts = {amount: int((given == amount).sum()) for amount in np.unique(given)}
    assert set(counts) == {0, 100, 111}
    assert 70 < counts[111] < 130
    assert 200 < counts[111] + counts[100] < 280
