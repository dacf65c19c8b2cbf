"""One trial: a forked process gets the mutant's code, and runs tests until one fails."""

import importlib
import os
import signal
import sys
import types
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.mutants.change import Mutant

LIMIT_S = 60  # a mutant that makes a test run longer is noticed
MOST_S = 30  # of tests for one mutant; more tests than that are not asked
NOTICED, UNNOTICED = 0, 3
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:randomly")
LATE = ("-W", "ignore::pytest.PytestAssertRewriteWarning")


def source(module: str) -> Path:
    """The file of a module."""
    return Path(importlib.import_module(module).__file__)


def noticed(mutant: Mutant, tests: Sequence[str]) -> bool:
    """Whether one of the tests fails, or does not end, with the mutant in place."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os._exit(_judge(mutant, tests))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != UNNOTICED


def _judge(mutant: Mutant, tests: Sequence[str]) -> int:
    """In the child: exit status."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    signal.alarm(LIMIT_S)
    put_in(mutant)
    status = pytest.main([*OPTIONS, *LATE, *tests])
    return UNNOTICED if status == pytest.ExitCode.OK else NOTICED


def put_in(mutant: Mutant) -> None:
    """Give the function in this process the mutant's code; whoever imported it has it then."""
    path = source(mutant.module)
    changed = compile(mutant.source(path.read_text("utf-8")), str(path), "exec", dont_inherit=True)
    function = sys.modules[mutant.module]
    for name in mutant.function.split("."):
        function = vars(function)[name]
    function = getattr(function, "fget", None) or getattr(function, "__func__", function)
    function.__code__ = _code(changed, mutant.function)


def _code(code: types.CodeType, qualified: str) -> types.CodeType:
    """The code object of a function within a module's."""
    for name in qualified.split("."):
        inner = [each for each in code.co_consts if isinstance(each, types.CodeType)]
        (code,) = [each for each in inner if each.co_name == name]
    return code
