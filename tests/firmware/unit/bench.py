"""A meter on a bench with an office that seals its tokens; runs on both interpreters.

Frames and records are read with the firmware's own codec. That it is construct's, that `Office`
seals as the vending office does and `flashed` writes what flashing does is tested on the host
(`tests/firmware/test_unit.py`); `tests/firmware/bench.py` is the same bench with the host's parts.
"""

import struct

from meterfw import layouts
from meterfw.account import record
from meterfw.board import Board
from meterfw.meter import Meter
from meterfw.store import journal
from meterfw.tokens import crypto
from meterfw.wire import fcs
from meterfw.wire.link import CHUNK, FRAME, Link

from tests.firmware.support import GIVEN, Kind, Message, TokenStatus, profile

METER = 123_456_789
VENDING_KEY = bytes(range(32))
CLOCK = 11_012_120  # 2020-12-08 07:20, inside friendly hours of a Walloon card meter

ANSWERS = {
    Message.IDENTIFY: "IDENTITY",
    Message.STATUS: "STATUS",
    Message.REGISTERS: "REGISTERS",
    Message.EVENTS: "EVENTS_PAGE",
    Message.TOKEN: "TOKEN_ANSWER",
    Message.ERROR: "ERROR",
}


class BenchBoard(Board):
    """A board that does what a test asks, its files in memory.

    Energy is counted and a load seen only while supply is closed.
    """

    def __init__(self, clock, files):
        self.files = files
        self.unreadable = set()  # names of files that cannot be read
        self.received = bytearray()  # waits to be read by the meter
        self.sent = bytearray()  # what the meter sent
        self.closed = False
        self.lines = ("", "", "", "")
        self.beeps = 0
        self.ma = self.w = 0  # the load
        self.has_clock = True  # a battery-backed clock chip
        self._used = 0
        self._pressed_s = -1
        self._passed_s = 0
        self._chip_s = clock * 60

    def pass_time(self, seconds):
        """Let time pass."""
        self._passed_s += seconds
        self._chip_s += seconds

    def use(self, pulses):
        """Use so much, if supply is closed."""
        if self.closed:
            self._used += pulses

    def press(self, pressed_s=0):
        """The button is pressed and released after so many seconds."""
        self._pressed_s = pressed_s

    def elapsed_ms(self):
        passed, self._passed_s = self._passed_s, 0
        return passed * 1000

    def pulses(self):
        used, self._used = self._used, 0
        return used

    def current_ma(self):
        return self.ma if self.closed else 0

    def power_w(self):
        return self.w if self.closed else 0

    def supply(self, closed):
        self.closed = closed == 1

    def button_s(self):
        pressed_s, self._pressed_s = self._pressed_s, -1
        return pressed_s

    def clock(self):
        return self._chip_s // 60 if self.has_clock else -1

    def clock_s(self):
        return self._chip_s % 60

    def set_clock(self, clock):
        self._chip_s = clock * 60

    def show(self, lines):
        self.lines = lines

    def beep(self, times):
        self.beeps += times

    def read_into(self, buffer):
        size = min(len(self.received), len(buffer))
        buffer[:size] = self.received[:size]
        self.received = self.received[size:]
        return size

    def write(self, data, size):
        self.sent += data[:size]

    def load(self, name):
        if name in self.unreadable:
            raise OSError(5)
        return self.files.get(name)

    def store(self, name, data):
        self.files[name] = bytes(data)


# ---- The office --------------------------------------------------------------------------------


def meter_key(vending_key, meter, revision):
    """The key of one meter, derived from the vending key of a revision (RFC 5869)."""
    return crypto.expand(
        crypto.hmac(b"budgetmeter", vending_key), b"meter" + struct.pack("<LH", meter, revision)
    )


class Office:
    """Numbers and seals tokens for one meter, as `budgetmeter.issue.Issuer` does."""

    def __init__(self, meter, key, derive=False):
        self.meter = meter
        self.revision = 1
        self.key = meter_key(key, meter, 1) if derive else key
        self.number = 0

    def token(self, kind, value=0, extra=0, **more):
        """The next token."""
        self.number += 1
        return self.reissue(self.number, kind, value, extra, **more)

    def reissue(self, number, kind, value=0, extra=0, order_id=0, expiry=0, new_key=None):
        """A token under a given number; `new_key` for a key change."""
        fields = (1, kind, self.revision, self.meter, number, order_id, value, extra, expiry)
        data = struct.pack(layouts.TOKEN_FORMAT, *fields)
        if new_key is not None:
            mask = crypto.expand(self.key, b"wrap" + struct.pack("<LH", number, value))
            data += bytes([a ^ b for a, b in zip(new_key, mask)])
        return data + crypto.hmac(self.key, b"token" + data)[: layouts.TAG_SIZE]

    def change_key(self, new_key, revision=None):
        """A token that puts a new key in force; the office uses it from now on."""
        revision = revision or self.revision + 1
        token = self.token(Kind.KEY_CHANGE, revision, new_key=new_key)
        self.key, self.revision = new_key, revision
        return token


