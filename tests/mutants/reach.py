"""Which tests run a line, and how long they take: one run of the suites under coverage."""

from collections import defaultdict
from pathlib import Path

import coverage
import pytest

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


class _Switch:
    """Makes each test a context of its own, and notes how long it took."""

    def __init__(self, tracer: coverage.Coverage) -> None:
        self.tracer = tracer
        self.seconds: dict[str, float] = {}

    def pytest_runtest_setup(self, item) -> None:
        self.tracer.switch_context(item.nodeid)

    def pytest_runtest_logreport(self, report) -> None:
        if report.when == "call" and report.passed:
            self.seconds[report.nodeid] = report.duration


class Reach:
    """What one run of the suites has shown.

    :ivar seconds: of each test that passed
    """

    def __init__(self, folder: Path, suites=SUITES) -> None:
        tracer = coverage.Coverage(
            data_file=None, config_file=False, source=[str(folder)], check_preimported=True
        )
        switch = _Switch(tracer)
        tracer.start()
        pytest.main([*suites, *QUIET], plugins=[switch])
        tracer.stop()
        self.seconds = switch.seconds
        self._of = defaultdict(set)
        data = tracer.get_data()
        for file in data.measured_files():
            for line, tests in data.contexts_by_lineno(file).items():
                self._of[Path(file), line] = {test for test in tests if test in self.seconds}

    def tests(self, file: Path, line: int) -> list[str]:
        """Tests that run a line, the quickest first."""
        found = [test for test in self._of[file, line] if self.seconds[test] <= LONGEST_S]
        return sorted(found, key=lambda test: (self.seconds[test], test))


QUIET = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header", "--no-summary")
