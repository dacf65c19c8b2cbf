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
NOTICED, UNNOTICED = 0, 3


def source(module: str) -> Path:
    """The file of a module."""
    return Path(importlib.import_module(module).__file__)


def noticed(mutant: Mutant, suite: Suite, tests: Sequence[str], seconds: float = 0) -> bool:
    """Whether one of the tests fails, or does not end, with the mutant in place.

    :param seconds: that the tests take without it
    """
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            status = _judge(mutant, suite, tests, seconds)
        except BaseException:
            status = NOTICED
        os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != UNNOTICED


def _judge(mutant: Mutant, suite: Suite, tests: Sequence[str], seconds: float) -> int:
    """In the child: exit status."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    signal.setitimer(signal.ITIMER_PROF, LIMIT_S + SLOWER * seconds)
    signal.alarm(WAITS_S + int(SLOWER * seconds))
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))
    put_in(mutant)
    return NOTICED if suite.fails(tests) else UNNOTICED


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
