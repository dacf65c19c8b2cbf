"""A region for a year: wall clock, steps per second, memory, scaling, and what 15 minutes miss."""

import multiprocessing
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from budgetmeter.fleet import compiled, engine, study
from budgetmeter.fleet.homes import build, fill_day

from tests.bench.measure import report, spread, timed

CORES = 2
REGION = 60_000
PART = 3000  # meters of the runs that are repeated
MONTH = 28  # days, where only memory is looked at
RUNS = 3
STUDY = "wallonia-friendly-hours"


def main():
    """All figures; the runs of the whole region are made once each."""
    ready = {step: engine.world(_sized(PART, step)) for step in (15, 1)}
    engine.warm(ready[15])
    for step in (15, 1):
        _rates(ready[step], step)
        _limit(ready[step], step)
    _scaling()
    for step, target in ((15, 60), (1, 720)):
        seconds, cpu, peak = _run(REGION, 365, step)
        report(
            f"fleet_region_{step}_min", unit="s", target=target, value=seconds, runs=1,
            cpu_s=cpu, peak_mb=peak,
        )  # fmt: skip
    for meters in (REGION, 10 * REGION):
        seconds, _, peak = _run(meters, MONTH, 15)
        report(f"fleet_peak_memory_{meters}", unit="MB", value=peak, days=MONTH, seconds=seconds)
    _missed()


def _sized(meters, step, what=STUDY, *changes):
    return study.load(what, [f"meters={meters}", f"step_min={step}", *changes])


def _cpu(work):
    """CPU seconds `work()` takes in this process: on a shared machine, what a core does."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def _rates(ready, step):
    """Samples of load per second on one core, compiled and in CPython, in turn."""
    samples = 365 * 1440 // step
    fast, slow, meters = [], [], 600
    for i in range(RUNS):
        fast.append(samples * meters / _cpu(lambda: engine.simulate(ready, 0, meters)))
        slow.append(samples * 2 / _cpu(lambda i=i: [engine.interpreted(ready, n) for n in (i, 9)]))
    report(f"fleet_numba_{step}_min", unit="steps/s/core", **spread(fast))
    report(f"fleet_cpython_{step}_min", unit="steps/s/core", **spread(slow))
    ratios = [a / b for a, b in zip(fast, slow, strict=True)]
    report(f"fleet_numba_over_cpython_{step}_min", unit="times", **spread(ratios))


def _fill(households, config, profile, tables, meters, rates):
    """The least that these lives ask for: each home's days, and their samples added up."""
    household, wanted = households[0], 0
    for meter in range(meters):
        household.meter = meter
        build(household, config, profile, tables)
        for day in range(config.start // 1440, config.end // 1440):
            fill_day(household, config, profile, tables, day, rates)
            for i in range(config.slots):
                wanted += rates[i]
    return wanted


def _limit(ready, step):
    """How often a life takes the time of that bare loop; and what a million meters take."""
    meters, ratios, each = 600, [], []
    fill = compiled.compile_function(_fill, engine.MODULES)
    household = np.zeros(1, engine.HOUSEHOLD)
    rates = np.zeros(int(ready.config["slots"][0]), np.int64)
    given = (household, ready.config[0], ready.profile[0], ready.tables, meters, rates)
    fill(*given)
    for _ in range(RUNS):
        bare = _cpu(lambda: fill(*given))
        whole = _cpu(lambda: engine.simulate(ready, 0, meters))
        ratios.append(whole / bare)
        each.append(whole / meters * 1e6 / CORES)
    report(f"fleet_over_bare_loop_{step}_min", unit="times", target=3, **spread(ratios))
    report(f"fleet_million_meters_{step}_min", unit="s", cores=CORES, **spread(each))


def _burn(ready):
    """What a worker of a run does; the seconds the work took without its start, and its CPU's."""
    engine.warm(ready)
    cpu = time.process_time()
    seconds = timed(lambda: engine.simulate(ready, 0, PART))
    return seconds, time.process_time() - cpu


def _scaling():
    """The same work by one process and by two at once, in turn; by the clock and by CPU time."""
    ready = engine.world(_sized(PART, 15))
    gains = {"": [], "_cpu": []}
    with multiprocessing.get_context("spawn").Pool(CORES) as pool:
        pool.map(_burn, [ready] * CORES, chunksize=1)
        for _ in range(RUNS):
            alone = pool.map(_burn, [ready], chunksize=1)[0]
            together = map(max, zip(*pool.map(_burn, [ready] * CORES, chunksize=1), strict=True))
            for name, one, both in zip(gains, alone, together, strict=True):
                gains[name].append(CORES * one / both)
    for name, values in gains.items():
        report(f"fleet_scaling_1_to_2{name}", unit="times", target=1.8, **spread(values))


# Runs a command; prints CPU seconds of all its processes, and the memory of the largest in MB.
_MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""


def _run(meters, days, step):
    """A whole `fleet run`: seconds, CPU seconds of all processes, MB of the largest."""
    command = [str(Path(sys.executable).with_name("budgetmeter")), "fleet", "run", STUDY]
    sizes = [f"--meters={meters}", f"--days={days}", f"--step={step}", f"--workers={CORES}"]
    with tempfile.TemporaryDirectory() as folder:
        arguments = [sys.executable, "-c", _MEASURED, *command, "--out", folder, *sizes]
        begin = time.perf_counter()
        done = subprocess.run(arguments, check=True, capture_output=True, text=True)
        cpu, peak = map(float, done.stdout.split())
        return time.perf_counter() - begin, cpu, peak


def _missed():
    """Limiter trips at 15 minutes over those at one minute, the same homes and people."""
    for what in ("flanders-10a", "flanders-6a"):
        trips = {}
        for step in (15, 1):
            chunk = engine.simulate(engine.world(_sized(PART, step, what)), 0, PART)
            trips[step] = int(chunk.outcomes["trips"].sum())
        report(
            f"fleet_trips_{what}", unit="trips", at_1_min=trips[1], at_15_min=trips[15],
            missed_pct=100 * (1 - trips[15] / trips[1]),
        )  # fmt: skip
