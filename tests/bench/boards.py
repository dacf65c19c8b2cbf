"""The boards: bytes of compiled files, heap in use after start in 32-bit MicroPython."""

from tests.bench.measure import report
from tests.boards import measure
from tests.boards.support import NAMES

MPY_TARGET = 96 * 1024
HEAP_TARGET = 112 * 1024  # on a Pico


def main():
    """Sizes, the same in every run."""
    for board in NAMES:
        report(f"boards_mpy_{board}", unit="bytes", target=MPY_TARGET, value=measure.size(board))
        heap = measure.heap(board)
        heap["value"] = heap.pop("started")
        report(f"boards_heap_{board}", unit="bytes", target=HEAP_TARGET, **heap)