def with_check(token):
    """A token's bytes with the check of its typed form."""
    return token + struct.pack("<H", fcs.fcs16(token, len(token)))


def typed(token):
    """A token as groups of characters, a check included."""
    checked = with_check(token)
    size = -(-len(checked) * 8 // 5)
    number = int.from_bytes(checked, "big") << (size * 5 - len(checked) * 8)
    text = "".join([layouts.ALPHABET[number >> 5 * (size - 1 - i) & 31] for i in range(size)])
    return "-".join([text[i : i + 4] for i in range(0, size, 4)])


# ---- The wire ----------------------------------------------------------------------------------


def frame(content):
    """The octets of a frame."""
    far = BenchBoard(0, {})
    Link(far).send_frame(content, len(content))
    return bytes(far.sent)


def content(wire):
    """The content of the one frame in some octets."""
    far = BenchBoard(0, {})
    far.received += wire
    link = Link(far)
    found = []
    for _ in range(len(wire) // CHUNK + 2):
        if link.poll() == FRAME:
            found.append(bytes(link.content[: link.size]))
    assert len(found) == 1
    return found[0]


class Fields:
    """The fields of a record of the protocol, as attributes."""

    def __init__(self, name, data):
        layout = GIVEN["records"][name]
        values = struct.unpack(layout["format"], data[: struct.calcsize(layout["format"])])
        for field, value in zip(layout["fields"], values):
            setattr(self, field, value)


# ---- The bench -----------------------------------------------------------------------------------


def profile_file(p):
    """Bytes of the file "profile" for a profile."""
    data = record.pack(p, layouts.PROFILE_FORMAT, layouts.PROFILE_FIELDS)
    return data + struct.pack("<L", journal.crc(data))


def flashed(meter, revision, key, name):
    """The files that make a board a meter, by name."""
    identity = journal.sealed(layouts.FLASHED_FORMAT, meter, revision, key, name.encode())
    return {"identity": identity, "profile": profile_file(profile(name))}


class Bench:
    """One meter, its board and its office."""

    board_type = BenchBoard
    office_type = Office

    def __init__(self, profile="wallonia-card", clock=CLOCK, key=None):
        self.office = self.office_type(METER, key or VENDING_KEY, derive=key is None)
        self.board = self.board_type(clock, flashed(METER, 1, self.office.key, profile))
        self.meter = Meter(self.board)

    @property
    def state(self):
        return self.meter.state

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

    def press(self, pressed_s=0):
        """Press the button."""
        self.board.press(pressed_s)
        self.meter.poll()

    def enter(self, token, port=True):
        """Status and reason of one token."""
        return self.meter.enter(token, port)

    def stores(self):
        """The names of the files stored from now on."""
        names = []
        plain = self.board.store
        self.board.store = lambda name, data: (names.append(name), plain(name, data))
        return names

    def send(self, octets):
        """What the meter answers on its port."""
        self.board.received += octets
        self.board.sent = bytearray()
        while self.board.received:
            self.meter.poll()
        for _ in range(64):  # requests are served a few at a time
            self.meter.poll()
        return bytes(self.board.sent)

    def type(self, line):
        """The lines a console command answers."""
        return self.send(line.encode() + b"\r\n").decode().split("\r\n")[:-1]

    def request(self, kind, payload=b"", sequence=1):
        """Type and payload of the answer to a request."""
        request = struct.pack(layouts.HEADER_FORMAT, 1, kind, sequence) + payload
        answer = content(self.send(frame(request)))
        assert answer[2] == sequence
        assert answer[1] in (kind + layouts.ANSWER, Message.ERROR + layouts.ANSWER)
        return answer[1] - layouts.ANSWER, answer[3:]

    def ask(self, kind, payload=b""):
        """The parsed answer to a request; the bytes of a ping's."""
        kind, rest = self.request(kind, payload)
        return Fields(ANSWERS[kind], rest) if kind in ANSWERS else rest

    def events(self):
        """The event log as read over the wire, page by page: (number, entry) pairs."""
        size = struct.calcsize(layouts.ENTRY_FORMAT)
        seen, number, total = [], 0, 1
        while number < total:
            _, rest = self.request(Message.EVENTS, struct.pack("<L", number))
            page = Fields("EVENTS_PAGE", rest)
            entries = rest[struct.calcsize(layouts.EVENTS_PAGE_FORMAT) :]
            for i in range(page.count):
                seen.append((page.first + i, Fields("ENTRY", entries[i * size :])))
            number, total = page.next, page.total
        return seen


def executed(answer):
    """Whether a token was taken."""
    return answer[0] == TokenStatus.EXECUTED
