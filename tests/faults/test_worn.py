"""Worn sectors: what was answered stays, what cannot be stored is refused.

In a child process, for littlefs may abort on an error from the chip; that is a cut like any other.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from budgetmeter.emulator import VirtualBoard
from budgetmeter.emulator.nor import BOARDS, LittleFiles, Nor
from meterfw.meter import Meter
from meterfw.store.journal import REPAIRED, WHOLE
from meterproto.codes import TokenStatus

from tests.faults import worn
from tests.firmware.support import EUR, conserved

ROOT = Path(__file__).parents[2]
GIVEN = 15 * EUR  # with which the profile starts
ANSWERS = {TokenStatus.EXECUTED, TokenStatus.EXECUTION_FAILURE}


def wear_out(board, tells, seed, image):
    """Statuses the meter answered until the end or the abort, and how many sectors were worn."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.worn", board, tells, str(seed), str(image)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0 or "Assertion" in done.stderr, done.stderr
    answers = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    return [status for status, *_ in answers], answers[-1][1]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("tells", ["tells", "silent"])
@pytest.mark.parametrize("board", BOARDS)
def test_worn_sectors_lose_nothing_that_was_answered(board, tells, seed, tmp_path):
    image = tmp_path / "flash"
    statuses, sectors = wear_out(board, tells, seed, image)
    assert sectors > 0
    assert set(statuses) <= ANSWERS
    executed = statuses.count(TokenStatus.EXECUTED)
    assert executed >= worn.EVERY - 1
    files = LittleFiles(Nor(worn.SECTORS, bytearray(image.read_bytes())), worn.geometry(board))
    meter = Meter(VirtualBoard(0, files))
    assert meter.found in (WHOLE, REPAIRED)
    assert conserved(meter.state)
    # at most the token on which the write broke off is there without its answer
    there = (meter.state.credit - GIVEN) // worn.CENT
    assert there in (executed, executed + 1)
    office = worn.office()
    again = office.reissue(1, worn.Kind.SUPPORT, worn.CENT, order_id=1)
    assert meter.enter(again)[0] == TokenStatus.VALIDATION_FAILURE


@pytest.mark.parametrize("board", BOARDS)
def test_a_meter_on_worn_out_flash_says_so(board, tmp_path):
    """With every sector worn it refuses tokens, and goes on measuring."""
    statuses, sectors = wear_out(board, "silent", 1, tmp_path / "flash")
    assert sectors == worn.SECTORS
    assert statuses[-1] == TokenStatus.EXECUTION_FAILURE
