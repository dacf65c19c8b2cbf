"""Modules linked and shortened for a board: they do the same, with fewer names."""

import ast
import sys

import pytest
from budgetmeter.errors import InputError
from budgetmeter.rig.linking import link
from budgetmeter.rig.shortening import shorten

HOMES = {"lib": "lib.main", "parts": "board"}
START = "import board\nif board.ready():\n    from lib.main import Main\n    Main(board.make())\n"
PROGRAM = {
    "lib": 'VERSION = "1.2"\n',
    "lib.codes": (
        'LOW = -3\nHIGH = 1 << 4\nLONG = "a text of many words"\nA, B, C = range(3)\nUNUSED = 9\n'
    ),
    "lib.sums": (
        "from lib.codes import HIGH, LOW\n"
        "_TWICE = 2 * HIGH\n"
        "def count(amount, limit):\n"
        "    def above(amount):\n"
        "        return amount - limit\n"
        "    return above(amount) + _TWICE - LOW + 5 - LOW ** 2\n"
        "def idle():\n"
        "    return idle()\n"
    ),
    "lib.main": (
        "import struct\n"
        "from lib import VERSION, codes, sums\n"
        "from lib.codes import B as SECOND\n"
        "_SIZE = struct.calcsize('<LH') + len('abc')\n"
        'HELP = """one\ntwo\n"""\n'
        "class Main:\n"
        "    def __init__(self, parts):\n"
        "        self._count = 0\n"
        "        self.parts = parts\n"
        "    def _step(self, by=codes.HIGH):\n"
        "        self._count, old = self._count + by, self._count\n"
        "        return old\n"
        "    def all(self):\n"
        "        self._step()\n"
        "        self._step(by=1)\n"
        "        told = (codes.LONG, codes.LONG, VERSION, SECOND, codes.C, _SIZE, HELP)\n"
        "        return told, self._count, sums.count(7, 2), self.parts.read(3)\n"
    ),
    "parts.pin": (
        "from lib.sums import count\n"
        "class Pin:\n"
        "    def __init__(self, scale):\n"
        "        self._scale = scale\n"
        "    def read(self, amount):\n"
        "        return count(amount, self._scale)\n"
        "def make(scale):\n"
        "    return Pin(scale)\n"
    ),
    "board": (
        "from parts import pin\n"
        "try:\n    from typing import TYPE_CHECKING\n"
        "except ImportError:\n    TYPE_CHECKING = False\n"
        "if TYPE_CHECKING:\n    from nowhere import nothing\n"
        "SCALE = 4\n"
        "_OFFSET = 1\n"
        "def ready():\n    return True\n"
        "def make():\n    return pin.make(SCALE + _OFFSET)\n"
    ),
}


