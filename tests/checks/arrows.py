"""Who imports whom: the rooms of the host, and the three import packages."""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Each room may import what stands in the rooms named here, in its own, and in the modules that are
# rooms of their own; nothing else. Lower rows know nothing of higher ones.
#
# The client stands above the emulator: `loop` is a URL like others, and opens a meter in this
# process. The emulator has no client; it answers octets.
ROOMS = {
    "cli": {
        "bridges",
        "casebook",
        "client",
        "emulator",
        "fleet",
        "flashing",
        "loads",
        "office",
        "report",
        "scenario",
        "web",
    },
    "pytest_plugin": {"testing", "client", "web"},
    "testing": {"client", "emulator", "loads"},
    "web": {"client", "emulator", "flashing", "loads", "report"},
    "scenario": {"office", "casebook", "emulator", "loads", "report"},
    "fleet": {"casebook", "emulator", "loads", "report"},
    "office": {"casebook"},
    "casebook": set(),
    "flashing": {"client"},
    "bridges": {"client", "emulator"},
    "client": {"emulator"},
    "emulator": {"loads", "report"},
    "report": set(),
    "loads": set(),
}

# Modules of no room, lowest last: each may import those below it.
BASE = (
    "card",
    "spoken",
    "identity",
    "issue",
    "orders",
    "profiles",
    "catalogue",
    "texts",
    "resources",
    "units",
    "errors",
)

# What a package may import beside the standard library and its own modules.
PACKAGES = {
    "meterproto": {"construct"},
    "meterfw": set[str](),
}
HOST_ONLY_OF = {
    "sqlalchemy": "office",
    "starlette": "web",
    "uvicorn": "web",
}  # packages that one room alone may know
GPL = {"gurux_dlms", "pydlms"}  # tests judge by them; the package may not know them


def imports(source: str, package: str) -> set[str]:
    """Dotted names that a source imports, those inside functions too.

    :param package: the package the source is in, for imports that begin with a dot
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            found |= {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and _is_import_call(node):
            found |= {a.value for a in node.args[:1] if _is_text(a)}  # type: ignore[attr-defined]
    return found


def _is_import_call(node: ast.Call) -> bool:
    name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
    return name in ("import_module", "__import__")


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def sources(folder: str) -> dict[str, str]:
    """Source of each module of a source root, by dotted name."""
    root = ROOT / folder
    found: dict[str, str] = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts)] = path.read_text(encoding="utf-8")
    return found


def _place(module: str) -> str:
    """The room or base module of a dotted name within the host."""
    return module.split(".")[1] if "." in module else ""


def host_findings(modules: Mapping[str, str]) -> list[str]:
    """Arrows of the host that point upward or to a room that is not named for it."""
    findings: list[str] = []
    for module, source in modules.items():
        room = _place(module)
        if room in ("__init__", "__main__"):
            continue
        if room not in ROOMS and room not in BASE:
            findings.append(f"{module}: a room that stands in no row of the table")
            continue
        package = module.rpartition(".")[0]
        for name in sorted(imports(source, package)):
            top = name.split(".")[0]
            if HOST_ONLY_OF.get(top, room) != room:
                findings.append(f"{module} imports {name}: {HOST_ONLY_OF[top]} alone knows {top}")
            if top == "budgetmeter" and not _allowed(room, _place(name)):
                findings.append(f"{module} imports {name}: {room} does not know {_place(name)}")
    return findings


def gpl_findings(modules: Mapping[str, str]) -> list[str]:
    """Imports of packages under the GPL."""
    return [
        f"{module} imports {name}, which is under the GPL"
        for module, source in modules.items()
        for name in sorted(imports(source, module.rpartition(".")[0]))
        if name.split(".")[0] in GPL
    ]


def _allowed(room: str, other: str) -> bool:
    if other == room:
        return True
    if room in BASE:
        return other in BASE and BASE.index(other) > BASE.index(room)
    return other in BASE or other in ROOMS[room]


def package_findings(package: str, modules: Mapping[str, str]) -> list[str]:
    """What a package imports of the other two, or of strangers it should not know."""
    known = PACKAGES[package] | {package}
    strangers = {"budgetmeter", "meterproto", "meterfw", "construct"} - known
    return [
        f"{module} imports {name}"
        for module, source in modules.items()
        for name in sorted(imports(source, module.rpartition(".")[0]))
        if name.split(".")[0] in strangers
    ]


def cycle(arrows: Mapping[str, Iterable[str]]) -> list[str]:
    """Rooms along a cycle; empty if there is none."""
    done: set[str] = set()

    def visit(room: str, path: list[str]) -> list[str]:
        if room in path:
            return [*path[path.index(room) :], room]
        if room not in done:
            for other in sorted(arrows.get(room, ())):
                if found := visit(other, [*path, room]):
                    return found
            done.add(room)
        return []

    for room in arrows:
        if found := visit(room, []):
            return found
    return []
