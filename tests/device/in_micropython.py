# Run in MicroPython by converse.mjs: a meter on a board whose world is told line by line.
import json
from binascii import hexlify, unhexlify

from meterfw.account import rules
from meterfw.board import Board
from meterfw.meter import Meter
from meterfw.store import files


class Told(Board):
    """A board with a clock chip and files, in virtual time."""

    def __init__(self, now_s):
        self.now_s = self.asked_s = now_s
        self.chip_s = 0  # how far the chip is ahead
        self.watts = 0
        self.closed = 0
        self.drawn = self.counted = 0  # watt-seconds; Wh
        self.held_s = -1
        self.received = b""
        self.sent = b""

    def pass_time(self, seconds):
        self.now_s += seconds
        self.drawn += self.power_w() * seconds

    def elapsed_ms(self):
        passed, self.asked_s = self.now_s - self.asked_s, self.now_s
        return passed * 1000

    def pulses(self):
        new = self.drawn // 3600 - self.counted
        self.counted += new
        return new

    def power_w(self):
        return self.watts if self.closed else 0

    def current_ma(self):
        return self.power_w() * 1000 // 230

    def supply(self, closed):
        self.closed = closed

    def button_s(self):
        held, self.held_s = self.held_s, -1
        return held

    def clock(self):
        return (self.now_s + self.chip_s) // 60

    def clock_s(self):
        return (self.now_s + self.chip_s) % 60

    def set_clock(self, clock):
        self.chip_s = clock * 60 - self.now_s

    def read_into(self, buffer):
        size = min(len(self.received), len(buffer))
        for i in range(size):
            buffer[i] = self.received[i]
        self.received = self.received[size:]
        return size

    def write(self, data, size):
        self.sent += bytes(data[:size])

    def load(self, name):
        return files.load(name)

    def store(self, name, data):
        files.store(name, data)


class World:
    """The meter and what is done to it."""

    def flash(self, contents, clock):
        for name in contents:
            files.store(name, unhexlify(contents[name]))
        self.board = Told(clock * 60)
        self.meter = Meter(self.board)

    def use(self, watts, seconds):
        board, meter = self.board, self.meter
        board.watts = watts
        until = board.now_s + seconds
        while board.now_s < until:
            left = min(until - board.now_s, rules.STEP_S)
            w, ma = board.power_w(), board.current_ma()
            board.pass_time(rules.stride(meter.state, meter.profile, left, w, ma, w))
            meter.poll()
        board.watts = 0

    def press(self, held_s):
        self.board.held_s = held_s
        self.meter.poll()

    def cut_power(self, seconds):
        self.board.closed = 0
        self.board.pass_time(seconds)
        self.board.elapsed_ms()
        self.meter = Meter(self.board)

    def octets(self, digits):
        self.board.received += unhexlify(digits)
        for _ in range(8):
            self.meter.poll()


world = World()


def answer(line):
    """Do what a line says: a method of `World` and its arguments; answers what the meter sent."""
    method, arguments = json.loads(line)
    getattr(world, method)(*arguments)
    sent, world.board.sent = world.board.sent, b""
    return hexlify(sent).decode()
