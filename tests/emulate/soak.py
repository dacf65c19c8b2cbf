"""A thousand meters in one process, all asked for their status over TCP at the same time.

`python -m tests.emulate.soak [METERS [ROUNDS]]`. Every answer is decoded and checked; the process
may not grow.
"""

import selectors
import socket
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from meterproto import framing, messages
from meterproto.codes import Message

from tests.emulate.process import Emulated

WAIT_S = 60  # for any answer at all


class Asker:
    """A connection to one meter that asks for status again and again."""

    def __init__(self, number, url):
        parts = urlsplit(url)
        self.number = number
        self.socket = socket.create_connection((parts.hostname, parts.port))
        self.socket.setblocking(False)
        self.decoder = framing.Decoder()
        self.sequence = self.answered = 0

    def ask(self):
        """Send one request."""
        self.sequence = self.sequence % 255 + 1
        header = {"version": 1, "type": Message.STATUS, "sequence": self.sequence}
        self.socket.send(framing.encode(messages.Header.build(header)))

    def take(self):
        """Read on; True when the answer is complete and right."""
        data = self.socket.recv(4096)
        assert data, f"meter {self.number} hung up"
        for content in self.decoder.feed(data):
            assert content[1:3] == bytes([Message.STATUS | messages.ANSWER, self.sequence])
            messages.Status.parse(content[3:])
            self.answered += 1
            return True
        assert self.decoder.bad == 0
        return False


def run(urls, rounds):
    """Ask every meter so often, each again as soon as it has answered; seconds it took.

    :raises AssertionError: a wrong answer, or none
    """
    askers = [Asker(number, url) for number, url in urls.items()]
    with selectors.DefaultSelector() as selector:
        for asker in askers:
            selector.register(asker.socket, selectors.EVENT_READ, asker)
        begin = time.monotonic()
        for asker in askers:
            asker.ask()
        left = len(askers)
        while left:
            ready = selector.select(WAIT_S)
            assert ready, f"{left} meters do not answer"
            for key, _ in ready:
                if not key.data.take():
                    continue
                if key.data.answered == rounds:
                    left -= 1
                else:
                    key.data.ask()
        seconds = time.monotonic() - begin
    for asker in askers:
        asker.socket.close()
    return seconds


def resident(pid):
    """Memory of a process, KiB."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise AssertionError("no such process")


def soak(meters, rounds):
    """Start, soak, measure: requests a second, and KiB the process grew after a first round."""
    with Emulated("--count", meters, "--watts", 500) as emulated:
        run(emulated.urls, 2)
        before = resident(emulated.process.pid)
        seconds = run(emulated.urls, rounds)
        return meters * rounds / seconds, resident(emulated.process.pid) - before


def main():
    meters = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    rate, grown = soak(meters, rounds)
    print(
        f"{meters} meters, {meters * rounds} answers, none wrong: {rate:.0f}/s, {grown} KiB grown"
    )
    assert grown < 10_000


if __name__ == "__main__":
    main()