def outcome(texts, folder, monkeypatch):
    """What the program makes of it, from files."""
    for name, text in texts.items():
        is_package = any(other.startswith(name + ".") for other in texts)
        path = folder / (name.replace(".", "/") + ("/__init__.py" if is_package else ".py"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in [m for m in sys.modules if m.partition(".")[0] in ("lib", "parts", "board")]:
        monkeypatch.delitem(sys.modules, name)
    with monkeypatch.context() as patched:
        patched.syspath_prepend(str(folder))
        namespace = {}
        exec("import board\nfrom lib.main import Main\nseen = Main(board.make()).all()", namespace)
    for name in [m for m in sys.modules if m.partition(".")[0] in ("lib", "parts", "board")]:
        del sys.modules[name]
    return namespace["seen"]


def linked(**changed):
    program = {**PROGRAM, **{name.replace("_", "."): text for name, text in changed.items()}}
    return link(program, HOMES, START)


def test_a_linked_program_does_what_its_source_does(tmp_path, monkeypatch):
    (tmp_path / "source").mkdir()
    source = outcome({**PROGRAM, "parts": ""}, tmp_path / "source", monkeypatch)
    texts = linked()
    assert set(texts) == {"lib.main", "board"}
    assert outcome(texts, tmp_path / "linked", monkeypatch) == source
    assert outcome(shorten(texts), tmp_path / "short", monkeypatch) == source
    assert source[0][-1] == "one\ntwo\n"


def test_constants_stand_in_place_and_what_is_unused_is_left_out():
    texts = linked()
    names = {n.id for n in ast.walk(ast.parse(texts["lib.main"])) if isinstance(n, ast.Name)}
    assert not names & {"LOW", "HIGH", "_TWICE", "A", "B", "SECOND", "_SIZE", "VERSION", "HELP"}
    assert "UNUSED" not in texts["lib.main"]
    assert "idle" not in texts["lib.main"]  # named by itself only
    assert "struct" not in texts["lib.main"]
    assert texts["lib.main"].count("a text of many words") == 1  # used twice: one name for it
    assert "5 - (-3) ** 2" in texts["lib.main"]


def test_what_is_there_to_be_changed_by_hand_keeps_its_names():
    text = linked()["board"]
    assert "SCALE = 4" in text
    assert "SCALE + 1" in text
    assert "_OFFSET" not in text
    assert "TYPE_CHECKING" not in text
    assert "nowhere" not in text


def test_names_of_two_modules_do_not_meet():
    text = linked()["board"]
    assert "def pin_make(" in text
    assert "from lib.main import count" in text


@pytest.mark.parametrize(
    ("module", "text", "said"),
    [
        ("lib_sums", "def count(:\n", "lib.sums, line 1: "),
        ("lib_sums", "def count(a, b):\n    count = 1\n", "count means two things"),
        ("lib_sums", "from lib import codes\ndef count(codes, b):\n    pass\n", "two things"),
        ("lib_sums", "from .codes import LOW\ndef count(a, b):\n    pass\n", "line 1: no imports"),
        ("lib_sums", "from lib.codes import *\n", "line 1: no imports"),
        ("lib_sums", "import lib.codes\n", "line 1: from PACKAGE import NAME"),
        ("lib_sums", "def count(a, b):\n    from lib import codes\n", "line 2: modules of the"),
        ("lib_sums", "def count(a, b):\n    return f'{a}'\n", "line 2: no f-strings"),
        ("lib_sums", "for i in range(3):\n    pass\n", "line 1: only imports"),
        ("lib_sums", "X: int = 4\n", "line 1: only imports"),
        ("board", "SCALE = 4\ndef make():\n    return f'{SCALE}'\n", "line 3: no f-strings"),
    ],
)
def test_what_cannot_be_linked_is_one_line(module, text, said):
    with pytest.raises(InputError, match=r"^(lib\.sums|board)[^\n]*$") as refused:
        linked(**{module: text})
    assert said in str(refused.value)


def test_parameters_and_private_attributes_get_names_that_mean_nothing_else():
    text = shorten(
        {
            "one": (
                "def plain(first, second=3):\n    return lambda first: first + second\n"
                "def named(given):\n    return given\n"
                "def defaults(first, other=plain):\n    return other(first)(1)\n"
                "named(given=2)\n"
                "class Own:\n"
                "    def __init__(self, first):\n"
                "        self._mine = self.public = self._seen = first\n"
                "    def _method(self):\n        return self._mine + self._seen\n"
                "class Derived(Own):\n"
                "    def more(self, first):\n        return self._theirs + first\n"
                "def peek(own):\n    return own._seen\n"
                "def nested(first, second):\n"
                "    def inner(first, third):\n        return first + 10 * third + 100 * second\n"
                "    return inner(second, first)\n"
                "def caught(error):\n"
                "    try:\n        raise OSError(error)\n"
                "    except OSError as error:\n        return error.args[0]\n"
                "def kept(count):\n"
                "    def more():\n        nonlocal count\n        count += 1\n"
                "    more()\n    return count\n"
                "class Limited:\n"
                "    _most = 3\n"
                "    def most(self):\n        return self._most\n"
                "def many(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t):\n"
                "    return (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t)\n"
            )
        }
    )["one"]
    assert "_mine" not in text
    for kept in ("given=2", "def named(given)", ".public", "._seen", "def _method(", "._theirs"):
        assert kept in text
    namespace = {}
    exec(text.replace("_theirs", "public"), namespace)
    assert namespace["plain"](1, 2)(5) == 7
    assert namespace["defaults"](4) == 4
    own = namespace["Own"](6)
    assert (own._method(), own.public, namespace["peek"](own)) == (12, 6, 6)
    assert namespace["Derived"](3).more(1) == 4
    assert namespace["nested"](1, 2) == 2 + 10 + 200
    assert (namespace["caught"](5), namespace["kept"](6)) == (5, 7)
    assert namespace["Limited"]().most() == 3
    assert namespace["many"](*range(20)) == tuple(range(20))
