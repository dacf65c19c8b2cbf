"""The firmware as a board is flashed with it: compiled."""

import functools
import tempfile

from budgetmeter.flashing import sources


@functools.cache
def files(board):
    """Contents of the files a board is flashed with, by their names on it: `main.py` and .mpy."""
    with tempfile.TemporaryDirectory() as folder:
        paths = sources.build(sources.board(board), folder)
        return {name: path.read_bytes() for name, path in paths.items()}


def meter():
    """The meter alone in place of its source, for `tests.micropython.run`."""
    found = files("rp2040")
    return {f"lib/{name}": data for name, data in found.items() if name.startswith("meterfw/")}
