"""Headers of public exports that name their columns in their own way: right, or one line."""

from datetime import datetime, timedelta

import pytest
from budgetmeter import loads
from budgetmeter.errors import InputError

BEGIN = datetime(2025, 6, 1)
ROWS = 96


def written(header, row, minutes=30):
    """A file of `ROWS` rows; `row` makes one of its begin and its end."""
    times = [BEGIN + timedelta(minutes=minutes * i) for i in range(ROWS + 1)]
    return "".join([header + "\n", *(row(*pair) + "\n" for pair in zip(times, times[1:]))])  # noqa: B905, RUF007


def iso(time):
    return time.isoformat() + "+02:00"


# A file, the Wh in it, and when it begins in UTC+1.
RIGHT = {
    "octopus": (
        written(
            "Consumption (kwh), Estimated Cost Inc. Tax (p), Start, End",
            lambda a, b: f"0.250, 6.1, {iso(a)}, {iso(b)}",
        ),
        24_000,
        datetime(2025, 5, 31, 23),
    ),
    "tibber": (
        written(
            "from,to,cost,unitPrice,unitPriceVAT,consumption,consumptionUnit",
            lambda a, b: f"{iso(a)},{iso(b)},0.5,0.25,0.05,0.25,kWh",
        ),
        24_000,
        datetime(2025, 5, 31, 23),
    ),
    "clocks beside a date": (
        written(
            "TYPE,DATE,START TIME,END TIME,USAGE,UNITS,COST",
            lambda a, b: f"Electric usage,{a:%Y-%m-%d},{a:%H:%M},{b:%H:%M},0.25,kWh,$0.03",
        ),
        24_000,
        BEGIN,
    ),
    "shelly, UTC in the header": (
        written(
            "Date/time UTC,Active energy Wh (A),Returned energy Wh (A),Min V",
            lambda a, _: f"{a:%Y-%m-%d %H:%M},250,0,230",
        ),
        24_000,
        BEGIN + timedelta(hours=1),
    ),
    "solaredge": (
        written(
            "Time,System Production (W),Consumption (W)",
            lambda a, _: f"{a:%Y-%m-%d %H:%M},300,500",
        ),
        24_000,
        BEGIN,
    ),
}
REFUSED = {
    "no header": written("1748728800,500", lambda a, _: f"{a.timestamp():.0f},500"),
    "no unit": written("unixtime,value", lambda a, _: f"{a.timestamp():.0f},500"),
    "a telegram": "/FLU5\\253769484_A\n\n1-0:1.8.1(001000.000*kWh)\n1-0:1.7.0(00.500*kW)\n!AB\n",
    "a web page": "<!DOCTYPE html><html><body>Login</body></html>\n",
    "JSON": '{"consumption":[{"time":"2025-06-01T00:00","kwh":1}]}\n',
    "which of two": written(
        "Time,Consumption (W),SelfConsumption (W)",
        lambda a, _: f"{a:%Y-%m-%d %H:%M},500,100",
    ),
    "a country": written(
        '"Time (CET/CEST)","Actual Total Load [MW] - BZN|BE"',
        lambda a, b: f'"{a:%d.%m.%Y %H:%M} - {b:%d.%m.%Y %H:%M}","9100"',
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_it_is_read_to_the_watt_hour(name, tmp_path):
    text, wh, begin = RIGHT[name]
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8")
    load = loads.read(path)
    drawn, second = 0, 0
    while second < load.seconds:
        draw = load.at(second)
        drawn += draw.rate * (draw.until - second)
        second = draw.until
    assert drawn == wh * 3600
    assert load.begin == begin


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_one_line(name, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(REFUSED[name], encoding="utf-8")
    with pytest.raises(InputError) as refused:
        loads.read(path)
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith(str(path))
