"""Telegrams along lives of a meter; runs on both interpreters, like `tests/firmware/replay.py`.

In MicroPython this file is run with the lives as JSON in the global INPUT, and prints for each the
checksums of its telegrams; there they are written with the heap locked.
"""

import binascii

from meterfw import layouts
from meterfw.account import orders
from meterfw.board import Board
from meterfw.p1.demand import Demand
from meterfw.p1.telegram import Telegram
from meterfw.store.journal import Ledger

try:
    import micropython
except ImportError:
    micropython = None

ROOM = 2048


class Sensors(Board):
    """A board whose sensors say what the latest step did, and whose files stay empty."""

    def __init__(self):
        self.ma = self.w = 0

    def current_ma(self):
        return self.ma

    def power_w(self):
        return self.w

    def voltage_mv(self):
        return 230000 + self.ma % 1000

    def load(self, name):
        return None

    def store(self, name, data):
        pass


class Life:
    """A meter that lives through operations of `histories`, with its telegram at each of them.

    :param life: profile, clock, operations
    :param replay: the module `tests.firmware.replay`
    """

    def __init__(self, life, replay):
        self.ledger = Ledger()
        self.replay = replay
        replay.filled(self.ledger.profile, layouts.PROFILE_FIELDS, life["profile"])
        orders.install(self.ledger.state, self.ledger.profile, life["clock"])
        self.board = Sensors()
        self.demand = Demand(self.board)
        self.demand.begin(self.ledger.state)
        self.demand.follow(self.ledger.state)
        self.telegram = Telegram(self.ledger, self.board, 123456789, self.demand)
        self.room = bytearray(ROOM)

    def step(self, operation):
        """One operation, and a minute that has ended for the demand."""
        if operation[0] == 0:
            self.board.ma, self.board.w = operation[3], operation[4]
        self.replay.apply(self.ledger.state, self.ledger.profile, operation)
        self.demand.follow(self.ledger.state)

    def write(self):
        """The telegram into `room`: its size. With a gas meter on its own, its own part."""
        telegram, room = self.telegram, self.room
        telegram.begin()
        end = 0
        size = telegram.piece()
        while size:
            for i in range(size):
                room[end + i] = telegram.buffer[i]
            end += size
            size = telegram.piece()
        return end


def checksums(life, replay):
    """Of the telegram after each operation."""
    lived = Life(life, replay)
    found = []
    for operation in life["operations"]:
        lived.step(operation)
        if micropython is not None:
            micropython.heap_lock()
        try:
            size = lived.write()
        finally:
            if micropython is not None:
                micropython.heap_unlock()
        found.append(binascii.crc32(bytes(lived.room[:size])))
    return found


if "INPUT" in globals():
    import json

    from tests.firmware import replay

    for life in json.loads(globals()["INPUT"]):
        print(json.dumps(checksums(life, replay)))
