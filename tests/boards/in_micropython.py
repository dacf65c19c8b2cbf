# Run in MicroPython, beside the files of a board: it runs on virtual peripherals, with the real
# framebuf. INPUT: what its PZEM answers. Printed: JSON of what a pass allocates and of the panel.
import json
import sys
from binascii import unhexlify

import framebuf
import peripherals

measured = unhexlify(globals()["INPUT"])
world = peripherals.world
peripherals.install(framebuf)
sys.modules["time"] = peripherals.Module(
    ticks_ms=lambda: world.now_ms, ticks_diff=lambda a, b: a - b
)
panel = world.devices[0x3C] = peripherals.Ssd1306()
chip = world.devices[0x68] = peripherals.Ds3231()

import board  # noqa: E402
from meterfw.meter import Meter  # noqa: E402

made = board.make()
meter = Meter(made)


class Quiet:
    """A UART with a PZEM on it that allocates nothing itself."""

    def __init__(self):
        self.waiting = 0
        self.taken = 0

    def any(self):
        return self.waiting

    def write(self, request):
        self.waiting = len(measured)

    def readinto(self, buffer):
        for i in range(len(measured)):
            buffer[i] = measured[i]
        self.waiting = 0
        self.taken += 1


class Nobody:
    """Standard input on which nothing comes, though this port says that it can be read."""

    def read(self, size):
        return b""


quiet = made.sensor.uart = Quiet()
made.port.source = Nobody()
meter.poll()

print(
    json.dumps(
        {
            # less than a minute: the page stays
            "steady": peripherals.locked(meter, 5000, 10, False),
            "planted": peripherals.locked(meter, 1, 10, True),
            "measured": quiet.taken,
            "flashed": meter.flashed,
            "closed": world.level(board.PINS["relay"]),
            "rows": panel.rows(),
        }
    )
)
