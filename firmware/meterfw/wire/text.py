"""Numbers as text and typed tokens as bytes, for display and console."""

import binascii

from meterfw.account.calendar import day_of, local, month_of, year_of
from meterfw.layouts import ALPHABET, EUR
from meterfw.tokens.gateway import KEY_TOKEN_SIZE, SIZE
from meterfw.wire import fcs


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
    minute = local(clock) % 1440
    return "%02d:%02d" % (minute // 60, minute % 60)


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
