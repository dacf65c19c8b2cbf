"""Arrows between rooms and between packages point down; planted ones are found."""

import re
from importlib import metadata

import pytest

from tests.checks import arrows

DISTRIBUTIONS = metadata.packages_distributions()
GPL = re.compile(r"(?i)\b(GPL|GPLv[23]|GNU General Public)")


def test_every_arrow_of_the_host_is_in_the_table():
    assert arrows.host_findings(arrows.sources("host")) == []


def test_the_table_has_no_cycle_and_nothing_upward():
    assert arrows.cycle(arrows.ROOMS) == []
    rows = list(arrows.ROOMS)
    upward = [
        (room, other)
        for room, others in arrows.ROOMS.items()
        for other in others
        if rows.index(other) < rows.index(room)
    ]
    assert upward == []


def test_every_room_of_the_table_is_there():
    there = {arrows._place(module) for module in arrows.sources("host")}
    assert {*arrows.ROOMS, *arrows.BASE} == there - {"__init__", "__main__"}


@pytest.mark.parametrize(
    ("package", "folder"), [("meterproto", "protocol"), ("meterfw", "firmware")]
)
def test_protocol_and_firmware_know_neither_the_host_nor_each_other(package, folder):
    modules = {n: s for n, s in arrows.sources(folder).items() if n.startswith(package)}
    assert modules
    assert arrows.package_findings(package, modules) == []


def licence(package):
    """What the distribution that an import package comes from says of its licence."""
    name = DISTRIBUTIONS[package][0]
    told = metadata.metadata(name)
    words = [told.get("License-Expression"), told.get("License"), *told.get_all("Classifier", ())]
    return " ".join(word for word in words if word and "\n" not in word)  # a name, not the text


@pytest.mark.parametrize("folder", ["firmware", "host", "protocol"])
def test_no_package_under_the_gpl_is_imported(folder):
    """The strangers of the tests by name, and whatever else is imported by its licence."""
    modules = arrows.sources(folder)
    assert modules
    assert arrows.gpl_findings(modules) == []
    tops = {
        name.split(".")[0]
        for module, source in modules.items()
        for name in arrows.imports(source, module.rpartition(".")[0])
    }
    for package in sorted(tops & DISTRIBUTIONS.keys()):
        assert not GPL.search(licence(package)), package


def test_the_strangers_under_the_gpl_are_found():
    for package in arrows.GPL:
        assert GPL.search(licence(package))
        for line in (f"import {package}.client", f"def f():\n    from {package} import x"):
            (finding,) = arrows.gpl_findings({"budgetmeter.bridges.x": line})
            assert finding.startswith("budgetmeter.bridges.x imports ")


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("budgetmeter.emulator.x", "from budgetmeter.office.keys import KeyFile"),
        ("budgetmeter.emulator.x", "import sqlalchemy as sa"),
        ("budgetmeter.emulator.x", "from budgetmeter import client"),
        ("budgetmeter.emulator.x", "from ..office import keys"),
        ("budgetmeter.emulator.x", "def f():\n    from budgetmeter.cli import main"),
        ("budgetmeter.report.x", "import budgetmeter.emulator.world"),
        ("budgetmeter.client.x", "importlib.import_module('budgetmeter.office')"),
        ("budgetmeter.office.x", "from budgetmeter.emulator import Emulator"),
        ("budgetmeter.fleet.x", "from budgetmeter.scenario import scenario"),
        ("budgetmeter.units", "from budgetmeter import orders"),
        ("budgetmeter.orders", "from budgetmeter.client import Meter"),
        ("budgetmeter.attic.x", ""),
    ],
)
def test_a_planted_arrow_is_found(module, line):
    (finding,) = arrows.host_findings({module: line})
    assert finding.startswith(module)


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("budgetmeter.office.x", "import sqlalchemy as sa"),
        ("budgetmeter.emulator.x", "from . import board"),
        ("budgetmeter.emulator.x", "from budgetmeter import units"),
        ("budgetmeter.orders", "from budgetmeter import units"),
    ],
)
def test_an_arrow_of_the_table_is_none(module, line):
    assert arrows.host_findings({module: line}) == []


@pytest.mark.parametrize(
    "line", ["import construct", "from meterproto import codes", "import budgetmeter"]
)
def test_what_the_firmware_may_not_know_is_found(line):
    assert arrows.package_findings("meterfw", {"meterfw.wire.x": line})


def test_a_cycle_is_told_along_its_way():
    assert arrows.cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
