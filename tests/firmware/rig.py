"""A meter on a virtual board with an office that seals its tokens, for tests of the link."""

from budgetmeter import profile as profiles
from budgetmeter.emulator import VirtualBoard
from budgetmeter.identity import flashed
from budgetmeter.vending.issue import Issuer
from meterfw.meter import Meter
from meterproto import framing, messages
from meterproto.codes import Message, TokenStatus

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

    def send(self, octets):
        """What the meter answers on its port."""
        self.board.received += octets
        self.board.sent.clear()
        while self.board.received:
            self.meter.poll()
        for _ in range(64):  # requests are served a few at a time
            self.meter.poll()
        return bytes(self.board.sent)

    def ask(self, kind, payload=b"", sequence=1):
        """The parsed answer to a request."""
        header = {"version": 1, "type": kind, "sequence": sequence}
        wire = self.send(framing.encode(messages.Header.build(header) + payload))
        (content,) = framing.Decoder().feed(wire)
        head = messages.Header.parse(content)
        assert head.sequence == sequence
        assert head.type in (kind | messages.ANSWER, Message.ERROR | messages.ANSWER)
        struct = messages.ANSWERS[Message(head.type & 127)]
        rest = content[messages.Header.sizeof() :]
        return struct.parse(rest) if struct is not None else rest

    def events(self):
        """The event log as read over the wire, page by page: (number, entry) pairs."""
        seen, number, total = [], 0, 1
        while number < total:
            header = {"version": 1, "type": Message.EVENTS, "sequence": 3}
            request = messages.Header.build(header) + messages.EventsRequest.build(
                {"first": number}
            )
            (answer,) = framing.Decoder().feed(self.send(framing.encode(request)))
            rest = answer[messages.Header.sizeof() :]
            page = messages.EventsPage.parse(rest)
            number, total = page.next, page.total
            for i in range(page.count):
                start = messages.EventsPage.sizeof() + i * messages.Entry.sizeof()
                seen.append((page.first + i, messages.Entry.parse(rest[start:])))
        return seen

    def type(self, line):
        """The lines a console command answers."""
        return self.send(line.encode("ascii") + b"\r\n").decode("ascii").splitlines()

    @property
    def state(self):
        return self.meter.state


def executed(answer):
    """Whether a token was taken."""
    return answer[0] == TokenStatus.EXECUTED
