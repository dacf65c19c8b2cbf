"""Which tests run a line, and how long they take: the suites collected once, and run once."""

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import coverage
import meterfw
import pytest
from _pytest.runner import runtestprotocol

# Suites of the firmware that run in this process, in seconds and not in minutes.
SUITES = (
    "tests/firmware/unit",
    "tests/firmware/test_tokens.py",
    "tests/firmware/test_port.py",
    "tests/cards/test_slot.py",
    "tests/cards/test_vectors.py",
    "tests/cases/test_settings.py",
    "tests/cases/test_tokens.py",
)
LONGEST_S = 20  # a test that takes longer is left out
OPTIONS = ("-q", "-s", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header", "--no-summary")


class Suite:
    """Tests that are collected and can be run, in this process or in a fork of it.

    :ivar items: by node id
    """

    def __init__(self, session: pytest.Session) -> None:
        self._session = session
        self.items = {item.nodeid: item for item in session.items}

    def first_failure(self, tests: Sequence[str]) -> str:
        """Run tests in this order until one fails, and name it; "" if none has."""
        items = [self.items[test] for test in tests]
        before = self._session.testsfailed
        for item, following in zip(items, [*items[1:], None], strict=True):
            runtestprotocol(item, nextitem=following, log=True)
            if self._session.testsfailed > before:
                return item.nodeid
        return ""


class _Loop:
    """Does some work with the tests that are collected, in place of running them."""

    def __init__(self, work: Callable[[Suite], None]) -> None:
        self._work = work
        self.done = False

    def pytest_configure(self) -> None:
        """An example that fails is enough: nobody reads it."""
        from hypothesis import HealthCheck, Phase, settings

        phases, checks = [Phase.explicit, Phase.generate], list(HealthCheck)
        settings.register_profile(
            "mutants",
            database=None,
            derandomize=True,
            phases=phases,
            suppress_health_check=checks,
        )
        settings.load_profile("mutants")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self._work(Suite(session))
        self.done = True
        return True


def within(suites: Sequence[str], work: Callable[[Suite], None]) -> None:
    """Collect suites and do some work with them.

    :raises AssertionError: they cannot be collected
    """
    loop = _Loop(work)
    status = pytest.main([*OPTIONS, *suites], plugins=[loop])
    assert loop.done, f"pytest ends with {status}"


class Reach:
    """What one run of a suite shows.

    :ivar seconds: of each test that passed
    """

    def __init__(self, suite: Suite) -> None:
        tracer = coverage.Coverage(
            data_file=None,
            config_file=False,
            source=[os.path.dirname(meterfw.__file__)],
            check_preimported=True,
        )
        tracer.set_option("run:disable_warnings", ["already-imported"])
        self.seconds: dict[str, float] = {}
        tracer.start()
        for test in suite.items:
            tracer.switch_context(test)
            begun = os.times()
            if not suite.first_failure([test]):
                ended = os.times()
                self.seconds[test] = ended.user + ended.system - begun.user - begun.system
        tracer.stop()
        self._of: dict[tuple[Path, int], set[str]] = defaultdict(set)
        data = tracer.get_data()
        for file in data.measured_files():
            for line, tests in data.contexts_by_lineno(file).items():
                self._of[Path(file), line] = {test for test in tests if test in self.seconds}

    def tests(self, file: Path, line: int) -> list[str]:
        """Tests that run a line, the quickest first."""
        found = [test for test in self._of[file, line] if self.seconds[test] <= LONGEST_S]
        return sorted(found, key=lambda test: (self.seconds[test], test))
