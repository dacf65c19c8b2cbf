"""The traceability table: rule id, clause, where in the code, tests.

`python -m tests.checks.traceability` prints it and fails when an id of tier A (the meter) or B
(card and terminal) has no test, one of tier A no line of the firmware, or when code or tests name
an id the catalogue does not have.
"""

import ast
import contextlib
import io
import re
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from budgetmeter import catalogue
from rich import box
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
FIRMWARE = ROOT / "firmware" / "meterfw"
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


def problems(rules, code, tests):
    """What is wrong: one line each."""
    found = []
    for rule in rules.values():
        if rule.tier in ("A", "B") and not tests.get(rule.id):
            found.append(f"{rule.id}: no test carries it")
        if rule.tier == "A" and not code.get(rule.id):
            found.append(f"{rule.id}: no line of the firmware names it")
    for rule_id in sorted(set(code) | set(tests)):
        if rule_id not in rules:
            found.append(f"{rule_id}: not in the catalogue")
    return found


def _table(rules, code, tests):
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
            "\n".join(sorted(code.get(rule.id, ()))),
            "\n".join(shown),
        )
    return table


def main():
    rules, code, tests = catalogue.rules(), code_places(), test_places()
    if "--quiet" not in sys.argv:
        Console(width=None if sys.stdout.isatty() else 140).print(_table(rules, code, tests))
    found = problems(rules, code, tests)
    for line in found:
        print(line, file=sys.stderr)
    tiers = [rule.tier for rule in rules.values()]
    counts = f"{tiers.count('A')} rules of tier A, {tiers.count('B')} of tier B"
    print(f"{counts}, {len(found)} problems")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
