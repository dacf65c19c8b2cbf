"""The telegram from real MicroPython: CPython's to the octet, and no allocation in a pass."""

import json
from pathlib import Path

import pytest
from budgetmeter import profiles

from tests import micropython
from tests.boards import measure
from tests.boards.support import NAMES
from tests.boards.test_in_micropython import HEAP_LIMIT
from tests.firmware import replay
from tests.micropython import built
from tests.p1 import dsmr, lives, replayed

HERE = Path(__file__).parent
PASS = HERE / "pass_in_micropython.py"


def test_telegrams_are_cpythons_to_the_octet():
    """Those of random lives, with the flashed files, written with the heap locked."""
    made = [lives.life(name, seed) for name in profiles.names() for seed in range(2)]
    for life in made:
        del life["operations"][60:]
    printed = micropython.run(Path(replayed.__file__), json.dumps(made), built.meter())
    for life, line in zip(made, printed.splitlines(), strict=True):
        wanted = replayed.checksums(life, replay)
        assert json.loads(line) == wanted
        assert len(set(wanted)) > 20


@pytest.mark.parametrize("board", NAMES)
def test_a_pass_that_sends_a_telegram_allocates_nothing(board):
    said = json.loads(micropython.run(PASS, files=measure.files(board)))
    assert said["steady"] == "ok"
    assert said["planted"] == "raised"
    telegrams = [f"/{part}" for part in said["sent"].split("/BGT5")[1:]]
    telegrams = [t.replace("/", "/BGT5", 1) for t in telegrams]
    assert len(telegrams) >= 40  # one a second
    seconds = [dsmr.read(telegram)["time"] for telegram in telegrams[:40]]
    assert len(set(seconds)) == 40


@pytest.mark.parametrize("board", NAMES)
def test_the_heap_in_use_with_a_p1_port_is_bounded(board):
    heap = measure.heap(board, with_p1=True)["started"]
    assert measure.heap(board)["started"] + 4096 < heap <= HEAP_LIMIT
