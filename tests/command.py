"""The command line in this process, for tests that call it often."""

import contextlib
import io
import json
import sys
from typing import NamedTuple
from unittest import mock

from budgetmeter.cli.main import main


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


def run(*arguments):
    """Run `budgetmeter` with these arguments."""
    said, error = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["budgetmeter", *map(str, arguments)]),
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(error),
    ):
        try:
            main()
        except SystemExit as ended:
            status = ended.code
    return Done(status or 0, said.getvalue(), error.getvalue())
