"""The suite on a port, as on a rig: what can be done there runs, the rest says why it does not."""

import subprocess
import sys
from pathlib import Path

import pytest
from budgetmeter.office.keys import KeyFile

from tests.emulate.process import Emulated

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
    assert f"{runs} passed, {18 - runs} skipped" in done.stdout
    assert f"{emulated.url}: cannot be put into service anew" in done.stdout
    assert ("its key is not known" in done.stdout) is not with_keys
