"""DS3231, a battery-backed clock on I2C. It runs on UTC+1, as the meter does."""

from meterfw import const
from meterfw.account.calendar import day_of, weekday, year_of

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from machine import I2C

ADDRESS = 0x68
_STATUS = const(0x0F)
_STOPPED = const(0x80)  # the oscillator has stood still: the time is worth nothing
_TWELVE = const(0x40)  # in the hour: counts to twelve, so somebody else has set it


def from_bcd(value: int) -> int:
    """A number from two decimal digits."""
    return (value >> 4) * 10 + (value & 15)


def to_bcd(value: int) -> int:
    """Two decimal digits of a number."""
    return value // 10 << 4 | value % 10


class Clock:
    """The chip on an I2C bus.

    :ivar second: second of the minute that `read` last answered
    """

    def __init__(self, i2c: "I2C") -> None:
        self.i2c = i2c
        self.second = 0
        self._there = False  # it has answered
        self._registers = bytearray(7)  # second, minute, hour, weekday, day, month, year
        self._status = bytearray(1)

    def read(self) -> int:
        """Minutes since 2000-01-01 00:00 UTC+1; -1 when it is silent, or its time is not ours."""
        r = self._registers
        try:
            self.i2c.readfrom_mem_into(ADDRESS, _STATUS, self._status)
            self.i2c.readfrom_mem_into(ADDRESS, 0, r)
        except OSError:
            return -1
        self._there = True
        if self._status[0] & _STOPPED or r[2] & _TWELVE:
            return -1
        self.second = from_bcd(r[0])
        day = day_of(from_bcd(r[6]), from_bcd(r[5] & 0x1F), from_bcd(r[4]))
        return day * 1440 + from_bcd(r[2] & 0x3F) * 60 + from_bcd(r[1])

    def set(self, clock: int) -> None:
        """Put it to the beginning of a minute since 2000-01-01 00:00 UTC+1.

        :raises OSError: it has answered before and does not now; a chip not fitted is no error
        """
        day, minute = clock // 1440, clock % 1440
        year = year_of(day)
        month = 12
        while day < day_of(year, month, 1):
            month -= 1
        r = self._registers
        r[0] = 0
        r[1] = to_bcd(minute % 60)
        r[2] = to_bcd(minute // 60)
        r[3] = weekday(day) + 1  # 1 on Monday
        r[4] = to_bcd(day - day_of(year, month, 1) + 1)
        r[5] = to_bcd(month)
        r[6] = to_bcd(year)
        try:
            self.i2c.writeto_mem(ADDRESS, 0, r)
            self._status[0] = 0
            self.i2c.writeto_mem(ADDRESS, _STATUS, self._status)
        except OSError:
            if self._there:
                raise
