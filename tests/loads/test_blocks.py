"""Big files by NumPy come to the same pieces as row by row, wherever a block ends."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from budgetmeter import loads
from budgetmeter.loads import blocks, files
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.loads import written

NEVER = 1 << 60


def both(path, monkeypatch, zone=""):
    """The load row by row, and by blocks; the second must not have fallen back."""
    request = loads.Request(zone=zone)
    monkeypatch.setattr(files, "SMALLEST", NEVER)
    rows = loads.read(path, request=request)
    monkeypatch.setattr(files, "SMALLEST", 0)
    monkeypatch.setattr(files, "pieces", None)  # what rows become
    return rows, loads.read(path, request=request)


def same(a, b):
    assert list(a.starts) == list(b.starts)
    for name in ("start", "interval", "length", "rates", "currents", "notes", "doubts"):
        assert getattr(a, name) == getattr(b, name), name


FORMS = [
    "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.250Z",
    "%Y-%m-%dT%H:%M:%S+02:00", "%Y-%m-%d %H:%M:%S.500-05:30",
]  # fmt: skip


def times_of(draw, size):
    gaps = draw(st.lists(st.sampled_from([1, 9, 10, 11, 60, 4000]), min_size=size, max_size=size))
    times = pd.Timestamp("2025-01-06 00:00:30") + pd.to_timedelta(np.cumsum(gaps), "s")
    return times.strftime(draw(st.sampled_from(FORMS)))


def joined(draw, header, rows):
    """The text of a table: quoted or not, one of two ends of lines, with an end or without."""
    mark = draw(st.sampled_from(["", '"']))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    cells = [",".join(f"{mark}{cell}{mark}" for cell in row) for row in (header, *rows)]
    return end.join(cells) + draw(st.sampled_from([end, ""]))


@st.composite
def tables(draw):
    """A plain table: jitter, missing values, currents, the spelling of its times."""
    size = draw(st.integers(2, 80))
    times = times_of(draw, size)
    watts = draw(st.lists(st.integers(0, 50_000) | st.just(-1), min_size=size, max_size=size))
    amps = draw(st.booleans())
    rows = []
    for time, tenths in zip(times, watts, strict=True):
        row = [time, "" if tenths < 0 else f"{tenths / 10:.1f}"]
        rows.append([*row, tenths % 70 / 10 if tenths % 3 else ""] if amps else row)
    return joined(draw, ["time", "watts", "amps"][: 2 + amps], rows)


@st.composite
def registers(draw):
    """Registers that grow, with readings left out, falls, and a name in front of each row."""
    size = draw(st.integers(2, 80))
    columns = draw(st.integers(1, 2))
    readings = np.full(columns, 4000)
    rows = []
    for time in times_of(draw, size):
        readings = readings + draw(st.sampled_from([0, 0, 1, 2, 2, -300]))
        shown = [f"{reading / 1000:.3f}" for reading in readings]
        if draw(st.integers(0, 9)) == 0:
            shown[-1] = ""
        rows.append(["sensor.energy_import", time, *shown])
    names = [f"import t{i} index kWh" for i in range(1, columns + 1)]
    return joined(draw, ["household", "time", *names], rows)


@given(tables() | registers(), st.sampled_from([150, 300, 1 << 21]))
@settings(max_examples=120, deadline=None)
def test_blocks_and_rows_are_the_same(tmp_path_factory, text, size):
    path = tmp_path_factory.mktemp("loads") / "x.csv"
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_BLOCK", size)
        try:
            rows, quick = both(path, patch)
        except loads.files.InputError:
            return  # nothing but missing values
    same(rows, quick)


def test_a_year_in_belgian_time(tmp_path, monkeypatch):
    """No row in a double hour: hours of one day in each season."""
    times = list(pd.date_range("2025-01-01", "2025-12-31", freq="6h"))
    path = tmp_path / "x.csv"
    path.write_text(
        "time,watts\n" + "".join(f"{t:%Y-%m-%dT%H:%M},{i}\n" for i, t in enumerate(times))
    )
    same(*both(path, monkeypatch, "Europe/Brussels"))


def test_what_blocks_do_not_understand_goes_row_by_row(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "SMALLEST", 0)
    path = tmp_path / "x.csv"
    path.write_text('time,watts\n2025-01-06T00:00,"100"\n2025-01-06T00:15,1e2\n')
    assert written.given(loads.read(path)) == (50, 0)


@pytest.mark.parametrize(
    ("text", "wh"),
    [
        ('time,watts,note\n2025-01-06T00:00,100,"a, b"\n2025-01-06T00:15,100,"c ""d"""\n', 50),
        ('time,watts,note\n2025-01-06T00:00,100,5" pipe\n2025-01-06T00:15,100,"\n"\n', 50),
        ('"time";"kwh"\n"2025-01-06T00:00";"0,025"\n"2025-01-06T00:15";"0,025"\n', 50),
        ('time,"watts"\n"2025-01-06T00:00",100\n"2025-01-06T00:15","100"\n', 50),
    ],
)
def test_quotes_are_read_as_they_are_row_by_row(text, wh, tmp_path, monkeypatch):
    path = tmp_path / "x.csv"
    path.write_text(text)
    for smallest in (NEVER, 0):
        monkeypatch.setattr(files, "SMALLEST", smallest)
        assert written.given(loads.read(path)) == (wh, 0)


def test_a_household_that_changes_goes_row_by_row(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "SMALLEST", 0)
    path = tmp_path / "x.csv"
    rows = [f"{name},2025-01-06T00:{m:02d},5" for name in "ab" for m in (0, 15)]
    path.write_text("\n".join(["household,time,watts", *rows]) + "\n")
    assert len(list(loads.read_all(path))) == 2


def test_reading_is_light_without_a_big_file():
    code = (
        "import sys\nfrom budgetmeter import loads\nloads.files.SMALLEST = 1 << 60\n"
        "loads.household()\nassert not {'numpy', 'pandas', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
