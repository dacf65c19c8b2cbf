"""The rooms of the firmware: how many modules, which way imports go, and who knows the meter."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import meterfw
import pytest
from meterfw.meter import Meter

from tests.firmware.unit.bench import Bench

ROOT = Path(meterfw.__file__).parent
MOST = 12  # modules in one room


def modules():
    """The modules by name, with their syntax trees; packages without code are left out."""
    for path in sorted(ROOT.glob("**/*.py")):
        if path.name != "__init__.py":
            name = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
            yield name, ast.parse(path.read_text("utf-8"))


def imports(tree, names):
    """Which of the modules a module imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found & names


@pytest.fixture(scope="module")
def graph():
    trees = dict(modules())
    return {name: imports(tree, set(trees)) for name, tree in trees.items()}


def test_a_room_has_at_most_twelve_modules():
    rooms = {path.parent for path in ROOT.glob("**/*.py")}
    for room in rooms:
        inside = [p for p in room.glob("*.py") if p.name != "__init__.py"]
        assert 0 < len(inside) <= MOST, room


def test_nothing_imports_in_a_circle(graph):
    assert len(list(TopologicalSorter(graph).static_order())) == len(graph)


def test_no_part_imports_the_meter(graph):
    assert graph["meterfw.meter"]
    assert [name for name, found in graph.items() if "meterfw.meter" in found] == []


def test_the_rules_know_nothing_but_the_account_and_the_layouts(graph):
    for name, found in graph.items():
        if name.startswith("meterfw.account."):
            assert all(f.startswith(("meterfw.account.", "meterfw.layouts")) for f in found), name


def reached(part, seen):
    """All objects of the firmware that can be reached from a part."""
    if id(part) in seen or not type(part).__module__.startswith("meterfw"):
        return
    seen[id(part)] = part
    for value in getattr(part, "__dict__", {}).values():
        reached(getattr(value, "__self__", value), seen)  # of a bound method, its object


def test_no_part_holds_the_meter():
    meter = Bench().meter
    parts = {name: value for name, value in vars(meter).items() if name != "board"}
    for name, part in parts.items():
        seen = {}
        reached(part, seen)
        assert not any(isinstance(other, Meter) for other in seen.values()), name
    assert {"till", "timekeeper", "panel", "slot", "link", "gateway"} <= set(parts)
