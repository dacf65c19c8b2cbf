"""An ESP32 as a budget meter: its pins, and the board made of them."""

import esp32
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
PER_1000_PULSES = 1000  # Wh, or litres of gas: an S0 output of 1000 pulses per kWh
WATCHDOG_MS = 8000

_COUNTER = 0  # unit
_GLITCH = 1023  # ticks of 80 MHz, the longest its filter has: 12.8 us. An RC filter does the rest.


class Counter:
    """S0 pulses counted by the pulse counter, whatever else stops: an erase of the flash does."""

    WRAP = 30_000

    def __init__(self, pin):
        self.unit = esp32.PCNT(
            _COUNTER, pin=pin, falling=esp32.PCNT.INCREMENT, filter=_GLITCH, max=self.WRAP
        )
        self.unit.start()

    def total(self):
        """Pulses so far, modulo WRAP."""
        return self.unit.value()


def safe_boot():
    """True when this start is to end in the REPL; asks once."""
    return wiring.safe_boot(PINS)


def make():
    """The board, its supply switch open."""
    return wiring.make(PINS, UARTS, Counter, PER_1000_PULSES, LINK)
