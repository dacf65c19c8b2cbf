"""Hostile clients of all kinds beside a thousand meters: honest ones are answered all the same.

`python -m tests.emulate.hostile [HOSTILE [SECONDS]]` (`make hostile`). Twenty honest clients ask
once a second, as a head-end does: first alone, then beside 2,000 hostile clients, some of them at
the honest clients' own ports. The p99 of their answers may grow tenfold.
"""

import json
import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from tests.emulate import crowd
from tests.emulate.process import Emulated

METERS = 1000
HONEST = 20
TIMES = 10  # the calm latency
LEAST_S = 0.01  # below that it is the machine's
LINGER = b"\1\0\0\0\0\0\0\0"
QUESTIONS = b"status\nevents\nhelp\n" * 200
HALF = crowd.status_request()[:7]


class Hostile:
    """A client who does one hostile thing again and again.

    :param kind: the name of one of the methods below `act`
    """

    def __init__(self, url: str, kind: str) -> None:
        self.url, self.kind = url, kind
        self.socket = self._connect()
        self.acts = 0

    def _connect(self) -> socket.socket:
        made = socket.socket()
        made.setblocking(False)
        parts = urlsplit(self.url)
        made.connect_ex((parts.hostname, parts.port))
        return made

    def _again(self) -> None:
        self.socket.close()
        self.socket = self._connect()

    def act(self) -> None:
        """Do it once; who is hung up on comes again."""
        self.acts += 1
        try:
            getattr(self, self.kind)()
        except BlockingIOError:
            pass
        except OSError:
            with suppress(OSError):
                self._again()

    def floods(self) -> None:
        self.socket.send(os.urandom(16_384))

    def asks_and_never_reads(self) -> None:
        self.socket.send(QUESTIONS)

    def says_nothing(self) -> None:
        pass

    def stops_in_a_frame(self) -> None:
        self.socket.send(HALF + bytes(100))

    def reads_an_octet(self) -> None:
        self.socket.send(b"events\n")
        self.socket.recv(1)

    def comes_and_goes(self) -> None:
        self._again()

    def vanishes(self) -> None:
        self.socket.send(HALF)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
        self._again()

    def floods_and_knocks(self) -> None:
        with suppress(BlockingIOError):
            self.socket.send(QUESTIONS)
        self._connect().close()


KINDS = [name for name in vars(Hostile) if not name.startswith("_") and name != "act"]


def asked(clients: Sequence[crowd.Client], seconds: int) -> list[float]:
    """Each asks once a second, in turn, for so long; how long each answer took.

    :raises AssertionError: an honest client is hung up on, or not answered
    """
    for client in clients:
        client.latencies.clear()
    due = [
        (second + i / len(clients), client)
        for second in range(seconds)
        for i, client in enumerate(clients)
    ]
    begun, waiting = time.monotonic(), 0
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
        free = set(clients)
        while due or waiting:
            wait = begun + due[0][0] - time.monotonic() if due else crowd.WAIT_S
            if wait <= 0 and due[0][1] in free:
                client = due.pop(0)[1]
                free.remove(client)
                client.ask()
                waiting += 1
                continue
            ready = selector.select(wait if wait > 0 else crowd.WAIT_S)
            assert ready or wait > 0, f"{waiting} honest clients wait in vain"
            for key, _ in ready:
                if key.data.take():
                    free.add(key.data)
                    waiting -= 1
    assert all(crowd.is_status(client.last) for client in clients)
    return [each for client in clients for each in client.latencies]


def trouble(urls: Sequence[str], own: Sequence[str], count: int) -> None:
    """Be so many hostile clients for ever, and print how often they acted; in a process of its own.

    :param own: ports that honest clients have: for ten hostile acts there is a knock at one
    """
    users = [Hostile(urls[i % len(urls)], KINDS[i % len(KINDS)]) for i in range(count)]
    knockers = [Hostile(url, "comes_and_goes") for url in own]
    print("ready", flush=True)
    while True:
        for i, user in enumerate(users):
            user.act()
            if i % 10 == 0:
                knockers[i // 10 % len(knockers)].act()
        print(sum(user.acts for user in (*users, *knockers)), flush=True)


def beside(meters: int, count: int, seconds: int) -> tuple[list[float], list[float], int]:
    """Latencies of honest clients alone, and beside hostile ones; how often these acted."""
    with Emulated("--count", meters, "--watts", 500) as emulated:
        urls = list(emulated.urls.values())
        own, others = urls[:HONEST], urls[HONEST:]
        honest = [crowd.meter(url) for url in own]
        asked(honest, 2)
        calm = asked(honest, seconds)
        code = "import json, sys; from tests.emulate import hostile as h; "
        code += "h.trouble(*json.loads(sys.stdin.readline()))"
        pipe = subprocess.PIPE
        with subprocess.Popen(
            [sys.executable, "-c", code], stdin=pipe, stdout=pipe, text=True
        ) as process:
            process.stdin.write(json.dumps([others, own, count]) + "\n")
            process.stdin.flush()
            assert process.stdout.readline() == "ready\n"
            stormy = asked(honest, seconds)
            process.kill()
            acts = process.stdout.read().split()
        asked(honest, 2)
        for client in honest:
            client.socket.close()
        return calm, stormy, int(acts[-1]) if acts else 0


def main() -> None:
    """Print the latencies; exit status 1 if the honest clients had to wait too long."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    calm, stormy, acts = beside(METERS, count, seconds)
    for name, latencies in (("calm", calm), (f"beside {count:,} hostile clients", stormy)):
        parts = [1000 * crowd.percentile(latencies, part) for part in (0.5, 0.99, 1)]
        print(
            f"{name}: {len(latencies):,} answers, %.1f ms, p99 %.1f ms, worst %.1f ms" % (*parts,)
        )
    times = crowd.percentile(stormy, 0.99) / max(crowd.percentile(calm, 0.99), LEAST_S)
    print(f"{acts:,} hostile acts; the p99 is {times:.1f} times as long, at most {TIMES}")
    sys.exit(int(times > TIMES))


if __name__ == "__main__":
    main()
