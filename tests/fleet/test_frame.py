"""A finished run for analysts: frames in EUR and kWh, and readers that take the whole folder."""

import sys

import pandas as pd
import polars as pl
import pytest
from budgetmeter import fleet, units
from budgetmeter.errors import InputError
from budgetmeter.fleet import engine, frame, run, study
from budgetmeter.fleet.results import Results

from tests.command import run as budgetmeter


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Forty meters for two months in two chunks."""
    path = tmp_path_factory.mktemp("run") / "a"
    chosen = study.load("wallonia-friendly-hours", ["meters=40", "days=59"])
    ready = engine.world(chosen)
    run.finish(run.open_folder(chosen, ready, path, 25), ready, workers=1)
    return path


def test_pandas_reads_the_folder(folder):
    assert len(pd.read_parquet(folder)) == 40


def test_a_row_for_each_meter_in_euros_and_kwh(folder):
    found = fleet.load(folder)
    assert found.index.tolist() == list(range(40))
    credit, energy = Results(folder).columns("credit", "energy_wh")
    assert (found["credit_eur"] * units.EUR).round().tolist() == credit.tolist()
    assert (found["energy_kwh"] * 1000).round().tolist() == energy.tolist()
    assert not [name for name in found if name.endswith(("_wh", "_s"))]


def test_spells_have_belgian_times(folder):
    spells = frame.spells(folder)
    assert len(spells) == Results(folder).columns("spells")[0].sum() > 0
    assert str(spells["begin"].dt.tz) == "Europe/Brussels"
    assert spells["begin"].between("2021-01-01", "2021-03-02").all()
    assert spells.groupby("meter")["hours"].sum().sum() > 0


def test_months_end_at_midnight(folder):
    months = frame.months(folder)
    assert len(months) == 40 * 2
    assert set(months["end"].dt.strftime("%Y-%m-%d %H:%M")) == {
        "2021-02-01 00:00", "2021-03-01 00:00",
    }  # fmt: skip


@pytest.mark.parametrize("table", ["load", "spells", "months"])
def test_polars_has_the_rows_of_pandas(folder, table):
    rows, other = (getattr(frame, table)(folder, name) for name in ("pandas", "polars"))
    assert isinstance(other, pl.DataFrame)
    assert len(other) > 0
    assert other.to_dicts() == rows.reset_index().drop(columns="index", errors="ignore").to_dict(
        "records"
    )


def test_a_library_without_frames_is_one_line():
    with pytest.raises(InputError, match="frames of cudf: pandas or polars"):
        fleet.load("nowhere", "cudf")


def test_a_table_as_csv(folder, tmp_path):
    path = tmp_path / "meters.csv"
    assert budgetmeter("fleet", "report", folder, "--csv", path, "--json").status == 0
    rows = pd.read_csv(path, index_col="meter", keep_default_na=False)
    assert rows.to_dict() == fleet.load(folder).to_dict()
    done = budgetmeter("fleet", "report", folder, "--csv", tmp_path)
    assert (done.status, done.error.count("\n")) == (2, 1)


def test_no_run_is_one_line(tmp_path):
    with pytest.raises(InputError, match="no run there"):
        fleet.load(tmp_path)


@pytest.mark.parametrize(
    ("library", "what"), [("pandas", r"'budgetmeter\[fleet\]'"), ("polars", "polars")]
)
def test_without_a_library_one_line_says_what_to_install(folder, library, what, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=f"frames need {library}: pip install {what}$"):
        fleet.load(folder, library)
