"""The boards against MicroPython's own stubs, one port at a time."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.boards import peripherals
from tests.boards.support import BOARDS, NAMES

ROOT = BOARDS.parent
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


@pytest.mark.parametrize(
    ("board", "file", "right", "wrong", "said"),
    [
        ("rp2040", "rig/wiring.py", "rxbuf=512", "rxbuffer=512", "No overloads"),
        ("esp32", "rig/wiring.py", "uarts[name], baud", "uarts[name], 'fast'", "baudrate"),
        ("rp2040", "rp2040/board.py", "rx_fifo()", "rx_fifos()", "rx_fifos"),
        ("esp32", "esp32/board.py", "PCNT.INCREMENT", "PCNT.INCREASE", "INCREASE"),
    ],
)
def test_what_a_port_does_not_have_is_reported(board, file, right, wrong, said, tmp_path):
    assert (STUBS / board / "machine.pyi").exists(), "make lint installs the stubs"
    shutil.copytree(ROOT / "firmware", tmp_path / "firmware")
    shutil.copytree(BOARDS, tmp_path / "boards")
    path = tmp_path / "boards" / file
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong))
    assert any(said in message for message in check(tmp_path, board))


def used(module):
    """Attributes of a hardware module that the boards use."""
    names = set()
    for path in BOARDS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == module
            ):
                names.add(node.attr)
    return names


@pytest.mark.parametrize("module", ["machine", "rp2", "esp32"])
def test_the_virtual_peripherals_have_all_that_the_boards_use(module):
    names = used(module)
    assert names
    virtual = peripherals.modules()[module]
    assert {name for name in names if not hasattr(virtual, name)} == set()


def test_each_board_names_its_pins_once():
    for name in NAMES:
        tree = ast.parse((BOARDS / name / "board.py").read_text())
        pins = next(
            ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign) and node.targets[0].id == "PINS"
        )
        assert len(set(pins.values())) == len(pins)
