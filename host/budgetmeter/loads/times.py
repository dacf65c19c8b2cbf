"""Times as files write them, as milliseconds since 2000-01-01 00:00 UTC+1.

An offset or a `Z` is exact. A time without is read in the zone of its file. The hour that occurs
twice in October is told by the order of the rows; what the order does not tell is refused.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

from meterfw.account import calendar

from budgetmeter.errors import InputError
from budgetmeter.units import END, EPOCH

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
END_MS = int((END - EPOCH).total_seconds()) * 1000
UNIX_MS = int((datetime(1970, 1, 1, 1) - EPOCH).total_seconds()) * 1000
_UTC1_MS = HOUR_MS
METER_ZONE = "UTC+1"  # of plain times

# Zones that have kept Belgian time since 2000, by the rule the meter itself knows.
_BELGIAN = frozenset(
    f"Europe/{city}"
    for city in (
        "Amsterdam", "Berlin", "Brussels", "Copenhagen", "Luxembourg", "Madrid", "Oslo", "Paris",
        "Prague", "Rome", "Stockholm", "Vienna", "Warsaw", "Zurich",
    )
)  # fmt: skip

_DATE = (
    r"(?:(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})"
    r"|(?P<a>\d{1,2})(?P<sep>[-/.])(?P<b>\d{1,2})(?P=sep)(?P<z>\d{4}|\d{2}))"
)
_CLOCK = (
    r"(?P<H>\d{1,2})[:hH](?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?"
    r"\s?(?P<half>[aApP]\.?[mM]\.?)?"
)
_OFFSET = r"(?P<o>[Zz]|\s?(?:UTC|GMT)|[+-]\d{2}:?(?:\d{2})?)"
_TIME = re.compile(rf"{_DATE}(?:(?:T|,?\s+){_CLOCK}\s?{_OFFSET}?)?", re.ASCII)

Candidates = Callable[[int], tuple[int, ...]]


def candidates_in(name: str) -> Candidates:
    """What a local time may be: the moments (ms) of a zone that show it, in order.

    :raises InputError: no such zone
    """
    if name in _BELGIAN:
        return _belgian
    zone: tzinfo
    fixed = re.fullmatch(r"(?:UTC|GMT)?(?:([+-])(\d{1,2})(?::?(\d{2}))?)?", name)
    if fixed and name:
        size = timedelta(hours=int(fixed[2] or 0), minutes=int(fixed[3] or 0))
        shift = int(size.total_seconds()) * 1000
        shift = _UTC1_MS - (-shift if fixed[1] == "-" else shift)
        return lambda local: (local + shift,)
    try:
        zone = ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise InputError(f"no zone {name!r}; write it as Europe/Brussels or UTC+1") from None
    known: dict[int, tuple[int, ...]] = {}

    def candidates(local: int) -> tuple[int, ...]:
        quarter = local // 900_000
        shifts = known.get(quarter)
        if shifts is None:
            naive = EPOCH + timedelta(milliseconds=quarter * 900_000)
            shifts = known[quarter] = tuple(sorted(_shifts(naive, zone)))
        return tuple(local + shift for shift in shifts)

    return candidates


def _shifts(naive: datetime, zone: tzinfo) -> set[int]:
    """What is to be added to a local time of a zone to have UTC+1, ms; none if it has no such."""
    found = set()
    for fold in (0, 1):
        aware = naive.replace(tzinfo=zone, fold=fold)
        there = aware.astimezone(UTC)
        if there.astimezone(zone).replace(tzinfo=None) == naive:
            plain = there.replace(tzinfo=None) + timedelta(hours=1)
            found.add(round((plain - naive).total_seconds() * 1000))
    return found


def _belgian(local: int) -> tuple[int, ...]:
    minute = local // 60_000
    found = []
    if minute >= 60 and calendar.summer(minute - 60):
        found.append(local - HOUR_MS)
    if not calendar.summer(minute):
        found.append(local)
    return tuple(found)


class Parser:
    """Reads texts as local milliseconds and, where the text has it, as exact milliseconds.

    :param order: "dmy" or "mdy", for dates that do not begin with the year; empty: not known
    """

    def __init__(self, order: str = "") -> None:
        self._order = order
        self._known: dict[str, tuple[int, bool]] = {}
        self._days: dict[str, int] = {}

    def read(self, text: str) -> tuple[int, bool]:
        """Milliseconds since 2000, and whether they are exact (UTC+1) or a zone's local time.

        :raises ValueError: no time, or a date that can be read in two ways
        """
        found = self._plain(text)
        if found is None:
            found = self._known.get(text)
            if found is None:
                found = self._read(text.strip())
                if len(self._known) > 50_000:
                    self._known.clear()
                self._known[text] = found
        if not 0 <= found[0] < END_MS:
            raise ValueError(f"{text.strip()!r} is not within 2000 to 2099")
        return found

    def _plain(self, text: str) -> tuple[int, bool] | None:
        """YYYY-MM-DDTHH:MM with or without :SS, the most common by far."""
        size = len(text)
        if size not in (16, 19) or text[10] not in "T " or text[13] != ":" or not text.isascii():
            return None
        day = self._days.get(text[:10])
        if day is None:
            return self._first_of_a_day(text)
        clock = text[11:13] + text[14:16] + text[17:]
        if not clock.isdigit() or (size == 19 and text[16] != ":"):
            return None
        hour, minute, second = int(clock[:2]), int(clock[2:4]), int(clock[4:] or 0)
        if hour > 23 or minute > 59 or second > 59:
            return None
        return day + (hour * 3600 + minute * 60 + second) * 1000, False

    def _first_of_a_day(self, text: str) -> tuple[int, bool] | None:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        if moment.tzinfo is not None:
            return None
        if len(self._days) > 1000:
            self._days.clear()
        self._days[text[:10]] = _ms(datetime(moment.year, moment.month, moment.day))
        return _ms(moment), False

    def _read(self, text: str) -> tuple[int, bool]:
        if text.isascii() and text.isdigit() and len(text) != 8:
            return _number(text)
        found = _TIME.fullmatch(text)
        if found is None:
            return _iso(text)
        day = _ms(self._date(found, text))
        if found["H"] is None:
            return day, False
        return _with_offset(day + _clock_ms(found, text), found["o"])

    def _date(self, found: re.Match[str], text: str) -> datetime:
        if found["y"]:
            parts = int(found["y"]), int(found["m"]), int(found["d"])
        else:
            first, second, year = int(found["a"]), int(found["b"]), int(found["z"])
            year += 2000 if year < 100 else 0
            order = self._order or order_of(first, second)
            if not order:
                raise ValueError(
                    f"{text!r}: day or month first? nothing in the file "
                    "tells; say order in a file for --load-shape"
                )
            day, month = (first, second) if order == "dmy" else (second, first)
            parts = year, month, day
        try:
            return datetime(*parts)
        except ValueError:
            raise ValueError(f"{text!r} is not a date") from None


def order_of(first: int, second: int) -> str:
    """The order of a date's first two numbers, empty where they do not tell."""
    if first == second:
        return "dmy"
    if first > 12:
        return "dmy"
    return "mdy" if second > 12 else ""


