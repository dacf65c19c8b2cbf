# Run in MicroPython: firmware/main.py on virtual peripherals, ended by its watchdog. INPUT as for
# `in_micropython`. Printed: JSON of how it started and how often it fed the watchdog.
import json
import os
import sys
from binascii import unhexlify

told = json.loads(globals()["INPUT"])
for path, text in told["modules"].items():
    folder = ""
    for part in ("/lib/" + path).split("/")[1:-1]:
        folder += "/" + part
        try:
            os.mkdir(folder)
        except OSError:
            pass
    with open("/lib/" + path, "wb") as file:
        file.write(unhexlify(text))
for name, data in told["flashed"].items():
    with open(name, "wb") as file:
        file.write(unhexlify(data))

import micropython  # noqa: E402
import peripherals  # noqa: E402

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
        with open("/lib/main.py") as file:
            exec(file.read(), {})
    except Enough:
        pass
    return {
        "interrupts": interrupts,
        "timeouts": [dog.timeout for dog in world.watchdogs],
        "fed": [dog.fed for dog in world.watchdogs],
    }


print(json.dumps([started(True), started(False)]))
