"""The card slot: a memory card with an AT24C32 or larger, 16-bit addresses, pages of 32 octets."""

from meterfw import const

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from machine import I2C

ADDRESS = 0x50
_PROBE_MS = const(100)  # how often an empty slot is looked at
_WRITE_MS = const(10)  # a write cycle at most; the card does not answer in it


class Slot:
    """The slot on an I2C bus.

    :ivar present: 1 from insertion until removal; a card busy writing is still in
    """

    def __init__(self, i2c: "I2C") -> None:
        self.i2c = i2c
        self.present = 0
        self._probe_ms = 0
        self._written = False

    def pass_time(self, ms: int) -> None:
        """Look whether a card answers."""
        if self._written:  # most of `ms` was before it: the cycle has only begun
            self._written = False
            self._probe_ms = _WRITE_MS
            return
        self._probe_ms -= ms
        if self._probe_ms <= 0:
            self._probe_ms = _PROBE_MS
            try:
                self.i2c.writeto(ADDRESS, b"")
                self.present = 1
            except OSError:
                self.present = 0

    def read_into(self, at: int, buffer: "bytearray | memoryview") -> bool:
        """Fill a buffer from octet `at` on; False when the card does not answer."""
        try:
            self.i2c.readfrom_mem_into(ADDRESS, at, buffer, addrsize=16)
        except OSError:
            return False
        return True

    def write(self, at: int, data: "bytes | memoryview") -> bool:
        """Begin to write octets within one page; False when the card does not answer."""
        try:
            self.i2c.writeto_mem(ADDRESS, at, data, addrsize=16)
        except OSError:
            return False
        self._written = True
        return True
