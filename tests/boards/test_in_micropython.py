"""The boards in real MicroPython: size, memory, what a pass allocates, what the display shows."""

import json
from pathlib import Path

import pytest

from tests import micropython
from tests.boards import measure
from tests.boards.support import NAMES
from tests.micropython import built

PICTURE = Path(__file__).with_name("page.txt")  # of the panel, as it was looked at
SIZE_LIMIT = 96 * 1024
HEAP_LIMIT = 112 * 1024  # of this port; `make bench NAME=boards` prints what is in use


@pytest.fixture(scope="module", params=NAMES)
def seen(request):
    return measure.in_micropython(request.param)


def test_a_board_starts_and_closes_its_relay(seen):
    assert seen["flashed"] is True
    assert seen["closed"] == 1


def test_a_steady_pass_allocates_nothing(seen):
    assert seen["steady"] == "ok"
    assert seen["planted"] == "raised"
    assert seen["measured"] > 40  # answers of the sensor, taken meanwhile


@pytest.mark.parametrize("board", NAMES)
def test_the_heap_in_use_after_start_is_bounded(board):
    heap = measure.heap(board)
    assert 32 * 1024 < heap["imported"] < heap["started"] <= HEAP_LIMIT


@pytest.mark.parametrize("board", NAMES)
def test_the_compiled_files_are_bounded(board):
    assert {"board.mpy", "meterfw/meter.mpy", "main.py"} < set(built.files(board))
    assert 16 * 1024 < measure.size(board) <= SIZE_LIMIT


def test_the_page_on_the_panel_is_the_one_that_was_looked_at(seen):
    """Drawn by MicroPython's own font, sent over the bus, rendered from the panel's memory."""
    assert seen["rows"] == PICTURE.read_text().splitlines()


@pytest.mark.parametrize("board", NAMES)
def test_main_runs_the_meter_or_leaves_for_the_repl(board):
    """`firmware/main.py` as it is; the watchdog of this test ends it after a hundred passes."""
    repl, meter = json.loads(micropython.run(measure.MAIN, files=measure.files(board)))
    assert repl == {"interrupts": [], "timeouts": [], "fed": []}  # a watchdog cannot be stopped
    assert meter == {"interrupts": [-1], "timeouts": [8000], "fed": [100]}
