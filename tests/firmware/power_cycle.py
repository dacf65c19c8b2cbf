# Run in CPython and MicroPython: one life of a meter on `meterfw.files`, from power to power.
# INPUT: the files there are and what happens. Printed: the files and account after it.
import json
import os
from binascii import hexlify, unhexlify

from meterfw import files, layouts
from meterfw.board import Board
from meterfw.meter import Meter


class Bench(Board):
    """A board that does as it is told."""

    def __init__(self, now):
        self.now = now  # None without a clock chip
        self.used = 0
        self.passed = 0
        self.closed = 0

    def elapsed_ms(self):
        passed, self.passed = self.passed, 0
        return passed

    def pulses(self):
        used, self.used = self.used, 0
        return used

    def current_ma(self):
        return 0

    def power_w(self):
        return 0

    def button_s(self):
        return -1

    def clock(self):
        return -1 if self.now is None else self.now

    def clock_s(self):
        return 0

    def set_clock(self, clock):
        pass

    def supply(self, closed):
        self.closed = closed

    def show(self, lines):
        pass

    def beep(self, times):
        pass

    def read_into(self, buffer):
        return 0

    def write(self, data, size):
        pass

    def load(self, name):
        return files.load(name)

    def store(self, name, data):
        files.store(name, data)


def life(told):
    """One life; the answer as plain data."""
    for name, data in told["files"].items():
        with open(name, "wb") as file:
            file.write(unhexlify(data))
    board = Bench(told["now"])
    meter = Meter(board)
    answers = []
    for step, value in told["steps"]:
        if step == "use":
            board.used, board.passed = value, 1000
            meter.poll()
        elif step == "wait":
            board.passed = value * 1000
            meter.poll()
        else:
            answers.append(meter.enter(unhexlify(value)))
    names = [name for name in os.listdir(".") if name in told["names"]]
    left = {}
    for name in sorted(names):
        with open(name, "rb") as file:
            left[name] = hexlify(file.read()).decode()
    return {
        "files": left,
        "found": meter.found,
        "state": [getattr(meter.state, name) for name in layouts.STATE_FIELDS],
        "answers": answers,
        "closed": board.closed,
        "log": hexlify(meter.log.pack()).decode(),
    }


if "INPUT" in globals():
    print(json.dumps(life(json.loads(globals()["INPUT"]))))
