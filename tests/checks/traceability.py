"""The traceability table: rule id, clause, where in the code, tests.

`python -m tests.checks.traceability` prints it and fails when an id of the sources is neither
executable nor context with its reason; when one of tier A (the meter) has no line of the firmware;
or when code or tests name an id the catalogue does not have. Executable means: a line of the
product names it, and a test carries it.
"""

import ast
import contextlib
import io
import os
import re
import sys
import threading
from collections import defaultdict
from pathlib import Path

import pytest
from budgetmeter import catalogue
from rich import box
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
FIRMWARE = ROOT / "firmware" / "meterfw"
HOST = ROOT / "host" / "budgetmeter"
# All ids that were found in the sources: 153, what was missing of them, and the ambiguities.
SOURCES = {
    "OC": range(1, 26),
    "OS": range(1, 12),
    "WE": range(1, 50),
    "WG": (*range(1, 15), *range(30, 36)),
    "FE": (*range(1, 35), *range(40, 44)),
    "BE": range(1, 8),
    "BX": range(8, 20),
    "AMB": range(1, 36),
}
EXPECTED = [f"{prefix}-{n:02}" for prefix, numbers in SOURCES.items() for n in numbers]
ID = re.compile(r"\b(?:OC|OS|WE|WG|FE|BE|BX|AMB|B)-\d+\b")


def code_places(folder=FIRMWARE):
    """Rule id to the functions of the firmware whose docstring or comments name it."""
    places = defaultdict(set)
    for path in sorted(folder.glob("**/*.py")):
        source = path.read_text(encoding="utf-8")
        functions = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef)]
        for number, line in enumerate(source.splitlines(), 1):
            for rule_id in ID.findall(line):
                names = [f.name for f in functions if f.lineno <= number <= f.end_lineno]
                where = ".".join([path.stem, *names[-1:]])
                places[rule_id].add(where)
    return places


def host_places(folder=HOST):
    """Rule id to the modules and data files of the host that name it, the catalogue left out."""
    places = defaultdict(set)
    for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.toml")]):
        if path != HOST / "data" / "rules.toml":
            for rule_id in ID.findall(path.read_text(encoding="utf-8")):
                places[rule_id].add(path.relative_to(folder).as_posix())
    return places


class _Collector:
    """A pytest plugin that notes which tests carry which rule ids."""

    def __init__(self):
        self.tests = defaultdict(set)

    def pytest_collection_modifyitems(self, items):
        for item in items:
            for marker in item.iter_markers("rule"):
                for rule_id in marker.args:
                    self.tests[rule_id].add(item.nodeid.removeprefix("tests/"))


def test_places():
    """Rule id to the tests marked with it."""
    collector = _Collector()
    with contextlib.redirect_stdout(io.StringIO()) as output:
        status = pytest.main(
            ["--collect-only", "-qq", "--assert=plain", str(ROOT / "tests")], plugins=[collector]
        )
    if status != 0:
        raise SystemExit(f"tests do not collect:\n{output.getvalue()}")
    return collector.tests


test_places.__test__ = False


def problems(rules, code, tests, host=None, expected=()):
    """What is wrong: one line each.

    :param code: rule id to places of the firmware
    :param host: rule id to places of the host
    :param expected: the ids that must be executable, or context with the reason
    """
    found, host = [], host or {}
    for rule in rules.values():
        if rule.tier in ("A", "B") and not tests.get(rule.id):
            found.append(f"{rule.id}: no test carries it")
        if rule.tier == "A" and not code.get(rule.id):
            found.append(f"{rule.id}: no line of the firmware names it")
    for rule_id in expected:
        rule = rules.get(rule_id)
        if rule is None:
            found.append(f"{rule_id}: an id of the sources that the catalogue does not have")
        elif not rule.context:
            if not code.get(rule_id) and not host.get(rule_id):
                found.append(f"{rule_id}: nothing carries it out, and no reason is given")
            if not tests.get(rule_id) and rule.tier not in ("A", "B"):
                found.append(f"{rule_id}: no test carries it")
    for rule_id in sorted(set(code) | set(tests) | set(host)):
        if rule_id not in rules:
            found.append(f"{rule_id}: not in the catalogue")
    return found


def _table(rules, code, tests, host):
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("id", "tier", "clause", "where in the code", "tests"):
        table.add_column(column, overflow="fold")
    for rule in rules.values():
        names = sorted({t.split("::")[-1].partition("[")[0] for t in tests.get(rule.id, ())})
        shown = names[:3] + ([f"and {len(names) - 3} more"] if len(names) > 3 else [])
        table.add_row(
            rule.id,
            rule.tier,
            f"{rule.title} ({rule.clause})",
            _where(rule, code, host),
            "\n".join(shown),
        )
    return table


def _where(rule, code, host):
    """Where a rule is carried out, or why it is not."""
    if rule.context:
        return f"context: {rule.context}"
    names = sorted(code.get(rule.id, ())) or sorted(host.get(rule.id, ()))
    return "\n".join(names[:4])


def left():
    """The threads that test modules started when they were read, and which run on."""
    return [thread for thread in threading.enumerate() if thread is not threading.main_thread()]


def main():
    rules, code, tests, host = catalogue.rules(), code_places(), test_places(), host_places()
    if "--quiet" not in sys.argv:
        Console(width=None if sys.stdout.isatty() else 140).print(_table(rules, code, tests, host))
    found = problems(rules, code, tests, host, EXPECTED)
    found += [f"collecting the tests starts a thread: {thread.name}" for thread in left()]
    for line in found:
        print(line, file=sys.stderr)
    tiers = [rule.tier for rule in rules.values()]
    context = sum(bool(rule.context) for rule in rules.values())
    counts = f"{len(EXPECTED)} ids of the sources, {context} of them context"
    counts += f"; {tiers.count('A')} rules of tier A, {tiers.count('B')} of tier B"
    print(f"{counts}; {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # a thread that is left would keep this process for ever
