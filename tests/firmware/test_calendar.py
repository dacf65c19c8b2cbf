"""The meter's calendar against zoneinfo, the holidays package and datetime."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
from dateutil.relativedelta import relativedelta
from meterfw import layouts
from meterfw.account import calendar

FIRST = date(2000, 1, 1)
EPOCH = datetime(1999, 12, 31, 23, tzinfo=UTC)  # 2000-01-01 00:00 UTC+1
BRUSSELS = ZoneInfo("Europe/Brussels")


def test_dates_of_a_century():
    for number in range(36525):
        day = FIRST + timedelta(days=number)
        assert calendar.year_of(number) == day.year - 2000
        assert calendar.day_of(day.year - 2000, day.month, day.day) == number
        assert calendar.weekday(number) == day.weekday()
    assert FIRST + timedelta(days=36524) == date(2099, 12, 31)
    assert layouts.CLOCK_LIMIT == 36525 * 1440 - 1


def test_public_holidays_of_a_century():
    """The package lists Easter and Whit Sunday too: Sundays in any case."""
    belgium = holidays.country_holidays("BE", years=range(2000, 2100))
    for number in range(36525):
        day = FIRST + timedelta(days=number)
        if day.weekday() != 6:
            assert calendar.holiday(number) == (day in belgium), day


def test_summer_time_of_a_century():
    """Every hour of every day on which the offset changes, and one minute of all others."""
    for number in range(36525):
        changes = (FIRST + timedelta(days=number)).month in (3, 10)
        for minute in range(0, 1440, 30 if changes else 1440):
            at = number * 1440 + minute
            offset = (EPOCH + timedelta(minutes=at)).astimezone(BRUSSELS).utcoffset()
            assert offset == timedelta(hours=1 + calendar.summer(at))


def test_months_later():
    """Against `dateutil`: the days of eight years, and the last of the calendar."""
    for number in (*range(7000, 7000 + 8 * 365), *range(36525 - 800, 36525)):
        day = FIRST + timedelta(days=number)
        for months in (1, 6, 12):
            later = (day + relativedelta(months=months) - FIRST).days
            if later < 36525:
                assert calendar.months_after(number, months) == later, (day, months)
