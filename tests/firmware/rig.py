"""A meter on a virtual board with an office that seals its tokens, for tests of the link."""

from budgetmeter import profile as profiles
from budgetmeter.client import Meter as Client
from budgetmeter.client.exchange import Exchange
from budgetmeter.emulator import VirtualBoard
from budgetmeter.emulator.loop import LoopLine
from budgetmeter.identity import flashed
from budgetmeter.vending.issue import Issuer
from meterfw.meter import Meter
from meterproto.codes import TokenStatus

METER = 123_456_789
VENDING_KEY = bytes(range(32))
CLOCK = 11_012_120  # 2020-12-08 07:20, inside friendly hours of a Walloon card meter


class Rig:
    """One meter, its board and its office."""

    def __init__(self, profile="wallonia-card", clock=CLOCK, key=None):
        self.office = Issuer(METER, key or VENDING_KEY, derive=key is None)
        files = flashed(METER, 1, self.office.key, profiles.load(profile))
        self.board = VirtualBoard(clock, files)
        self.meter = Meter(self.board)

    def restart(self):
        """Cut the power; the meter starts from its files."""
        self.board.elapsed_ms()
        self.meter = Meter(self.board)

    def lose_store(self):
        """Both records become unreadable."""
        self.board.files["store.0"] = self.board.files["store.1"] = b"\xff" * 40

    def wait(self, seconds):
        """Let time pass."""
        self.board.pass_time(seconds)
        self.meter.poll()

    def enter(self, token, port=True):
        """Status and reason of one token."""
        return self.meter.enter(token, port)

    def receive(self, octets):
        """Octets come in on its port."""
        self.board.receive(octets, self.meter.poll)

    def send(self, octets):
        """What the meter answers on its port."""
        self.board.sent.clear()
        self.receive(octets)
        return bytes(self.board.sent)

    def ask(self, kind, payload=b""):
        """The parsed answer to a request, asked once."""
        return Exchange(LoopLine(self), timeout=1, tries=1).ask(kind, payload).payload

    def events(self):
        """The event log as read over the wire, page by page."""
        return Client(LoopLine(self), tries=1).events()

    def type(self, line):
        """The lines a console command answers."""
        return self.send(line.encode("ascii") + b"\r\n").decode("ascii").splitlines()

    @property
    def state(self):
        return self.meter.state


def executed(answer):
    """Whether a token was taken."""
    return answer[0] == TokenStatus.EXECUTED
