"""Names that take no memory on a board, for what nobody else calls by its name: parameters that no
call names, and attributes that are private to a class.

Functions keep their names, private ones too: they are what a traceback of a board tells.
"""

import ast
from collections import Counter

from budgetmeter.rig.edits import Text

# Every MicroPython has these in its ROM (they are static in the format of .mpy files).
_IN_ROM = (
    *("sep", "step", "stop", "items", "keys", "popitem", "rindex", "rfind", "setdefault", "update"),
    *(
        "throw",
        "upper",
        "reverse",
        "extend",
        "endswith",
        "startswith",
        "rsplit",
        "lstrip",
        "insert",
    ),
)
_ONE_OCTET = 110  # names of a module that take one octet wherever they stand; more take two


def shorten(texts):
    """Modules with shorter names.

    :param texts: text of each module of a program by its name
    :returns: the same, shorter
    :raises InputError: a text that is no module
    """
    modules = [Text(name, text) for name, text in texts.items()]
    nodes = [node for module in modules for node in ast.walk(module.tree)]
    fixed = _fixed(nodes)
    taken = fixed | {getattr(node, part, None) for node in nodes for part in ("id", "attr")}
    spare = [name for name in _IN_ROM if name not in taken]
    private = _private(nodes) - fixed
    shorter = {}
    for module in modules:
        edits = {}
        _parameters(module, module.tree, {}, fixed, spare, edits)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                _attributes(module, node, private, spare, edits)
        text = module.edited(edits)
        shorter[module.name] = _most_used(ast.parse(text)) + text
    return shorter


def _fixed(nodes):
    """Names that stand in more than names and parameters: of keywords, functions, imports, …"""
    fixed = {"self"}
    for node in nodes:
        if isinstance(node, ast.keyword):
            fixed.update(filter(None, (node.arg,)))
        elif isinstance(node, ast.Global | ast.Nonlocal):
            fixed.update(node.names)
        elif not isinstance(node, ast.arg):  # functions, classes, handlers, imports
            fixed.update(filter(None, (getattr(node, "name", None), getattr(node, "asname", None))))
    return fixed


def _parameters(module, node, scope, fixed, spare, edits):
    """Edits for the parameters of the functions in a node; `scope` has those around it."""
    if isinstance(node, ast.Name) and node.id in scope:
        edits[module.span(node)] = scope[node.id]
    inside, outside = scope, ()
    if isinstance(node, ast.FunctionDef | ast.Lambda):
        inside, outside = dict(scope), (node.args, *getattr(node, "decorator_list", ()))
        free = [name for name in spare if name not in scope.values()]
        arguments = [arg for arg in _arguments(node.args) if arg.arg not in fixed]
        for arg in arguments:
            inside.pop(arg.arg, None)
        for arg, name in zip(arguments, free, strict=False):  # what is left over keeps its name
            begin, _ = module.span(arg)
            inside[arg.arg] = edits[begin, begin + len(arg.arg)] = name
    for child in ast.iter_child_nodes(node):
        _parameters(module, child, scope if child in outside else inside, fixed, spare, edits)


def _arguments(args):
    optional = [arg for arg in (args.vararg, args.kwarg) if arg is not None]
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *optional]


def _private(nodes):
    """Attributes with an underscore that are used only as `self.NAME` in classes without a base."""
    used, inside = Counter(), Counter()
    for node in nodes:
        if isinstance(node, ast.Attribute):
            used[node.attr] += 1
        elif isinstance(node, ast.Name):
            used[node.id] += 1  # of a class, perhaps
        elif isinstance(node, ast.ClassDef) and not node.bases:
            inside.update(attribute.attr for attribute in _own(node))
    return {name for name in used if name[0] == "_" and used[name] == inside[name]}


def _own(node):
    """Attributes of `self` in a class."""
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and getattr(part.value, "id", "") == "self":
            yield part


def _attributes(module, node, private, spare, edits):
    """Edits for the private attributes of a class."""
    new = {}
    for attribute in _own(node):
        if attribute.attr in private:
            _, end = module.span(attribute)
            begin = end - len(attribute.attr)
            if attribute.attr not in new and len(new) < len(spare):
                new[attribute.attr] = spare[len(new)]
            edits[begin, end] = new.get(attribute.attr, attribute.attr)


def _most_used(tree):
    """What stands first in a module: its most used names, for the first ones take one octet."""
    top = {getattr(part, "name", getattr(part, "id", "")) for part in _top(tree)}
    used = Counter(
        getattr(node, "attr", getattr(node, "id", ""))
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) or (isinstance(node, ast.Name) and node.id in top)
    )
    lines = [f"    _.{name}\n" for name, _ in used.most_common(_ONE_OCTET)]
    return "".join(["def _():\n", *lines, "del _\n"])


def _top(tree):
    """Nodes that give a module its names."""
    for statement in tree.body:
        yield from (statement, *getattr(statement, "targets", ()), *getattr(statement, "names", ()))
