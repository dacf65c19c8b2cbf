"""What is written: a standard output that is full or gone, files that must not be overwritten."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from budgetmeter.errors import InputError
from budgetmeter.report import output

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def shell(line, **environment):
    """Run a line of bash with `budgetmeter` in it; returns the finished process."""
    return subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        timeout=120,
        check=False,
        env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", **environment},
    )


@pytest.mark.parametrize(
    "arguments",
    ["run --days 1", "run --days 1 --json", "profiles", "--help", "run --help", "", "status loop"],
)
def test_a_full_output_is_one_line_and_exit_2(arguments):
    done = shell(f"budgetmeter {arguments} >/dev/full")
    assert done.stderr == b"budgetmeter: standard output: No space left on device\n"
    assert done.returncode == 2


@pytest.mark.parametrize("arguments", ["run --days 9", "profiles", "profiles --json", "--help"])
def test_an_output_nobody_reads_is_silent_and_told_as_by_any_filter(arguments):
    done = shell(f"budgetmeter {arguments} | true; echo ${{PIPESTATUS[0]}}")
    assert (done.stdout, done.stderr) == (b"141\n", b"")


def test_a_full_output_outweighs_a_failed_expectation(tmp_path):
    (tmp_path / "wrong.toml").write_text(
        "start = 2020-12-08T09:00:00\ndays = 1\n[load]\nwatts = 0\n"
        '[[at]]\ntime = 2020-12-08T10:00:00\nexpect = { balance = "99.00" }\n'
    )
    done = shell(f"budgetmeter run {tmp_path}/wrong.toml >/dev/full")
    assert done.returncode == 2
    assert b"standard output: No space left" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", ["profiles", "profiles wallonia-card", "profiles --json"])
def test_an_output_in_ascii_has_every_name(arguments):
    done = shell(f"budgetmeter {arguments}", **ASCII)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"wallonia-card" in done.stdout
    assert done.stdout.isascii()


def test_a_name_of_no_encoding_can_be_told(tmp_path):
    (tmp_path / "\udcff.csv").write_text("time,watts\n2021-07-01T00:00,1000\n")
    done = shell(f"cd {tmp_path} && budgetmeter run --load *.csv")
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"The load of \udcff.csv" in done.stdout


ROWS = "time,watts\n2021-07-01T00:00,1000\n2021-07-01T01:00,1000\n"


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder of measurements to work in: mine.csv, links to it, scenarios that read it."""
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text(ROWS)
    Path("link.csv").symlink_to("mine.csv")
    os.link("mine.csv", "hard.csv")
    Path("folder").mkdir()
    Path("mine.toml").write_text('[load]\ncsv = "mine.csv"\n')
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--load mine.csv --events mine.csv", "mine.csv: is read too, and would be overwritten"),
        ("--load mine.csv --events ./folder/../mine.csv", "folder/../mine.csv: is read too"),
        ("--load mine.csv --events link.csv", "link.csv: is read too"),
        ("--load link.csv --events mine.csv", "mine.csv: is read too"),
        ("--load mine.csv --events hard.csv", "hard.csv: is read too"),
        ("mine.toml --events mine.csv", "mine.csv: is read too"),
        ("mine.toml --events mine.toml", "mine.toml: is read too"),
        ("--load mine.csv --events b.png --plot b.png", "b.png: would be written twice"),
        ("--load mine.csv --events $PWD/b.png --plot b.png", "b.png: would be written twice"),
        ("--plot nowhere/a.png", "nowhere/a.png: No such file or directory"),
        ("--events nowhere/a.csv", "nowhere/a.csv: No such file or directory"),
        ("--events mine.csv/a.csv", "mine.csv/a.csv: Not a directory"),
        ("--events folder", "folder: Is a directory"),
        (f"--events {'x' * 300}", "File name too long"),
    ],
)
def test_outputs_are_looked_at_before_the_work(mine, arguments, said):
    done = shell(f"cd {mine} && budgetmeter run {arguments}")
    assert done.stderr.decode().startswith("budgetmeter: ")
    assert said in done.stderr.decode()
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
    assert Path("mine.csv").read_text() == ROWS
    assert sorted(os.listdir()) == ["folder", "hard.csv", "link.csv", "mine.csv", "mine.toml"]


def test_every_file_a_scenario_names_is_read_too(mine):
    Path("card").write_bytes(b"")
    Path("mine.toml").write_text(
        "start = 2020-12-08T09:00:00\ndays = 1\n[load]\nwatts = 0\n"
        '[[at]]\ntime = 2020-12-08T10:00:00\ncard = { file = "card" }\n'
    )
    done = shell(f"cd {mine} && budgetmeter run mine.toml --events card")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"card: is read too" in done.stderr


def test_a_file_one_may_not_write(mine, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may
    with pytest.raises(InputError, match=r"hard\.csv: Permission denied"):
        output.check([], [Path("hard.csv")])


def test_what_was_computed_is_shown_when_a_file_cannot_be_written(mine):
    done = shell(f"cd {mine} && budgetmeter run --load mine.csv --json --events /dev/full")
    assert done.stderr == b"budgetmeter: /dev/full: No space left on device\n"
    assert done.returncode == 2
    assert json.loads(done.stdout)["energy"]["register_wh"] == 2000


def test_an_interrupt_while_modules_are_loaded_is_silent(tmp_path):
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n")
    done = shell("python -m budgetmeter", PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
    command = Path(sys.executable).with_name("budgetmeter").read_text()
    assert "from budgetmeter.__main__ import main" in command


def test_it_is_a_module_too():
    assert b"budgetmeter profiles NAME" in shell("python -m budgetmeter profiles").stdout
