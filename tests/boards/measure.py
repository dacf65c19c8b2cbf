"""What a board takes: compiled size, heap after start, what a pass allocates, in MicroPython."""

import json
from pathlib import Path

import crcmod.predefined
from budgetmeter import profiles
from budgetmeter.identity import flashed
from budgetmeter.spoken import words_file

from tests import micropython
from tests.micropython import built

HERE = Path(__file__).parent
SCRIPT = HERE / "in_micropython.py"
HEAP = HERE / "heap_in_micropython.py"
MAIN = HERE / "main_in_micropython.py"
NOTHING = b"\xf8\x04\x14" + bytes(20)  # what a PZEM answers that sees no load, before its CRC


def files(board):
    """The files of a flashed board, for `micropython.run`, and the doubles of its parts."""
    doubles = {name: (HERE / name).read_bytes() for name in ("peripherals.py", "bare.py")}
    meter = flashed(555, 1, bytes(32), profiles.load("wallonia-card"))
    return built.files(board) | doubles | meter | words_file("fr")


def in_micropython(board):
    """What a pass allocates in MicroPython, and the picture on the panel."""
    crc = crcmod.predefined.mkPredefinedCrcFun("modbus")(NOTHING).to_bytes(2, "little")
    return json.loads(micropython.run(SCRIPT, (NOTHING + crc).hex(), files(board)))


def heap(board, with_p1=False):
    """Heap in use in MicroPython after the imports and after the start, octets."""
    said = micropython.run(HEAP, "p1" if with_p1 else "", files(board))
    imported, started, is_meter, _ = said.split()
    assert is_meter == "True"
    return {"imported": int(imported), "started": int(started)}


def size(board):
    """Octets of all .mpy files of a board together."""
    return sum(len(data) for name, data in built.files(board).items() if name.endswith(".mpy"))
