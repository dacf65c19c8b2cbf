"""Virtual `machine`, `rp2`, `esp32` and `ssd1306`, and the parts behind their pins and buses.

Plain Python that MicroPython runs as well. Time is `now_ms` of the `World` the pins belong to.
"""

import sys

EIO, ENODEV = 5, 19


class World:
    """Pins, buses and time of one board."""

    def __init__(self):
        self.now_ms = 0
        self.pins = {}
        self.levels = {}  # what drives an input, by pin number; missing: its pull-up, if it has one
        self.uarts = {}
        self.modules = {}  # what hangs on a UART, by number
        self.devices = {}  # what hangs on the I2C bus, by address
        self.counters = []
        self.resets = 0
        self.reason = 0  # of this start, as the watchdog of an RP2040 keeps it
        self.watchdogs = []

    def pass_time(self, ms):
        """Let time pass for what runs by itself."""
        self.now_ms += ms
        for counter in self.counters:
            counter.run(ms)

    def level(self, number):
        """The level of a pin."""
        pin = self.pins.get(number)
        if pin is not None and pin.mode == Pin.OUT:
            return pin.driven
        return self.levels.get(number, 1 if pin is not None and pin.pull == Pin.PULL_UP else 0)


world = World()


def fresh():
    """A new world for the modules of `install`."""
    world.__init__()
    return world


# ---- machine -----------------------------------------------------------------------------------


class Pin:
    """machine.Pin"""

    IN, OUT, PULL_UP = 0, 1, 2

    def __init__(self, number, mode=-1, pull=-1, value=None):
        self.number, self.mode, self.pull = number, mode, pull
        self.driven = value or 0
        world.pins[number] = self

    def value(self, level=None):
        if level is None:
            return world.level(self.number)
        assert self.mode == Pin.OUT, "a value is put on an output only"
        self.driven = 1 if level else 0
        return None


