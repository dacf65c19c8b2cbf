"""What a meter needs of its board: the contract every board keeps, real or virtual.

All calls return at once. The defaults stand for a part that is not fitted.
"""

from meterfw import const

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol
else:
    Protocol = object

# Bits of `Board.faults`
FAULT_SWITCH = 1  # the supply switch is not where it was put
FAULT_SENSOR = 2  # the current sensor is silent

# What `Board.reset_cause` answers
RESET_POWER = 0  # power came back
RESET_COMMAND = 1  # a command, or the reset button
RESET_WATCHDOG = 2  # nobody fed it


class Board(Protocol):
    """Base of the boards. A board may keep these defaults for what it lacks."""

    def elapsed_ms(self) -> int:
        """Milliseconds since last asked."""
        raise NotImplementedError

    def pulses(self) -> int:
        """Pulses since last asked: Wh, or litres of gas."""
        raise NotImplementedError

    def current_ma(self) -> int:
        """Largest current of any phase, mA."""
        return 0

    def power_w(self) -> int:
        """Total power, W."""
        return 0

    def voltage_mv(self) -> int:
        """Voltage of the first phase, mV; 0 where nothing measures it."""
        return 0

    def supply(self, closed: int) -> None:
        """Drive the supply switch or the valve; `closed` 1 lets current or gas flow."""
        raise NotImplementedError

    def faults(self) -> int:
        """FAULT bits of what the board finds wrong with itself."""
        return 0

    def reset_cause(self) -> int:
        """What began this start: one of RESET_POWER, RESET_COMMAND, RESET_WATCHDOG."""
        return RESET_POWER

    def button_s(self) -> int:
        """Seconds the button was pressed when released since last asked; -1 if it was not."""
        return -1

    def clock(self) -> int:
        """Minutes since 2000-01-01 00:00 UTC+1 of the clock chip; -1 without one."""
        return -1

    def clock_s(self) -> int:
        """Seconds of the running minute of the clock chip."""
        return 0

    def set_clock(self, clock: int) -> None:
        """Put the clock chip to a minute."""

    def show(self, lines: "tuple[str, ...]") -> None:
        """Show four lines of 16 characters."""

    def beep(self, times: int) -> None:
        """Sound the beeper."""

    def read_into(self, buffer: bytearray) -> int:
        """Read what has come in on the serial port, without waiting; answers how much."""
        return 0

    def write(self, data: "bytes | bytearray", size: int) -> None:
        """Send `size` bytes. What nobody takes is dropped; a UART may wait for its wire."""

    def leave(self, commit: "Callable[[], object]") -> bool:
        """Restart into the REPL, for who maintains the board; False where that cannot be.

        `commit()` stores the account; it is called only when nothing stands in the way any more.
        """
        return False

    def has_p1(self) -> int:
        """1 with a P1 port; asked once, at the start."""
        return 0

    def p1_write(self, data: bytearray, size: int) -> bool:
        """Send `size` octets on the P1 port, 115200 baud, the line inverted.

        False while what was sent before is on the wire: the meter asks again in its next pass.
        """
        return True

    # The card slot: an I2C memory card such as an AT24C32 (4096 octets, written in pages of 32)

    def card_in(self) -> int:
        """1 from a card's insertion until its removal, else 0; a card busy writing is still in."""
        return 0

    def card_read_into(self, at: int, buffer: "bytearray | memoryview") -> bool:
        """Fill a buffer from the card, from octet `at` on.

        False if the card does not answer: it is busy with a write, or was pulled out. The meter
        asks again, one page in each pass.
        """
        return False

    def card_write(self, at: int, data: "bytes | memoryview") -> bool:
        """Begin to write octets from octet `at` on; they never cross the end of a page of 32.

        Does not wait for the card's write cycle. False if the card does not answer, as above.
        """
        return False

    # Files

    def load(self, name: str) -> "bytes | None":
        """Contents of a file as bytes; None if there is none.

        :raises OSError: when it cannot be read
        """
        raise NotImplementedError

    def store(self, name: str, data: "bytes | bytearray") -> None:
        """Replace a file: after a power cut it has the old contents or the new ones.

        :raises OSError: when that failed
        """
        raise NotImplementedError
