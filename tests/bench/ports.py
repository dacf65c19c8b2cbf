"""A thousand meters asked over TCP, beside pymodbus' server in the same run; ten thousand started.

A client asks again as soon as it is answered. Each client has a meter of its own; the meters
without a client live on beside them. pymodbus serves as many registers as fill a status. Clients
and server are two processes on the same machine.
"""

import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from tests.bench.measure import report, spread
from tests.emulate import crowd
from tests.emulate.process import Emulated
from tests.emulate.soak import resident

METERS = 1000
CLIENTS = {1: 3000, 100: 100, 1000: 12}  # and how often each asks, in one run
RUNS = 3
MANY = 10_000
# MBAP header, "read holding registers" from 0; as many as a status has octets, in pairs
REGISTERS = 30
QUESTION = struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, 0, REGISTERS)


def main() -> None:
    """Answers a second and p99 with 1, 100 and 1,000 clients, in turn on both; then the start."""
    with Emulated("--count", METERS, "--watts", 500) as emulated, pymodbus() as modbus:
        urls = list(emulated.urls.values())
        for count, times in CLIENTS.items():
            meters = [crowd.meter(url) for url in urls[:count]]
            others = [crowd.Client(modbus, QUESTION, _whole_pdu) for _ in range(count)]
            ours, theirs = _compare(meters, others, times)
            assert all(crowd.is_status(client.last) for client in meters)
            assert all(len(client.last) == 9 + 2 * REGISTERS for client in others)
            for client in (*meters, *others):
                client.socket.close()
            report(f"answers_{count}_clients", unit="answers/s", **spread(ours[0]))
            report(f"answers_{count}_clients_p99", unit="ms", **spread(ours[1]))
            report(f"pymodbus_{count}_clients", unit="answers/s", **spread(theirs[0]))
            report(f"pymodbus_{count}_clients_p99", unit="ms", **spread(theirs[1]))
            ratio = median(ours[0]) / median(theirs[0])
            report(f"answers_{count}_clients_ratio", unit="times pymodbus", target=1, median=ratio)
    begun = time.perf_counter()
    with Emulated("--count", MANY) as emulated:
        seconds = time.perf_counter() - begun
        report("start_of_10000_meters", unit="s", target=30, median=seconds)
        mib = resident(emulated.process.pid) / 1024
        report("memory_of_10000_meters", unit="MiB", target=300, median=mib)
        last = crowd.meter(list(emulated.urls.values())[-1])
        crowd.ask_all([last], 1)
        assert crowd.is_status(last.last)
        last.socket.close()


def _compare(ours: list, theirs: list, times: int) -> list[tuple[list[float], list[float]]]:
    """Both in turn, several times: answers a second, and p99 in ms."""
    figures = [([], []), ([], [])]
    for clients in (ours, theirs):
        crowd.ask_all(clients, 1)
    for _ in range(RUNS):
        for clients, (rates, slowest) in zip((ours, theirs), figures, strict=True):
            for client in clients:
                client.latencies.clear()
            rates.append(len(clients) * times / crowd.ask_all(clients, times))
            latencies = [each for client in clients for each in client.latencies]
            slowest.append(1000 * crowd.percentile(latencies, 0.99))
    return figures


def _whole_pdu(data: bytes) -> bool:
    """Whether an answer is as long as its MBAP header says."""
    return len(data) >= 6 and len(data) == 6 + struct.unpack_from(">H", data, 4)[0]


@contextmanager
def pymodbus() -> Iterator[str]:
    """The URL of pymodbus' server, in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.modbus_server"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()
