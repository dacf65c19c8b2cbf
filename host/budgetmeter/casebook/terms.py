"""Terms: so many days, working days, weeks, months or years, and which day is the last of them.

The source fixes the number; where it is silent about the count, a rule file declares its choice
(`Reading`). So no answer depends on what a library takes a month to be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from meterfw.account import calendar

UNITS = ("days", "working days", "weeks", "months", "years")
_OF_MONTHS = ("months", "years")
MONTH_ENDS = ("last day", "next day")
FIRST_DAYS = ("day after", "same day")
_EPOCH = date(2000, 1, 1)
_DAY = timedelta(days=1)

Spans = Sequence[tuple[date, date | None]]  # first day, and the first day after it; None: open


@dataclass(frozen=True)
class Term:
    """A length of time as a source gives it.

    :ivar unit: one of `UNITS`
    """

    count: int
    unit: str

    @property
    def months(self) -> int:
        """Months of the calendar; 0 where it is counted in days."""
        return self.count * {"months": 1, "years": 12}.get(self.unit, 0)

    @property
    def days(self) -> int:
        """Days, or working days; of a term in months it is not known."""
        return self.count * (7 if self.unit == "weeks" else 1)

    def __str__(self) -> str:
        return f"{self.count} {self.unit if self.count != 1 else self.unit[:-1]}"


@dataclass(frozen=True)
class Reading:
    """How a rule file counts where its source is silent.

    :ivar month_end: a month after the 31st is the "last day" of a shorter month, or its "next day"
    :ivar first_day: whether the day of the fact or of its receipt counts ("same day") or not
    """

    month_end: str = "last day"
    first_day: str = "day after"


def working(day: date) -> bool:
    """Whether a day is a working day: no Saturday, Sunday or public holiday (FE-04)."""
    number = (day - _EPOCH).days
    return calendar.weekday(number) < 5 and not calendar.holiday(number)


def add_months(day: date, count: int, month_end: str = "last day") -> date:
    """The same date some months later; before it where `count` is negative."""
    month = day.month - 1 + count
    year, month = day.year + month // 12, month % 12 + 1
    try:
        return date(year, month, day.day)
    except ValueError:
        following = date(year + month // 12, month % 12 + 1, 1)
        return following if month_end == "next day" else following - _DAY


def last_day(start: date, term: Term, reading: Reading, spans: Spans = ()) -> date | None:
    """The last day of a term that a fact of `start` begins; None while it stands still for good.

    :param spans: suspensions; their days do not count
    """
    if reading.first_day == "same day":
        start -= _DAY
    left = term.days
    if term.unit in _OF_MONTHS:
        left = (add_months(start, term.months, reading.month_end) - start).days
    only_working = term.unit == "working days"
    day = start
    if not spans and not only_working:
        return start + timedelta(days=left)
    while left > 0:
        day += _DAY
        inside = [end for begin, end in spans if begin <= day and (end is None or day < end)]
        if None in inside:
            return None
        if not inside and (not only_working or working(day)):
            left -= 1
    return day


def before(end: date, term: Term, reading: Reading) -> date:
    """The last day that lies at least a term ahead of another day."""
    if term.unit in _OF_MONTHS:
        return add_months(end, -term.months, reading.month_end)
    return end - timedelta(days=term.days)
