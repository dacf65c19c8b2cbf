"""Source text of a module, changed in places; all else stays as it was written."""

import ast

from budgetmeter.errors import InputError


class Text:
    """A module: its text and its tree.

    :raises InputError: a text that is no module, one line
    """

    def __init__(self, name, text):
        self.name = name
        self.data = text.encode()
        try:
            self.tree = ast.parse(text)
        except SyntaxError as error:
            raise InputError(f"{name}, line {error.lineno}: {error.msg}") from None
        self._lines = [0]
        for line in self.data.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    def span(self, node):
        """Where a node begins and ends, octets; a function or a class with its decorators."""
        first = min([node, *getattr(node, "decorator_list", ())], key=lambda part: part.lineno)
        begin = self._lines[first.lineno - 1] + first.col_offset - (first is not node)  # the @
        return begin, self._lines[node.end_lineno - 1] + node.end_col_offset

    def name_span(self, node):
        """Where the name of a function or a class stands."""
        begin = self._lines[node.lineno - 1] + node.col_offset
        begin = self.data.index(b" ", begin) + 1  # after `def` or `class`
        return begin, begin + len(node.name)

    def written(self, node, edits):
        """Text of a node with edits: new text by span. One inside another is passed over."""
        return self._edited(*self.span(node), edits)

    def edited(self, edits):
        """The whole text with edits."""
        return self._edited(0, len(self.data), edits)

    def _edited(self, at, end, edits):
        parts = []
        for begin, after in sorted(edits, key=lambda span: (span[0], -span[1])):
            if at <= begin and after <= end:
                parts += [self.data[at:begin], edits[begin, after].encode()]
                at = after
        return b"".join([*parts, self.data[at:end]]).decode()
