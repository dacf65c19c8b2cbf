"""Lint of the firmware: the portable subset in the rule modules, imports and types everywhere.

`python -m tests.checks.portable` prints what it finds and fails if there is anything.
"""

import ast
import sys
from pathlib import Path

FIRMWARE = Path(__file__).parents[2] / "firmware" / "meterfw"

# The modules Numba compiles too.
PORTABLE = ("account/calendar.py", "account/rules.py", "account/orders.py")

# Modules that the stock builds of both the rp2 (Pico) and the esp32 port have in release 1.27.
# Hardware (`machine`, `framebuf`, …) is left to boards/.
ALLOWED_IMPORTS = {
    "array", "binascii", "builtins", "collections", "errno", "gc", "hashlib", "io", "json", "math",
    "micropython", "os", "random", "re", "select", "struct", "sys", "time", "vfs", "meterfw",
}  # fmt: skip

BUILTINS = {"min", "max", "range"}

# What the arguments of a rule are by their names; all others are whole numbers.
TYPES = {"m": "State", "p": "Profile"}

_STATEMENTS = (
    ast.Assign,
    ast.AugAssign,
    ast.If,
    ast.While,
    ast.For,
    ast.Return,
    ast.Expr,
    ast.Pass,
)
_EXPRESSIONS = (
    ast.Name, ast.Attribute, ast.Constant, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare,
    ast.Call, ast.Load, ast.Store, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip
_BANNED_OPERATORS = (ast.Div, ast.Pow, ast.MatMult, ast.Is, ast.IsNot, ast.In, ast.NotIn)


class Portable(ast.NodeVisitor):
    """Collects what lies outside the portable subset in one rule module."""

    def __init__(self, tree, name, known=()):
        self.name = name
        self.findings = []
        self.functions = {n.name for n in tree.body if isinstance(n, ast.FunctionDef)} | set(known)
        self.constants = set()
        for node in tree.body:
            self._top(node)

    def _find(self, node, what):
        self.findings.append(f"{self.name}:{node.lineno}: {what}")

    def _top(self, node):
        """Module level: docstring, imports, integer constants, functions."""
        if isinstance(node, ast.FunctionDef):
            self._function(node)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name.isupper():
                    self.constants.add(alias.name)
                elif alias.name in TYPES.values():
                    continue
                else:
                    self.functions.add(alias.name)
        elif isinstance(node, ast.Assign):
            value = node.value
            if isinstance(value, ast.Constant) and type(value.value) is int:
                self.constants.update(t.id for t in node.targets if isinstance(t, ast.Name))
            else:
                self._find(node, "only integer constants at module level")
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            self._find(node, f"{type(node).__name__} at module level")

    def _function(self, node):
        plain = node.args
        if plain.defaults or plain.vararg or plain.kwarg or plain.kwonlyargs or node.decorator_list:
            self._find(node, "plain positional arguments only, no decorators")
        for argument in plain.args:
            wanted = TYPES.get(argument.arg, "int")
            if argument.annotation is None or ast.unparse(argument.annotation) != wanted:
                self._find(node, f"{argument.arg} of {node.name} is {wanted}")
        if node.returns is None or ast.unparse(node.returns) not in ("int", "None"):
            self._find(node, f"{node.name} answers int or None")
        body = node.body
        if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            body = body[1:]
        self._guards = []
        for statement in body:
            self.visit(statement)

    def generic_visit(self, node):
        if isinstance(node, ast.stmt) and not isinstance(node, _STATEMENTS):
            self._find(node, f"{type(node).__name__} is not in the portable subset")
            return
        if isinstance(node, ast.expr | ast.operator) and not isinstance(node, _EXPRESSIONS):
            self._find(node, f"{type(node).__name__} is not in the portable subset")
            return
        super().generic_visit(node)

    def visit_Constant(self, node):
        if type(node.value) is not int:
            self._find(node, f"{node.value!r}: only integers")

    def visit_Attribute(self, node):
        if not (isinstance(node.value, ast.Name) and node.value.id in ("m", "p")):
            self._find(node, "attributes of m and p only")
        elif node.value.id == "p" and isinstance(node.ctx, ast.Store):
            self._find(node, "the profile is not written to")

    def visit_Expr(self, node):
        if isinstance(node.value, ast.Call):
            self.visit(node.value)
        else:
            self._find(node, "an expression without effect")

    def visit_If(self, node):
        self.visit(node.test)
        self._guards.append(_positive(node.test))
        for statement in node.body:
            self.visit(statement)
        self._guards.pop()
        for statement in node.orelse:
            self.visit(statement)

    def visit_For(self, node):
        call = node.iter
        if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "range"):
            self._find(node, "for over range only")
        self.generic_visit(node)

    def visit_Call(self, node):
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            self._find(node, "positional arguments only")
        if name not in self.functions and name not in BUILTINS:
            self._find(node, f"{name} is no rule")
        for argument in node.args:
            self.visit(argument)

    def visit_Compare(self, node):
        if len(node.ops) > 1:
            self._find(node, "one comparison at a time")
        self._operators(node, node.ops)
        self.generic_visit(node)

    def visit_BinOp(self, node):
        self._operators(node, [node.op])
        if isinstance(node.op, ast.FloorDiv | ast.Mod):
            self._divisor(node)
        self.generic_visit(node)

    def visit_AugAssign(self, node):
        self._operators(node, [node.op])
        if isinstance(node.op, ast.FloorDiv | ast.Mod):
            self._find(node, "write divisions out")
        self.generic_visit(node)

    def _operators(self, node, operators):
        for operator in operators:
            if isinstance(operator, _BANNED_OPERATORS):
                self._find(node, f"{type(operator).__name__} is not in the portable subset")

    def _divisor(self, node):
        """A divisor is a constant, or guarded by `if divisor > 0` around it."""
        divisor = node.right
        if isinstance(divisor, ast.Constant) and divisor.value:
            return
        text = ast.unparse(divisor)
        if text in self.constants or any(text in guard for guard in self._guards):
            return
        self._find(node, f"division by {text}, which may be zero")


