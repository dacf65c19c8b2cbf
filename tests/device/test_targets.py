"""The suite on a port, as on a rig: what can be done there runs, the rest says why it does not."""

import subprocess
import sys
from pathlib import Path

import pytest
from budgetmeter.emulator.ports import TcpPort
from budgetmeter.office.keys import KeyFile

from tests.device import bench, targets, test_device
from tests.emulate.process import Emulated
from tests.emulate.test_server import serving

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("with_keys", "runs"), [(False, 8), (True, 14)])
def test_the_suite_on_a_device(tmp_path, with_keys, runs):
    keys = KeyFile.create(tmp_path / "vending.key")
    with Emulated("--pty", "--key", keys.path) as emulated:
        suite = [sys.executable, "-m", "pytest", "tests/device/test_device.py", "-rs"]
        suite += ["-p", "no:cacheprovider", "--target", emulated.url]
        if with_keys:
            suite += ["--key", str(keys.path)]
        done = subprocess.run(
            suite, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )
    assert done.returncode == 0, done.stdout
    assert f"{runs} passed, {22 - runs} skipped" in done.stdout
    assert f"{emulated.url}: cannot be put into service anew" in done.stdout
    assert ("its key is not known" in done.stdout) is not with_keys
    assert "nobody is at the bench: HANDS=yes" in done.stdout
    assert "[x]  1 the port answers, after noise too" in done.stdout
    assert ("[x]  2 a token counts once" in done.stdout) is with_keys
    assert "[ ]  7 a cut loses no credit and no token" in done.stdout


def test_the_list_of_the_bench_names_tests_that_there_are():
    found = bench.rows()
    assert [row.number for row in found] == list(range(1, len(found) + 1))
    assert len(found) > 15
    named = [test for row in found for test in row.tests]
    assert len(named) == len(set(named)) > 8
    assert set(named) <= set(vars(test_device))
    assert all(row.what and row.emulated and row.hardware and row.how for row in found)


def test_the_list_says_what_has_passed_what_failed_and_what_is_left():
    first, second, *_ = (row.tests for row in bench.rows())
    outcomes = dict.fromkeys([*first, *second], "passed") | {second[0]: "failed"}
    lines = list(bench.ticked(outcomes))
    assert lines[0].startswith("[x]  1 ")
    assert lines[1].startswith("[!]  2 ")
    assert lines[2].startswith("[ ]  3 ")
    assert lines[3].strip().startswith("budgetmeter flash")


def test_a_person_at_the_bench_is_asked_and_waited_for(monkeypatch):
    asked = []
    with serving(TcpPort("127.0.0.1", 0)) as server:
        monkeypatch.setattr("builtins.input", asked.append)
        target = targets.on_port(server.urls[0], hands=True)
        assert target.lacks(["hands"]) == ""
        with target.make() as device:
            device.hand("plug")
            device.client.ping()
    assert len(asked) == 1
    assert targets.HANDS["plug"] in asked[0]
