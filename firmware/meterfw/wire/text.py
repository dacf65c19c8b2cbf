"""Numbers as text and typed tokens as bytes, for display and console."""

import binascii

from meterfw.account.calendar import day_of, local, month_of, year_of
from meterfw.layouts import ALPHABET, EUR
from meterfw.tokens.gateway import KEY_TOKEN_SIZE, SIZE
from meterfw.wire import fcs

DAYS = "Mon Tue Wed Thu Fri Sat Sun"


def euros(mc: int) -> str:
    """Amount in euros and cents, rounded towards zero as a customer reads a balance."""
    sign = "-" if mc <= -1000 else ""
    cents = abs(mc) // 1000
    return "%s%d.%02d" % (sign, cents // 100, cents % 100)


def exact(mc: int) -> str:
    """An amount in euros with all five places."""
    sign = "-" if mc < 0 else ""
    mc = abs(mc)
    return "%s%d.%05d" % (sign, mc // EUR, mc % EUR)


def total(eur: int, mc: int) -> str:
    """A lifetime total of floored euros and millicents, with all five places."""
    if eur < 0 and mc > 0:
        eur, mc = eur + 1, EUR - mc
        return "-%d.%05d" % (-eur, mc)
    return "%d.%05d" % (eur, mc)


def kwh(wh: int) -> str:
    """Energy in kWh with three places."""
    return "%d.%03d" % (wh // 1000, wh % 1000)


def time_of_day(clock: int) -> str:
    """Local time as HH:MM."""
    return in_unit(local(clock) % 1440, "h:min")


def in_unit(value: int, unit: str) -> str:
    """A value of the profile as people write it, with its unit of `layouts.PROFILE_UNITS`."""
    if unit == "h:min":
        return "%02d:%02d" % (value // 60, value % 60)
    if unit == "m-d":
        return "%02d-%02d" % (value // 100, value % 100) if value else "none"
    if unit[:3] == "EUR":
        return "%s %s" % (exact(value) if value % 1000 else euros(value), unit)
    if unit == "Mon-Sun":
        return ",".join([day for i, day in enumerate(DAYS.split()) if value >> i & 1]) or "none"
    return "%d %s" % (value, unit) if unit != "-" else "%d" % value


def timestamp(clock: int, second: int) -> str:
    """Belgian local date and time."""
    day = local(clock) // 1440
    year, month = year_of(day), month_of(day)
    date = "%04d-%02d-%02d" % (2000 + year, month, day - day_of(year, month, 1) + 1)
    return "%s %s:%02d" % (date, time_of_day(clock), second)


def token_from(typed: str) -> "bytes | None":
    """The bytes of a token typed as groups of characters or as hexadecimal digits.

    None where the check at its end does not fit: mistyped.
    """
    plain = typed.replace("-", "").replace(" ", "").upper()
    if len(plain) in (2 * (SIZE + 2), 2 * (KEY_TOKEN_SIZE + 2)):
        try:
            data = binascii.unhexlify(plain)
        except ValueError:
            return None
    else:
        data = _from_base32(plain.replace("O", "0").replace("I", "1").replace("L", "1"))
    if data is None or len(data) < 3 or not fcs.good(data):
        return None
    return bytes(data[:-2])


def _from_base32(plain: str) -> "bytearray | None":
    data = bytearray()
    bits = count = 0
    for character in plain:
        value = ALPHABET.find(character)
        if value < 0:
            return None
        bits = (bits << 5 | value) & 0xFFF
        count += 5
        if count >= 8:
            count -= 8
            data.append(bits >> count & 0xFF)
    return None if bits & (1 << count) - 1 else data
