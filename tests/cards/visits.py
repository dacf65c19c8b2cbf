"""Visits of cards to a meter, told as JSON; runs on both interpreters.

In MicroPython this file is run with what is told in the global INPUT and prints what came of it.
"""

import json
from binascii import hexlify, unhexlify

from meterfw.board import Board
from meterfw.meter import Meter


class Holder(Board):
    """A board that is only files and a card slot."""

    def __init__(self, files, now):
        self.files = files
        self.now = now
        self.card = None
        self.left = -1  # octets until the card is pulled out; -1 it stays
        self.lines = ()
        self.beeps = 0

    def elapsed_ms(self):
        return 0

    def pulses(self):
        return 0

    def supply(self, closed):
        pass

    def clock(self):
        return self.now

    def show(self, lines):
        self.lines = lines

    def beep(self, times):
        self.beeps += times

    def card_in(self):
        return 1 if self.card is not None and self.left != 0 else 0

    def _pass(self, size):
        passed = size if self.left < 0 else min(size, self.left)
        if self.left > 0:
            self.left -= passed
        return passed

    def card_read_into(self, at, buffer):
        if not self.card_in() or self._pass(len(buffer)) < len(buffer):
            return False
        for i in range(len(buffer)):
            buffer[i] = self.card[at + i]
        return True

    def card_write(self, at, data):
        if not self.card_in():
            return False
        passed = self._pass(len(data))
        for i in range(passed):
            self.card[at + i] = data[i]
        return passed == len(data)

    def load(self, name):
        return self.files.get(name)

    def store(self, name, data):
        self.files[name] = bytes(data)


def visit(meter, image, pull):
    """One card in and out; what can be seen of it."""
    board = meter.board
    board.card = bytearray(image)
    board.left = pull
    board.beeps = 0
    for _ in range(400):
        meter.poll()
    seen = {
        "outcome": meter.slot.outcome if board.card_in() else None,
        "lines": list(board.lines),
        "beeps": board.beeps,
        "loaded": meter.slot.taken,
        "credit": meter.state.credit,
        "card": hexlify(board.card).decode(),
    }
    board.card = None
    meter.poll()
    return seen


def run(told):
    """Visits of cards one after the other; "same" goes on with the card of the visit before."""
    files = {name: unhexlify(data) for name, data in told["files"].items()}
    meter = Meter(Holder(files, told["clock"]))
    seen = []
    for step in told["visits"]:
        image = seen[-1]["card"] if step["card"] == "same" else step["card"]
        seen.append(visit(meter, unhexlify(image), step["pull"]))
        if step["cut"]:
            meter = Meter(Holder(meter.board.files, told["clock"]))
    return seen


if "INPUT" in globals():
    print(json.dumps(run(json.loads(globals()["INPUT"]))))
