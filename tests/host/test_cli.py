"""The command line as a user meets it: output, files, exit status, one-line errors."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from budgetmeter import profiles

from tests.command import installed
from tests.command import run as budgetmeter


def test_run_reports_the_main_job_with_plot_and_events(tmp_path):
    plot, events = tmp_path / "plot.png", tmp_path / "events.csv"
    done = installed("run", "--days", 20, "--plot", plot, "--events", events)
    assert done.status == 0, done.error
    for words in ("topped up", "charged", "conservation", "exact", "disconnections", "OC-15"):
        assert words in done.said
    assert plot.read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader(events.read_text("utf-8").splitlines()))
    assert {"credited", "emergency-in-use", "disconnected"} <= {row["event"] for row in rows}
    assert any("OC-15" in row["rules"].split() for row in rows)
    assert re.fullmatch(r"2007-01-\d\d \d\d:\d\d:\d\d", rows[1]["time"])


def test_json_holds_figures_and_events():
    done = budgetmeter("run", "--json", "--days", 5, "--start", "2007-02-01")
    document = json.loads(done.said)
    assert document["start"] == "2007-02-01T00:00"
    assert document["conservation"]["exact"] is True
    assert document["events"][0]["event"] == "state-new"
    total = sum(document["supply"]["phases_s"].values())
    assert total == 5 * 86_400


@pytest.mark.parametrize("profile", ["brussels-limiter", "wallonia-gas", "flanders-2003"])
def test_every_kind_of_profile_runs_and_plots(profile, tmp_path):
    plot = tmp_path / "plot.svg"
    done = budgetmeter("run", "--profile", profile, "--days", 3, "--plot", plot)
    assert done.status == 0, done.error
    assert plot.read_text("utf-8").startswith("<?xml")
    if profile == "wallonia-gas":
        assert "a synthetic gas load" in done.said


@pytest.mark.parametrize("board", ["rp2040", "esp32"])
def test_on_flash_the_run_is_the_same_and_its_wear_is_told(board):
    told = json.loads(budgetmeter("run", "--json", "--days", 5, "--flash", board).said)
    flash = told.pop("flash")
    assert told == json.loads(budgetmeter("run", "--json", "--days", 5).said)
    assert flash["erases"] > flash["busiest_sector_erases"] > 0
    assert flash["programmed_bytes"] > flash["erases"] * 1000
    shown = budgetmeter("run", "--days", 1, "--flash", board).said
    assert "flash erases" in shown
    assert "100,000 after" in shown


def test_habits_are_an_argument_away():
    one = budgetmeter("run", "--days", 8, "--json").said
    two = budgetmeter("run", "--days", 8, "--json", "--household", "amounts=100").said
    tops = [json.loads(text)["money"]["topped_up"] for text in (one, two)]
    assert tops[0] != tops[1]
    assert float(tops[1]) % 100 == 0


def test_a_load_of_ones_own(tmp_path):
    load = tmp_path / "mine.csv"
    load.write_text("time,watts\n2021-07-01T00:00,1000\n2021-07-01T01:00,\n2021-07-01T02:00,500\n")
    document = json.loads(budgetmeter("run", "--load", load, "--json").said)
    assert document["energy"]["register_wh"] == 1500
    assert document["missing_samples_s"] == 3600
    assert document["start"] == "2021-07-01T01:00"  # UTC+1 in the file, summer time on the clock


def test_a_failed_expectation_exits_1(tmp_path):
    scenario = tmp_path / "wrong.toml"
    scenario.write_text(
        "start = 2020-12-08T09:00:00\ndays = 1\n[load]\nwatts = 0\n"
        '[[at]]\ntime = 2020-12-08T10:00:00\nexpect = { balance = "99.00" }\n'
    )
    done = budgetmeter("run", scenario)
    assert done.status == 1
    assert "balance: expected 99.00, seen 15.00" in done.error


@pytest.mark.parametrize(
    "name", ["hold-2020", "hold-2020-incident", "negative-limit", "cards-2020"]
)
def test_shipped_scenarios_exit_0(name):
    assert budgetmeter("run", name).status == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "nothing"], "no scenario nothing"),
        (["run", "nowhere.toml"], "No such file"),
        (["run", "--profile", "walonia-card"], "did you mean wallonia-card?"),
        (["run", "--load", "nowhere.csv"], "No such file"),
        (["run", "--start", "tomorrow"], "'tomorrow' is not a time"),
        (["run", "--start", "2030-01-01"], "is outside"),
        (["run", "--days", "0"], "Invalid value for '--days'"),
        (["run", "--days", "500"], "has 120 days left, not 500"),
        (["run", "--days", "x"], "Invalid value for '--days'"),
        (["run", "--household", "amounts"], "household: 'amounts'"),
        (["run", "--household", "seed=x"], "seed=x: a value such as 1"),
        (["run", "--household", "seed=-1"], "household: seed is at least 0"),
        (["run", "--household", "days="], "household: days=: a value such as Mon,Fri"),
        (["run", "--household", "amounts=20,,30"], "amounts=20,,30: a value such as 20,30,40"),
        (
            ["run", "--start", "2007-03-25T02:30"],
            "--start: 2007-03-25T02:30 does not exist: summer",
        ),
        (["run", "--flash", "pico"], "--flash pico: one of rp2040, esp32"),
        (["run", "--plot", "plot.doc"], "a file ending in .png, .svg or .pdf"),
        (["run", "--plot", "/nowhere/plot.png", "--days", "1"], "No such file"),
        (["run", "--events", "/nowhere/e.csv", "--days", "1"], "No such file"),
        (["run", ""], "'SCENARIO': is empty"),
        (["run", "--profile", ""], "'--profile': is empty"),
        (["run", "--load", ""], "'--load': is empty"),
        (["run", "--start", ""], "'--start': is empty"),
        (["run", "--flash="], "'--flash': is empty"),
        (["run", "--plot", ""], "'--plot': is empty"),
        (["run", "--events", ""], "'--events': is empty"),
        (["profiles", ""], "'NAME': is empty"),
        (["run", "hold-2020", "--days", "3"], "without dated actions"),
        (["run", "--wrong"], "No such option"),
        (["profiles", "wallonia"], "did you mean wallonia-"),
        (["fly"], "No such command"),
        (["run", "--profile", "wallonia-gas", "--days", "1000000000"], "on end after 2099"),
        (["run", "--household", "errand_h=9999999999999"], "at most a year"),
        (["run", "--load", "a\nb.csv"], r"a\nb.csv: No such file"),
        (["emulate", "--pty", "--tcp", "7000"], "either --tcp or --pty"),
        (["emulate", "--tcp", "70000"], "Invalid value for '--tcp'"),
        (["emulate", "--tcp", "65530", "--count", "10"], "ports above 65535"),
        (["emulate", "--count", "0"], "Invalid value for '--count'"),
        (["emulate", "--count", "20000"], "Invalid value for '--count'"),
        (["emulate", "--meter", "0"], "Invalid value for '--meter'"),
        (["emulate", "--meter", "999999999", "--count", "2"], "numbers above 999999999"),
        (["emulate", "--bind", "nowhere.invalid"], "nowhere.invalid: "),
        (["emulate", "--bind", ""], "--bind"),
        (["emulate", "--bind", "8.8.8.8"], "8.8.8.8, port 0: Cannot assign"),
        (["emulate", "--profile", "walonia-card"], "did you mean wallonia-card?"),
        (["emulate", "--speed", "0"], "--speed 0: above 0"),
        (["emulate", "--speed", "-1"], "--speed -1: above 0"),
        (["emulate", "--speed", "nan"], "--speed nan: above 0"),
        (["emulate", "--speed", "1e99"], "--speed 1e99: above 0"),
        (["emulate", "--load", "nowhere.csv"], "No such file"),
        (["emulate", "--load", "nowhere.csv", "--watts", "5"], "either --load or --watts"),
        (["emulate", "--watts", "-5"], "Invalid value for '--watts'"),
        (["emulate", "--start", "1999-12-31"], "is not within 2000 to 2099"),
        (["emulate", "--start", "soon"], "'soon' is not a time"),
        (["emulate", "--days", "0"], "Invalid value for '--days'"),
        (["emulate", "--key", "nowhere.key"], "No such file"),
        (["emulate", "--state", "/dev/null"], "/dev/null: "),
        (["emulate", "--state", "/proc/nowhere"], "/proc/nowhere: "),
        (["emulate", "extra"], "unexpected extra argument"),
        (["status"], "Missing argument 'URL'"),
        (["status", ""], "is no port"),
        (["status", "/dev/nowhere"], "no port /dev/nowhere; is it plugged in?"),
        (["status", "/tmp"], "/tmp: Is a directory"),
        (["status", "socket://127.0.0.1:1"], "Connection refused"),
        (["status", "socket://nowhere"], "an address such as"),
        (["status", "smoke://x"], "protocol 'smoke' not known"),
        (["status", "loop:nowhere"], "no profile nowhere"),
        (["status", "loop", "--timeout", "nan"], "Invalid value for '--timeout'"),
        (["status", "loop", "--watch", "--every", "0"], "Invalid value for '--every'"),
        (["registers", "/dev/null"], "/dev/null: "),
        (["registers", "loop", "--wrong"], "No such option"),
        (["events", "loop", "--first", "-1"], "Invalid value for '--first'"),
        (["events", "loop", "--first", "9999999999"], "--first 9999999999: at most"),
        (["console"], "Missing argument 'URL'"),
        (["console", "socket://[::1"], "an address such as"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(arguments, said):
    done = budgetmeter(*arguments)
    assert done.status == 2
    assert said in done.error
    assert "Traceback" not in done.error
    assert len(done.error.strip().splitlines()) == 1
    assert done.said == ""


def test_profiles_lists_what_each_region_does():
    done = budgetmeter("profiles")
    for words in ("wallonia-card", "brussels-limiter", "friendly hours", "B-3", "left out"):
        assert words in done.said
    one = budgetmeter("profiles", "flanders-2003").said
    for words in ("topup_share_pct", "35 %", "FE-22", "1380 W", "art. 17"):
        assert words in one
    data = json.loads(budgetmeter("profiles", "--json").said)
    assert len(data) == 6
    assert data[0]["values"]["limit_w"] == {"value": "2300 W", "rules": ["BE-01"]}


@pytest.mark.parametrize("group", ["token", "office"])
def test_a_group_alone_prints_its_help(group):
    done = budgetmeter(group)
    assert (done.status, done.error) == (0, "")
    assert f"budgetmeter {group}" in done.said


def test_square_brackets_and_dollars_are_text(tmp_path):
    text = Path(profiles.__file__).parent / "wallonia-card.toml"
    title = re.sub(r"(?m)^title = .*$", 'title = "[/red] $^$"', text.read_text("utf-8"))
    (tmp_path / "mine.toml").write_text(title, "utf-8")
    (tmp_path / "[b].csv").write_text("time,watts\n2021-07-01T00:00,1000\n2021-07-01T01:00,5\n")
    plot = ("--plot", "plot.png", "--load", "[b].csv")
    done = budgetmeter("run", "--profile", "mine.toml", *plot, cwd=tmp_path)
    assert (done.status, done.error) == (0, "")
    assert "[/red] $^$; 2021" in done.said
    assert "[b].csv" in done.said
    assert "[/red] $^$" in budgetmeter("profiles", "mine.toml", cwd=tmp_path).said


def test_a_home_that_cannot_be_written_is_no_concern(tmp_path, monkeypatch):
    (tmp_path / "home").write_text("a file where a folder should be")
    for name in ("HOME", "MPLCONFIGDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    done = installed("run", "--days", 1, "--plot", "/nowhere/plot.png")
    assert done.error == "budgetmeter: /nowhere/plot.png: No such file or directory\n"


def test_help_and_version():
    assert "run" in installed("--help").said
    assert re.fullmatch(r"budgetmeter \d+\.\d+\.\d+\n", installed("--version").said)


def test_completion_is_installed_and_completes_verbs_and_options(tmp_path):
    """As the README says, in a bash that begins with an empty home."""
    folder = Path(sys.executable).parent
    environment = {"HOME": str(tmp_path), "PATH": f"{folder}:/usr/bin:/bin", "SHELL": "/bin/bash"}
    asked = """
    complete_word() {
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _budgetmeter_completion budgetmeter; echo "${COMPREPLY[@]}"
    }
    budgetmeter --install-completion > installed
    . "$HOME/.bashrc"
    complete -p budgetmeter
    complete_word budgetmeter pro
    complete_word budgetmeter emulate --la
    """
    done = subprocess.run(
        ["bash", "-c", asked],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "bash completion installed" in (tmp_path / "installed").read_text()
    assert done.stdout.splitlines()[1:] == ["profiles", "--lang"]


def test_emulate_takes_a_language_there_is():
    done = budgetmeter("emulate", "--lang", "lb", "--for", 1)
    assert (done.status, done.said) == (2, "")
    assert done.error == "budgetmeter: language 'lb': one of nl, fr, de, en\n"
