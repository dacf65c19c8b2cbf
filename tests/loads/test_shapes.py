"""Every shape over both changes of clock, with rows missing, with a register that falls.

The sums are worked out by pandas from the series that was written.
"""

import re

import numpy as np
import pandas as pd
import pytest
from budgetmeter import loads
from budgetmeter.errors import InputError

from tests.loads.written import WRITERS, given, read, right

STEP = pd.Timedelta("30min")
SPANS = {
    "march": ("2025-03-29 00:00", "2025-03-31 12:00"),
    "october": ("2025-10-25 00:00", "2025-10-27 12:00"),
}


def series(span, zone="Europe/Brussels"):
    """Half hours of some power in W."""
    begin, end = (pd.Timestamp(text, tz=zone).tz_convert("UTC") for text in SPANS[span])
    times = pd.date_range(begin, end, freq=STEP, inclusive="left")
    rng = np.random.default_rng(7)
    return pd.Series(rng.integers(50, 2000, len(times)) * 2.0, times)


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("name", WRITERS)
def test_a_shape_keeps_its_sum_over_a_change_of_clock(name, span, tmp_path):
    watts = series(span)
    load = read(tmp_path, name, WRITERS[name].write(watts, STEP), zone=zone_for(name))
    wh, missing = given(load)
    assert wh == pytest.approx(right(name, watts, STEP), abs=1)
    assert missing == 0
    assert load.start == watts.index[0].tz_convert("Etc/GMT-1").tz_localize(None)


def zone_for(name):
    """A guessed table has no zone of its own."""
    return "Europe/Brussels" if name == "german" else ""


@pytest.mark.parametrize("name", WRITERS)
def test_a_shape_keeps_its_sum_with_rows_missing(name, tmp_path):
    """Six rows in a row without a value: three hours, or none where a register tells the whole."""
    watts = series("march")
    watts.iloc[20:26] = np.nan
    load = read(tmp_path, name, WRITERS[name].write(watts, STEP), zone=zone_for(name))
    wh, missing = given(load)
    assert wh == pytest.approx(right(name, watts, STEP), abs=1)
    assert missing == (0 if WRITERS[name].quantity == "index" else 3 * 3600)


@pytest.mark.parametrize("name", WRITERS)
def test_a_shape_keeps_its_sum_with_rows_left_out(name, tmp_path):
    watts = series("march")
    watts = watts.drop(watts.index[20:26])
    load = read(tmp_path, name, WRITERS[name].write(watts, STEP), zone=zone_for(name))
    wh, missing = given(load)
    assert wh == pytest.approx(right(name, watts, STEP), abs=1)
    gap = 6 * 1800
    holds = {"fluvius": 0, "german": 0, "index": gap, "change": gap}
    held = holds.get(name, holds.get(WRITERS[name].quantity, 2 * 1800))
    assert missing == gap - held


@pytest.mark.parametrize("name", ["homewizard", "history-of-energy", "index"])
def test_a_register_that_falls_loses_the_row_of_its_fall_only(name, tmp_path):
    watts = series("march")
    text = WRITERS[name].write(watts, STEP).splitlines(keepends=True)
    text[40:] = [re.sub(r",5(\d{3}\.)", r",1\1", line) for line in text[40:]]
    values = pd.Series([float(x) for x in re.findall(r",([15]\d{3}\.\d+)", "".join(text))])
    assert (values.diff() < 0).sum() == 1
    load = read(tmp_path, name, "".join(text))
    wh, missing = given(load)
    assert wh == pytest.approx(values.diff().clip(lower=0).sum() * 1000, abs=1)
    assert missing == 1800
    assert any("falls 1 time" in line for line in load.notes)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_an_encoding_makes_no_difference(encoding, tmp_path):
    text = "time;Vermögen kW\n" if encoding != "utf-16-le" else "time;Leistung kW\n"
    text += "2025-01-06T00:00;0,5\n2025-01-06T01:00;1,5\n"
    assert given(read(tmp_path, "x", text, encoding)) == (2000, 0)


