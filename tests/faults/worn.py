"""Child process of `test_worn`: a meter on flash whose sectors wear out one after the other.

`python -m tests.faults.worn BOARD TELLS SEED IMAGE`: prints the status of one top-up of a cent
after another, with the sectors worn by then; the flash is the file IMAGE. littlefs may abort it.
"""

import mmap
import random
import sys
from pathlib import Path

from budgetmeter import profiles
from budgetmeter.emulator import VirtualBoard
from budgetmeter.emulator.nor import BOARDS, ERASED, Geometry, LittleFiles, Nor
from budgetmeter.identity import flashed
from budgetmeter.issue import Issuer
from meterfw.meter import Meter
from meterproto.codes import Kind

METER = 78
SECTORS = 16
CENT = 1000
TOKENS = 400
EVERY = 20  # tokens to the next worn sector


def office():
    """The meter's vending office."""
    return Issuer(METER, bytes(32), derive=True)


def geometry(board):
    """The board's geometry on a small chip."""
    return Geometry(SECTORS, BOARDS[board].prog_size)


def main(board, tells, seed, path):
    """Wear out a flash under a meter."""
    Path(path).write_bytes(ERASED * SECTORS)
    with Path(path).open("r+b") as file:
        flash = Nor(SECTORS, mmap.mmap(file.fileno(), 0))
        files = LittleFiles(flash, geometry(board), format=True)
        issuer = office()
        for name, data in flashed(METER, 1, issuer.key, profiles.load("wallonia-card")).items():
            files[name] = data
        meter = Meter(VirtualBoard(0, files))
        chance = random.Random(int(seed))
        flash.tells = tells == "tells"
        for number in range(1, TOKENS + 1):
            if number % EVERY == 0 and len(flash.worn) < SECTORS:
                flash.worn.add(chance.choice([i for i in range(SECTORS) if i not in flash.worn]))
            status, _ = meter.enter(issuer.token(Kind.SUPPORT, CENT, order_id=number))
            print(int(status), len(flash.worn), meter.state.credit, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
