"""What stands beside the boards: drawings, wiring tables, package list, board data."""

import importlib.util
import json
import re

import pytest

from tests.boards.support import BOARDS, NAMES

ROOT = BOARDS.parent


@pytest.fixture(scope="module")
def draw():
    spec = importlib.util.spec_from_file_location("draw", BOARDS / "draw.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("board", NAMES)
def test_the_drawing_is_fresh_and_the_table_says_the_same(board, draw):
    assert (BOARDS / board / "wiring.svg").read_text("utf-8") == draw.drawing(board)
    text = (BOARDS / board / "README.md").read_text("utf-8")
    _, prefix = draw.TITLES[board]
    found = re.findall(rf"^\| {prefix}(\d+) \| `(\w+)` \|", text, re.M)
    rows = {name: int(number) for number, name in found}
    assert rows == draw.pins(board)
    drawn = {pin for _, _, wires in draw.PARTS for pin, _ in wires} - {"GND"}
    assert drawn == set(rows)


def test_the_package_lists_every_file():
    """`mip` fetches what stands here, and a module left out is missed on the board only."""
    package = json.loads((ROOT / "firmware" / "package.json").read_text("utf-8"))
    listed = {target: ROOT / "firmware" / source for target, source in package["urls"]}
    found = {f"meterfw/{path.name}" for path in (ROOT / "firmware" / "meterfw").glob("*.py")}
    found |= {f"rig/{path.name}" for path in (BOARDS / "rig").glob("*.py")}
    assert set(listed) == found
    assert all(path.exists() for path in listed.values())


@pytest.mark.parametrize("board", NAMES)
def test_board_data_names_the_pinned_release(board):
    data = json.loads((BOARDS / board / "board.json").read_text("utf-8"))
    assert data["micropython"] == "1.27.0"
    assert data["stubs"] in (ROOT / "Makefile").read_text("utf-8")
