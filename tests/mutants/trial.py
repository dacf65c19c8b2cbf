"""One trial: a forked process gets the mutant's code, and runs tests until one fails."""

import importlib
import os
import resource
import signal
import sys
import types
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.change import Mutant
from tests.mutants.reach import Suite

LIMIT_S = (
    5  # of computing, beyond what the tests take: a mutant that goes round for ever is noticed
)
WAITS_S = 60  # and one that waits for ever
SLOWER = 3  # times, for what a fork costs
ROOM = 4 << 30  # octets; a mutant that fills the memory is noticed
NO_TEST = "its end"  # what notices a mutant that does not end as it should


def source(module: str) -> Path:
    """The file of a module."""
    return Path(importlib.import_module(module).__file__)


def noticed(mutant: Mutant, suite: Suite, tests: Sequence[str], seconds: float = 0) -> str:
    """The first of the tests that fails with the mutant in place; "" if none does.

    :param seconds: that the tests take without it
    :returns: NO_TEST where they do not end
    """
    sys.stdout.flush()
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.write(there, _judge(mutant, suite, tests, seconds).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(there)
    with open(here, encoding="utf-8") as told:
        name = told.read()
    return name if os.waitpid(child, 0)[1] == 0 else NO_TEST


def _judge(mutant: Mutant, suite: Suite, tests: Sequence[str], seconds: float) -> str:
    """In the child: the test that fails."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    signal.setitimer(signal.ITIMER_PROF, LIMIT_S + SLOWER * seconds)
    signal.alarm(WAITS_S + int(SLOWER * seconds))
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))
    put_in(mutant)
    return suite.first_failure(tests)


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
