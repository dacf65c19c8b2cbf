"""Days of consumption from measured data, CSV and Parquet; nothing is made up for gaps."""

import csv
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from budgetmeter import loads
from budgetmeter.errors import InputError
from budgetmeter.fleet import engine, profiles, study

START = datetime(2021, 3, 1)  # a Monday


def rows(days, minutes, start=START):
    """Times and watts; each day has its own level."""
    per_day = 1440 // minutes
    times = [start + timedelta(minutes=minutes * i) for i in range(days * per_day)]
    return times, [100 * (i // per_day + 1) + i % 3 for i in range(days * per_day)]


def write_csv(path, times, watts):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("time", "watts"))
        writer.writerows((t.isoformat(), w) for t, w in zip(times, watts, strict=True))
    return str(path)


def write_parquet(path, **columns):
    pq.write_table(pa.table(columns), path)
    return str(path)


def test_the_measured_household_keeps_its_energy():
    """Averaging to the step neither adds nor loses, but for rounding; gaps are left out."""
    fine, coarse = profiles.shipped(1, False), profiles.shipped(15, False)
    assert fine.days.shape[1] == 1440
    assert coarse.days.shape[1] == 96
    assert abs(fine.days.mean() - coarse.days.mean()) < 0.5
    rates = loads.household().rates
    whole = sum(min(rates[day * 1440 : (day + 1) * 1440]) >= 0 for day in range(120))
    assert len(fine.days) == whole > 100
    assert fine.groups[:, 1].sum() == whole


def test_csv_and_parquet_read_the_same(tmp_path):
    times, watts = rows(14, 15)
    one = profiles.read([write_csv(tmp_path / "a.csv", times, watts)], 15, False)
    two = profiles.read([write_parquet(tmp_path / "a.parquet", time=times, watts=watts)], 15, False)
    assert all((a == b).all() for a, b in zip(one, two, strict=True))
    assert one.groups.tolist() == [[0, 10], [10, 4]]  # working days, weekends
    assert one.days[10, 0] == 600  # the sixth day is the first Saturday


def test_a_parquet_file_of_many_households(tmp_path):
    times, watts = rows(7, 15)
    path = write_parquet(
        tmp_path / "many.parquet",
        time=[*times, *times],
        watts=[*watts, *[3 * w for w in watts]],
        household=["a"] * len(times) + ["b"] * len(times),
    )
    days = profiles.read([path], 15, False)
    assert len(days.groups) == 4
    assert abs(days.mean_wh[1] - 3 * days.mean_wh[0]) <= 3


def test_days_with_gaps_are_left_out_and_edges_cut(tmp_path):
    times, watts = rows(9, 15)
    times, watts = times[4:], watts[4:]  # begins at 01:00
    del times[200:203], watts[200:203]  # on the third day; a row holds for three at most
    days = profiles.read([write_csv(tmp_path / "a.csv", times, watts)], 15, False)
    assert days.groups[:, 1].sum() == 7
    levels = sorted(day[0] // 100 for day in days.days)
    assert levels == [2, 4, 5, 6, 7, 8, 9]


def test_steps_are_averaged_or_repeated(tmp_path):
    times, watts = rows(7, 15)
    path = write_csv(tmp_path / "a.csv", times, watts)
    hourly = profiles.read([path], 60, False).days
    assert hourly.shape == (7, 24)
    assert hourly[0, 0] == round(sum(watts[:4]) / 4)
    fine = profiles.read([path], 5, False).days
    assert fine[0, :4].tolist() == [watts[0]] * 3 + [watts[1]]


def test_gas_is_read_in_litres(tmp_path):
    times, litres = rows(7, 15)
    path = write_parquet(tmp_path / "gas.parquet", time=times, litres=litres)
    assert profiles.read([path], 15, True).days[0, 0] == litres[0] * 4


def test_homes_use_what_they_are_said_to(tmp_path):
    """A year of the compiled fleet comes to the annual use the population was given."""
    path = tmp_path / "flat.toml"
    path.write_text('[policy]\nprofile = "wallonia-card"\n[policy.change]\nprice = "0.00"\n')
    sizes = ["meters=300", "base_kwh=2000", "heated_pct=0"]
    chosen = study.load(str(path), sizes)
    outcomes = engine.simulate(engine.world(chosen), 0, 300).outcomes
    assert abs(outcomes["wanted"].mean() / 2e6 - 1) < 0.02
    heated = study.load(str(path), [*sizes[:2], "heated_pct=100", "heating_kwh=6000"])
    outcomes = engine.simulate(engine.world(heated), 0, 300).outcomes
    assert abs(outcomes["wanted"].mean() / 8e6 - 1) < 0.05


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"watts": [1]}, "no column time; found watts"),
        ({"time": [START]}, "no column watts"),
        ({"time": ["2021"], "watts": [1]}, "time is not a timestamp"),
        ({"time": [START], "watts": [1]}, "less than two samples"),
        ({"time": [START, START], "watts": [1, 2]}, "two samples at the same time"),
        ({"time": [START, START + timedelta(minutes=15)], "watts": [1, -2]}, "outside 0 to"),
        ({"time": [START, START + timedelta(minutes=15)], "watts": ["a", "b"]}, "not a number"),
        ({"time": [START, START + timedelta(minutes=15)], "watts": [10, 20]}, "no whole day"),
        (
            {"time": [START, START + timedelta(minutes=15)], "watts": [0.3, 2]},
            "watts never above 2",
        ),
        ({"time": [START, None], "watts": [100, 200]}, "time is missing in 1 rows"),
    ],
)
def test_a_bad_parquet_file_is_one_line(columns, said, tmp_path):
    path = write_parquet(tmp_path / "bad.parquet", **columns)
    with pytest.raises(InputError) as caught:
        profiles.read([path], 15, False)
    assert said in str(caught.value)


def test_other_bad_files_are_one_line(tmp_path):
    with pytest.raises(InputError, match=r"No such file|not a Parquet"):
        profiles.read([str(tmp_path / "none.parquet")], 15, False)
    junk = tmp_path / "junk.parquet"
    junk.write_bytes(b"junk")
    with pytest.raises(InputError, match="not a Parquet file"):
        profiles.read([str(junk)], 15, False)
    times, watts = rows(7, 15)
    nothing = write_csv(tmp_path / "zero.csv", times, [0] * len(watts))
    with pytest.raises(InputError, match="nothing is consumed"):
        profiles.read([nothing], 15, False)


@pytest.mark.parametrize("minutes", [1, 15, 60])
def test_a_file_without_a_whole_day_is_one_line(minutes, tmp_path):
    path = write_csv(tmp_path / "ok.csv", *(column[:2] for column in rows(1, minutes)))
    with pytest.raises(InputError, match=r"ok\.csv: no whole day without a gap"):
        profiles.read([path], 15, False)
