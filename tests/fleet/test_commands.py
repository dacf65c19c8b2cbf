"""`budgetmeter fleet …` as a user meets it."""

import json

import pytest

from tests.command import installed
from tests.command import run as budgetmeter

SIZE = ("--meters", 40, "--days", 20, "--workers", 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where two shipped policies have been compared."""
    path = tmp_path_factory.mktemp("fleet")
    pair = ("wallonia-friendly-hours", "wallonia-no-friendly-hours")
    done = budgetmeter("fleet", "compare", *pair, *SIZE, "--plot", "p.png", cwd=path)
    assert done.status == 0, done.error
    assert done.error == ""
    for words in ("95 % interval", "self-disconnections", "within 24 h", "exact"):
        assert words in done.said
    assert (path / "p.png").read_bytes().startswith(b"\x89PNG")
    return path


def test_runs_are_reported_and_compared_from_their_folders(folder):
    one, two = "out/wallonia-friendly-hours", "out/wallonia-no-friendly-hours"
    report = budgetmeter("fleet", "report", one, cwd=folder)
    assert "40 meters" in report.said
    assert "conservation" in report.said
    figures = json.loads(budgetmeter("fleet", "report", one, "--json", cwd=folder).said)
    assert figures["conservation"]["exact"] is True
    assert sum(figures["phases_h"].values()) == pytest.approx(20 * 24)
    compared = json.loads(budgetmeter("fleet", "compare", one, two, "--json", cwd=folder).said)
    assert compared["meters"] == 40


def test_files_of_ones_own_take_the_place_of_the_study_s(tmp_path):
    hours = [f"2025-06-{d:02}T{h:02}:00,{w}" for d in range(1, 15) for h, w in enumerate(range(24))]
    homes = tmp_path / "homes"
    homes.mkdir()
    for name, column in (("a.csv", "watts"), ("b.csv", "kwh")):
        rows = hours if column == "watts" else [row.replace(",", ",0.") for row in hours]
        (homes / name).write_text("\n".join([f"time,{column}", *rows]), encoding="utf-8")
    run = ("fleet", "run", "wallonia-2020", *SIZE, "--step", 60, "--out", "mine", "--json")
    done = budgetmeter(*run, "--load", "homes", cwd=tmp_path)
    assert (done.status, done.error) == (0, "")
    assert json.loads(done.said)["wanted"] > 0
    (homes / "c.csv").write_text("nothing\n", encoding="utf-8")
    (homes / "d.csv").write_text("time,watts\n2025-06-01,x\n", encoding="utf-8")
    done = budgetmeter(*run, "--load", "homes", cwd=tmp_path)
    assert done.status == 2
    first, second = done.error.splitlines()  # a line for each bad file
    assert "c.csv" in first
    assert "d.csv" in second
    assert budgetmeter(*run, "--load-zone", "UTC", cwd=tmp_path).status == 2


def test_a_finished_run_is_not_made_again(folder):
    run = ("fleet", "run", "wallonia-friendly-hours", *SIZE, "--json")
    path = folder / "out" / "wallonia-friendly-hours" / "chunk-00000000.parquet"
    before = path.stat().st_mtime_ns
    assert budgetmeter(*run, cwd=folder).status == 0
    assert path.stat().st_mtime_ns == before
    other = budgetmeter(*run, "--seed", 9, cwd=folder)
    assert other.status == 2
    assert "holds another run" in other.error


def test_one_meter_is_looked_at(folder):
    arguments = ("fleet", "meter", "wallonia-friendly-hours", 3, "--days", 20)
    done = budgetmeter(*arguments, "--plot", "m.svg", "--events", "m.csv", cwd=folder)
    assert done.status == 0, done.error
    assert "conservation" in done.said
    assert (folder / "m.svg").read_text("utf-8").startswith("<?xml")
    assert (folder / "m.csv").read_text("utf-8").startswith("time,clock,event")
    done = budgetmeter(*arguments, "--json", cwd=folder)
    assert json.loads(done.said)["conservation"]["exact"] is True
    assert done.said.startswith("{")
    assert done.error == ""


def test_parameters_are_listed():
    assert "errand_h" in budgetmeter("fleet", "parameters").said
    listed = json.loads(budgetmeter("fleet", "parameters", "flanders-6a", "--json").said)
    assert {"section", "key", "value", "low", "high", "meaning"} == set(listed[0])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "nothing"], "no fleet nothing"),
        (["run", "nowhere.toml"], "No such file"),
        (["run", "flanders-6a", "--meters", "0"], "Invalid value for '--meters'"),
        (["run", "flanders-6a", "--set", "x=1"], "--set x=1: no parameter x"),
        (["run", "flanders-6a", "--step", "7", "--meters", "1"], "does not divide 60"),
        (["run", "flanders-6a", "--out", "/proc/x", "--meters", "1"], "/proc/x: "),
        (["run", "flanders-6a", "--chunk", "0"], "Invalid value for '--chunk'"),
        (
            ["run", "flanders-6a", "--meters", "1", "--days", "1", "--scheduler", "nowhere"],
            "--scheduler nowhere: ",
        ),
        (
            ["run", "flanders-6a", "--meters=1", "--days=1", "--scheduler", "tcp://127.0.0.1:1"],
            "--scheduler tcp://127.0.0.1:1: Connection refused",
        ),
        (["report", "nowhere"], "nowhere: no run there"),
        (["compare", "flanders-6a", "wallonia-2020"], "not the same households"),
        (["compare", "flanders-6a", "flanders-6a"], "both studies are called flanders-6a"),
        (["compare", "flanders-6a", "flanders-10a", "--plot", "p.doc"], "a file ending in .png"),
        (
            ["compare", "flanders-6a", "flanders-10a", "--plot", "no/p.png"],
            "no/p.png: No such file",
        ),
        (["compare", "flanders-6a", "flanders-10a", "--meters", "29"], "29 meters are too few"),
        (["compare", "flanders-6a", "flanders-10a", "--out", "/dev/null"], "/dev/null/flanders-6a"),
        (["run", "flanders-6a", "--meters", "99999999999999"], "budgetmeter: --meters: 9999"),
        (["meter", "flanders-6a", "1", "--plot", "no/p.png"], "no/p.png: No such file"),
        (["meter", "flanders-6a", "1", "--events", "."], "budgetmeter: .: Is a directory"),
        (["meter", "flanders-6a", "60000"], "no meter 60000: they are numbered 0 to 59999"),
        (["meter", "flanders-6a", "1", "--plot", "p.doc"], "a file ending in .png"),
        (
            ["meter", "flanders-6a", "1", "--days", "1", "--events", "/no/e.csv"],
            "/no/e.csv: No such file",
        ),
        (["parameters", "flanders"], "did you mean flanders-"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(arguments, said, tmp_path):
    done = budgetmeter("fleet", *arguments, cwd=tmp_path)
    assert done.status == 2
    assert said in done.error
    assert "Traceback" not in done.error
    assert len(done.error.splitlines()) == 1
    assert done.said == ""
    assert not list(tmp_path.rglob("*.parquet"))  # nothing was computed before


def test_the_second_run_is_known_to_be_possible_before_the_first_is_made(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "flanders-10a").touch()
    done = budgetmeter("fleet", "compare", "flanders-6a", "flanders-10a", *SIZE, cwd=tmp_path)
    assert done.status == 2
    assert "out/flanders-10a: File exists" in done.error
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_run_is_compared_with_a_study_only_of_the_same_households(folder):
    arguments = ("fleet", "compare", "out/wallonia-friendly-hours", "flanders-6a", *SIZE)
    done = budgetmeter(*arguments, "--seed", 8, cwd=folder)
    assert done.status == 2
    assert "not the same households: seed is 1 and 8" in done.error
    assert not (folder / "out" / "flanders-6a").exists()


def test_a_narrow_terminal_cuts_neither_labels_nor_amounts(folder, monkeypatch):
    one, two = "out/wallonia-friendly-hours", "out/wallonia-no-friendly-hours"
    for arguments in (("compare", one, two), ("report", one)):
        said = {}
        for columns in (200, 80, 20):
            monkeypatch.setenv("COLUMNS", str(columns))
            said[columns] = installed("fleet", *arguments, cwd=folder).said
            assert "…" not in said[columns]
            assert max(map(len, said[columns].splitlines())) <= columns
            assert {*said[200].split()} <= {*said[columns].split(), "A", "B", "-"}


def test_a_title_is_printed_and_plotted_as_it_stands(tmp_path):
    title = "5 $ a [/b] day $ \\"
    for name, price in (("a", "0.30"), ("b", "0.40")):
        text = (
            f"title = '{title}'\n[policy.change]\nprice = {{ value = {price}, unit = 'EUR/kWh' }}"
        )
        (tmp_path / f"{name}.toml").write_text(text)
    done = budgetmeter("fleet", "compare", "a.toml", "b.toml", *SIZE, "--plot=p.svg", cwd=tmp_path)
    assert done.status == 0, done.error
    assert f"A  {title}" in done.said
    assert f"{title}  40 meters" in budgetmeter("fleet", "report", "out/a", cwd=tmp_path).said


def test_a_comparison_is_a_report_to_send(tmp_path):
    pair = ("flanders-10a", "flanders-6a")
    done = budgetmeter(
        "fleet", "compare", *pair, *SIZE, "--lang", "fr", "--report", "r.html", cwd=tmp_path
    )
    assert done.status == 0, done.error
    source = (tmp_path / "r.html").read_text("utf-8")
    assert '<html lang="fr">' in source
    assert "intervalle à 95 %" in source
    assert "<svg" in source
    assert "<script" not in source
    lost = budgetmeter("fleet", "compare", *pair, *SIZE, "--report", "no/r.html", cwd=tmp_path)
    assert lost.status == 2
    assert lost.error == "budgetmeter: no/r.html: No such file or directory\n"
