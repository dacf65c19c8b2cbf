"""Every form of URL that the README promises: a meter answers; a wrong one is one line."""

import pytest
from budgetmeter.client import LineError, Meter
from budgetmeter.emulator.ports import PtyPort, TcpPort

from tests.cases.test_rfc2217 import SerialServer
from tests.emulate.test_server import serving

pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # pyserial


@pytest.fixture
def device():
    with serving(PtyPort()) as server:
        yield server.urls[0]


def balance(url: str) -> int:
    with Meter(url) as meter:
        return int(meter.status().balance)


@pytest.mark.parametrize(
    "form",
    ["{}", "spy://{}", "alt://{}?class=PosixPollSerial"],
)
def test_a_device(device, form):
    assert balance(form.format(device)) == 15


def test_a_device_by_what_it_calls_itself(device, monkeypatch):
    found = (device, "Board in FS mode", "USB VID:PID=2E8A:0005")
    monkeypatch.setattr("serial.tools.list_ports.grep", lambda *_, **__: [found])
    assert balance("hwgrep://Pico") == 15


def test_a_tcp_port():
    with serving(TcpPort("127.0.0.1", 0)) as server:
        assert balance(server.urls[0]) == 15


@pytest.fixture
def served():
    with serving(TcpPort("127.0.0.1", 0)) as server, SerialServer(server.urls[0]) as made:
        yield made


def test_a_serial_server(served):
    assert balance(served.url) == 15


@pytest.mark.parametrize("url", ["loop", "loop:flanders-digital"])
def test_a_meter_in_this_process(url):
    assert balance(url) in (0, 15)


@pytest.mark.parametrize(
    "url",
    [
        *("/dev/nowhere", "spy:///dev/nowhere", "alt:///dev/nowhere?class=Nothing"),
        *("hwgrep://no such board", "socket://127.0.0.1:1", "socket://nobody", "foo://bar"),
        *("rfc2217://127.0.0.1:1", "rfc2217://127.0.0.1", "rfc2217://127.0.0.1:1?nonsense=1"),
    ],
)
def test_a_wrong_one_is_one_line_that_names_it(url):
    with pytest.raises(LineError) as caught:
        Meter(url)
    assert url in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # pyserial's socket
def test_a_serial_server_that_goes_is_told(served):
    with Meter(served.url) as meter:
        meter.ping()
        served.hang_up()
        with pytest.raises(LineError, match="closed by the other side"):
            meter.status()


def test_settings_are_asked_for_once(served):
    with Meter(served.url) as meter:
        asked = served.settings
        for _ in range(5):
            meter.ping()
        assert served.settings == asked
