"""The board made of its parts, from the pins of one."""

import os

from meterfw import const

import machine

from parts import at24c, beeper, button, ds3231, port, pzem, relay, screen
from parts.board import BenchBoard

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from collections.abc import Callable

    from parts.board import Counter

REPL_FLAG = "repl"  # a file that stands for one start into the REPL


def safe_boot(pins: "dict[str, int]") -> bool:
    """True when the safe-boot pin is low, or the console asked for the REPL; asks once."""
    pin = _input(pins["safe_boot"])
    try:
        os.remove(REPL_FLAG)  # meanwhile the pull-up has time to rise
        return True
    except OSError:
        return pin.value() == 0


def leave(commit: "Callable[[], object]") -> bool:
    """Restart into the REPL: the watchdog runs once started, so there is no other way.

    False when the flash is too full to note it.

    :param commit: stores the account, once it is sure that the board restarts
    """
    try:
        with open(REPL_FLAG, "w") as file:
            file.write("1")
    except OSError:
        return False
    commit()
    machine.reset()
    return True


def make(
    pins: "dict[str, int]",
    uarts: "dict[str, int]",
    counter: "Callable[[machine.Pin], Counter]",
    per_1000: int,
    link: str,
    p1: bool,
    reset_cause: "Callable[[], int]",
) -> BenchBoard:
    """The board, its supply switch open.

    :param pins: numbers by name; "relay_feedback" may be None
    :param uarts: numbers of the UARTs of "pzem" and "link"
    :param counter: class of the pulse counter
    :param per_1000: Wh, or litres of gas, of 1000 pulses
    :param link: "usb", where MicroPython talks, or "uart"
    :param p1: a P1 port on the UART of the link, which is then on "usb"
    :param reset_cause: what began this start, a RESET constant of `meterfw.board`
    :raises ValueError: link and P1 port both want that UART
    """
    if p1 and link == "uart":
        raise ValueError("P1 needs LINK usb")
    i2c = machine.I2C(0, sda=machine.Pin(pins["sda"]), scl=machine.Pin(pins["scl"]), freq=400_000)
    feedback = pins["relay_feedback"]
    return BenchBoard(
        counter(_input(pins["s0"])),
        per_1000,
        pzem.Pzem(_uart(pins, uarts, "pzem", pzem.BAUD, 256)),
        relay.Relay(_output(pins["relay"]), None if feedback is None else _input(feedback)),
        button.Button(_input(pins["button"])),
        beeper.Beeper(_output(pins["beeper"])),
        ds3231.Clock(i2c),
        screen.fitted(i2c),
        at24c.Slot(i2c),
        _port(pins, uarts, link),
        port.P1(_uart(pins, uarts, "link", port.BAUD, 256, machine.UART.INV_TX) if p1 else None),
        leave,
        reset_cause,
    )


def _input(number: int) -> machine.Pin:
    return machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP)


def _output(number: int) -> machine.Pin:
    return machine.Pin(number, machine.Pin.OUT, value=0)


def _port(
    pins: "dict[str, int]", uarts: "dict[str, int]", link: str
) -> "port.Uart | port.Standard":
    if link == "uart":
        return port.Uart(_uart(pins, uarts, "link", port.BAUD, 512))
    return port.Standard()


def _uart(
    pins: "dict[str, int]",
    uarts: "dict[str, int]",
    name: str,
    baud: int,
    room: int,
    invert: int = 0,
) -> machine.UART:
    tx, rx = machine.Pin(pins[name + "_tx"]), machine.Pin(pins[name + "_rx"])
    return machine.UART(
        uarts[name], baud, tx=tx, rx=rx, rxbuf=room, txbuf=room, timeout=0, invert=invert
    )
