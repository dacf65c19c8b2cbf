"""What the device suite runs against, and what can be done to each: one table.

A target gives a device: `client` (a `budgetmeter.client.Meter`), `vending` where its key is known,
and of `use`, `wait`, `press`, `cut_power` and `hand` those its capabilities name.
"""

import json
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from budgetmeter import profiles, units
from budgetmeter.client import Meter, MeterError
from budgetmeter.emulator.ports import PtyPort, TcpPort
from budgetmeter.emulator.world import METER, VENDING_KEY
from budgetmeter.identity import flashed
from budgetmeter.issue import Issuer
from budgetmeter.office.keys import KeyFile
from budgetmeter.testing import PROFILE, START, MeterUnderTest, Vending, moment, served
from meterfw.board import FAULT_SENSOR, FAULT_SWITCH

from tests import micropython
from tests.micropython import built

# Capabilities, and what a skip says where one is missing.
CAPABILITIES = {
    "tokens": "its key is not known: name the vending keys with --key",
    "fresh": "cannot be put into service anew",
    "load": "has no load that can be set",
    "time": "cannot let time pass at will",
    "button": "its button cannot be pressed from here",
    "mains": "its mains cannot be cut from here",
    "hands": "nobody is at the bench: HANDS=yes",
}
VIRTUAL = frozenset(CAPABILITIES) - {"hands"}  # what can be done to a meter in virtual time
# What a person at the bench does, by the name a test has for it.
HANDS = {
    "pulses": "give the S0 input 100 pulses of 40 ms, ten a second, and nothing else",
    "plug": "pull the plug of the board for ten seconds, then put it in again",
    "sensor": "pull the cable of the PZEM for ten seconds, then put it in again",
    "feedback": "hold the relay's feedback in its wrong position for ten seconds, then let it go",
}
PATIENCE_S = 60  # for a port to come back


@dataclass(frozen=True)
class Target:
    """Where the suite runs: a name, what can be done there, and how a device is made."""

    name: str
    can: frozenset
    make: object  # a context manager that gives a device

    def lacks(self, needed):
        """Why a test that needs these capabilities cannot run here; empty if it can."""
        missing = [name for name in needed if name not in self.can]
        return "; ".join(f"{self.name}: {CAPABILITIES[name]}" for name in missing)


class ByHand(MeterUnderTest):
    """A meter in this process with a stand-in for the person at the bench."""

    def hand(self, step):
        """Do what the person is asked to do."""
        board = self.world.board
        if step == "pulses":
            self.use(watts=100, hours=1)
        elif step == "plug":
            self.cut_power(seconds=10)
        else:
            board.faults = lambda: {"sensor": FAULT_SENSOR, "feedback": FAULT_SWITCH}[step]
            self.wait(seconds=10)
            del board.faults
            self.wait(seconds=1)


@contextmanager
def _in_process():
    yield ByHand()


@contextmanager
def _on_tcp():
    with _served(TcpPort("127.0.0.1", 0)) as device:
        yield device


@contextmanager
def _on_pty():
    with _served(PtyPort()) as device:
        yield device


@contextmanager
def _served(port):
    device = MeterUnderTest()
    with served(device, port) as url, Meter(url) as client:
        device.client = client
        yield device


class InMicroPython:
    """A meter in MicroPython's WebAssembly port, on a board in virtual time."""

    def __init__(self, conversation):
        self._ask = lambda method, *arguments: bytes.fromhex(
            conversation.ask(json.dumps([method, arguments]))
        )
        issuer = Issuer(METER, VENDING_KEY, derive=True)
        files = flashed(METER, 1, issuer.key, profiles.load(PROFILE))
        digits = {name: data.hex() for name, data in files.items()}
        self._ask("flash", digits, units.to_clock(moment(START)))
        self.vending = Vending(issuer)
        self.client = Meter(_MicroPythonLine(self._ask))

    def use(self, watts=0, hours=0, minutes=0, seconds=0):
        self._ask("use", watts, hours * 3600 + minutes * 60 + seconds)

    def wait(self, hours=0, minutes=0, seconds=0):
        self.use(0, hours, minutes, seconds)

    def press(self, seconds=0):
        self._ask("press", seconds)

    def cut_power(self, minutes=0):
        self._ask("cut_power", minutes * 60)


class _MicroPythonLine:
    """Octets to the meter and back; nothing waits."""

    def __init__(self, ask):
        self._ask = ask
        self._sent = b""
        self._now = 0.0

    def write(self, data):
        self._sent += self._ask("octets", data.hex())

    def read(self, wait_s):
        data, self._sent = self._sent, b""
        if not data:
            self._now += wait_s
        return data

    def now(self):
        return self._now

    def close(self):
        pass


@contextmanager
def _in_micropython():
    with _conversation(()) as device:
        yield device


@contextmanager
def _as_flashed():
    with _conversation(built.meter()) as device:
        yield device


@contextmanager
def _conversation(files):
    script = Path(__file__).with_name("in_micropython.py")
    with micropython.Conversation(script, files) as conversation:
        yield InMicroPython(conversation)


class OnAPort:
    """A meter that is there already: read and, with its vending keys, given tokens."""

    def __init__(self, url, client, keys):
        self.url = url
        self.client = client
        self.vending = None
        if keys is not None:
            identity, status = client.identify(), client.status()
            key = keys.meter_key(identity.meter, identity.key_revision)
            issuer = Issuer(identity.meter, key, identity.key_revision)
            issuer.number = status.token_number
            self.vending = Vending(issuer)

    def hand(self, step):
        """Ask the person at the bench to do something; the port may go away meanwhile."""
        if step == "plug":
            self.client.close()
        input(f"\n>> {HANDS[step]}; then press Enter ")
        if step == "plug":
            self.client = self._again(time.monotonic() + PATIENCE_S)

    def _again(self, until):
        """The meter, as soon as its port is back."""
        while True:
            client = None
            try:
                client = Meter(self.url)
                client.ping()
                return client
            except MeterError:
                if client is not None:
                    client.close()
                if time.monotonic() > until:
                    raise


def on_port(url, key=None, hands=False):
    """The target of a port named by its URL; `hands` where a person is at the bench."""
    keys = None if key is None else KeyFile(key)

    @contextmanager
    def make():
        with ExitStack() as stack:
            device = OnAPort(url, stack.enter_context(Meter(url)), keys)
            stack.callback(lambda: device.client.close())  # noqa: PLW0108  # another one by then
            yield device

    can = {"tokens": keys is not None, "hands": hands}
    return Target(url, frozenset(name for name, there in can.items() if there), make)


TARGETS = {
    target.name: target
    for target in (
        Target("emulator", VIRTUAL | {"hands"}, _in_process),
        Target("tcp", VIRTUAL, _on_tcp),
        Target("pty", VIRTUAL, _on_pty),
        Target("micropython", VIRTUAL, _in_micropython),
        Target("flashed", VIRTUAL, _as_flashed),
    )
}
