"""The meter's calendar against zoneinfo, the holidays package and datetime."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
import pytest
from meterfw import calendar, layouts, record

from tests.firmware.support import clock, profile

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


def kept(p, text):
    at = clock(text)
    return calendar.window_at(p, calendar.local(at))


@pytest.mark.rule("B-3")
def test_friendly_hours_of_the_walloon_card_meter():
    p = profile("wallonia-card")
    assert kept(p, "2020-12-08 07:59")  # Tuesday
    assert not kept(p, "2020-12-08 08:00")
    assert not kept(p, "2020-12-08 15:59")
    assert kept(p, "2020-12-08 16:00")
    assert kept(p, "2020-12-12 12:00")  # Saturday
    assert kept(p, "2020-12-13 23:59")
    assert kept(p, "2020-07-03 16:00")  # summer time
    assert not kept(p, "2020-07-03 15:59")
    assert not kept(p, "2020-07-21 12:00")  # public holiday, a Tuesday
    p.window_holidays = 1
    assert kept(p, "2020-07-21 12:00")


def test_a_window_inside_the_day_and_none():
    p = profile("wallonia-card", window_from=600, window_to=720, window_days=0)
    assert [kept(p, f"2020-12-08 {t}") for t in ("09:59", "10:00", "11:59", "12:00")] == [
        0,
        1,
        1,
        0,
    ]
    p.window_to = 600
    assert not any(kept(p, f"2020-12-08 {hour:02d}:00") for hour in range(24))


@pytest.mark.rule("AMB-17")
@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("wallonia-card", ("2020-11-01", "2021-03-15"), ("2020-10-31", "2021-03-16")),
        ("flanders-2003", ("2020-12-15", "2021-02-15"), ("2020-12-14", "2021-02-16")),
        ("brussels-limiter", ("2020-10-01", "2021-03-31"), ("2020-09-30", "2021-04-01")),
    ],
)
def test_winters_include_both_days(name, inside, outside):
    p = profile(name)

    def winter(day):
        return calendar.winter_at(p, (date.fromisoformat(day) - FIRST).days)

    assert all(winter(day) for day in inside)
    assert not any(winter(day) for day in outside)


def test_a_winter_inside_the_year_and_none():
    p = profile("wallonia-card", winter_from=601, winter_to=831)
    july = (date(2020, 7, 1) - FIRST).days
    assert calendar.winter_at(p, july) == 1
    p.winter_from = 0
    assert calendar.winter_at(p, july) == 0


@pytest.mark.parametrize("name", ["wallonia-card", "flanders-2003", "brussels-limiter"])
def test_nothing_changes_before_the_next_look(name):
    """Minute by minute over weeks around both changes of summer time and the turn of the year."""
    p = profile(name, window_holidays=1)
    m = record.State()
    for begin in ("2021-03-20", "2021-10-25", "2020-12-20", "2021-05-10"):
        start = clock(begin + " 00:00")
        m.calendar_until = 0
        for m.clock in range(start, start + 12 * 1440):
            now = calendar.local(m.clock)
            fresh = calendar.window_at(p, now), calendar.winter_at(p, now // 1440)
            if m.clock >= m.calendar_until:
                calendar.look_up(m, p)
            assert (m.window, m.winter) == fresh
            assert m.clock < m.calendar_until <= m.clock + 1440
