"""The rigs: bytes of compiled files, heap in use after start in 32-bit MicroPython."""

import tempfile
from pathlib import Path

from tests.bench.measure import report
from tests.boards import measure
from tests.boards.support import NAMES


def main():
    """Sizes, the same in every run."""
    for board in NAMES:
        with tempfile.TemporaryDirectory() as folder:
            size = sum(measure.compiled(board, Path(folder)).values())
        report(f"boards_mpy_{board}", unit="bytes", target=64 * 1024, value=size)
        seen = measure.in_micropython(board)
        heap = {"imported": seen["imported"], "value": seen["started"]}
        report(f"boards_heap_{board}", unit="bytes", target=64 * 1024, **heap)