class UART:
    """machine.UART: what is written goes to the module on it, whose answer waits to be read.

    As on the RP2040, a write that does not wait takes what fits into the buffer.
    """

    INV_TX = 2

    def __init__(self, number, baud, tx=None, rx=None, rxbuf=256, txbuf=256, timeout=0, invert=0):
        assert timeout == 0, "a board does not wait"
        self.invert = invert
        self.baud, self.room, self.txbuf = baud, rxbuf, txbuf
        self.sending_until = 0  # when all is sent, in thousandths of a bit since the start
        self.waiting = bytearray()
        self.sent = bytearray()
        self.module = world.modules.get(number)
        world.uarts[number] = self

    def any(self):
        return len(self.waiting)

    def readinto(self, buffer):
        size = min(len(buffer), len(self.waiting))
        if not size:
            return None
        buffer[:size] = self.waiting[:size]
        self.waiting = self.waiting[size:]
        return size

    def txdone(self):
        return world.now_ms * self.baud >= self.sending_until

    def write(self, data, most=None):
        data = data if most is None else memoryview(data)[:most]
        octet = 10_000  # of these: ten bits
        now = world.now_ms * self.baud
        self.sending_until = max(self.sending_until, now)
        size = min(len(data), self.txbuf - (self.sending_until - now) // octet)
        if size <= 0:
            world.pass_time(1)  # what asking again takes
            return None
        self.sending_until += size * octet
        self.sent += data[:size]
        if self.module is not None:
            self.arrive(self.module.ask(bytes(data[:size]), self.baud))
        return size

    def arrive(self, data):
        """Octets come in; what does not fit is lost."""
        self.waiting = (self.waiting + data)[: self.room]


class I2C:
    """machine.I2C: every transfer goes to the device of its address, or nobody answers."""

    def __init__(self, number, sda=None, scl=None, freq=400_000):
        pass

    def _device(self, address):
        device = world.devices.get(address)
        if device is None or not device.answers():
            raise OSError(ENODEV)
        return device

    def writeto(self, address, data):
        self._device(address).receive(bytes(data))
        return len(data)

    def writevto(self, address, parts):
        self._device(address).receive(b"".join(bytes(part) for part in parts))

    def writeto_mem(self, address, at, data, addrsize=8):
        self._device(address).receive(at.to_bytes(addrsize // 8, "big") + bytes(data))

    def readfrom_mem_into(self, address, at, buffer, addrsize=8):
        device = self._device(address)
        device.receive(at.to_bytes(addrsize // 8, "big"))
        for i in range(len(buffer)):
            buffer[i] = device.give()


class WDT:
    """machine.WDT: cannot be stopped."""

    def __init__(self, timeout):
        self.timeout, self.fed = timeout, 0
        world.watchdogs.append(self)

    def feed(self):
        self.fed += 1


class Mem32:
    """machine.mem32: of all registers the one in which an RP2040 says why it was reset."""

    def __getitem__(self, at):
        assert at == 0x4005_8008
        return world.reason


def reset_cause():
    """machine.reset_cause, as an ESP32 has it: 1 power, 2 a command, 3 the watchdog."""
    return (1, 3, 2)[world.reason]


def reset():
    """machine.reset: comes back here, which no board does."""
    world.resets += 1


# ---- rp2: the part of the PIO that counts pulses -----------------------------------------------


class PIO:
    """rp2.PIO"""

    SHIFT_LEFT, SHIFT_RIGHT = 0, 1


class _Step:
    """One instruction."""

    def __init__(self, name, arguments):
        self.name, self.arguments = name, arguments


class _Assembler:
    """Runs a program's function and notes its instructions, as MicroPython's assembler does."""

    def __init__(self):
        self.steps, self.labels = [], {}
        self.first = 0
        self.last = None

    def names(self):
        """What the function finds as its globals."""
        names = {name: self._noting(name) for name in ("jmp", "set", "in_", "mov", "push")}
        names["label"] = lambda name: self.labels.__setitem__(name, len(self.steps))
        names["wrap_target"] = lambda: setattr(self, "first", len(self.steps))
        names["wrap"] = lambda: setattr(self, "last", len(self.steps))
        for word in ("pin", "x", "y", "x_dec", "y_dec", "noblock", "isr", "osr", "null"):
            names[word] = word
        return names

    def _noting(self, name):
        def note(*arguments):
            self.steps.append(_Step(name, arguments))
            return self.steps[-1]

        return note


def asm_pio(in_shiftdir=PIO.SHIFT_LEFT):
    """rp2.asm_pio"""
    assert in_shiftdir == PIO.SHIFT_LEFT

    def assemble(function):
        assembler = _Assembler()
        scope = function.__globals__
        kept = dict(scope)
        scope.clear()  # as MicroPython does: a program sees nothing else of its module
        scope.update(assembler.names())
        try:
            function()
        finally:
            scope.clear()
            scope.update(kept)
        assert len(assembler.steps) <= 32, "the PIO holds 32 instructions"
        return assembler

    return assemble


class StateMachine:
    """rp2.StateMachine, for the instructions that `asm_pio` above knows."""

    DEPTH = 4  # words of the receive FIFO

    def __init__(self, number, program, freq, in_base, jmp_pin):
        assert freq >= 3052, "200 MHz over 65536"
        self.program, self.freq = program, freq
        self.in_base, self.jmp_pin = in_base, jmp_pin
        self.fifo = []
        self.registers = {"x": 0, "y": 0, "isr": 0, "osr": 0, "null": 0}
        self.at = self.credit = 0
        self.running = False
        world.counters.append(self)

    def active(self, on):
        self.running = bool(on)

    def rx_fifo(self):
        return len(self.fifo)

    def get(self):
        return self.fifo.pop(0)

    def run(self, ms):
        """Let it run so long."""
        self.credit += ms * self.freq
        steps, self.credit = self.credit // 1000, self.credit % 1000
        if self.running:
            self.steps(steps)

    def steps(self, left, one_by_one=False):
        """Let it take so many steps at the level that the pin has now.

        A loop that does nothing but count Y down is gone through at once, unless `one_by_one`.
        """
        level = world.level(self.jmp_pin.number)
        seen = None  # the machine at its latest turn back by Y, and the steps left then
        while left > 0:
            turned = self._step(level)
            left -= 1
            if not turned or one_by_one:
                continue
            now = self.at, self.registers["x"], self.registers["isr"], len(self.fifo)
            y = self.registers["y"]
            if seen is not None and seen[0] == now and seen[1] == y + 1:
                period = seen[2] - left
                rounds = min(y, left // period)
                self.registers["y"] = y = y - rounds
                left -= rounds * period
            seen = now, y, left

    def _step(self, level):
        """One instruction; True when it was a jump back because Y was not yet 0."""
        step = self.program.steps[self.at]
        following = self.at + 1
        name, arguments = step.name, step.arguments
        registers = self.registers
        turned = False
        if name == "jmp":
            if self._jumps(level, *arguments[:-1]):
                following = self.program.labels[arguments[-1]]
                turned = arguments[0] == "y_dec"
        elif name == "set":
            assert 0 <= arguments[1] < 32
            registers[arguments[0]] = arguments[1]
        elif name == "mov":
            registers[arguments[0]] = registers[arguments[1]]
        elif name == "in_":
            source, bits = arguments
            low = registers[source] & (1 << bits) - 1
            registers["isr"] = (registers["isr"] << bits | low) & 0xFFFFFFFF
        else:
            assert (name, arguments) == ("push", ("noblock",))
            if len(self.fifo) < self.DEPTH:
                self.fifo.append(registers["isr"])
            registers["isr"] = 0
        self.at = self.program.first if following == self.program.last else following
        return turned

    def _jumps(self, level, condition=None):
        if condition is None:
            return True
        if condition == "pin":
            return level == 1
        assert condition in ("x_dec", "y_dec")
        before = self.registers[condition[0]]
        self.registers[condition[0]] = (before - 1) & 0xFFFFFFFF
        return before != 0


# ---- esp32 -------------------------------------------------------------------------------------


class PCNT:
    """esp32.PCNT: counts changes, back to zero at `max`; its filter is shorter than all here."""

    INCREMENT = 1

    def __init__(self, unit, pin, rising, falling, filter, max):
        assert rising == falling == PCNT.INCREMENT
        assert 0 <= filter <= 1023
        assert 0 < max < 32768
        self.pin, self.max = pin, max
        self.count, self.level, self.running = 0, 1, False
        world.counters.append(self)

    def start(self):
        self.running = True

    def value(self):
        return self.count

    def run(self, ms):
        """Look at the pin: everything here lasts longer than the filter."""
        level = world.level(self.pin.number)
        if self.running and level != self.level:
            self.count = (self.count + 1) % self.max
        self.level = level


# ---- What hangs on the buses -------------------------------------------------------------------


class PzemModule:
    """A PZEM-004T v3 at 9600 baud.

    :param crc16: CRC-16/MODBUS of some octets
    """

    def __init__(self, crc16):
        self.crc16 = crc16
        self.mv, self.ma, self.w, self.wh = 230_000, 0, 0, 0
        self.plugged = True
        self.spoil = None  # changes the answer on its way
        self.asked = 0

    def ask(self, frame, baud):
        """The answer to a request, b"" for what is none."""
        assert baud == 9600
        self.asked += 1
        whole = frame[:6] + self.crc16(frame[:6]).to_bytes(2, "little")
        if not self.plugged or frame != whole or frame[1] != 4 or frame[0] not in (0xF8, 1):
            return b""
        first, count = frame[2] << 8 | frame[3], frame[4] << 8 | frame[5]
        tenths = self.w * 10
        registers = [self.mv // 100]
        for value in (self.ma, tenths, self.wh):
            registers += [value & 0xFFFF, value >> 16]
        registers += [500, 100, 0]  # 50.0 Hz, power factor 1.00, no alarm
        body = b"".join(r.to_bytes(2, "big") for r in registers[first : first + count])
        answer = bytes((frame[0], 4, len(body))) + body
        answer += self.crc16(answer).to_bytes(2, "little")
        return answer if self.spoil is None else self.spoil(answer)


class At24c32:
    """An AT24C32: 4096 octets, pages of 32 in which writes wrap, silent for 5 ms after one."""

    SIZE, PAGE, WRITE_MS = 4096, 32, 5

    def __init__(self):
        self.data = bytearray(b"\xff" * self.SIZE)
        self.at = 0
        self.busy_until = 0
        self.plugged = True

    def answers(self):
        return self.plugged and world.now_ms >= self.busy_until

    def receive(self, data):
        """An address, and what is to be written there."""
        if len(data) < 2:
            return
        self.at = (data[0] << 8 | data[1]) % self.SIZE
        page = self.at - self.at % self.PAGE
        for i in range(2, len(data)):
            self.data[page + (self.at + i - 2) % self.PAGE] = data[i]
        if len(data) > 2:
            self.busy_until = world.now_ms + self.WRITE_MS

    def give(self):
        octet = self.data[self.at]
        self.at = (self.at + 1) % self.SIZE
        return octet


class Ds3231:
    """A DS3231 that shows what it was put to; it does not run by itself."""

    def __init__(self):
        self.registers = bytearray(19)
        self.registers[15] = 0x80  # never set
        self.at = 0
        self.plugged = True

    def answers(self):
        return self.plugged

    def receive(self, data):
        self.at = data[0]
        for i in range(1, len(data)):
            self.registers[self.at + i - 1] = data[i]

    def give(self):
        octet = self.registers[self.at]
        self.at = (self.at + 1) % len(self.registers)
        return octet


_OPERANDS = {0x20: 1, 0x21: 2, 0x22: 2, 0x81: 1, 0x8D: 1, 0xA8: 1, 0xD3: 1, 0xD5: 1, 0xD9: 1}


class Ssd1306:
    """An SSD1306 panel of 128 by 64: what it shows comes from the bus alone."""

    def __init__(self):
        self.memory = bytearray(1024)
        self.on = False
        self.commands = []
        self.columns, self.pages = (0, 127), (0, 7)
        self.column = self.page = 0
        self.transfers = 0  # of pictures
        self.plugged = True

    def answers(self):
        return self.plugged

    def receive(self, data):
        """A control octet, then commands (0x80: one) or memory (0x40)."""
        if data[:1] == b"\x40":
            self.transfers += 1
            for octet in data[1:]:
                self._put(octet)
        elif data[:1] == b"\x80":
            self.commands.append(data[1])
            self._obey()

    def _obey(self):
        command = self.commands[0]
        if len(self.commands) <= _OPERANDS.get(command, 0):
            return
        if command == 0x21:
            self.columns = self.commands[1], self.commands[2]
            self.column = self.columns[0]
        elif command == 0x22:
            self.pages = self.commands[1], self.commands[2]
            self.page = self.pages[0]
        elif command in (0xAE, 0xAF):
            self.on = command == 0xAF
        self.commands = []

    def _put(self, octet):
        self.memory[self.page * 128 + self.column] = octet
        self.column += 1
        if self.column > self.columns[1]:
            self.column = self.columns[0]
            self.page = self.page + 1 if self.page < self.pages[1] else self.pages[0]

    def rows(self):
        """The picture as 64 strings of 128 characters, `#` for a lit pixel."""
        memory = self.memory
        return [
            "".join("#" if memory[y // 8 * 128 + x] >> y % 8 & 1 else "." for x in range(128))
            for y in range(64)
        ]


# ---- ssd1306: a stand-in for the driver of micropython-lib --------------------------------------


def ssd1306_driver(framebuf):
    """A class with the driver's name, arguments and bus protocol, on a `framebuf` module."""

    class SSD1306_I2C(framebuf.FrameBuffer):
        def __init__(self, width, height, i2c):
            self.i2c = i2c
            self.buffer = bytearray(width * height // 8)
            super().__init__(self.buffer, width, height, framebuf.MONO_VLSB)
            for command in (0xAE, 0x20, 0, 0xA8, height - 1, 0x8D, 0x14, 0xAF):
                self._command(command)

        def _command(self, command):
            self.i2c.writeto(0x3C, bytes((0x80, command)))

        def show(self):
            for command in (0x21, 0, 127, 0x22, 0, 7):
                self._command(command)
            self.i2c.writevto(0x3C, (b"\x40", self.buffer))

    return SSD1306_I2C


class Module:
    """A module made of names."""

    def __init__(self, **names):
        for name, value in names.items():
            setattr(self, name, value)


def modules(framebuf=None):
    """The virtual modules by name; no display driver without a `framebuf`."""
    made = {
        "machine": Module(
            Pin=Pin,
            UART=UART,
            I2C=I2C,
            WDT=WDT,
            reset=reset,
            mem32=Mem32(),
            reset_cause=reset_cause,
            PWRON_RESET=1,
            WDT_RESET=3,
        ),
        "rp2": Module(PIO=PIO, asm_pio=asm_pio, StateMachine=StateMachine),
        "esp32": Module(PCNT=PCNT),
    }
    if framebuf is not None:
        made["ssd1306"] = Module(SSD1306_I2C=ssd1306_driver(framebuf))
    return made


def install(framebuf=None):
    """Put the virtual modules where `import` finds them."""
    sys.modules.update(modules(framebuf))


def locked(meter, polls, step_ms, plant):
    """Polls with the heap locked: no frame, token, commit or display change in them.

    `plant` lets each poll allocate, so that the check is known to fail.
    """
    import micropython

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
