"""What a story comes to in CPython: the oracle for the meter in a page."""

from functools import cache

from budgetmeter import scenario, units
from budgetmeter.scenario.play import start
from budgetmeter.scenario.stage import Stage
from meterfw.layouts import STATE_FIELDS


@cache
def played(name):
    """A shipped scenario up to its last step, by the emulator and an office: state, log, supplies.

    The log is (local time, event, balance in exact EUR) of each entry.
    """
    loaded = scenario.load(name)
    world, _ = start(loaded)
    stage = Stage(world, loaded.contract)
    for step in loaded.steps:
        world.run(units.to_clock(step.time) * 60 + step.time.second)
        if step.act is not None:
            step.act(stage)
    state = {field: getattr(world.meter.state, field) for field in STATE_FIELDS}
    entries = [
        [f"{entry.time}", entry.code.word, units.euros(entry.balance, 5)]
        for entry in world.trace.entries
    ]
    return state, entries
