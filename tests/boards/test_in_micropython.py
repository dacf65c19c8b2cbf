"""The rigs in real MicroPython: size, memory, what a pass allocates, what stands on the display."""

import json
from pathlib import Path

import pytest

from tests import micropython
from tests.boards import measure
from tests.boards.support import NAMES

PICTURE = Path(__file__).with_name("balance.txt")  # of the panel, as it was looked at
LIMIT = 64 * 1024


@pytest.fixture(scope="module", params=NAMES)
def seen(request):
    return measure.in_micropython(request.param)


def test_a_rig_starts_and_closes_its_relay(seen):
    assert seen["flashed"] is True
    assert seen["closed"] == 1


def test_a_steady_pass_allocates_nothing(seen):
    assert seen["steady"] == "ok"
    assert seen["planted"] == "raised"


def test_the_heap_in_use_after_start_is_bounded(seen):
    assert 0 < seen["imported"] < seen["started"] <= LIMIT


@pytest.mark.parametrize("board", NAMES)
def test_the_compiled_files_are_bounded(board, tmp_path):
    sizes = measure.compiled(board, tmp_path)
    assert {"meterfw/rules.mpy", "rig/board.mpy", "board.mpy"} <= set(sizes)
    assert sum(sizes.values()) <= LIMIT


def test_the_page_on_the_panel_is_the_one_that_was_looked_at(seen):
    """Drawn by MicroPython's own font, sent over the bus, rendered from the panel's memory."""
    assert seen["rows"] == PICTURE.read_text().splitlines()


def test_main_runs_in_micropython_for_so_long_as_it_is_fed():
    """`firmware/main.py` as it is; the watchdog of this test ends it after a hundred passes."""
    assert json.loads(micropython.run(measure.MAIN, measure.told("rp2040"))) == {
        "fed": 100,
        "timeout": 8000,
        "interrupt": -1,
    }
