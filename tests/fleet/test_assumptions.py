"""A comparison again with other assumptions: a sweep, and each assumption low and high."""

import pytest
from budgetmeter.errors import InputError
from budgetmeter.fleet import assumptions, study

from tests.command import run

PAIR = ("fleet", "compare", "wallonia-2020", "wallonia-2020-hold")
SIZE = ("--meters", 30, "--days", 200, "--workers", 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("assumptions")


@pytest.fixture
def compare(folder):
    def command(*more):
        return run(*PAIR, *SIZE, "--out", folder, *more)

    return command


def test_a_sweep_is_the_comparison_for_each_value(compare, folder):
    done = compare("--sweep", "hold_skip_pct=0,75", "--json", "--plot", folder / "sweep.png")
    swept = done.data
    assert [row["value"] for row in swept["values"]] == ["0", "75"]
    alone = compare("--set", "hold_skip_pct=75", "--out", folder / "alone", "--json").data
    assert swept["values"][1]["measures"] == alone["measures"]
    assert (folder / "sweep.png").read_bytes().startswith(b"\x89PNG")
    assert "hold_skip_pct" in compare("--sweep", "hold_skip_pct=0,75").said


def test_what_is_finished_is_not_made_again(compare, folder):
    compare("--sweep", "hold_skip_pct=0,75")
    files = sorted(folder.rglob("chunk-*.parquet"))
    before = [file.stat().st_mtime_ns for file in files]
    compare("--sweep", "hold_skip_pct=0,75")
    assert [file.stat().st_mtime_ns for file in files] == before


def test_each_assumption_low_and_high(compare, folder, monkeypatch):
    some = [case for case in assumptions.each(study.load("wallonia-2020").values)
            if case[0].key in ("hold_skip_pct", "weather_pct", "rhythm_days")]  # fmt: skip
    monkeypatch.setattr(assumptions, "each", lambda *_: some)
    found = compare("--sensitivity", "--json", "--plot", folder / "tornado.png").data
    assert {row["key"] for row in found["assumptions"]} == {case.key for case, _ in some}
    widths = [
        max(row["low"]["difference"], row["high"]["difference"], found["base"])
        - min(row["low"]["difference"], row["high"]["difference"], found["base"])
        for row in found["assumptions"]
    ]
    assert widths == sorted(widths, reverse=True)
    assert (folder / "tornado.png").read_bytes().startswith(b"\x89PNG")
    assert "assumption" in compare("--sensitivity").said


def test_every_low_and_high_is_a_value_a_study_takes():
    for pair in assumptions.each(study.load("wallonia-2020").values):
        for case in pair:
            study.load("wallonia-2020", [case.change])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour=1,2", "write KEY=VALUE"),
        ("skip_pct", "write KEY=VALUE"),
        ("rhythm_days=1,2", "no single number"),
        ("meters=1,2", "no single number"),
        ("skip_pct=1,1", "stands twice"),
    ],
)
def test_a_sweep_that_makes_no_sense_is_one_line(text, said):
    with pytest.raises(InputError) as caught:
        assumptions.sweep(text)
    assert said in str(caught.value)
