"""A meter in a test: fixtures for pytest, found by themselves once budgetmeter is installed.

`meter` is an emulated meter in virtual time, `meter_url` the address of a real port of it, `p1_url`
that of its P1 telegrams, `meter_http` the same meter over HTTP, `vending` issues its tokens,
`make_meter` makes more meters, and those that outlive a test; `faulty_line` spoils a line. The
marker `meter` chooses what `meter` is. What a test that fails did to its meters is shown below the
traceback, which ends where the test's own code does.
"""

from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from budgetmeter.client import FaultyLine, Line
    from budgetmeter.client.web import WebMeter
    from budgetmeter.testing import MeterUnderTest, Vending

# Imported when a fixture is asked for: who has budgetmeter installed and tests something else
# does not wait for it.

METERS = pytest.StashKey["list[MeterUnderTest]"]()  # of a test; of the session: all of `make_meter`
BEFORE = pytest.StashKey[int]()  # how many of those there were when the test began
LINES = pytest.StashKey["list[FaultyLine]"]()
OPTIONS = ("profile", "start", "number", "key", "change")
MARKER = f"meter({', '.join(OPTIONS)}): which meter the test gets, as make_meter makes it"
PACKAGES = ("budgetmeter", "meterfw", "meterproto")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


@pytest.fixture
def meter(request: pytest.FixtureRequest) -> "Iterator[MeterUnderTest]":
    """An emulated meter in virtual time: a `budgetmeter.testing.MeterUnderTest`."""
    from budgetmeter.errors import BudgetmeterError  # noqa: PLC0415
    from budgetmeter.testing import MeterUnderTest  # noqa: PLC0415

    chosen: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("meter"))):
        if marker.args or set(marker.kwargs) - set(OPTIONS):
            raise pytest.UsageError(f"the marker meter takes {'=…, '.join(OPTIONS)}=…")
        chosen |= marker.kwargs
    try:
        made = MeterUnderTest(**chosen)
    except BudgetmeterError as error:
        pytest.fail(f"the marker meter: {error}", pytrace=False)
    request.node.stash.setdefault(METERS, []).append(made)
    yield made
    made.close()


