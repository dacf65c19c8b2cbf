"""The fixture `device`: the same tests on every target; on a board, the list of its bench."""

import pytest

from tests.device import bench
from tests.device.targets import TARGETS, on_port


def pytest_generate_tests(metafunc):
    if "device" not in metafunc.fixturenames:
        return
    options = metafunc.config.getoption
    named = options("--target") or list(TARGETS)
    given = options("--key"), options("--hands")
    targets = [TARGETS.get(name) or on_port(name, *given) for name in named]
    metafunc.parametrize("device", targets, indirect=True, ids=[t.name for t in targets])


@pytest.fixture
def device(request):
    """A meter of the target; skipped, with the reason, where the target cannot do it."""
    needed = [name for marker in request.node.iter_markers("needs") for name in marker.args]
    lacking = request.param.lacks(needed)
    if lacking:
        pytest.skip(lacking)
    with request.param.make() as made:
        yield made


def pytest_terminal_summary(terminalreporter, config):
    """What is done of the list of the bench, where the suite ran on a port."""
    if all(name in TARGETS for name in config.getoption("--target") or []):
        return
    outcomes = {}
    for outcome in ("passed", "skipped", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, []):
            outcomes[report.nodeid.split("::")[-1].partition("[")[0]] = outcome
    terminalreporter.section("boards/README.md: what only hardware can tell")
    for line in bench.ticked(outcomes):
        terminalreporter.write_line(line)