def date_order(texts: list[str]) -> str:
    """The order of day and month in a file's first texts; empty where nothing tells.

    A number above 12 tells. So does the step from day to day: dates follow each other. One row a
    date may be one a month.
    """
    pairs: list[tuple[int, int, int]] = []
    for text in texts:
        found = re.match(_DATE, text.strip(), re.ASCII)
        if found is None:
            continue  # refused where it is read
        if found["y"]:
            return ""
        pair = int(found["a"]), int(found["b"]), int(found["z"])
        if order := order_of(*pair[:2]):
            if pair[0] != pair[1]:
                return order
        elif found["sep"] == ".":
            return "dmy"  # nobody writes a point after the month alone
        if not pairs or pairs[-1] != pair:
            pairs.append(pair)
    if len(pairs) < 2:
        found = re.match(_DATE, texts[0].strip(), re.ASCII) if texts else None
        return "dmy" if found and found["sep"] == "-" else ""
    days = sum(abs(b[0] - a[0]) == 1 and a[1] == b[1] for a, b in pairwise(pairs))
    months = sum(abs(b[1] - a[1]) == 1 and a[0] == b[0] for a, b in pairwise(pairs))
    monthly = len(pairs) == len(texts) and {1} in ({p[0] for p in pairs}, {p[1] for p in pairs})
    if days != months and not monthly:
        return "dmy" if days > months else "mdy"
    return ""


