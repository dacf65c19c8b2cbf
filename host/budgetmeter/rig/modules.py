"""One module of a board's program as the linker sees it: what it defines, imports and means."""

import ast
import struct
from collections import Counter

from budgetmeter.errors import InputError
from budgetmeter.rig.edits import Text

IMPORTS = (ast.Import, ast.ImportFrom)
_STATEMENTS = (*IMPORTS, ast.Assign, ast.FunctionDef, ast.ClassDef)
_CALLS = {"struct": struct, "len": len, "range": range}  # in the values of constants
_VALUE = (
    *(ast.Constant, ast.Name, ast.Attribute, ast.BinOp, ast.UnaryOp, ast.Call, ast.Tuple),
    *(ast.operator, ast.unaryop, ast.expr_context),
)


class Module:
    """A module of a program.

    :ivar home: name of the module in which it ends up
    :ivar packaged: it is of a package, and only the program uses it
    :ivar body: statements that are not left out
    :ivar bound: how often each name is bound in it, at whatever depth
    :ivar own: names it defines
    :ivar imported: (module, name in it) by the name it has here; the name is "" for a module
    :ivar constants: values of its constants by name, once they are found
    :ivar placed: new text by span, where constants are put in place
    """

    def __init__(self, name, text, homes):
        """A module from its text.

        :param homes: name of the module in which the modules of a package end up, by package
        :raises InputError: a text that is no module
        """
        package = name.partition(".")[0]
        self.name = name
        self.packaged = package in homes
        self.home = homes.get(package, name)
        self.text = Text(name, text)
        self.body = [s for s in self.text.tree.body if not _is_left_to_type_checkers(s)]
        self.bound = Counter(name for node in ast.walk(self.text.tree) for name in _binds(node))
        self.own = {name for statement in self.body for name in defines(statement)}
        self.imported = {}
        self.constants = {}
        self._are_found = False
        self.placed = {}

    def find_imports(self, modules):
        """Find what it imports from the other modules.

        :raises InputError: it is written in a way that cannot be linked
        """
        for node in ast.walk(self.text.tree):
            if isinstance(node, ast.JoinedStr):  # Python 3.11 does not say where names stand in it
                self._fail(node, "no f-strings")
            for alias in node.names if isinstance(node, ast.ImportFrom) else ():
                whole = f"{node.module}.{alias.name}"
                found = (whole, "") if whole in modules else (node.module, alias.name)
                if found[0] in modules:
                    self.imported[alias.asname or alias.name] = (modules[found[0]], found[1])
        if self.packaged:
            for statement in self.body:
                if not isinstance(statement, _STATEMENTS):
                    self._fail(statement, "only imports, names, functions and classes in a module")
            for node in ast.walk(self.text.tree):
                self._check(node, modules)
        for name in (*self.own, *self.imported):
            if self.bound[name] > 1:
                raise InputError(f"{self.name}: {name} means two things in it")

    def _check(self, node, modules):
        if isinstance(node, ast.Import) and any(alias.name in modules for alias in node.names):
            self._fail(node, "from PACKAGE import NAME, for modules of the program")
        if isinstance(node, ast.ImportFrom):
            if node.level or node.names[0].name == "*":
                self._fail(node, "no imports of all names, or relative ones")
            if node.module in modules and node not in self.body:
                self._fail(node, "modules of the program are imported at its head")

    def _fail(self, node, why):
        raise InputError(f"{self.name}, line {node.lineno}: {why}")

    def find_constants(self):
        """Find its constants, after those of the modules it imports."""
        if not self._are_found:
            self._are_found = True
            for module, _ in self.imported.values():
                module.find_constants()
            for statement in self.body:
                if isinstance(statement, ast.Assign):
                    self.constants |= self._values(statement)

    def _values(self, statement):
        """Values of the constants that an assignment gives, by name."""
        placed = {self.text.span(node): repr(c) for node, *_, c in self.constants_in(statement)}
        value = ast.parse(f"({self.text.written(statement.value, placed)}\n)", mode="eval")
        for node in ast.walk(value.body):
            unknown = isinstance(node, ast.Name) and node.id not in _CALLS
            if unknown or not isinstance(node, _VALUE):
                return {}
        names = defines(statement)
        value = eval(compile(value, self.name, "eval"), dict(_CALLS))
        values = value if isinstance(statement.targets[0], ast.Tuple) else [value]
        if len(values) != len(names):  # assigned to more than one name, or to no name
            return {}
        return {n: v for n, v in zip(names, values, strict=True) if self.packaged or n[0] == "_"}

    def ours_in(self, tree):
        """Where names of the program's modules stand: (node, module, name in it)."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                module, name = self.imported.get(getattr(node.value, "id", None), (None, "?"))
                if name == "":
                    yield node, module, node.attr
            elif isinstance(node, ast.Name) and node.id in self.own:
                yield node, self, node.id
            elif isinstance(node, ast.Name):
                module, name = self.imported.get(node.id, (None, ""))
                if name:
                    yield node, module, name

    def constants_in(self, tree):
        """Where constants stand by their names: (node, module, name in it, value)."""
        for node, module, name in self.ours_in(tree):
            if name in module.constants and isinstance(node.ctx, ast.Load):
                yield node, module, name, module.constants[name]

    def uses(self, statement):
        """How often it uses each (module, name), constants put in place aside."""
        return Counter(
            (module, name)
            for node, module, name in self.ours_in(statement)
            if self.text.span(node) not in self.placed
        )

    def others(self, statements):
        """Imports of MicroPython's own modules that statements need, a line each."""
        named = {n.id for s in statements for n in ast.walk(s) if isinstance(n, ast.Name)}
        for statement in self.body:
            for alias in statement.names if isinstance(statement, IMPORTS) else ():
                name = alias.asname or alias.name
                if name in named and name not in self.imported:
                    package = getattr(statement, "module", "")
                    yield (f"from {package} " if package else "") + f"import {ast.unparse(alias)}"


def defines(statement):
    """Names that a statement of a module defines: a function, a class, assigned names."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    targets = getattr(statement, "targets", ())
    parts = [part for target in targets for part in getattr(target, "elts", [target])]
    return [part.id for part in parts if isinstance(part, ast.Name)]


def _binds(node):
    """Names that a node by itself binds."""
    if isinstance(node, ast.Name):
        return [] if isinstance(node.ctx, ast.Load) else [node.id]
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler):
        return [node.name] if node.name else []
    if isinstance(node, ast.arg):
        return [node.arg]
    if isinstance(node, ast.alias):
        return [node.asname or node.name]
    return []


def _is_left_to_type_checkers(statement):
    """Whether a statement is a docstring, `if TYPE_CHECKING: …`, or what gets that name."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.Try):
        return getattr(statement.body[0], "module", "") == "typing"
    return isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING"
