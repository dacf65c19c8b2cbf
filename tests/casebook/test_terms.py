"""Terms against other calendars: `holidays`, `dateutil`'s months by hand, a plain count of days."""

from datetime import date, timedelta

import holidays
import pytest
from budgetmeter.casebook.terms import Reading, Term, add_months, before, last_day, working
from hypothesis import given
from hypothesis import strategies as st

DAYS = st.dates(date(2001, 1, 1), date(2060, 12, 31))
READING = Reading()
BELGIAN = holidays.country_holidays("BE", years=range(2001, 2062))


@pytest.mark.rule("FE-04")
def test_working_days_are_those_of_another_calendar():
    day = date(2001, 1, 1)
    while day < date(2061, 1, 1):
        free = day.weekday() >= 5 or day in BELGIAN
        assert working(day) == (not free), day
        day += timedelta(days=1)


@given(DAYS, st.integers(0, 60))
def test_working_days_are_counted_one_by_one(start, count):
    day, left = start, count
    while left:
        day += timedelta(days=1)
        left -= working(day)
    assert last_day(start, Term(count, "working days"), READING) == day


@given(DAYS, st.integers(0, 200))
def test_the_first_day_is_a_choice(start, count):
    term = Term(count, "days")
    late, early = (
        last_day(start, term, READING),
        last_day(start, term, Reading(first_day="same day")),
    )
    assert late == start + timedelta(days=count)
    assert early == late - timedelta(days=1)
    assert last_day(start, Term(count, "weeks"), READING) == start + timedelta(days=7 * count)


@pytest.mark.parametrize(
    ("day", "months", "last", "following"),
    [
        ("2023-01-31", 1, "2023-02-28", "2023-03-01"),
        ("2024-01-31", 1, "2024-02-29", "2024-03-01"),
        ("2023-03-31", 6, "2023-09-30", "2023-10-01"),
        ("2023-12-31", 2, "2024-02-29", "2024-03-01"),
        ("2023-10-15", 3, "2024-01-15", "2024-01-15"),
        ("2023-03-31", -1, "2023-02-28", "2023-03-01"),
        ("2024-02-29", 12, "2025-02-28", "2025-03-01"),
        ("2023-01-01", -1, "2022-12-01", "2022-12-01"),
    ],
)
def test_months_at_the_end_of_a_month_are_a_choice(day, months, last, following):
    day = date.fromisoformat(day)
    assert str(add_months(day, months)) == last
    assert str(add_months(day, months, "next day")) == following


@given(
    DAYS,
    st.integers(0, 40),
    st.lists(st.tuples(st.integers(-20, 60), st.integers(0, 30)), max_size=4),
)
def test_suspended_days_do_not_count(start, count, spans):
    cut = [(start + timedelta(days=a), start + timedelta(days=a + n)) for a, n in spans]
    end = last_day(start, Term(count, "days"), READING, cut)
    passed = [start + timedelta(days=n) for n in range(1, (end - start).days + 1)]
    counted = [day for day in passed if not any(a <= day < b for a, b in cut)]
    assert len(counted) == count
    assert not counted or counted[-1] == end


def test_a_suspension_without_an_end_lets_no_term_end():
    start = date(2023, 5, 1)
    assert last_day(start, Term(5, "days"), READING, [(date(2023, 5, 4), None)]) is None
    assert last_day(start, Term(2, "days"), READING, [(date(2023, 5, 4), None)]) == date(2023, 5, 3)


def test_a_term_ahead_of_a_day():
    assert str(before(date(2024, 3, 15), Term(1, "months"), READING)) == "2024-02-15"
    assert str(before(date(2024, 3, 15), Term(15, "days"), READING)) == "2024-02-29"
    assert str(before(date(2024, 3, 15), Term(2, "weeks"), READING)) == "2024-03-01"


def test_a_term_in_words():
    assert [str(Term(1, "months")), str(Term(3, "working days"))] == ["1 month", "3 working days"]
