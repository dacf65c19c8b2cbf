"""A bench in tests: a board of `boards/` on virtual peripherals, in virtual time."""

import importlib
import sys
from pathlib import Path

import crcmod.predefined
from budgetmeter import profiles
from budgetmeter.identity import flashed
from budgetmeter.issue import Issuer
from meterfw.meter import Meter

from tests.boards import peripherals

BOARDS = Path(__file__).parents[2] / "boards"
NAMES = ("rp2040", "esp32")
METER = 555
STORE_MS = 150  # erasing and programming a file on the board's flash
modbus = crcmod.predefined.mkPredefinedCrcFun("modbus")


class FrameBuffer:
    """A `framebuf.FrameBuffer` stand-in that notes what is drawn; the real one is MicroPython's."""

    def __init__(self, buffer, width, height, layout):
        self.texts = []

    def fill(self, colour):
        self.texts = []

    def text(self, text, x, y):
        self.texts.append((text, x, y))


class Bench:
    """A board with all its parts plugged in, not yet started."""

    def __init__(self, name, monkeypatch, folder, display=True):
        self.world = peripherals.fresh()
        framebuf = peripherals.Module(FrameBuffer=FrameBuffer, MONO_VLSB=0) if display else None
        for module, virtual in peripherals.modules(framebuf).items():
            monkeypatch.setitem(sys.modules, module, virtual)
        if not display:
            monkeypatch.setitem(sys.modules, "ssd1306", None)
        monkeypatch.syspath_prepend(str(BOARDS))
        monkeypatch.syspath_prepend(str(BOARDS / name))
        for module in [m for m in sys.modules if m == "board" or m.split(".")[0] == "parts"]:
            monkeypatch.delitem(sys.modules, module)
        import time

        monkeypatch.setattr(time, "ticks_ms", lambda: self.world.now_ms, raising=False)
        monkeypatch.setattr(time, "ticks_diff", lambda a, b: a - b, raising=False)
        monkeypatch.chdir(folder)
        self.module = importlib.import_module("board")
        self.module.LINK = "uart"
        self.office = Issuer(METER, bytes(32), derive=True)
        world = self.world
        self.pins = self.module.PINS
        self.pzem = world.modules[self.module.UARTS["pzem"]] = peripherals.PzemModule(modbus)
        self.card = world.devices[0x50] = peripherals.At24c32()
        self.chip = world.devices[0x68] = peripherals.Ds3231()
        self.panel = world.devices[0x3C] = peripherals.Ssd1306()
        world.levels[self.pins["relay_feedback"]] = 0

    def flash(self, profile="wallonia-card"):
        """Write identity and profile."""
        for name, data in flashed(METER, 1, self.office.key, profiles.load(profile)).items():
            Path(name).write_bytes(data)

    def start(self):
        """The board, and a meter on it."""
        self.board = self.module.make()
        self._store, self.board.store = self.board.store, self.store
        self.meter = Meter(self.board)
        return self.meter

    def store(self, name, data):
        """What the board does, in the time it takes."""
        self.world.pass_time(STORE_MS)
        self._store(name, data)

    def run(self, ms, step=10):
        """Let time pass, the meter polling; the relay's feedback follows unless it is stuck."""
        for _ in range(0, ms, step):
            self.world.pass_time(step)
            self.follow()
            self.meter.poll()

    def follow(self):
        """The feedback contact follows the relay."""
        self.world.levels[self.pins["relay_feedback"]] = self.world.level(self.pins["relay"])

    def pulse(self, down_ms=40, up_ms=40):
        """One S0 pulse."""
        self.world.levels[self.pins["s0"]] = 0
        self.world.pass_time(down_ms)
        self.world.levels[self.pins["s0"]] = 1
        self.world.pass_time(up_ms)

    def send(self, data):
        """Octets to the link; what the meter sends within a second."""
        link = self.world.uarts[self.module.UARTS["link"]]
        link.sent.clear()
        link.arrive(data)
        self.run(1000)
        return bytes(link.sent)
