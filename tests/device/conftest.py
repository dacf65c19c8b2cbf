"""The fixture `device`: the same tests on every target."""

import pytest

from tests.device.targets import TARGETS, on_port


def pytest_generate_tests(metafunc):
    if "device" not in metafunc.fixturenames:
        return
    options = metafunc.config.getoption
    named = options("--target") or list(TARGETS)
    targets = [TARGETS.get(name) or on_port(name, options("--key")) for name in named]
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
