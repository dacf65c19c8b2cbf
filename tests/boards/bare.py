"""Hardware that takes no memory of its own, as a board's does not: it is in ROM there.

For measuring a board as it starts; what the parts do is in `peripherals`. Runs in MicroPython.
"""

import sys

buffers = []  # what a board's own parts take from the heap


class Part:
    """A pin, a bus, a counter, and what makes it: it has nothing to say."""

    IN = OUT = PULL_UP = SHIFT_LEFT = INCREMENT = INV_TX = buffer = 0

    def __call__(self, *_, rxbuf=0, txbuf=0, **__):
        if rxbuf:  # a UART
            buffers.append(bytearray(rxbuf + txbuf))
        return self

    def value(self, *_, **__):
        return 0

    any = write = readinto = txdone = start = active = rx_fifo = register = value
    writeto = writeto_mem = readfrom_mem_into = value


class Panel:
    """An SSD1306 with the memory of its pixels."""

    def __init__(self, width, height, _):
        buffers.append(bytearray(width * height // 8))

    fill = text = show = Part.value


class Hardware:
    """Any of the modules."""

    Pin = UART = I2C = StateMachine = PIO = PCNT = poll = stdin = stdout = Part()
    SSD1306_I2C = Panel
    POLLIN = POLLOUT = PWRON_RESET = 0
    mem32 = {0x4005_8008: 0}  # started by its power  # noqa: RUF012

    @staticmethod
    def reset_cause():
        return 0

    @staticmethod
    def asm_pio(**_):
        return lambda program: bytes(64)  # two octets an instruction, and what surrounds them


for name in ("machine", "rp2", "esp32", "ssd1306", "select", "sys"):
    sys.modules[name] = Hardware
