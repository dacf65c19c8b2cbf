"""The board on the bench as the meter sees it, made of parts.

It does what `meterfw.board.Board` asks, without its defaults: they would take memory for nothing.
"""

import time

from meterfw import const
from meterfw.board import FAULT_SENSOR, FAULT_SWITCH
from meterfw.store import files

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from parts.at24c import Slot
    from parts.beeper import Beeper
    from parts.button import Button
    from parts.ds3231 import Clock
    from parts.port import P1, Standard, Uart
    from parts.pzem import Pzem
    from parts.relay import Relay
    from parts.screen import Screen

    class Leave(Protocol):
        def __call__(self, commit: Callable[[], object]) -> bool: ...

    class Counter(Protocol):
        @property
        def WRAP(self) -> int: ...

        def pass_time(self, ms: int) -> None: ...

        def total(self) -> int: ...


class BenchBoard:
    """A board made of parts. A part that is not plugged in says so when it is asked.

    :param counter: counts S0 pulses: `pass_time(ms)` in every pass; `total()` wraps at `WRAP`
    :param per_1000: Wh, or litres of gas, of 1000 pulses
    :param sensor: measures current and power (`parts.pzem.Pzem`)
    :param relay: the supply switch (`parts.relay.Relay`)
    :param button: `parts.button.Button`
    :param beeper: `parts.beeper.Beeper`
    :param chip: a clock (`parts.ds3231.Clock`)
    :param screen: a display (`parts.screen.Screen`)
    :param slot: a card slot (`parts.at24c.Slot`)
    :param port: the serial port (`parts.port`)
    :param p1: the P1 port (`parts.port.P1`)
    :param leave: called to leave for the REPL
    :param reset_cause: what began this start, a RESET constant of `meterfw.board`
    """

    def __init__(
        self,
        counter: "Counter",
        per_1000: int,
        sensor: "Pzem",
        relay: "Relay",
        button: "Button",
        beeper: "Beeper",
        chip: "Clock",
        screen: "Screen",
        slot: "Slot",
        port: "Uart | Standard",
        p1: "P1",
        leave: "Leave",
        reset_cause: "Callable[[], int]",
    ) -> None:
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
        self._asked_ms = time.ticks_ms()
        self._counted = counter.total()
        self._thousandths = 0
        # What concerns one part alone is asked of that part.
        self.supply = relay.put
        self.button_s = button.released_s
        self.clock = chip.read
        self.set_clock = chip.set
        self.show = screen.show
        self.beep = beeper.beep
        self.card_read_into = slot.read_into
        self.card_write = slot.write
        self.read_into = port.read_into
        self.write = port.write
        self.p1 = p1
        self.has_p1 = p1.fitted
        self.p1_write = p1.write
        self.load = files.load
        self.store = files.store
        self.leave = leave
        self.reset_cause = reset_cause

    def elapsed_ms(self) -> int:
        """Begins every pass of the meter: the parts look at their pins here."""
        now = time.ticks_ms()
        passed = time.ticks_diff(now, self._asked_ms)
        self._asked_ms = now
        self.counter.pass_time(passed)
        self.button.pass_time(passed)
        self.relay.pass_time(passed)
        self.sensor.pass_time(passed)
        self.beeper.pass_time(passed)
        self.slot.pass_time(passed)
        return passed

    def pulses(self) -> int:
        total = self.counter.total()
        new = (total - self._counted) % self.counter.WRAP
        self._counted = total
        scaled = new * self.per_1000 + self._thousandths
        self._thousandths = scaled % 1000
        return scaled // 1000

    def current_ma(self) -> int:
        return self.sensor.ma

    def power_w(self) -> int:
        return self.sensor.w

    def voltage_mv(self) -> int:
        return 0 if self.sensor.silent else self.sensor.mv

    def faults(self) -> int:
        found = 0
        if self.relay.stuck:
            found |= FAULT_SWITCH
        if self.sensor.silent:
            found |= FAULT_SENSOR
        return found

    def clock_s(self) -> int:
        return self.chip.second

    def card_in(self) -> int:
        return self.slot.present
