"""Human units and the meter's integers: euros, local time, energy, weekdays.

Local time is Belgian wall-clock time, with summer time as the meter derives it; the meter's clock
counts minutes since 2000-01-01 00:00 UTC+1 all year.
"""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from meterfw.account import calendar

EUR = 100_000  # mc
HOUR_S = 3600
DAY_S = 86_400
NOMINAL_V = 230  # of a phase, where a current is wanted and only the power is known
LARGEST = 10**12  # of numbers people write
EPOCH = datetime(2000, 1, 1)
END = datetime(2100, 1, 1)  # of the meter's calendar
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_PAYMENT = re.compile(r"-?[0-9]+(\.[0-9]{1,2})?")
_WITH_COMMA = re.compile(r"[0-9]+,[0-9]+")


def decimal(value: object) -> Decimal:
    """An exact decimal of a TOML or command line value; text is digits with one point.

    :raises ValueError: when it is no number; a decimal comma is answered with the right spelling
    """
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError(f"{written(value)} is not a number")
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        comma = _WITH_COMMA.fullmatch(value)
        hint = f": write {value.replace(',', '.')}" if comma else ""
        raise ValueError(f"{written(value)} is not a number{hint}")
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError(f"{written(value)} is not a number")
    if not -LARGEST <= number <= LARGEST:
        raise ValueError(f"{written(value)} is too large a number")
    return number


def written(value: object) -> str:
    """A TOML or command line value as somebody wrote it, text in quotes."""
    return str(value) if isinstance(value, Decimal) else repr(value)


def scaled(value: object, factor: int) -> int:
    """`value` × `factor` as an integer.

    :raises ValueError: when the value is no number or finer than one unit of the result
    """
    number = Fraction(decimal(value)) * factor  # a decimal would be rounded to 28 digits
    if number.denominator != 1:
        raise ValueError(f"{value} is finer than {Decimal(1) / factor}")
    return int(number)


def mc(value: object) -> int:
    """Euros (number or text) as millicents."""
    return scaled(value, EUR)


def payment(text: str) -> int:
    """Euros as somebody pays them, as millicents: digits, one point, at most two decimals.

    :raises ValueError: anything else; a decimal comma is answered with the right spelling
    """
    if _PAYMENT.fullmatch(text):
        return mc(text)
    if _WITH_COMMA.fullmatch(text) and _PAYMENT.fullmatch(text.replace(",", ".")):
        raise ValueError(f"{text!r} is not a number: write {text.replace(',', '.')}")
    if re.fullmatch(r"[0-9]+\.[0-9]{3,}", text):
        raise ValueError(f"{text} is finer than a cent: at most two decimals")
    raise ValueError(f"{text!r} is not a number such as 20.00")


def euros(amount: int, places: int = 2) -> str:
    """Millicents as text in euros, rounded towards zero to the given places (5 is exact)."""
    sign = "-" if amount < 0 else ""
    units = abs(amount) // 10 ** (5 - places)
    if units == 0:
        sign = ""
    return f"{sign}{units // 10**places}.{units % 10**places:0{places}d}"


def to_clock(moment: datetime) -> int:
    """Clock value of a naive Belgian local time; seconds are dropped.

    In the hour that summer time skips, the time is read as winter time; in the hour that occurs
    twice, as the first.

    :raises ValueError: outside 2000 to 2099, or in the first hour of them
    """
    minutes = int((moment - EPOCH).total_seconds() // 60)
    if 0 <= minutes < 60:
        raise ValueError(
            f"{moment:%Y-%m-%d %H:%M} is too early: the meter's calendar begins at 01:00"
        )
    if not 60 <= minutes < 36525 * 1440:
        raise ValueError(f"{moment:%Y-%m-%d} is not within 2000 to 2099")
    if calendar.summer(minutes - 60):
        return minutes - 60
    return minutes


def from_clock(clock: int, second: int = 0) -> datetime:
    """Belgian local time of a clock value, as a naive datetime."""
    return EPOCH + timedelta(minutes=calendar.local(clock), seconds=second)


def clock_now() -> int:
    """Clock value of the present moment."""
    return _now_s() // 60


def _now_s() -> int:
    """Seconds since 2000-01-01 00:00 UTC+1."""
    return int((datetime.now(UTC) - EPOCH.replace(tzinfo=UTC)).total_seconds()) + 3600


def moment(value: object) -> datetime:
    """A naive datetime of a TOML date or time or of text such as 2020-07-03T23:00.

    :raises ValueError: when it is neither, has a zone, is outside 2000 to 2099, or in the hour that
        summer time skips
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value!r} is not a time such as 2020-07-03T23:00") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        raise ValueError(f"{value!r} is not a time such as 2020-07-03T23:00")
    if value.tzinfo is not None:
        raise ValueError(f"{value} has a time zone; times here are Belgian local time")
    if from_clock(to_clock(value)) != value.replace(second=0, microsecond=0):
        raise ValueError(f"{value:%Y-%m-%dT%H:%M} does not exist: summer time begins at 02:00")
    return value


def now() -> datetime:
    """Belgian local time now, to the second, as a naive datetime."""
    return from_clock(*divmod(_now_s(), 60))


def end_clock(value: object) -> int:
    """Clock value of an end; a day alone is meant to its last minute and ends at midnight.

    The last day of the calendar has no midnight after it: it ends a minute before.

    :param value: as `moment` takes it
    :raises ValueError: no time
    """
    end = moment(value)
    if not _is_day(value):
        return to_clock(end)
    return to_clock(min(end + timedelta(days=1), END - timedelta(minutes=1)))


def _is_day(value: object) -> bool:
    """Whether a date stands there, without a time."""
    if isinstance(value, str):
        try:
            date.fromisoformat(value)
        except ValueError:
            return False
        return True
    return isinstance(value, date) and not isinstance(value, datetime)


def duration(seconds: float) -> str:
    """Seconds as text: days, hours, minutes."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days} d {hour} h {minute:02d} min"
    if hours:
        return f"{hour} h {minute:02d} min"
    return f"{minute} min {second:02d} s"
