"""A Raspberry Pi Pico as a budget meter: its pins, and the board made of them."""

import machine
import rp2
from meterfw import const
from meterfw.board import RESET_COMMAND, RESET_POWER, RESET_WATCHDOG
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
P1 = False  # True: a P1 port on the pins of the link, inverted; the link stays on "usb"
PER_1000_PULSES = 1000  # Wh, or litres of gas: an S0 output of 1000 pulses per kWh
WATCHDOG_MS = 8000

_REASON = const(0x4005_8008)  # register of the watchdog: bit 0 nobody fed it, bit 1 a command
_COUNTER = const(0)  # state machine
_COUNTER_HZ = const(1_024_000)  # the machine looks at the line every second step: each 2 us
_FIFO = const(4)  # words it has room for

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from machine import Pin
    from parts.board import BenchBoard
    from rp2.asm_pio import (
        in_,
        isr,
        jmp,
        label,
        mov,
        noblock,
        null,
        osr,
        pin,
        push,
        set,
        wrap,
        wrap_target,
        x,
        x_dec,
        y,
        y_dec,
    )


@rp2.asm_pio(in_shiftdir=rp2.PIO.SHIFT_LEFT)
def _count_pulses():
    # A level counts once it has stood for 15 ms: every change begins that time anew. A pulse is
    # low, then high. X counts downwards. OSR holds the looks of 15 ms: 30 << 8, of two steps each.
    # The machine pushes its total every 15 ms of a quiet line and after every spike, so that a
    # full FIFO loses nothing: what it did not take comes again.
    set(x, 0)
    set(y, 30)
    in_(y, 5)
    in_(null, 8)
    mov(osr, isr)
    mov(isr, null)
    wrap_target()
    label("high")
    in_(x, 29)
    push(noblock)
    mov(y, osr)
    label("still_high")
    jmp(pin, "quiet")
    mov(y, osr)
    label("falling")
    jmp(pin, "high")
    jmp(y_dec, "falling")
    label("low")
    in_(x, 29)
    push(noblock)
    mov(y, osr)
    label("still_low")
    jmp(pin, "rise")
    jmp(y_dec, "still_low")
    jmp("low")
    label("quiet")
    jmp(y_dec, "still_high")
    jmp("high")
    label("rise")
    mov(y, osr)
    label("rising")
    jmp(pin, "risen")
    jmp("low")
    label("risen")
    jmp(y_dec, "rising")
    jmp(x_dec, "high")
    wrap()


class Counter:
    """S0 pulses counted by a state machine, whatever else stops: an erase of the flash does."""

    WRAP = 1 << 29

    def __init__(self, pin: "Pin") -> None:
        self._total = 0
        self.machine = rp2.StateMachine(
            _COUNTER, _count_pulses, freq=_COUNTER_HZ, in_base=pin, jmp_pin=pin
        )
        self.machine.active(1)

    def pass_time(self, ms: int) -> None:
        """Empty the FIFO: the machine goes on telling while nobody asks."""
        self.total()

    def total(self) -> int:
        """Pulses so far, modulo WRAP."""
        for _ in range(_FIFO):  # what comes meanwhile is for the next pass
            if not self.machine.rx_fifo():
                break
            self._total = (self.WRAP - (self.machine.get() or 0)) % self.WRAP
        return self._total


def safe_boot() -> bool:
    """True when this start is to end in the REPL; asks once."""
    return wiring.safe_boot(PINS)


def reset_cause() -> int:
    """What began this start, as the meter asks; `machine.reset_cause` calls both WDT_RESET."""
    reason = machine.mem32[_REASON] & 3
    if reason == 0:
        return RESET_POWER
    return RESET_WATCHDOG if reason & 1 else RESET_COMMAND


def make() -> "BenchBoard":
    """The board, its supply switch open."""
    return wiring.make(PINS, UARTS, Counter, PER_1000_PULSES, LINK, P1, reset_cause)
