"""The modules of a board made into few: each package one, constants in place of their names, and
nothing that nobody uses.

On a board every name takes memory, again in each module that imports it, and so does each module.
`mpy-cross` puts a constant in place of its name within one module only; here all are seen together,
before it compiles. What they do stays the same: a constant never changes, and what is left out
nobody reaches. It asks one thing of them: a name that a module defines or imports means that, and
nothing else, everywhere in it.
"""

import ast
import builtins
from collections import Counter

from budgetmeter.rig.modules import IMPORTS, Module, defines

INTERNED = 10  # characters of a text that MicroPython keeps once, however often it stands


def link(sources, homes, start):
    """Modules as a board is to have them.

    :param sources: text of each module by its dotted name. One without a package keeps all it has
        but what is private: it is there to be changed by hand
    :param homes: name of the module in which the modules of a package end up, by package
    :param start: text of the program that uses them
    :returns: text by name: the modules of `homes`, and those without a package
    :raises InputError: what cannot be linked, one line
    """
    modules = {name: Module(name, text, homes) for name, text in sources.items()}
    everything = [*modules.values(), Module("start", start, {})]
    for module in everything:
        module.find_imports(modules)
    for module in everything:
        module.find_constants()
    _put_in_place(everything)
    _leave_out(everything)
    program = _Program(modules.values())
    return {home: program.text(home) for home in {module.home: None for module in program.modules}}


def _put_in_place(modules):
    """Put constants in place: short ones everywhere, long ones if it is one place, for a name takes
    less than two of them."""
    found = [(module, *c) for module in modules for c in module.constants_in(module.text.tree)]
    times = Counter((there, name) for _, _, there, name, _ in found)
    for module, node, there, name, value in found:
        short = isinstance(value, int) or (isinstance(value, str) and len(value) <= INTERNED)
        if short or times[there, name] == 1:
            text = repr(value)
            module.placed[module.text.span(node)] = f"({text})" if text[0] == "-" else text


def _leave_out(modules):
    """Leave out what nothing uses but itself, until there is no more."""
    uses = {statement: module.uses(statement) for module in modules for statement in module.body}
    left = None
    while left != (left := sum(len(module.body) for module in modules)):
        used = Counter()
        for module in modules:
            for statement in module.body:
                used.update(uses[statement])
        for module in modules:
            module.body = [s for s in module.body if _is_wanted(module, s, used - uses[s])]


def _is_wanted(module, statement, elsewhere):
    names = defines(statement)
    if not names or not (module.packaged or all(name[0] == "_" for name in names)):
        return True
    return any((module, name) in elsewhere for name in names)


class _Program:
    """Modules put together: each into its home, every name there one of its own.

    :ivar modules: those that are reached, each after those it uses
    """

    def __init__(self, modules):
        self.modules = []
        self._taken = Counter(name for m in modules for name in set(m.bound) - set(m.imported))
        for module in modules:
            if module.name == module.home:
                self._place(module)

    def _place(self, module):
        """Give a module its place, after those it uses."""
        for statement in module.body:
            for other, _ in module.uses(statement):
                if other is not module and other not in self.modules:
                    self._place(other)
        self.modules.append(module)

    def text(self, home):
        """The text of a home."""
        imports, body = {}, []
        for module in self.modules:
            if module.home == home:
                statements = [s for s in module.body if not isinstance(s, IMPORTS)]
                body += [self._written(module, statement, imports) for statement in statements]
                imports |= dict.fromkeys(module.others(statements))
        return "\n".join([*imports, *body, ""])

    def _written(self, module, statement, imports):
        """A statement as it stands at home; `imports` gets what comes from another one."""
        edits = dict(module.placed)
        for node, there, name in module.ours_in(statement):
            if module.text.span(node) not in edits:
                edits[module.text.span(node)] = self._name(there, name)
                if there.home != module.home:
                    imports[f"from {there.home} import {self._name(there, name)}"] = None
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            edits[module.text.name_span(statement)] = self._name(module, statement.name)
        return module.text.written(statement, edits)

    def _name(self, module, name):
        """What a name of a module is called where it ends up."""
        stays = module.name == module.home  # it is looked for there
        if stays or (self._taken[name] == 1 and not hasattr(builtins, name)):
            return name
        return f"{module.name.rpartition('.')[2]}_{name}"