def _positive(test):
    """Texts of the expressions an `if` test says are above zero, alone or joined by `and`."""
    parts = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
    return {
        ast.unparse(part.left)
        for part in parts
        if isinstance(part, ast.Compare)
        and isinstance(part.ops[0], ast.Gt)
        and isinstance(part.comparators[0], ast.Constant)
        and part.comparators[0].value == 0
    }


def check_portable(source, name):
    """Findings in one rule module."""
    return Portable(ast.parse(source), name).findings


def check_imports(source, name):
    """Imports that a stock rp2 or esp32 build does not have."""
    findings = []
    tree = ast.parse(source)
    for_checkers = _for_checkers(tree)
    for node in ast.walk(tree):
        if node in for_checkers:
            continue
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or "."]
        for module in modules:
            if module.partition(".")[0] not in ALLOWED_IMPORTS:
                findings.append(f"{name}:{node.lineno}: no module {module} on the boards")
    return findings


def _for_checkers(tree):
    """Imports for type checkers alone."""
    found = set()
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            found.update(ast.walk(node))
    return found


def check_types(source, name):
    """Functions that do not say what they take and answer. MicroPython passes over it."""
    findings = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef):
            continue
        a = node.args
        arguments = [*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg]
        bare = [x.arg for x in arguments if x and x.annotation is None and x.arg != "self"]
        if node.returns is None:
            bare.append("its result")
        if bare:
            findings.append(f"{name}:{node.lineno}: no type: {node.name}: {', '.join(bare)}")
    return findings


def main():
    findings = []
    for path in sorted(FIRMWARE.glob("**/*.py")):
        source, name = path.read_text(encoding="utf-8"), path.relative_to(FIRMWARE).as_posix()
        findings += check_imports(source, name) + check_types(source, name)
        if name in PORTABLE:
            findings += check_portable(source, name)
    print(
        "\n".join(findings)
        if findings
        else "firmware: portable subset, imports and types are clean"
    )
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
