"""A meter in a test: fixtures for pytest, found by themselves once budgetmeter is installed.

`meter` is an emulated meter in virtual time, `meter_url` the address of a real port of it,
`vending` issues its tokens, `faulty_line` spoils a line. The marker `meter` chooses profile and
start. What a test that fails did to its meter is shown below the traceback.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from budgetmeter.client import FaultyLine, Line
    from budgetmeter.testing import MeterUnderTest, Vending

# Imported when a fixture is asked for: who has budgetmeter installed and tests something else
# does not wait for it.

METER = pytest.StashKey["MeterUnderTest"]()
LINES = pytest.StashKey["list[FaultyLine]"]()
MARKER = "meter(profile, start): which meter the test gets, and when it is put into service"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


@pytest.fixture
def meter(request: pytest.FixtureRequest) -> MeterUnderTest:
    """An emulated meter in virtual time: a `budgetmeter.testing.MeterUnderTest`."""
    from budgetmeter.testing import MeterUnderTest  # noqa: PLC0415

    chosen = {}
    for marker in reversed(list(request.node.iter_markers("meter"))):
        if marker.args or set(marker.kwargs) - {"profile", "start"}:
            raise pytest.UsageError("the marker meter takes profile=… and start=…")
        chosen |= marker.kwargs
    under_test = MeterUnderTest(**chosen)
    request.node.stash[METER] = under_test
    return under_test


@pytest.fixture
def meter_url(meter: MeterUnderTest) -> Iterator[str]:
    """The URL of a TCP port of `meter`, e.g. socket://127.0.0.1:40123, for whatever is tested.

    Time stands still until the test lets it pass.
    """
    from budgetmeter.testing import served  # noqa: PLC0415

    with served(meter) as url:
        yield url


@pytest.fixture
def vending(meter: MeterUnderTest) -> Vending:
    """Issues tokens for `meter`: a `budgetmeter.testing.Vending`."""
    return meter.vending


@pytest.fixture
def faulty_line(request: pytest.FixtureRequest) -> Iterator[Callable[..., FaultyLine]]:
    """`faulty_line(port=None, seed=1, split=0, drop=0, duplicate=0, delay=0, flip=0, delay_s=0.5)`

    A `budgetmeter.client.FaultyLine` to a URL, to another line, or by default to `meter` in this
    process, where delays take no time; to be handed to `budgetmeter.client.Meter`. Faults are parts
    between 0 and 1, decided by the seed; a test that fails shows it.
    """
    from budgetmeter.client import FaultyLine  # noqa: PLC0415
    from budgetmeter.client.lines import open_line  # noqa: PLC0415

    lines = request.node.stash.setdefault(LINES, [])

    def spoil(port: str | Line | None = None, seed: int = 1, **odds: float) -> FaultyLine:
        below: Line = open_line(port) if isinstance(port, str) else port or _line_of(request)
        line = FaultyLine(below, seed, **odds)
        lines.append(line)
        return line

    yield spoil
    for line in lines:
        line.close()


def _line_of(request: pytest.FixtureRequest) -> Line:
    """The line to the test's `meter` in this process."""
    return request.getfixturevalue("meter").line


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure what became of its meter."""
    report = yield
    if report.failed and call.when == "call":
        if METER in item.stash:
            report.sections.append(("Meter", "\n".join(item.stash[METER].story())))
        for line in item.stash.get(LINES, []):
            told = ", ".join(f"{count} {name}" for name, count in line.faults.items() if count)
            report.sections.append(("Faulty line", f"seed {line.seed}: {told or 'no fault'}"))
    return report
