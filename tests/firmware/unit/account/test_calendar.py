"""The meter's calendar: friendly hours, winters, and when to look again."""

import unittest

from meterfw.account import calendar, record

from tests.firmware.support import clock, day, profile, rule


def kept(p, text):
    at = clock(text)
    return calendar.window_at(p, calendar.local(at))


class Calendar(unittest.TestCase):
    @rule("B-3")
    def test_friendly_hours_of_the_walloon_card_meter(self):
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

    def test_a_window_inside_the_day_and_none(self):
        p = profile("wallonia-card", window_from=600, window_to=720, window_days=0)
        assert [kept(p, f"2020-12-08 {t}") for t in ("09:59", "10:00", "11:59", "12:00")] == [
            0,
            1,
            1,
            0,
        ]
        p.window_to = 600
        assert not any(kept(p, f"2020-12-08 {hour:02d}:00") for hour in range(24))

    @rule("AMB-17")
    def test_winters_include_both_days(self):
        for name, inside, outside in [
            ("wallonia-card", ("2020-11-01", "2021-03-15"), ("2020-10-31", "2021-03-16")),
            ("flanders-2003", ("2020-12-15", "2021-02-15"), ("2020-12-14", "2021-02-16")),
            ("brussels-limiter", ("2020-10-01", "2021-03-31"), ("2020-09-30", "2021-04-01")),
        ]:
            with self.subTest(name=name, inside=inside, outside=outside):
                p = profile(name)

                assert all(calendar.winter_at(p, day(text)) for text in inside)
                assert not any(calendar.winter_at(p, day(text)) for text in outside)

    def test_a_winter_inside_the_year_and_none(self):
        p = profile("wallonia-card", winter_from=601, winter_to=831)
        july = day("2020-07-01")
        assert calendar.winter_at(p, july) == 1
        p.winter_from = 0
        assert calendar.winter_at(p, july) == 0

    def test_nothing_changes_before_the_next_look(self):
        """Minute by minute over days: changes of summer time, turn of the year, a day off."""
        for name in ["wallonia-card", "flanders-2003", "brussels-limiter"]:
            with self.subTest(name=name):
                p = profile(name, window_holidays=1)
                m = record.State()
                for begin in ("2021-03-26", "2021-10-29", "2020-12-30", "2021-05-12"):
                    start = clock(begin + " 00:00")
                    m.calendar_until = 0
                    for m.clock in range(start, start + 4 * 1440):
                        now = calendar.local(m.clock)
                        fresh = calendar.window_at(p, now), calendar.winter_at(p, now // 1440)
                        if m.clock >= m.calendar_until:
                            calendar.look_up(m, p)
                        assert (m.window, m.winter) == fresh
                        assert m.clock < m.calendar_until <= m.clock + 1440
