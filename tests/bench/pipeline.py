"""Meters on ports: time to ready, memory of each, requests a second of one user and of many."""

import time

from budgetmeter.client import Meter

from tests.bench.measure import report, spread, timed
from tests.emulate import soak
from tests.emulate.process import Emulated

RUNS = 3
REQUESTS = 1000
FEW, MANY = 100, 1000


def main():
    """Each figure from processes of their own."""
    ready, resident, alone, together = [], [], [], []
    for _ in range(RUNS):
        begin = time.perf_counter()
        with Emulated("--pty") as emulated, Meter(emulated.url) as meter:
            meter.ping()
            ready.append(time.perf_counter() - begin)
        with Emulated() as emulated, Meter(emulated.url) as meter:
            alone.append(REQUESTS / timed(lambda m=meter: [m.status() for _ in range(REQUESTS)]))
        sizes = []
        for count in (FEW, MANY):
            with Emulated("--count", count) as emulated:
                seconds = soak.run(emulated.urls, 10)
                sizes.append(soak.resident(emulated.process.pid))
        resident.append((sizes[1] - sizes[0]) / (MANY - FEW))
        together.append(10 * MANY / seconds)
    report("emulate_ready", unit="s", **spread(ready))
    report("emulate_memory", unit="KiB/meter", meters=MANY, **spread(resident))
    report("emulate_one_user", unit="requests/s", **spread(alone))
    report("emulate_many_users", unit="requests/s", meters=MANY, **spread(together))
