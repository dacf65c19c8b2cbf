"""The changes: a comparison turned, a bound moved by one, an `and` for an `or`, a line dropped.

A mutant is a piece of a source file and what stands there instead. Only what is in a function is
changed: its code can be put into a running process.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

TURNED = {
    ast.Lt: ("<", ["<=", ">="]),
    ast.LtE: ("<=", ["<", ">"]),
    ast.Gt: (">", [">=", "<="]),
    ast.GtE: (">=", [">", "<"]),
    ast.Eq: ("==", ["!="]),
    ast.NotEq: ("!=", ["=="]),
    ast.Is: ("is", ["is not"]),
    ast.IsNot: ("is not", ["is"]),
    ast.In: ("in", ["not in"]),
    ast.NotIn: ("not in", ["in"]),
}
DROPPED = (ast.Expr, ast.Assign, ast.AugAssign, ast.Return, ast.Continue, ast.Break, ast.Raise)


@dataclass(frozen=True)
class Mutant:
    """One change.

    :ivar module: dotted name
    :ivar function: qualified name of the function that it changes
    :ivar line: where, from 1
    :ivar start: offset of the piece in the source, in characters
    :ivar old: the piece
    :ivar new: what stands there instead
    :ivar before: the lines it is in, each run of blanks one blank
    :ivar after: the same lines with the change in them
    """

    module: str
    function: str
    line: int
    start: int
    old: str
    new: str
    before: str
    after: str

    @classmethod
    def of(cls, module: str, function: str, text: str, span: tuple[int, int], new: str) -> "Mutant":
        """The change of a piece of a source."""
        start, end = span
        first = text.rfind("\n", 0, start) + 1
        last = text.find("\n", end) % (len(text) + 1)
        before = " ".join(text[first:last].split())
        after = " ".join((text[first:start] + new + text[end:last]).split())
        line = text.count("\n", 0, start) + 1
        return cls(module, function, line, start, text[start:end], new, before, after)

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.function}\n    {self.before}\n    {self.after}"

    def source(self, text: str) -> str:
        """The source with the change in it."""
        assert text.startswith(self.old, self.start)
        return text[: self.start] + self.new + text[self.start + len(self.old) :]


def mutants(module: str, text: str) -> list[Mutant]:
    """Every mutant of a module's source, in the order of their places."""
    lines = [0]
    for line in text.splitlines(keepends=True):
        lines.append(lines[-1] + len(line.encode()))
    octets = text.encode()

    def at(line: int, column: int) -> int:
        return len(octets[: lines[line - 1] + column].decode())

    found = []
    for function, node in _functions(ast.parse(text), ""):
        for start, end, new in _changes(node, text, at):
            found.append(Mutant.of(module, function, text, (start, end), new))
    return sorted(found, key=lambda mutant: (mutant.start, len(mutant.old), mutant.new))


def _functions(tree, prefix: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Functions of a module and methods of its classes; what is nested belongs to its function."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}{node.name}.")


def _changes(function: ast.FunctionDef, text: str, at):
    """The changes of one function: where a piece of the text begins and ends, and the new text."""
    for statement in function.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Compare):
                yield from _turned(node, text, at)
            elif isinstance(node, ast.BoolOp):
                yield from _other(node, text, at)
            elif isinstance(node, ast.Constant) and type(node.value) is int:
                yield *_span(node, at), str(node.value + 1)
            elif isinstance(node, DROPPED) and not _is_text(node):
                yield *_span(node, at), "pass"


def _span(node, at) -> tuple[int, int]:
    return at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)


def _is_text(node) -> bool:
    """A docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _turned(node: ast.Compare, text: str, at):
    left = node.left
    for operator, right in zip(node.ops, node.comparators, strict=True):
        sign, others = TURNED[type(operator)]
        start = text.index(sign, _span(left, at)[1], _span(right, at)[0])
        for other in others:
            yield start, start + len(sign), other
        left = right


def _other(node: ast.BoolOp, text: str, at):
    sign, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    for left, right in zip(node.values, node.values[1:], strict=False):
        start = text.index(sign, _span(left, at)[1], _span(right, at)[0])
        yield start, start + len(sign), other
