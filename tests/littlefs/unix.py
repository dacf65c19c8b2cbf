"""Running the flashed firmware in MicroPython's unix port, where there is one (Linux, x86_64).

`python -m tests.littlefs.unix` cuts the stories of three profiles on both boards at every operation
(`make faults`). A cut is printed as the operation and what had landed of it: "17:half".
"""

import json
import multiprocessing
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from budgetmeter import profiles
from budgetmeter.emulator.nor import BOARDS
from budgetmeter.identity import flashed
from budgetmeter.issue import Issuer
from meterproto.codes import Kind

from tests.firmware.support import EUR, clock
from tests.firmware.unit.bench import METER
from tests.micropython import built, lay

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("in_micropython.py")
HEAP = "heapsize=64m"
NOT_HERE = "real littlefs in MicroPython: its wheel is for Linux on x86_64"
START = "2020-12-08 06:00"
PROFILES = ("wallonia-card", "flanders-digital", "wallonia-gas")
SLICES = 8  # of a story, the unit of work


def available() -> bool:
    """Whether this machine is one that must have MicroPython's unix port."""
    return sys.platform == "linux" and platform.machine() == "x86_64"


@dataclass(frozen=True)
class Job:
    """What MicroPython is to do: cut the story of a board, every `step`-th cut from `first` on.

    :ivar plant: "late": a store comes one commit late; "unerased": the chip does not erase
    :ivar alive: cut the story while it runs, instead of judging the images of its cuts
    """

    prog_size: int
    now: int
    files: dict[str, str]
    steps: list[tuple[str, int | str]]
    first: int = 0
    step: int = 1
    plant: str = ""
    alive: bool = False


def job(board: str, profile: str = PROFILES[0], **how: Any) -> Job:
    """Twelve hours and four tokens of a meter on a board's geometry."""
    office = Issuer(METER, bytes(32), derive=True)
    given = flashed(METER, 1, office.key, profiles.load(profile))
    steps: list[tuple[str, int | str]] = []
    tokens = [
        lambda: office.token(Kind.TOP_UP, 5 * EUR, order_id=1),
        lambda: office.token(Kind.EMERGENCY_PRESET, EUR),
        lambda: office.change_key(bytes(range(1, 33))),
        lambda: office.token(Kind.TOP_UP, 20 * EUR, order_id=2),
    ]
    for make in tokens:
        for _ in range(12):  # quarters of an hour
            steps += [("use", 130), ("wait", 900)]
        steps += [("token", make().hex()), ("press", 0)]
    files = {name: data.hex() for name, data in given.items()}
    return Job(BOARDS[board].prog_size, clock(START), files, steps, **how)


def run(board: str, wanted: Job) -> dict:
    """What MicroPython says of a job, as plain data.

    :raises AssertionError: when it raises, with its traceback
    """
    with tempfile.TemporaryDirectory() as folder:
        lay(built.files(board), folder)
        told = Path(folder) / "job.json"
        told.write_text(json.dumps(asdict(wanted)))
        interpreter = Path(sys.executable).with_name("micropython")
        assert interpreter.exists(), "no micropython: pip install -e '.[test]'"
        command = [interpreter, "-X", HEAP, SCRIPT, told, folder]
        done = subprocess.run(
            [str(part) for part in (*command, ROOT)],
            capture_output=True,
            text=True,
            timeout=3600,
            check=False,
        )
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout.splitlines()[-1])


def _slice(task: tuple[str, str, int]) -> dict:
    board, profile, first = task
    told = run(board, job(board, profile, first=first, step=SLICES))
    return {**told, "of": f"{board} {profile}"}


def main() -> None:
    """All cuts; exit status 1 when one lost anything."""
    if not available():
        print(NOT_HERE)
        return
    tasks = [
        (board, profile, first)
        for board in BOARDS
        for profile in PROFILES
        for first in range(SLICES)
    ]
    tried = lost = 0
    for board in BOARDS:
        built.files(board)  # before the pool, which inherits it
    with multiprocessing.Pool() as pool:
        for told in pool.imap_unordered(_slice, tasks):
            tried += told["tried"]
            lost += len(told["lost"]) + told["twice"]
            for loss in told["lost"]:
                print(f"LOST {told['of']} {loss}", flush=True)
    print(f"real littlefs in MicroPython: {tried:,} cuts tried, {lost} lost")
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
