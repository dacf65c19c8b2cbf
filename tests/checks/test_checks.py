"""The checks themselves: each finds what is planted."""

import pytest
from budgetmeter import catalogue

from tests.checks import portable, traceability

CLEAN = '''"""Rules."""
from meterfw.account.record import Profile, State
from meterfw.layouts import EUR

LIMIT = 5


def price(m: State, p: Profile, wh: int) -> int:
    """One."""
    total = 0
    for i in range(3):
        total += i
    while total > LIMIT:
        total -= 1
    if wh > 0 and m.price > 0:
        total = p.price // wh
    m.credit = max(total, 0) % EUR
    return ~total
'''


def test_the_subset_itself_is_clean():
    assert portable.check_portable(CLEAN, "rules.py") == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x = 1.5", "only integers"),
        ("x = 'a'", "only integers"),
        ("x = True", "only integers"),
        ("x = [1]", "List"),
        ("x = (1, 2)", "Tuple"),
        ("x = {1: 2}", "Dict"),
        ("x, y = 1, 2", "Tuple"),
        ("x = 1 / 2", "Div"),
        ("x = 2 ** 3", "Pow"),
        ("x = wh // m.price", "may be zero"),
        ("x = wh % wh", "may be zero"),
        ("x = wh // 0", "may be zero"),
        ("wh //= 2", "write divisions out"),
        ("x = 1 if wh else 2", "IfExp"),
        ("x = m.a.b", "attributes of m and p only"),
        ("x = wh.real", "attributes of m and p only"),
        ("p.price = 1", "profile is not written"),
        ("x = 1 < wh < 3", "one comparison"),
        ("x = wh is None", "only integers"),
        ("x = print(1)", "print is no rule"),
        ("x = m.price()", "m.price is no rule"),
        ("x = max(1, key=2)", "positional arguments only"),
        ("x = max(*m.a)", "positional arguments only"),
        ("raise ValueError", "Raise"),
        ("assert wh", "Assert"),
        ("try:\n        pass\n    except E:\n        pass", "Try"),
        ("with m:\n        pass", "With"),
        ("for i in m.a:\n        pass", "range only"),
        ("global y", "Global"),
        ("import os", "Import"),
        ("def inner():\n        pass", "FunctionDef"),
        ("x = lambda: 1", "Lambda"),
        ("x = f'{wh}'", "JoinedStr"),
        ("wh + 1", "without effect"),
        ("x = (y := 1)", "NamedExpr"),
        ("m.price = m.list[0]", "Subscript"),
    ],
)
def test_each_step_outside_the_subset_is_found(line, said):
    source = CLEAN.replace("    total = 0\n", f"    total = 0\n    {line}\n")
    findings = portable.check_portable(source, "rules.py")
    assert any(said in finding for finding in findings), findings
    assert all(finding.startswith("rules.py:") for finding in findings)


@pytest.mark.parametrize(
    "source",
    [
        "x = 1.5",
        "class A:\n    pass",
        "def f(m: State, x: int = 1) -> int:\n    return 1",
        "@f\ndef g(m: State) -> int:\n    return 1",
        "def f(m) -> int:\n    return 1",
        "def f(m: Profile) -> int:\n    return 1",
        "def f(wh: State) -> int:\n    return 1",
        "def f(m: State):\n    return 1",
        "def f(m: State) -> bool:\n    return 1",
    ],
)
def test_module_level_is_checked_too(source):
    assert portable.check_portable(source, "rules.py")


def test_imports_the_boards_lack_are_found():
    assert portable.check_imports("import struct\nfrom meterfw import rules", "x.py") == []
    for source in ("import hmac", "from typing import Any", "import construct", "import machine"):
        assert portable.check_imports(source, "x.py")
        guarded = f"try:\n    {source}\nexcept ImportError:\n    pass"
        assert portable.check_imports(guarded, "x.py")
    assert portable.check_imports("from typing import TYPE_CHECKING", "x.py")


def test_imports_for_type_checkers_are_no_imports_of_the_board():
    source = """\
TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from typing import Any
"""
    assert portable.check_imports(source, "x.py") == []
    assert portable.check_imports(source.replace("if TYPE_CHECKING", "if 1"), "x.py")


@pytest.mark.parametrize(
    "line",
    [
        "def f(x) -> int: ...",
        "def f(x: int): ...",
        "def f(*x) -> int: ...",
        "def f(*, x) -> int: ...",
        "class A:\n    def f(self, x) -> int: ...",
        "class A:\n    def f(self): ...",
    ],
)
def test_a_function_without_types_is_found(line):
    assert portable.check_types(line, "x.py")


def test_a_function_with_types_is_clean():
    source = "class A:\n    def f(self, *x: int, y: int = 1) -> None: ...\ndef g() -> int: ..."
    assert portable.check_types(source, "x.py") == []


def test_traceability_finds_what_is_missing():
    rules = {
        "OC-15": catalogue.Rule("OC-15", "A", "clause", "title"),
        "OC-05": catalogue.Rule("OC-05", "B", "clause", "title"),
        "B-4": catalogue.Rule("B-4", "", "clause", "title"),
    }
    code, tests = {"OC-15": {"rules.judge"}}, {"OC-15": {"test_x"}, "OC-05": {"test_y"}}
    assert traceability.problems(rules, code, tests) == []
    assert traceability.problems(rules, code, {}) == [
        "OC-15: no test carries it",
        "OC-05: no test carries it",
    ]
    assert traceability.problems(rules, {}, tests) == ["OC-15: no line of the firmware names it"]
    assert "OC-99: not in the catalogue" in traceability.problems(
        rules, {**code, "OC-99": {"x"}}, tests
    )


def test_code_places_name_the_function():
    places = traceability.code_places()
    assert "rules.over_limit" in places["FE-25"]
    assert "orders.top_up" in places["OC-16"]
