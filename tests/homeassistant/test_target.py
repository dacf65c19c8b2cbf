"""`make homeassistant` where there is no Python that Home Assistant runs in."""

import subprocess
import sys


def test_without_a_new_python_it_is_one_line_and_status_2():
    command = [sys.executable, "-m", "tests.homeassistant", "no-such-python"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    line = "Home Assistant needs Python 3.13 or newer; set HA_PYTHON=python3.13\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", line)
