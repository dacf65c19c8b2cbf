"""A line that splits, drops, duplicates, delays and flips, decided by a seed."""

import random
from collections import deque
from itertools import pairwise

from budgetmeter.client.lines import Line

Queue = deque[tuple[float, bytes]]  # when due, octets


class FaultyLine:
    """Another line with faults on it, the same ones for the same seed and traffic.

    A serial line keeps its order: what is delayed holds up what follows.

    :param line: the `Line` below
    :param seed: decides every draw
    :param split: part of the transmissions that arrive in pieces
    :param drop: part of the pieces that are lost
    :param duplicate: part of the pieces that arrive twice
    :param delay: part of the pieces that come late
    :param delay_s: how late at most, seconds
    :param flip: part of the octets of which one bit is flipped
    :ivar faults: how many of each kind there have been
    """

    def __init__(
        self,
        line: Line,
        seed: int = 1,
        split: float = 0.0,
        drop: float = 0.0,
        duplicate: float = 0.0,
        delay: float = 0.0,
        flip: float = 0.0,
        delay_s: float = 0.5,
    ) -> None:
        self.line = line
        self.seed = seed
        self.faults = {"split": 0, "drop": 0, "duplicate": 0, "delay": 0, "flip": 0}
        self._odds = {
            "split": split, "drop": drop, "duplicate": duplicate, "delay": delay, "flip": flip
        }  # fmt: skip
        for name, odds in self._odds.items():
            if not 0 <= odds <= 1:
                raise ValueError(f"{name}={odds} is not a part between 0 and 1")
        self._delay_s = delay_s
        self._random = random.Random(seed)
        self._going: Queue = deque()
        self._coming: Queue = deque()

    def write(self, data: bytes) -> None:
        self._damage(data, self._going)
        self._send_due()

    def read(self, wait_s: float) -> bytes:
        line = self.line
        until = line.now() + wait_s
        while True:
            self._send_due()
            if self._coming and self._coming[0][0] <= line.now():
                return self._coming.popleft()[1]
            dues = [queue[0][0] for queue in (self._going, self._coming) if queue]
            left = min([until, *dues]) - line.now()
            came = line.read(max(left, 0))
            if came:
                self._damage(came, self._coming)
            elif line.now() >= until:
                self._send_due()
                return b""

    def now(self) -> float:
        return self.line.now()

    def close(self) -> None:
        self.line.close()

    def _send_due(self) -> None:
        while self._going and self._going[0][0] <= self.line.now():
            self.line.write(self._going.popleft()[1])

    def _happens(self, fault: str) -> bool:
        happens = self._random.random() < self._odds[fault]
        self.faults[fault] += happens
        return happens

    def _damage(self, data: bytes, queue: Queue) -> None:
        """Queue what becomes of a transmission."""
        due = max(self.line.now(), queue[-1][0] if queue else 0)
        for piece in self._pieces(data):
            if self._happens("drop"):
                continue
            if self._happens("delay"):
                due += self._random.uniform(0, self._delay_s)
            flipped = self._flip(piece)
            queue.append((due, flipped))
            if self._happens("duplicate"):
                queue.append((due, flipped))

    def _pieces(self, data: bytes) -> list[bytes]:
        if len(data) < 2 or not self._happens("split"):
            return [data]
        cuts = self._random.sample(range(1, len(data)), min(len(data) - 1, 3))
        edges = [0, *sorted(cuts), len(data)]
        return [data[a:b] for a, b in pairwise(edges)]

    def _flip(self, piece: bytes) -> bytes:
        if not self._odds["flip"]:
            return piece
        octets = bytearray(piece)
        for i in range(len(octets)):
            if self._happens("flip"):
                octets[i] ^= 1 << self._random.randrange(8)
        return bytes(octets)
