# Run in MicroPython: a rig on virtual peripherals and the real framebuf. INPUT: files to put where
# `import` finds them, and the files a board is flashed with. Printed: JSON of what it took.
import gc
import json
import sys
from binascii import unhexlify

import micropython

from tests.boards.placed import place

place(json.loads(globals().pop("INPUT")))

import framebuf  # noqa: E402
import peripherals  # noqa: E402

world = peripherals.world
peripherals.install(framebuf)
sys.modules["time"] = peripherals.Module(
    ticks_ms=lambda: world.now_ms, ticks_diff=lambda a, b: a - b
)
panel = world.devices[0x3C] = peripherals.Ssd1306()
chip = world.devices[0x68] = peripherals.Ds3231()

gc.collect()
# ---- collected ----
before = gc.mem_alloc()
import board  # noqa: E402
from meterfw.meter import Meter  # noqa: E402

gc.collect()
# ---- collected ----
imported = gc.mem_alloc() - before
rig = board.make()
meter = Meter(rig)
gc.collect()
# ---- collected ----
started = gc.mem_alloc() - before


class Quiet:
    """A UART with a PZEM on it that allocates nothing itself."""

    ANSWER = unhexlify("f80414") + bytes(19) + b"\x01" + bytes(2)

    def __init__(self, crc16):
        self.answer = bytearray(self.ANSWER)
        crc = crc16(self.answer, 23)
        self.answer[23], self.answer[24] = crc & 0xFF, crc >> 8
        self.waiting = 0
        self.taken = 0

    def any(self):
        return self.waiting

    def write(self, request):
        self.waiting = 25

    def readinto(self, buffer):
        for i in range(25):
            buffer[i] = self.answer[i]
        self.waiting = 0
        self.taken += 1


class Nobody:
    """Standard input on which nothing comes, though this port says that it can be read."""

    def read(self, size):
        return b""


quiet = rig.sensor.uart = Quiet(sys.modules["rig.pzem"].crc16)
rig.port._in = Nobody()
meter.poll()


def locked(polls, step_ms, plant):
    """Polls with the heap locked: no frame, token, commit or display change in them."""
    micropython.heap_lock()
    try:
        for _ in range(polls):
            world.now_ms += step_ms
            meter.poll()
            if plant:
                bytearray(100)
        return "ok"
    except MemoryError:
        return "raised"
    finally:
        micropython.heap_unlock()


print(
    json.dumps(
        {
            "imported": imported,
            "started": started,
            "steady": locked(5000, 10, False),  # less than a minute: the page stays
            "planted": locked(1, 10, True),
            "measured": quiet.taken,
            "flashed": meter.flashed,
            "closed": world.level(board.PINS["relay"]),
            "rows": panel.rows(),
        }
    )
)
