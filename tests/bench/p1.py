"""A thousand meters in one process in real time: its share of a core without P1, with, and read."""

import os
import selectors
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

from budgetmeter import profiles
from budgetmeter.emulator import telegrams
from budgetmeter.testing import MeterUnderTest

from tests.bench.measure import report, spread, timed
from tests.emulate import soak
from tests.emulate.process import Emulated

RUNS = 3
METERS = 1000
SETTLE_S, SPAN_S = 4, 10
TELEGRAMS = 500


def cpu_s(pid):
    """Processor time a process has used, s."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Readers:
    """A reader at each port."""

    def __init__(self, urls):
        self.selector = selectors.DefaultSelector()
        self.read = 0
        for url in urls:
            parts = urlsplit(url)
            made = socket.create_connection((parts.hostname, parts.port))
            made.setblocking(False)
            self.selector.register(made, selectors.EVENT_READ)

    def pass_time(self, seconds):
        """Read all that comes, for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for key, _ in self.selector.select(left):
                self.take(key)

    def take(self, key):
        """Count the telegrams that have come."""
        self.read += key.fileobj.recv(1 << 16).count(b"!")


def share(*options, readers=False):
    """Percent of a core, KiB of a meter, telegrams read a second."""
    with Emulated("--count", METERS, "--watts", 500, *options) as emulated:
        pid = emulated.process.pid
        at = Readers(emulated.p1.values() if readers else ())
        at.pass_time(SETTLE_S)
        begin, at.read = cpu_s(pid), 0
        at.pass_time(SPAN_S)
        used = (cpu_s(pid) - begin) / SPAN_S * 100
        return used, soak.resident(pid) / METERS, at.read / SPAN_S


def main():
    """Each figure from processes of their own."""
    for name, options, readers in (
        ("without", (), False),
        ("with", ("--p1", 0), False),
        ("read", ("--p1", 0), True),
    ):
        runs = [share(*options, readers=readers) for _ in range(RUNS)]
        for what, unit, i in (("cpu", "% of a core", 0), ("memory", "KiB/meter", 1)):
            report(f"p1_{name}_{what}", unit=unit, meters=METERS, **spread([r[i] for r in runs]))
        if readers:
            figures = spread([run[2] for run in runs])
            report("p1_read_telegrams", unit="1/s", meters=METERS, **figures)
    meter = MeterUnderTest(profile=profiles.names()[0])
    spans = [
        timed(lambda: [telegrams.telegram(meter.world) for _ in range(TELEGRAMS)]) / TELEGRAMS
        for _ in range(RUNS)
    ]
    report("p1_telegram", unit="ms", **spread([1000 * span for span in spans]))
