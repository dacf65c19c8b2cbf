"""A thousand meters whose P1 ports are read, a hundred by DLMS and MQTT too; and without."""

import contextlib
import selectors
import socket
import subprocess
import tempfile

from tests.bench.measure import report, spread
from tests.bench.p1 import Readers, cpu_s
from tests.bridges.brokers import Amqtt
from tests.dlms import fuzz
from tests.dlms.strangers import place
from tests.emulate import soak
from tests.emulate.process import BUDGETMETER, Emulated

RUNS = 3
METERS, ASKED = 1000, 100
SETTLE_S, SPAN_S = 10, 10
EVERY_S = 1  # between two questions to a meter by DLMS, and by MQTT
BALANCE = fuzz.wrapped(bytes.fromhex("c001c1006f0000130000ff0500"))


class Clients(Readers):
    """Readers at P1 ports, and clients at DLMS ports that ask for the balance each second."""

    def __init__(self, p1, dlms):
        super().__init__(p1)
        self.answers = 0
        self.lines = [socket.create_connection(place(url)) for url in dlms]
        for line in self.lines:
            line.sendall(fuzz.wrapped(fuzz.AARQ))
            assert line.recv(256)
            line.setblocking(False)
            self.selector.register(line, selectors.EVENT_READ, "dlms")

    def pass_time(self, seconds):
        """Ask and read, for so long."""
        for _ in range(seconds // EVERY_S):
            for line in self.lines:
                line.sendall(BALANCE)
            super().pass_time(EVERY_S)

    def take(self, key):
        """Count what has come: a balance, or telegrams."""
        if key.data == "dlms":
            self.answers += len(key.fileobj.recv(1 << 16)) // 17
        else:
            super().take(key)


def share(*options, strangers=False):
    """Percent of a core and KiB of a meter, in the emulator; then of MQTT; telegrams, answers."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        broker = stack.enter_context(Amqtt(folder))
        emulated = stack.enter_context(Emulated("--count", METERS, "--watts", 500, *options))
        pids = [emulated.process.pid]
        if strangers:
            urls = list(emulated.urls.values())[:ASKED]
            command = [
                BUDGETMETER,
                "mqtt",
                *urls,
                "--broker",
                broker.address,
                "--every",
                f"{EVERY_S}",
            ]
            bridge = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            stack.callback(bridge.wait)
            stack.callback(bridge.kill)
            pids.append(bridge.pid)
        at = Clients(emulated.p1.values(), list(emulated.dlms.values())[:ASKED])
        at.pass_time(SETTLE_S)
        begun = [cpu_s(pid) for pid in pids]
        at.read = at.answers = 0
        at.pass_time(SPAN_S)
        used = [(cpu_s(pid) - begin) / SPAN_S * 100 for pid, begin in zip(pids, begun, strict=True)]
        kib = soak.resident(pids[0]) / METERS
        return used[0], kib, at.read / SPAN_S, at.answers / SPAN_S, *used[1:]


def main():
    """Each figure from processes of their own."""
    names = (("cpu", "% of a core"), ("memory", "KiB/meter"), ("telegrams", "1/s"),
             ("dlms", "1/s"), ("mqtt_cpu", "% of a core"))  # fmt: skip
    for name, options, strangers in (
        ("without", (), False),
        ("with", ("--p1", 0, "--dlms", 0), True),
    ):
        runs = [share(*options, strangers=strangers) for _ in range(RUNS)]
        for (what, unit), values in zip(names, zip(*runs, strict=True), strict=False):
            if any(values):
                report(f"strangers_{name}_{what}", unit=unit, meters=METERS, **spread(values))