def _ms(moment: datetime) -> int:
    past = moment - EPOCH
    return past.days * DAY_MS + past.seconds * 1000 + past.microseconds // 1000


def _clock_ms(found: re.Match[str], text: str) -> int:
    hour, minute, second = int(found["H"]), int(found["M"]), int(found["S"] or 0)
    if found["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(f"{text!r} is not a time")
        hour = hour % 12 + (12 if found["half"][0] in "pP" else 0)
    if minute > 59 or second > 59 or hour > 24 or (hour == 24 and (minute or second)):
        raise ValueError(f"{text!r} is not a time")
    part = int((found["f"] or "0").ljust(3, "0")[:3])
    return (hour * 3600 + minute * 60 + second) * 1000 + part


def _with_offset(local: int, offset: str | None) -> tuple[int, bool]:
    if offset is None:
        return local, False
    offset = offset.strip()
    if offset[0] not in "+-":
        return local + _UTC1_MS, True
    digits = offset[1:].replace(":", "").ljust(4, "0")
    size = (int(digits[:2]) * 60 + int(digits[2:])) * 60_000
    return local + _UTC1_MS - (size if offset[0] == "+" else -size), True


def _number(text: str) -> tuple[int, bool]:
    """Seconds or milliseconds since 1970, or a date and a clock without separators."""
    value, size = int(text), len(text)
    if size in (12, 14) and text[:2] == "20":
        try:
            layout = "%Y%m%d%H%M" if size == 12 else "%Y%m%d%H%M%S"
            return _ms(datetime.strptime(text, layout)), False
        except ValueError:
            pass
    if size in (9, 10):
        return value * 1000 + UNIX_MS, True
    if size in (12, 13):
        return value + UNIX_MS, True
    raise ValueError(f"{text!r} is not a time such as 2007-01-31T18:05")


def _iso(text: str) -> tuple[int, bool]:
    """Other ISO 8601 forms, and numbers with a fraction since 1970."""
    if re.fullmatch(r"\d{9,10}\.\d+", text, re.ASCII):
        return int(float(text) * 1000) + UNIX_MS, True
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time such as 2007-01-31T18:05") from None
    if moment.tzinfo is None:
        return _ms(moment), False
    return _ms(moment.astimezone(timezone(timedelta(hours=1))).replace(tzinfo=None)), True


class Clock:
    """The times of one series, in order of its rows.

    :param zone: name of the zone of times without an offset
    """

    def __init__(self, zone: str) -> None:
        self._candidates = candidates_in(zone)
        self._zone = zone
        self._last = -1
        self._once: str = ""  # a time of the double hour that has stood once so far
        self._once_line = 0
        self._again = False

    def at(self, local: int, exact: bool, text: str, line: int) -> int:
        """The moment of a row, ms (UTC+1).

        :raises Ambiguous: when the order of the rows does not tell an hour that occurs twice
        :raises ValueError: a local time that does not exist
        """
        if exact:
            self._last = local
            return local
        found = self._candidates(local)
        if not found:
            raise ValueError(f"{text.strip()!r} does not exist in {self._zone}: summer time begins")
        moment = found[0]
        if len(found) == 1:
            self._leave()
        elif moment <= self._last:
            moment, self._again, self._once = found[1], True, ""
        elif not self._again and not self._once:
            self._once, self._once_line = text.strip(), line
        self._last = moment
        return moment

    def end(self) -> None:
        """The rows are at their end."""
        self._leave()

    def peek(self, local: int, exact: bool) -> int:
        """The moment of the row's end: the first after its begin that shows this time."""
        if exact:
            return local
        found = self._candidates(local)
        later = [moment for moment in found if moment > self._last]
        return later[0] if later else (found[-1] if found else local)

    def _leave(self) -> None:
        once, self._once, self._again = self._once, "", False
        if once:
            raise Ambiguous(
                f"{once!r} occurs twice in {self._zone}, and the order of the rows does not "
                "tell which is meant",
                self._once_line,
            )


class Ambiguous(ValueError):
    """A local time that occurs twice.

    :ivar line: of the row
    """

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line
