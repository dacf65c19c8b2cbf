"""A bench rig as the meter sees it: a `Board` made of parts."""

import time

from meterfw import board, files


class RigBoard(board.Board):
    """The board of a rig.

    :param counter: counts S0 pulses in hardware; `total()` wraps at `counter.WRAP`
    :param per_1000: Wh, or litres of gas, of 1000 pulses
    :param sensor: measures current and power (`rig.pzem.Pzem`); None without
    :param relay: the supply switch (`rig.relay.Relay`)
    :param button: `rig.button.Button`
    :param beeper: `rig.beeper.Beeper`; None without
    :param chip: a clock (`rig.ds3231.Clock`); None without
    :param screen: a display (`rig.screen.Screen`); None without
    :param slot: a card slot (`rig.at24c.Slot`); None without
    :param port: the serial port (`rig.port`)
    :param leave: called to leave for the REPL
    """

    def __init__(
        self,
        counter,
        per_1000,
        relay,
        button,
        port,
        leave,
        sensor=None,
        beeper=None,
        chip=None,
        screen=None,
        slot=None,
    ):
        self.counter = counter
        self.per_1000 = per_1000
        self.sensor = sensor
        self.relay = relay
        self.button = button
        self.beeper = beeper
        self.chip = chip
        self.screen = screen
        self.slot = slot
        self.port = port
        self._leave = leave
        self._asked_ms = time.ticks_ms()
        self._counted = counter.total()
        self._thousandths = 0

    def elapsed_ms(self):
        """Begins every pass of the meter: the parts look at their pins here."""
        now = time.ticks_ms()
        passed = time.ticks_diff(now, self._asked_ms)
        self._asked_ms = now
        self.button.pass_time(passed)
        self.relay.pass_time(passed)
        if self.sensor is not None:
            self.sensor.pass_time(passed)
        if self.beeper is not None:
            self.beeper.pass_time(passed)
        if self.slot is not None:
            self.slot.pass_time(passed)
        return passed

    def pulses(self):
        total = self.counter.total()
        new = (total - self._counted) % self.counter.WRAP
        self._counted = total
        scaled = new * self.per_1000 + self._thousandths
        self._thousandths = scaled % 1000
        return scaled // 1000

    def current_ma(self):
        return 0 if self.sensor is None else self.sensor.ma

    def power_w(self):
        return 0 if self.sensor is None else self.sensor.w

    def supply(self, closed):
        self.relay.put(closed)

    def faults(self):
        found = 0
        if self.relay.stuck:
            found |= board.FAULT_SWITCH
        if self.sensor is not None and self.sensor.silent:
            found |= board.FAULT_SENSOR
        return found

    def button_s(self):
        return self.button.released_s()

    def clock(self):
        return -1 if self.chip is None else self.chip.read()

    def clock_s(self):
        return 0 if self.chip is None else self.chip.second

    def set_clock(self, clock):
        if self.chip is not None:
            self.chip.set(clock)

    def show(self, lines):
        if self.screen is not None:
            self.screen.show(lines)

    def beep(self, times):
        if self.beeper is not None:
            self.beeper.beep(times)

    def card_in(self):
        return 0 if self.slot is None else self.slot.present

    def card_read_into(self, at, buffer):
        return self.slot is not None and self.slot.read_into(at, buffer)

    def card_write(self, at, data):
        return self.slot is not None and self.slot.write(at, data)

    def read_into(self, buffer):
        return self.port.read_into(buffer)

    def write(self, data, size):
        self.port.write(data, size)

    def load(self, name):
        return files.load(name)

    def store(self, name, data):
        files.store(name, data)

    def leave(self):
        self._leave()
        return True
