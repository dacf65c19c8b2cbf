"""The page in a real browser, from a package that brings it: no root, no download of its own."""

import json
import os
import subprocess
from pathlib import Path

from tests.micropython import node

HERE = Path(__file__).parent


def browse(script, *arguments, timeout=300):
    """Run a script of this folder with the browser at hand; what it printed, as JSON.

    :raises AssertionError: it failed, with what it said
    """
    done = subprocess.run(
        [node(), str(HERE / script), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        cwd=HERE,
        # its libraries come along, for a machine that has none of them
        env={**os.environ, "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x"},
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout)
