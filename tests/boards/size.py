"""What the firmware weighs on a board, in `docs/size.json`: a change to it shows in a diff.

`python -m tests.boards.size` writes the file. The octets of the .mpy files are the same wherever
they are compiled, and a test compares them. The heap is that of MicroPython's WebAssembly port,
not of a board; it is written, and compared with its budget only. So is the file of the panel.
"""

import json
from pathlib import Path

from budgetmeter.web import panel

from tests.boards import measure
from tests.boards.support import NAMES
from tests.micropython import built

FILE = Path(__file__).parents[2] / "docs" / "size.json"


def mpy():
    """Octets of compiled files: all of a board together, and each. `board.mpy` is a board's own."""
    modules = {}
    for board in NAMES:
        for name, data in built.files(board).items():
            if name.endswith(".mpy"):
                modules[f"{board}/{name}" if name == "board.mpy" else name] = len(data)
    return {
        "boards": {board: measure.size(board) for board in NAMES},
        "modules": dict(sorted(modules.items())),
    }


def main():
    """Write the file."""
    heap = {board: measure.heap(board)["started"] for board in NAMES}
    with_p1 = {board: measure.heap(board, with_p1=True)["started"] for board in NAMES}
    weight = {
        "unit": "octets",
        "heap_in_webassembly_after_start": heap,
        "heap_in_webassembly_with_p1": with_p1,
        "panel_html": len(panel.html().encode()),
        "mpy": mpy(),
    }
    FILE.write_text(json.dumps(weight, indent=2) + "\n", "utf-8")
    print(
        f"{FILE.name}: heap {heap}, with P1 {with_p1}, .mpy {weight['mpy']['boards']}, "
        f"panel {weight['panel_html']}"
    )


if __name__ == "__main__":
    main()
