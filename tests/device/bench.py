"""The list of a bench engineer: a table of `boards/README.md`, what ran of it, and what is left."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "boards" / "README.md"
HEADING = "## What only hardware can tell"


@dataclass(frozen=True)
class Row:
    """One row of the table.

    :ivar what: what must hold
    :ivar emulated: what ran in emulation
    :ivar hardware: what only hardware can tell
    :ivar how: what a person does, or the tests that do it
    """

    number: int
    what: str
    emulated: str
    hardware: str
    how: str

    @property
    def tests(self) -> list[str]:
        """Names of the tests of the device suite that prove it."""
        return re.findall(r"`(test_\w+)`", self.how)


def rows() -> list[Row]:
    """The table, row by row."""
    section = PAGE.read_text("utf-8").split(HEADING, 1)[1].split("\n## ", 1)[0]
    found = []
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0].isdigit():
            found.append(Row(int(cells[0]), *cells[1:5]))
    return found


def ticked(outcomes: Mapping[str, str]) -> Iterator[str]:
    """The list as lines: [x] where every test passed, [!] where one failed, [ ] for a person.

    :param outcomes: "passed", "failed" or "skipped" by the name of a test
    """
    for row in rows():
        seen = {outcomes.get(test, "skipped") for test in row.tests}
        mark = " "
        if seen & {"failed", "error"}:
            mark = "!"
        elif seen == {"passed"}:
            mark = "x"
        yield f"[{mark}] {row.number:2} {row.what}"
        if mark == " ":
            yield f"       {re.sub('[`*]', '', row.how)}"
