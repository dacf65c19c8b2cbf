"""The rules in three runtimes: one year of quarter-hours with weekly top-ups, again and again."""

from pathlib import Path

import numpy as np
from budgetmeter import profiles
from budgetmeter.fleet import compiled
from meterfw import layouts
from meterfw.account import orders, record, rules
from numba import njit

from tests import micropython
from tests.bench.measure import report, spread, timed

RUNS = 5
CPYTHON_STEPS = 100_000
NUMBA_STEPS = 5_000_000
EVERY = 672  # quarter-hours in a week


def main():
    """Steps per second in CPython and under Numba on one core, interleaved; then MicroPython."""
    p = profiles.load("wallonia-card").record()
    names = layouts.PROFILE_FIELDS
    row = np.array([tuple(getattr(p, n) for n in names)], compiled.PROFILE)
    run = _compiled()
    run(np.zeros(1, compiled.STATE), row, 1000)
    slow, fast = [], []
    for _ in range(RUNS):
        slow.append(CPYTHON_STEPS / timed(lambda: _interpreted(p, CPYTHON_STEPS)))
        fast.append(NUMBA_STEPS / timed(lambda: run(np.zeros(1, compiled.STATE), row, NUMBA_STEPS)))
    ratios = [b / a for a, b in zip(slow, fast, strict=True)]
    report("rules_cpython", unit="steps/s", **spread(slow))
    report("rules_numba", unit="steps/s", **spread(fast))
    report("rules_numba_over_cpython", unit="times", target=80, **spread(ratios))
    script = Path(__file__).with_name("in_micropython.py")
    rates = [float(micropython.run(script)) for _ in range(3)]
    report("rules_micropython_wasm", unit="steps/s", **spread(rates))


def _interpreted(p, steps):
    m = record.State()
    orders.install(m, p, 3_682_080)
    for i in range(steps):
        rules.advance(m, p, 900, 90, 1565, 360)
        if i % EVERY == EVERY - 1:
            orders.apply(m, p, layouts.KIND_TOP_UP, 2_000_000, 0, 0)
            rules.judge(m, p)
            rules.press(m, p, 0)


def _compiled():
    """`_interpreted` compiled, over a row of a fleet."""
    rule = compiled.compile_rules()
    install, advance, apply = rule.install, rule.advance, rule.apply
    judge, press, top_up = rule.judge, rule.press, layouts.KIND_TOP_UP

    @njit
    def run(fleet, some_profiles, steps):
        m, p = fleet[0], some_profiles[0]
        install(m, p, 3_682_080)
        for i in range(steps):
            advance(m, p, 900, 90, 1565, 360)
            if i % EVERY == EVERY - 1:
                apply(m, p, top_up, 2_000_000, 0, 0)
                judge(m, p)
                press(m, p, 0)

    return run
