"""An ESP32 as a budget meter: its pins, and the board made of them."""

import esp32
import machine
from meterfw import const
from meterfw.board import RESET_COMMAND, RESET_POWER, RESET_WATCHDOG
from parts import wiring

# Pins (GPIO numbers); the wiring table of README.md says the same.
PINS = {
    "s0": 27,
    "relay": 26,
    "relay_feedback": 25,
    "button": 33,
    "beeper": 32,
    "pzem_tx": 18,
    "pzem_rx": 19,
    "link_tx": 4,
    "link_rx": 23,
    "sda": 21,
    "scl": 22,
    "safe_boot": 13,
}
UARTS = {"pzem": 2, "link": 1}
LINK = "usb"  # the serial chip of the board; or "uart", at `port.BAUD`
P1 = False  # True: a P1 port on the pins of the link, inverted; the link stays on "usb"
PER_1000_PULSES = 1000  # Wh, or litres of gas: an S0 output of 1000 pulses per kWh
WATCHDOG_MS = 8000

_COUNTER = const(0)  # unit
_GLITCH = const(1023)  # ticks of 80 MHz, the longest its filter has: it passes over 12.8 us
_HOLD_MS = const(15)  # a level counts once it has stood for longer
_PASS_MS = const(5)  # a longer pass gives a level that it saw the end of the benefit of the doubt
_SHORTEST_MS = const(25)  # level of a real pulse: 30 ms, less what the RC filter of README.md takes

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from machine import Pin
    from parts.board import BenchBoard


class Counter:
    """S0 pulses: the pulse counter notes every change of the line, each pass looks at the level.

    No change between two looks proves that the level stood. Changes within one long pass, as when
    the flash is erased, are pulses if they are no more than pulses can make.
    """

    WRAP = 30_000

    def __init__(self, pin: "Pin") -> None:
        self.pin = pin
        count = esp32.PCNT.INCREMENT
        self.unit = esp32.PCNT(
            _COUNTER, pin=pin, rising=count, falling=count, filter=_GLITCH, max=self.WRAP
        )
        self.unit.start()
        self._changes = 0
        self._total = 0
        self._counts = 1  # the level that counts now
        self._seen = 1  # and the one that the latest look saw,
        self._stood_ms = 0  # for so long

    def pass_time(self, ms: int) -> None:
        """Look, so many milliseconds after the latest look."""
        level = self.pin.value()  # first: what changes after it is a change at the next look
        changes = self.unit.value()
        new = (changes - self._changes) % self.WRAP
        self._changes = changes
        if new == 0 and level == self._seen:
            self._stand(level, self._stood_ms + ms)
        elif 0 < new <= ms // _SHORTEST_MS + 1:
            unseen = 0 if ms <= _PASS_MS else ms * 2 // 3  # of the levels at both ends
            self._stand(self._seen, self._stood_ms + unseen)
            for _ in range(new - 1):
                self._stand(1 - self._seen, _SHORTEST_MS)
            self._stand(level, unseen)
        else:
            self._stand(level, 0)

    def _stand(self, level: int, ms: int) -> None:
        """The line has stood at a level for so long."""
        self._seen = level
        self._stood_ms = min(ms, 1000)
        if ms > _HOLD_MS and level != self._counts:
            self._counts = level
            self._total = (self._total + level) % self.WRAP

    def total(self) -> int:
        """Pulses so far, modulo WRAP."""
        return self._total


def safe_boot() -> bool:
    """True when this start is to end in the REPL; asks once."""
    return wiring.safe_boot(PINS)


def reset_cause() -> int:
    """What began this start, as the meter asks."""
    cause = machine.reset_cause()
    if cause == machine.PWRON_RESET:
        return RESET_POWER
    return RESET_WATCHDOG if cause == machine.WDT_RESET else RESET_COMMAND


def make() -> "BenchBoard":
    """The board, its supply switch open."""
    return wiring.make(PINS, UARTS, Counter, PER_1000_PULSES, LINK, P1, reset_cause)
