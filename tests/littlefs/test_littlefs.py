"""The flashed firmware on real littlefs in MicroPython: no cut of a story loses anything."""

import pytest
from budgetmeter.emulator.nor import BOARDS

from tests.littlefs import unix

pytestmark = pytest.mark.skipif(not unix.available(), reason=unix.NOT_HERE)
STEP = {"rp2040": 1, "esp32": 8}  # which part of the cuts; `make faults` tries all
LEAST = {"rp2040": 500, "esp32": 300}


@pytest.mark.parametrize("board", BOARDS)
def test_no_cut_loses_or_doubles_anything(board, record_property):
    told = unix.run(board, unix.job(board, step=STEP[board]))
    record_property("cuts on real littlefs", told["tried"])
    assert told["lost"] == []
    assert told["twice"] == 0  # bits programmed that were not erased
    assert told["tokens"] == 4
    assert told["commits"] > 48  # one each quarter of an hour
    assert told["tried"] >= LEAST[board]


@pytest.mark.parametrize("board", BOARDS)
def test_a_cut_of_the_running_story_leaves_what_the_record_says(board):
    told = unix.run(board, unix.job(board, step=30, alive=True))
    assert told["tried"] > 5
    assert told["wrong"] == []


def test_a_store_that_comes_late_is_noticed():
    told = unix.run("rp2040", unix.job("rp2040", step=4, plant="late"))
    assert len(told["lost"]) > told["tried"] // 2


def test_a_chip_that_does_not_erase_is_noticed():
    told = unix.run("rp2040", unix.job("rp2040", step=1000, plant="unerased"))
    assert told["twice"] > 0
