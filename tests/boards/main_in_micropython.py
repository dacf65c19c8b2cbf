# Run in MicroPython, beside the files of a board: its main.py on virtual peripherals, ended by the
# watchdog. Printed: JSON of how it started and how often it fed the watchdog.
import json
import sys

import micropython
import peripherals

PASSES = 100


class Enough(Exception):
    pass


class Dog(peripherals.WDT):
    """A watchdog that ends the endless."""

    def feed(self):
        super().feed()
        if self.fed == PASSES:
            raise Enough


def started(repl):
    """What main.py does, with or without the flag that asks for the REPL."""
    world = peripherals.fresh()
    if repl:
        with open("repl", "w") as file:
            file.write("1")
    interrupts = []
    peripherals.install()
    sys.modules["machine"].WDT = Dog
    sys.modules["micropython"] = peripherals.Module(
        kbd_intr=interrupts.append, const=micropython.const
    )
    sys.modules["time"] = peripherals.Module(
        ticks_ms=lambda: world.now_ms, ticks_diff=lambda a, b: a - b
    )
    try:
        with open("/main.py") as file:
            exec(file.read(), {})
    except Enough:
        pass
    return {
        "interrupts": interrupts,
        "timeouts": [dog.timeout for dog in world.watchdogs],
        "fed": [dog.fed for dog in world.watchdogs],
    }


print(json.dumps([started(True), started(False)]))
