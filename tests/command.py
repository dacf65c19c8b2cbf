"""The command line: in this process, for tests that call it often, or as it is installed."""

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from budgetmeter.cli.main import main

BUDGETMETER = str(Path(sys.executable).with_name("budgetmeter"))


class Done(NamedTuple):
    """A finished command."""

    status: int
    said: str
    error: str

    @property
    def data(self):
        """What a command with `--json` printed."""
        assert self.status == 0, self.error
        return json.loads(self.said)


def run(*arguments, cwd="."):
    """Run `budgetmeter` with these arguments."""
    said, error = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd),
        mock.patch.object(sys, "argv", ["budgetmeter", *map(str, arguments)]),
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(error),
    ):
        try:
            main()
        except SystemExit as ended:
            status = ended.code
    return Done(status or 0, said.getvalue(), error.getvalue())


def installed(*arguments, cwd=None):
    """Run the installed command in a process of its own."""
    done = subprocess.run(
        [BUDGETMETER, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=cwd,
    )
    return Done(done.returncode, done.stdout, done.stderr)
