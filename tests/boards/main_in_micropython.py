# Run in MicroPython, beside the files of a board: its main.py on virtual peripherals, ended by the
# watchdog. Printed: JSON of how it started and how often it fed the watchdog, and of what four
# starts with a broken part leave behind.
import json
import sys

import micropython
import peripherals

peripherals.install()
sys.modules["time"] = peripherals.Module(
    ticks_ms=lambda: peripherals.world.now_ms, ticks_diff=lambda a, b: a - b
)
import board  # noqa: E402
from parts.board import BenchBoard  # noqa: E402

PASSES = 100


class Enough(BaseException):
    """Ends a run; no error of the firmware."""


class Dog(peripherals.WDT):
    """A watchdog that ends the endless."""

    def feed(self):
        super().feed()
        peripherals.world.now_ms += 100
        if self.fed == PASSES:
            raise Enough


def started(repl, reason=0, broken=False):
    """What main.py does, with or without the flag that asks for the REPL.

    `reason` is what began this start; `broken` makes the counter of pulses fail.
    """
    world = peripherals.fresh()
    world.reason = reason
    if repl:
        with open("repl", "w") as file:
            file.write("1")
    interrupts = []
    sys.modules["machine"].WDT = Dog
    sys.modules["micropython"] = peripherals.Module(
        kbd_intr=interrupts.append, const=micropython.const
    )
    names = {}
    whole = BenchBoard.pulses
    if broken:
        BenchBoard.pulses = fail
    try:
        with open("/main.py") as file:
            exec(file.read(), names)
    except Enough:
        pass
    BenchBoard.pulses = whole
    seen = {
        "interrupts": interrupts,
        "timeouts": [dog.timeout for dog in world.watchdogs],
        "fed": [dog.fed for dog in world.watchdogs],
        "resets": world.resets,
    }
    if "meter" in names:
        meter = names["meter"]
        seen["codes"] = [entry[2] for _, entry in meter.log.numbered()]
        seen["safe"] = meter.crashes.safe
        seen["crash"] = meter.crashes.lines()
        seen["relay"] = world.pins[board.PINS["relay"]].value()
    return seen


def fail(self):
    raise OSError(5)


print(json.dumps([started(True), started(False)]))
# A part that fails: three starts crash, the fourth stays up; then power is cut, and it works.
crashed = [started(False, reason, True) for reason in (0, 2, 2, 2)]
print(json.dumps(crashed))
print(json.dumps(started(False, 0)))
