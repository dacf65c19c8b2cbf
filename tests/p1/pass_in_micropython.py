# Run in MicroPython, beside the files of a board with a P1 port, on virtual peripherals. Printed:
# JSON of what polls with the heap locked do, and the telegrams they sent.
import json
import sys

import peripherals

world = peripherals.world
peripherals.install()
sys.modules["time"] = peripherals.Module(
    ticks_ms=lambda: world.now_ms, ticks_diff=lambda a, b: a - b
)
chip = world.devices[0x68] = peripherals.Ds3231()

import board  # noqa: E402
from meterfw.meter import Meter  # noqa: E402

board.P1 = True
made = board.make()
meter = Meter(made)


class Nobody:
    """Standard input on which nothing comes, though this port says that it can be read."""

    def read(self, size):
        return b""


class Wire:
    """A UART that keeps what is sent, and is busy every third time: it allocates nothing."""

    def __init__(self):
        self.kept = bytearray(60_000)
        self.end = 0
        self.asked = 0

    def any(self):
        return 0

    def txdone(self):
        self.asked += 1
        return self.asked % 3

    def write(self, data, size):
        for i in range(size):
            self.kept[self.end + i] = data[i]
        self.end += size


class Silent(Wire):
    """The sensor's: nothing comes back."""

    def write(self, request):
        pass


uart = made.p1.uart
wire = made.p1.uart = Wire()
made.sensor.uart = Silent()
made.port.source = Nobody()
for _ in range(600):  # until the log has it that the sensor is silent
    world.now_ms += 10
    meter.poll()

said = {
    "steady": peripherals.locked(meter, 4000, 10, False),
    "planted": peripherals.locked(meter, 1, 10, True),
}
said["sent"] = bytes(wire.kept[: wire.end]).decode()
said["clock"], said["second"] = meter.state.clock, meter.state.second
said["baud"], said["inverted"] = uart.baud, uart.invert
board.LINK = "uart"
try:
    board.make()
except ValueError as error:
    said["refused"] = str(error)
print(json.dumps(said))
