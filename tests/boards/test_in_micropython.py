"""The boards in real MicroPython: size, memory, what a pass allocates, what the display shows."""

import json
from pathlib import Path

import pytest
from meterproto.codes import LogCode

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


@pytest.fixture(scope="module", params=NAMES)
def starts(request):
    """What `firmware/main.py` does, as it is; the watchdog ends it after a hundred passes."""
    said = micropython.run(measure.MAIN, files=measure.files(request.param))
    return [json.loads(line) for line in said.splitlines()]


def test_main_runs_the_meter_or_leaves_for_the_repl(starts):
    repl, meter = starts[0]
    nothing = {"interrupts": [], "timeouts": [], "fed": [], "resets": 0}
    assert repl == nothing  # a watchdog cannot be stopped
    assert (meter["interrupts"], meter["timeouts"], meter["fed"]) == ([-1], [8000], [100])
    assert (meter["resets"], meter["crash"], meter["safe"]) == (0, [], False)


def test_three_crashes_restart_the_board_and_the_fourth_start_stays_up(starts):
    *crashed, calm = starts[1]
    assert [seen["resets"] for seen in starts[1]] == [1, 1, 1, 0]
    assert [seen["safe"] for seen in starts[1]] == [False, False, False, True]
    assert all(seen["fed"] < [100] for seen in crashed)
    assert calm["fed"] == [100]
    assert calm["relay"] == 1  # as the account says
    assert calm["crash"][0] == "Traceback (most recent call last):"
    assert calm["crash"][-1] == "OSError: [Errno 5] EIO"
    # Two starts after a crash are one pair of entries; what the third is, is named.
    assert calm["codes"].count(LogCode.CRASHED) == 2
    assert calm["codes"].count(LogCode.SAFE_STATE) == 1


def test_a_power_cut_ends_the_safe_state_and_keeps_the_traceback(starts):
    again = starts[2]
    assert (again["safe"], again["fed"], again["resets"]) == (False, [100], 0)
    assert again["crash"][-1] == "OSError: [Errno 5] EIO"
    assert LogCode.CRASHED not in again["codes"][-3:]
