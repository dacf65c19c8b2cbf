"""Euros, times and their mistakes."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from budgetmeter import units
from hypothesis import given
from hypothesis import strategies as st
from meterproto import records


@given(st.integers(-(10**12), 10**12))
def test_euros_read_back_exactly(amount):
    assert units.mc(units.euros(amount, 5)) == amount


@pytest.mark.parametrize(
    "text",
    [
        *("0.000001", "ten", "", "1e999", "1e999999999", "NaN", True, None, 1.5),
        *("1_0", "1e1", "+1", " 1", "1 ", "1\n", "\u0663", "1\u00a0", ".5", "5.", "--1", "0x1"),
        *("1.000,00", "1,000.00", "0.3" + "0" * 40 + "1"),
    ],
)
def test_amounts_that_are_none(text):
    with pytest.raises(ValueError, match=r"number|finer"):
        units.mc(text)


@pytest.mark.parametrize(("text", "right"), [("0,30", "0.30"), ("1,5", "1.5"), ("20,00", "20.00")])
def test_a_decimal_comma_is_answered_with_the_right_spelling(text, right):
    for read in (units.mc, units.decimal, units.payment):
        with pytest.raises(ValueError, match=rf"^'{text}' is not a number: write {right}$"):
            read(text)


@given(st.integers(120, 36524 * 1440))
def test_local_times_read_back(clock):
    local = units.from_clock(clock)
    zone = ZoneInfo("Europe/Brussels")
    utc = datetime(1999, 12, 31, 23, tzinfo=UTC) + timedelta(minutes=clock)
    assert utc.astimezone(zone).replace(tzinfo=None) == local
    back = units.to_clock(local)
    assert back == clock or (back == clock - 60 and units.from_clock(back) == local)


def test_times_that_are_none():
    for value in ("yesterday", 5, "2020-07-03T23:00+02:00"):
        with pytest.raises(ValueError, match="time"):
            units.moment(value)
    with pytest.raises(ValueError, match="2000 to 2099"):
        units.to_clock(datetime(1999, 12, 31))


@pytest.mark.parametrize(
    "text", ["2007-03-25T02:00", "2007-03-25T02:30:15", "2020-03-29 02:59", "2099-03-29T02:30"]
)
def test_times_that_summer_time_skips_are_none(text):
    for value in (text, datetime.fromisoformat(text)):
        with pytest.raises(ValueError, match="does not exist: summer time begins"):
            units.moment(value)


@pytest.mark.parametrize("text", ["2007-03-25T01:59:59", "2007-03-25T03:00", "2007-10-28T02:30"])
def test_times_beside_it_are(text):
    assert units.moment(text) == datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Decimal("NaN"), "NaN is not a number"),
        ("x", "'x' is not a number"),
        (Decimal("1e13"), "1E+13 is too large a number"),
        (True, "True is not a number"),
    ],
)
def test_numbers_are_shown_as_written(value, said):
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        units.decimal(value)


def test_an_end_is_the_midnight_after_a_day_alone():
    midnight = units.to_clock(datetime(2021, 4, 1))
    for text in ("2021-03-31", "20210331", "2021-W13-3"):
        assert units.end_clock(text) == midnight
    assert units.end_clock("2021-03-31T00:00") == midnight - 1440
    assert units.end_clock("2099-12-31") == records.CLOCK_LIMIT
    for text in ("9999-12-31", "9999-12-31T23:59", "0001-01-01", "2100-01-01"):
        with pytest.raises(ValueError, match="2000 to 2099"):
            units.end_clock(text)


def test_durations_are_readable():
    assert units.duration(59) == "0 min 59 s"
    assert units.duration(3600) == "1 h 00 min"
    assert units.duration(90_061) == "1 d 1 h 01 min"
