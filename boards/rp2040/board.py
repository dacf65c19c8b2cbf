"""A Raspberry Pi Pico as a budget meter: its pins, and the board made of them."""

import rp2
from parts import wiring

# Pins (GP numbers); the wiring table of README.md says the same.
PINS = {
    "s0": 2,
    "relay": 3,
    "relay_feedback": 4,
    "button": 5,
    "beeper": 6,
    "pzem_tx": 8,
    "pzem_rx": 9,
    "link_tx": 0,
    "link_rx": 1,
    "sda": 16,
    "scl": 17,
    "safe_boot": 22,
}
UARTS = {"pzem": 1, "link": 0}
LINK = "usb"  # or "uart", at `port.BAUD`
PER_1000_PULSES = 1000  # Wh, or litres of gas: an S0 output of 1000 pulses per kWh
WATCHDOG_MS = 8000

_COUNTER = 0  # state machine
_COUNTER_HZ = 4000  # slow: a quarter of a millisecond a step

try:
    from typing import TYPE_CHECKING
except ImportError:
    TYPE_CHECKING = False
if TYPE_CHECKING:
    from rp2.asm_pio import in_, jmp, label, noblock, nop, pin, push, set, wait
    from rp2.asm_pio import wrap, wrap_target, x, x_dec


@rp2.asm_pio(in_shiftdir=rp2.PIO.SHIFT_LEFT)
def _count_pulses():
    # A pulse is down for 15 ms, then up for 15 ms; less is a bounce. X counts downwards; each pulse
    # pushes its low bits, so that a full FIFO loses no pulse: the next one tells the total.
    set(x, 0)
    wrap_target()
    label("up")
    wait(0, pin, 0)
    nop()[29]  # pyright: ignore[reportIndexIssue]
    nop()[29]  # pyright: ignore[reportIndexIssue]
    jmp(pin, "up")
    label("down")
    wait(1, pin, 0)
    nop()[29]  # pyright: ignore[reportIndexIssue]
    nop()[29]  # pyright: ignore[reportIndexIssue]
    jmp(pin, "count")
    jmp("down")
    label("count")
    jmp(x_dec, "tell")
    label("tell")
    in_(x, 29)
    push(noblock)
    wrap()


class Counter:
    """S0 pulses counted by a state machine, whatever else stops: an erase of the flash does."""

    WRAP = 1 << 29

    def __init__(self, pin):
        self._total = 0
        self.machine = rp2.StateMachine(
            _COUNTER, _count_pulses, freq=_COUNTER_HZ, in_base=pin, jmp_pin=pin
        )
        self.machine.active(1)

    def total(self):
        """Pulses so far, modulo WRAP."""
        while self.machine.rx_fifo():
            self._total = (self.WRAP - (self.machine.get() or 0)) % self.WRAP
        return self._total


def safe_boot():
    """True when this start is to end in the REPL; asks once."""
    return wiring.safe_boot(PINS)


def make():
    """The board, its supply switch open."""
    return wiring.make(PINS, UARTS, Counter, PER_1000_PULSES, LINK)
