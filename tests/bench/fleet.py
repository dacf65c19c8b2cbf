"""A region for a year: wall clock, steps per second, memory, scaling, and what 15 minutes miss."""

import multiprocessing
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from budgetmeter.fleet import engine, study

from tests.bench.measure import report, spread, timed

CORES = 2
REGION = 60_000
PART = 3000  # meters of the runs that are repeated
RUNS = 3
STUDY = "wallonia-friendly-hours"


def main():
    """All figures; the runs of the whole region are made once each."""
    ready = {step: engine.world(_sized(PART, step)) for step in (15, 1)}
    engine.warm(ready[15])
    for step in (15, 1):
        _rates(ready[step], step)
    _scaling()
    for step, target in ((15, 60), (1, 720)):
        seconds, _ = _run(REGION, step, CORES)
        report(f"fleet_region_{step}_min", unit="s", target=target, value=seconds, runs=1)
    for meters in (REGION, 10 * REGION):
        seconds, peak = _run(meters, 15, CORES)
        report(f"fleet_peak_memory_{meters}", unit="MB", value=peak / 1024, seconds=seconds)
    _missed()


def _sized(meters, step, what=STUDY, *changes):
    return study.load(what, [f"meters={meters}", f"step_min={step}", *changes])


def _rates(ready, step):
    """Samples per second on one core, compiled and in CPython, in turn."""
    samples = 365 * 1440 // step
    fast, slow, meters = [], [], 600
    for i in range(RUNS):
        fast.append(samples * meters / timed(lambda: engine.simulate(ready, 0, meters)))
        slow.append(samples * 2 / timed(lambda i=i: [engine.interpreted(ready, n) for n in (i, 9)]))
    report(f"fleet_numba_{step}_min", unit="steps/s/core", **spread(fast))
    report(f"fleet_cpython_{step}_min", unit="steps/s/core", **spread(slow))
    ratios = [a / b for a, b in zip(fast, slow, strict=True)]
    report(f"fleet_numba_over_cpython_{step}_min", unit="times", **spread(ratios))


def _burn(ready):
    """What a worker of a run does; the seconds the work took, without its start."""
    engine.warm(ready)
    return timed(lambda: engine.simulate(ready, 0, PART))


def _scaling():
    """The same work by one process and by two at once, in turn."""
    ready = engine.world(_sized(PART, 15))
    gains = []
    with multiprocessing.get_context("spawn").Pool(CORES) as pool:
        pool.map(_burn, [ready] * CORES, chunksize=1)
        for _ in range(RUNS):
            alone = pool.map(_burn, [ready], chunksize=1)[0]
            together = max(pool.map(_burn, [ready] * CORES, chunksize=1))
            gains.append(CORES * alone / together)
    report("fleet_scaling_1_to_2", unit="times", target=1.8, **spread(gains))


# Runs a command and prints the memory of its largest process, its children's included, in KB.
_MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def _run(meters, step, workers):
    """Seconds of a whole `fleet run` from the command line, and its largest process in KB."""
    command = [str(Path(sys.executable).with_name("budgetmeter")), "fleet", "run", STUDY]
    sizes = [f"--meters={meters}", f"--step={step}", f"--workers={workers}", "--json"]
    with tempfile.TemporaryDirectory() as folder:
        arguments = [sys.executable, "-c", _MEASURED, *command, "--out", folder, *sizes]
        begin = time.perf_counter()
        done = subprocess.run(arguments, check=True, capture_output=True, text=True)
        return time.perf_counter() - begin, int(done.stdout)


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
