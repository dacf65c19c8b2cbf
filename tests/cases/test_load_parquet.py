"""Parquet files as sources of a fleet: any unit and zone of time is read, a bad file is one line.

The files hold two weeks of quarters, 300 W and at times 2000 W, written in different ways.
"""

import subprocess
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.command import run
from tests.emulate.process import BUDGETMETER

FILES = Path(__file__).parent / "load" / "parquet"
ROOM_KB = 6_000_000  # of address space: ample for a household


def study(path, folder):
    """A study whose homes live by this file."""
    made = folder / "study.toml"
    text = f'load = ["{path}"]\n[policy]\nprofile = "wallonia-card"\n'
    made.write_text(text, "utf-8")
    return made


def home(path, folder, *options):
    """Two days of the first home."""
    return run("fleet", "meter", study(path, folder), 1, "--days", 2, *options)


def wanted(path, folder):
    """Energy that the home asks for, Wh."""
    return home(path, folder, "--json").data["energy"]["wanted"]


def test_plain_times_are_read(tmp_path):
    assert wanted(FILES / "even.parquet", tmp_path) > 0


def test_a_zone_makes_no_difference_in_winter(tmp_path):
    seen = wanted(FILES / "zone.parquet", tmp_path)
    assert seen == wanted(FILES / "even.parquet", tmp_path)


def test_quarters_that_come_a_second_late(tmp_path):
    seen = wanted(FILES / "jitter.parquet", tmp_path)
    assert seen == pytest.approx(wanted(FILES / "even.parquet", tmp_path), rel=0.002)


def test_times_with_milliseconds(tmp_path):
    seen = wanted(FILES / "milliseconds.parquet", tmp_path)
    assert seen == pytest.approx(wanted(FILES / "even.parquet", tmp_path), rel=0.002)


def test_kilowatts_called_watts_are_refused_or_said(tmp_path):
    neutral = tmp_path / "load.parquet"
    neutral.write_bytes((FILES / "kw.parquet").read_bytes())
    done = home(neutral, tmp_path)
    assert done.status in (0, 2)
    assert "watts" in done.said + done.error


def test_a_list_is_no_name_of_a_household(tmp_path):
    done = home(FILES / "list-as-name.parquet", tmp_path)
    assert done.status == 2
    assert "household" in done.error
    assert done.error.count("\n") == 1


def test_three_rows_need_no_room_for_sixty_years(tmp_path):
    """Two rows a second apart and one in 2085: the file is refused within a few GiB."""
    path = tmp_path / "far.parquet"
    times = [datetime(2025, 1, 6), datetime(2025, 1, 6, 0, 0, 1), datetime(2085, 1, 6)]
    pq.write_table(pa.table({"time": times, "watts": [300, 300, 300]}), path)
    command = [BUDGETMETER, "fleet", "meter", str(study(path, tmp_path)), "1", "--days", "2"]
    limited = ["sh", "-c", f'ulimit -v {ROOM_KB} && exec "$@"', "sh", *command]
    done = subprocess.run(limited, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done.stderr[-200:]
    assert done.stderr.count("\n") == 1