def test_a_shape_of_ones_own(tmp_path):
    shape = tmp_path / "mine.toml"
    shape.write_text(
        'title = "my logger"\ntime = "when"\nvalue = ["a", "b"]\nkind = "energy"\nunit = "Wh"\n'
        'stamp = "end"\nzone = "Europe/Brussels"\norder = "mdy"\n'
    )
    text = "when,a,b\n01/06/2025 00:15,10,5\n01/06/2025 00:30,20,5\n"
    load = read(tmp_path, "x", text, shape=str(shape))
    assert given(load) == (40, 0)
    assert load.start.isoformat() == "2025-01-06T00:00:00"
    assert load.notes[0].startswith("my logger, 2 quarter-hours, 0.040 kWh")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 'red'\n", "unknown key colour"),
        ("time = 't'\n", "time and value name columns"),
        ("time = 't'\nvalue = 'v'\n", "unit is missing"),
        ("time = 't'\nvalue = 'v'\nunit = 'kWh'\n", "kWh is no unit of power"),
        ("time = 't'\nvalue = 'v'\nunit = 'ohm'\n", "unit is one of"),
        ("time = 't'\nvalue = 'v'\nunit = 'W'\nzone = 'Mars'\n", "no zone 'Mars'"),
        ("time = 't'\nvalue = 'v'\nunit = 'W'\nstamp = 'middle'\n", "stamp is one of start, end"),
        ("time = 5\n", "time is a text or a list of texts"),
        ("keep = 5\n", "keep is a table"),
        ("wide = 5\n", "wide is true or false"),
        ("time = 't'\nvalue = 'v'\nunit = 'W'\n", "no header with t, v"),
    ],
)
def test_a_shape_that_cannot_be_used_is_one_line(text, said, tmp_path):
    shape = tmp_path / "mine.toml"
    shape.write_text(text)
    with pytest.raises(InputError) as caught:
        read(tmp_path, "x", "time,watts\n2025-01-06,5\n", shape=str(shape))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("head", "first", "second", "wh"),
    [
        ("Datum;Tijd;Verbruik (kWh)", "06-01-2025;00:00;0,25", "06-01-2025;00:15;0,5", 750),
        ("Date,Heure,Consommation (Wh)", "2025-01-06,00h00,250", "2025-01-06,00h15,500", 750),
        ("Start,End,Usage kWh", "2025-01-06 00:00,2025-01-06 00:15,0.25",
         "2025-01-06 00:15,2025-01-06 00:30,0.5", 750),
        ("Zeitstempel;Leistung (kW)", "2025-01-06T00:00;1", "2025-01-06T00:15;2", 750),
        ("timestamp,power_w", "2025-01-06T00:00:00+01:00,1000", "2025-01-06T00:15:00+01:00,2000",
         750),
        ("timestamp,L1 W,L2 W,L3 W", "1736118000,500,300,200", "1736118900,1000,500,500", 750),
        ("Date/Time,Import kWh,Export kWh", "1/13/2025 12:00 AM,0.25,9", "1/13/2025 12:15 AM,0.5,9",
         750),
        ("time,kWh T1,kWh T2,solar kWh", "2025-01-06T00:00,0.2,0.05,1",
         "2025-01-06T00:15,0.5,0,1", 750),
        ("Datum;Register;Waarde;Eenheid", "06.01.2025 00:00;Afname;0,25;kWh",
         "06.01.2025 00:15;Afname;0,5;kWh", 750),
        ("time,watts,comment", "2025-01-06T00:00,1000,x", "2025-01-06T00:15,2000,y", 750),
    ],
)  # fmt: skip
def test_a_header_that_speaks_for_itself(head, first, second, wh, tmp_path):
    assert given(read(tmp_path, "x", f"My portal\n{head}\n{first}\n{second}\n")) == (wh, 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time,watts\n01/02/2025 00:00,5\n01/02/2025 00:15,5\n", "line 2: '01/02/2025 00:00': day"),
        ("time,kwh\n2025-01-06T00:00,5000\n2025-01-06T00:15,5000\n", "called index"),
        ("time,index\n2025-01-06T00:00,5\n2025-01-06T00:15,5000\n", "line 3: index grows by"),
        ("time,grid kWh,heat kWh\n2025-01-06T00:00,5,5\n", "which of these is the load"),
        ("time,consumption\n2025-01-06T00:00,5\n", "in which unit is consumption"),
        ('time,watts\n2025-01-06T00:00,"1,234"\n', "decimal comma or thousands"),
        ("LCLid,DateTime,KWH/hh\nA,2013-01-01 00:00,1\nB,2013-01-01 00:00,1\n", "2 households"),
    ],
)
def test_what_stays_open_is_refused(text, said, tmp_path):
    with pytest.raises(InputError) as caught:
        read(tmp_path, "x", text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2025-03-30T02:30,5\n", "line 2: '2025-03-30T02:30' does not exist in Europe/Brussels"),
        ("2025-10-26T02:30,5\n2025-10-26T03:30,5\n", "line 2: '2025-10-26T02:30' occurs twice"),
        ("2025-10-26T01:30,5\n2025-10-26T02:30,5\n", "line 3: '2025-10-26T02:30' occurs twice"),
    ],
)
def test_a_local_time_that_nothing_tells_is_refused(text, said, tmp_path):
    with pytest.raises(InputError) as caught:
        read(tmp_path, "x", "time,watts\n" + text, zone="Europe/Brussels")
    assert said in str(caught.value)


def test_a_file_that_begins_with_the_latest_row(tmp_path):
    watts = series("october")
    lines = WRITERS["plain"].write(watts, STEP).splitlines()
    load = read(tmp_path, "x", "\n".join([lines[0], *lines[:0:-1]]) + "\n")
    assert given(load) == (pytest.approx(right("plain", watts, STEP), abs=1), 0)


def test_other_zones_than_belgium(tmp_path):
    text = "time,watts\n2025-07-01T00:00,1000\n2025-07-01T01:00,1000\n"
    for zone, hour in (("Europe/London", 0), ("UTC", 1), ("Asia/Tokyo", -8), ("UTC-2", 3)):
        start = read(tmp_path, "x", text, zone=zone).start
        assert start == pd.Timestamp("2025-07-01") + pd.Timedelta(hours=hour)


def test_a_read_says_what_it_was(tmp_path):
    watts = series("march")
    load = read(tmp_path, "x", WRITERS["fluvius"].write(watts, STEP))
    kwh = right("fluvius", watts, STEP) / 1000
    shown = f"Fluvius export, {len(watts)} half-hours, {kwh:.3f} kWh; injection left out"
    assert load.notes[0] == shown
    assert isinstance(load, loads.SampledLoad)
