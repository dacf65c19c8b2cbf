"""The boards against MicroPython's own stubs, one port at a time."""

import ast
import json
import re
import shutil
import subprocess
import sys
from operator import attrgetter
from pathlib import Path

import pytest

from tests.boards import peripherals
from tests.boards.support import BOARDS, NAMES

ROOT = BOARDS.parent
METERFW = "../firmware/meterfw"
CLOSE = '"""Close supply."""'  # of `rules.connect`
STUBS = ROOT / ".venv" / "stubs"  # where `make lint` installs them


def check(folder, board):
    """Messages of pyright on a copy of the firmware and a board in a folder."""
    config = json.loads((BOARDS / board / "pyrightconfig.json").read_text())
    config["typeshedPath"] = config["stubPath"] = str(STUBS / board)
    (folder / "boards" / board / "pyrightconfig.json").write_text(json.dumps(config))
    pyright = Path(sys.executable).with_name("pyright")
    done = subprocess.run(
        [str(pyright), "-p", f"boards/{board}", "--pythonpath", "none", "--outputjson"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    answer = json.loads(done.stdout)
    assert answer["summary"]["filesAnalyzed"] > 20
    return [message["message"] for message in answer["generalDiagnostics"]]


# Of each board: a file, what stands in it, the slip, and what is said of this one alone.
SLIPS = {
    "rp2040": [
        ("parts/wiring.py", "rxbuf=room", "rxbuffer=room", "No overloads"),
        ("rp2040/board.py", "rx_fifo()", "rx_fifos()", "rx_fifos"),
        (
            f"{METERFW}/account/rules.py",
            CLOSE,
            CLOSE + "\n    m.control_stat = 1",
            "control_stat",
        ),
        (f"{METERFW}/card/slot.py", "till.enter_all(", "till.enter_every(", "enter_every"),
    ],
    "esp32": [
        ("parts/wiring.py", "uarts[name], baud", "uarts[name], 'fast'", "baudrate"),
        ("esp32/board.py", "PCNT.INCREMENT", "PCNT.INCREASE", "INCREASE"),
        (f"{METERFW}/account/orders.py", "p.top_up_max:", "p.topup_max:", "topup_max"),
        ("parts/board.py", "def power_w(", "def power(", "power_w"),
    ],
}


@pytest.mark.parametrize("board", NAMES)
def test_each_slip_is_reported(board, tmp_path):
    assert (STUBS / board / "machine.pyi").exists(), "make lint installs the stubs"
    shutil.copytree(ROOT / "firmware", tmp_path / "firmware")
    shutil.copytree(BOARDS, tmp_path / "boards")
    for file, right, wrong, _ in SLIPS[board]:
        path = tmp_path / "boards" / file
        text = path.read_text()
        assert right in text
        path.write_text(text.replace(right, wrong))
    messages = check(tmp_path, board)
    for *_, said in SLIPS[board]:
        assert any(said in message for message in messages), said


def used(module):
    """What the boards and their main.py use of a hardware module, as dotted names behind it."""
    names = set()
    for path in [*BOARDS.rglob("*.py"), ROOT / "firmware" / "main.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            dotted = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
            if re.fullmatch(rf"{module}(\.\w+)+", dotted):
                names.add(dotted.partition(".")[2])
    return names


@pytest.mark.parametrize(
    ("module", "name"),
    [("machine", "Pin.PULL_UP"), ("machine", "WDT"), ("rp2", "asm_pio"), ("esp32", "PCNT")],
)
def test_the_virtual_peripherals_have_all_that_the_boards_use(module, name):
    names = used(module)
    assert name in names
    virtual = peripherals.modules()[module]
    for dotted in names:
        assert attrgetter(dotted)(virtual) is not None


def test_each_board_names_its_pins_once():
    for name in NAMES:
        tree = ast.parse((BOARDS / name / "board.py").read_text())
        pins = next(
            ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign) and node.targets[0].id == "PINS"
        )
        assert len(set(pins.values())) == len(pins)
