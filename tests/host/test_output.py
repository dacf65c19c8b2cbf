"""Standard output that is full, gone or of another encoding: no traceback, whatever the command."""

import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = str(Path(sys.executable).with_name("budgetmeter"))
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def shell(line, **environment):
    """Run a line of bash with `budgetmeter` in it; returns the finished process."""
    return subprocess.run(
        ["bash", "-c", line.replace("budgetmeter", COMMAND)],
        capture_output=True,
        timeout=120,
        check=False,
        env={"PATH": "/usr/bin:/bin", **environment},
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
