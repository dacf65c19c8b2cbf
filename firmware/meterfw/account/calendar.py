"""Belgian calendar on the meter's clock, 2000 to 2099, in the portable subset of `rules`.

The clock counts minutes since 2000-01-01 00:00 UTC+1 all year; a day is a number of days since then
(a Saturday). Summer time, weekends, public holidays and winter dates are derived from it.
"""

from meterfw.account.record import Profile, State


def year_of(day: int) -> int:
    """Years since 2000 of a day."""
    rest = day % 1461
    year = day // 1461 * 4
    if rest >= 366:
        year += (rest - 1) // 365
    return year


def month_of(day: int) -> int:
    """Month of a day, 1 to 12."""
    year = year_of(day)
    month = 12
    while month > 1 and day < day_of(year, month, 1):
        month -= 1
    return month


def day_of(year: int, month: int, day: int) -> int:
    """Day number of a date; `year` counts from 2000."""
    number = year * 365 + (year + 3) // 4 + (367 * month - 362) // 12 + day - 1
    if month > 2:
        number -= 2
        if year % 4 == 0:
            number += 1
    return number


def months_after(day: int, count: int) -> int:
    """The same date some months later; the last day of a month that lacks it."""
    month = month_of(day)
    year = year_of(day)
    date = day - day_of(year, month, 1)
    month += count - 1
    year += month // 12
    month = month % 12 + 1
    first = day_of(year, month, 1)
    following = day_of(year + month // 12, month % 12 + 1, 1)
    return min(first + date, following - 1)


def weekday(day: int) -> int:
    """0 on Monday, 6 on Sunday."""
    return (day + 5) % 7


def last_sunday(year: int, month: int) -> int:
    """Day number of the last Sunday of a month of 31 days."""
    day = day_of(year, month, 31)
    return day - (weekday(day) + 1) % 7


def summer(clock: int) -> int:
    """1 in EU summer time: last Sunday of March to last Sunday of October, 01:00 UTC."""
    year = year_of(clock // 1440)
    if clock < last_sunday(year, 3) * 1440 + 120:
        return 0
    if clock < last_sunday(year, 10) * 1440 + 120:
        return 1
    return 0


def local(clock: int) -> int:
    """Belgian local time of a clock value, in minutes on the same scale."""
    return clock + 60 * summer(clock)


def easter(year: int) -> int:
    """Day number of Easter Sunday (Gauss's rule with the constants of 1900-2099)."""
    golden = (2000 + year) % 19
    moon = (19 * golden + 24) % 30
    sunday = (2 * (year % 4) + 4 * ((2000 + year) % 7) + 6 * moon + 5) % 7
    day = day_of(year, 3, 22) + moon + sunday
    if sunday == 6:
        if moon == 29 or (moon == 28 and golden > 10):
            day -= 7
    return day


def holiday(day: int) -> int:
    """1 on a Belgian public holiday."""
    year = year_of(day)
    since_easter = day - easter(year)
    # Easter Monday, Ascension, Whit Monday
    if since_easter == 1 or since_easter == 39 or since_easter == 50:
        return 1
    if day == day_of(year, 1, 1) or day == day_of(year, 5, 1) or day == day_of(year, 7, 21):
        return 1
    if day == day_of(year, 8, 15) or day == day_of(year, 11, 1):
        return 1
    if day == day_of(year, 11, 11) or day == day_of(year, 12, 25):
        return 1
    return 0


def day_kept(p: Profile, day: int) -> int:
    """1 on a day whose whole is friendly hours."""
    if p.window_days >> weekday(day) & 1:
        return 1
    if p.window_holidays == 1 and holiday(day) == 1:
        return 1
    return 0


def window_at(p: Profile, minute: int) -> int:
    """1 when local time `minute` lies in the friendly hours (B-3)."""
    time = minute % 1440
    if p.window_from < p.window_to:
        if p.window_from <= time and time < p.window_to:
            return 1
    elif p.window_from > p.window_to:
        if time >= p.window_from or time < p.window_to:
            return 1
    return day_kept(p, minute // 1440)


def winter_at(p: Profile, day: int) -> int:
    """1 between the winter dates, both inclusive (AMB-17)."""
    if p.winter_from == 0:
        return 0
    year = year_of(day)
    begin = day_of(year, p.winter_from // 100, p.winter_from % 100)
    end = day_of(year, p.winter_to // 100, p.winter_to % 100)
    if begin <= end:
        if begin <= day and day <= end:
            return 1
    elif day >= begin or day <= end:
        return 1
    return 0


def minutes_to(now: int, time: int) -> int:
    """Minutes from local time `now` to the next time of day `time`, at least 1."""
    return 1440 - (now - time) % 1440


def same_local(clock: int, now: int) -> int:
    """Minutes from a clock value, local time `now`, in which local time runs on within its day.

    Summer time begins and ends on a Sunday at 02:00 UTC+1: to ask on all of them is enough.
    """
    wait = minutes_to(now, 0)
    change = minutes_to(clock, 120)
    if change < wait and weekday((clock + change) // 1440) == 6:
        return change
    return wait


def next_change(p: Profile, clock: int, now: int) -> int:
    """Clock value before which neither window nor winter can change; `now` is its local time."""
    wait = same_local(clock, now)
    if day_kept(p, now // 1440) == 0:  # else the whole day is one window
        wait = min(wait, minutes_to(now, p.window_from))
        wait = min(wait, minutes_to(now, p.window_to))
    return clock + wait


def look_up(m: State, p: Profile) -> None:
    """Set window and winter of the state for its clock, and when to look again."""
    now = local(m.clock)
    m.window = window_at(p, now)
    m.winter = winter_at(p, now // 1440)
    m.calendar_until = next_change(p, m.clock, now)
