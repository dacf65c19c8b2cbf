"""What stands beside the boards: drawings, wiring tables, package list, board data."""

import ast
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
    firmware = ROOT / "firmware"
    found = {path.relative_to(firmware).as_posix() for path in firmware.glob("meterfw/**/*.py")}
    found |= {path.relative_to(BOARDS).as_posix() for path in BOARDS.glob("parts/**/*.py")}
    assert set(listed) == found
    assert all(path.exists() for path in listed.values())


def test_the_manifest_freezes_the_same_packages():
    """Run with stand-ins for the functions of MicroPython's `manifestfile`."""
    manifest = ROOT / "firmware" / "manifest.py"
    included, required, frozen = [], [], set()

    def package(name, base_path="."):
        frozen.add((manifest.parent / base_path / name).resolve())

    exec(
        manifest.read_text("utf-8"),
        {"include": included.append, "require": required.append, "package": package},
    )
    assert included == ["$(PORT_DIR)/boards/manifest.py"]
    assert required == ["ssd1306"]
    assert frozen == {ROOT / "firmware" / "meterfw", BOARDS / "parts"}
    assert all(any(folder.glob("*.py")) for folder in frozen)


@pytest.mark.parametrize("board", NAMES)
def test_board_data_names_the_pinned_release(board):
    data = json.loads((BOARDS / board / "board.json").read_text("utf-8"))
    assert data["micropython"] == "1.27.0"
    assert data["stubs"] in (ROOT / "Makefile").read_text("utf-8")


def numbers(board, name):
    """A table of numbers in a `board.py`."""
    tree = ast.parse((BOARDS / board / "board.py").read_text("utf-8"))
    return next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == name
    )


def test_the_pins_of_the_rp2040_are_those_of_their_peripherals():
    """RP2040 data sheet, table of GPIO functions; MicroPython raises ValueError for any other."""
    pins = numbers("rp2040", "PINS")
    assert (pins["sda"] % 4, pins["scl"] % 4) == (0, 1)  # of I2C 0
    for name, uart in numbers("rp2040", "UARTS").items():
        tx, rx = pins[f"{name}_tx"], pins[f"{name}_rx"]
        assert (tx % 4, (tx + 4) // 8 % 2) == (0, uart)
        assert (rx % 4, (rx + 4) // 8 % 2) == (1, uart)
    assert set(pins.values()) <= set(range(23)) | {26, 27, 28}  # the rest is no pin of a Pico


def test_the_pins_of_the_esp32_are_free():
    taken = {1, 3}  # the console
    taken |= {6, 7, 8, 9, 10, 11}  # the flash
    taken |= {16, 17}  # the PSRAM of a WROVER module
    taken |= {0, 2, 5, 12, 15}  # read or driven as it starts
    taken |= set(range(34, 40))  # inputs without pull-up
    assert not taken & set(numbers("esp32", "PINS").values())
