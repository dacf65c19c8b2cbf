# Run in CPython and MicroPython: one life of a meter on `meterfw.store.files`, from power to power.
# INPUT: the files there are and what happens. Printed: the files and account after it.
import json
import os
from binascii import hexlify, unhexlify

from meterfw import layouts
from meterfw.meter import Meter
from meterfw.store import files

from tests.firmware.unit.bench import BenchBoard


class OnFiles(BenchBoard):
    """A bench whose files are on a file system."""

    def load(self, name):
        return files.load(name)

    def store(self, name, data):
        files.store(name, data)


def life(plan):
    """One life; the answer as plain data."""
    for name, data in plan["files"].items():
        with open(name, "wb") as file:
            file.write(unhexlify(data))
    board = OnFiles(plan["now"] or 0, {})
    board.has_clock = plan["now"] is not None
    meter = Meter(board)
    answers = []
    for step, value in plan["steps"]:
        if step == "use":
            board.use(value)
            board.pass_time(1)
            meter.poll()
        elif step == "wait":
            board.pass_time(value)
            meter.poll()
        elif step == "press":
            board.press(value)
            meter.poll()
        else:
            answers.append(meter.enter(unhexlify(value)))
    names = [name for name in os.listdir(".") if name in plan["names"]]
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