@pytest.fixture(scope="session")
def make_meter(request: pytest.FixtureRequest) -> "Iterator[Callable[..., MeterUnderTest]]":
    """`make_meter(profile=, start=, number=, key=, change=)`: one more `MeterUnderTest`.

    Meters without a number get one each. For a meter of a module or of the session, call it in a
    fixture of that scope. Ports are closed when the session ends.
    """
    from budgetmeter.testing import NUMBER, MeterUnderTest  # noqa: PLC0415

    made = request.config.stash.setdefault(METERS, [])

    def make(**options: Any) -> "MeterUnderTest":
        options.setdefault("number", NUMBER + 1 + len(made))
        made.append(MeterUnderTest(**options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def _ours(meter: object, wanted: str) -> "MeterUnderTest":
    """The meter behind another fixture; the test ends in one line when it is not ours."""
    from budgetmeter.testing import MeterUnderTest  # noqa: PLC0415

    if not isinstance(meter, MeterUnderTest):
        pytest.fail(
            f"{wanted} works on the fixture meter of budgetmeter, and here a fixture meter of your "
            f"own gives {type(meter).__name__}: rename it, or let it return make_meter()",
            pytrace=False,
        )
    return meter


@pytest.fixture
def meter_url(meter: object) -> str:
    """The URL of a TCP port of `meter`, e.g. socket://127.0.0.1:40123, for whatever is tested.

    Time stands still until the test lets it pass.
    """
    return _ours(meter, "meter_url").url


@pytest.fixture
def p1_url(meter: object) -> str:
    """The URL of a TCP port with the P1 telegrams of `meter`, for whatever reads them.

    A telegram comes with each call that touches the meter; `meter.p1()` is one without a port.
    """
    return _ours(meter, "p1_url").p1_url


@pytest.fixture
def meter_http(meter: object) -> "Iterator[WebMeter]":
    """`meter` over HTTP: a `budgetmeter.client.web.WebMeter`; its `web.url` is for any language.

    Time stands still until the test, or a call, lets it pass. It needs the extra `web`.
    """
    from budgetmeter.client.web import Web  # noqa: PLC0415

    ours = _ours(meter, "meter_http")
    try:
        from budgetmeter.web.serve import served  # noqa: PLC0415
    except ImportError:
        pytest.fail("meter_http needs Starlette: pip install 'budgetmeter[web]'", pytrace=False)
    with served(ours.world, ours.lock) as url, Web(url) as web:
        yield web.meter()


@pytest.fixture
def vending(meter: object) -> "Vending":
    """Issues tokens for `meter`: a `budgetmeter.testing.Vending`."""
    return _ours(meter, "vending").vending


@pytest.fixture
def faulty_line(request: pytest.FixtureRequest) -> "Iterator[Callable[..., FaultyLine]]":
    """`faulty_line(port=None, seed=1, split=0, drop=0, duplicate=0, delay=0, flip=0, delay_s=0.5)`

    A `budgetmeter.client.FaultyLine` to a URL, to another line, or by default to `meter` in this
    process, where delays take no time; to be handed to `budgetmeter.client.Meter`. Faults are parts
    between 0 and 1, decided by the seed, which is told when the test fails.
    """
    from budgetmeter.client import FaultyLine  # noqa: PLC0415
    from budgetmeter.client.lines import open_line  # noqa: PLC0415

    lines = request.node.stash.setdefault(LINES, [])

    def spoil(port: "str | Line | None" = None, seed: int = 1, **odds: float) -> "FaultyLine":
        if port is None:
            port = _ours(request.getfixturevalue("meter"), "faulty_line").line
        line = FaultyLine(open_line(port) if isinstance(port, str) else port, seed, **odds)
        lines.append(line)
        return line

    yield spoil
    for line in lines:
        line.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure what became of its meters, and of the way there the user's part."""
    if call.excinfo is not None:
        _hide_ours(call.excinfo)
    report = yield
    if call.when == "setup":
        item.stash[BEFORE] = len(item.config.stash.get(METERS, []))
    if report.failed and call.when == "call":
        for meter in _meters(item):
            report.sections.append(("Meter", "\n".join(meter.story())))
        for line in item.stash.get(LINES, []):
            told = ", ".join(f"{count} {name}" for name, count in line.faults.items() if count)
            report.sections.append(("Faulty line", f"seed {line.seed}: {told or 'no fault'}"))
    return report


def _meters(item: pytest.Item) -> "list[MeterUnderTest]":
    """Meters that a test had: of its fixtures, and those it made."""
    given = list(item.stash.get(METERS, []))
    for value in getattr(item, "funcargs", {}).values():
        given += value if isinstance(value, list | tuple) else [value]
    given += item.config.stash.get(METERS, [])[item.stash.get(BEFORE, 0) :]
    found = [one for one in given if type(one).__module__ == "budgetmeter.testing"]
    return list({id(one): one for one in found if hasattr(one, "story")}.values())


def _hide_ours(raised: pytest.ExceptionInfo[BaseException]) -> None:
    """Leave the frames of our modules out of what is shown of a user's mistake."""
    below = raised.tb
    while below is not None:
        names = below.tb_frame.f_globals
        if str(names.get("__name__", "")).partition(".")[0] in PACKAGES:
            names.setdefault("__tracebackhide__", _mistake)
        below = below.tb_next


def _mistake(raised: pytest.ExceptionInfo[BaseException]) -> bool:
    """Whether an exception is an answer to the user; what else is raised is a fault of ours."""
    from budgetmeter.errors import BudgetmeterError  # noqa: PLC0415

    return raised.errisinstance(BudgetmeterError)
