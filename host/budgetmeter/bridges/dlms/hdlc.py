"""HDLC (IEC 62056-46): frames of format type 3, one at a time, long messages in segments."""

# construct's types are dynamic:
# pyright: reportAttributeAccessIssue=false

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from construct import ConstructError, GreedyRange, Int8ub, Int32ub, Struct
from construct import Prefixed as _Prefixed
from meterfw.wire.fcs import fcs16

from budgetmeter.bridges.dlms.wrapper import SERVER, Answer, Broken

FLAG = 0x7E
FORMAT, SEGMENTED, LENGTH_BITS = 0xA000, 0x0800, 0x07FF
POLL = 0x10
SNRM, DISC, UA, DM, FRMR = 0x83, 0x43, 0x63, 0x0F, 0x87  # without the poll bit
RECEIVE_READY = 0x01
REQUEST, ANSWER = b"\xe6\xe6\x00", b"\xe6\xe7\x00"  # LLC
INFORMATION = 128  # octets of a frame, unless the client asks for something else
LARGEST = 1024
LONGEST = 2048  # octets of a message in segments
MANY_ADDRESSES = (1, 2, 4)  # octets of an address

_PARAMETER = Struct("id" / Int8ub, "value" / _Prefixed(Int8ub, GreedyRange(Int8ub)))
_PARAMETERS = Struct(
    "format" / Int8ub, "group" / Int8ub, "all" / _Prefixed(Int8ub, GreedyRange(_PARAMETER))
)
_WINDOW = Struct("id" / Int8ub, "size" / Int8ub, "window" / Int32ub)
SENDS, TAKES = 5, 6  # parameters: octets of a frame


class Frame(NamedTuple):
    """A frame: addresses as octets, control, information, and whether more segments follow."""

    to: bytes
    sender: bytes
    control: int
    information: bytes
    more: bool = False


def build(frame: Frame) -> bytes:
    """A frame as octets, with its flags."""
    head = frame.to + frame.sender + bytes([frame.control])
    size = 2 + len(head) + 2 + (len(frame.information) + 2 if frame.information else 0)
    form = FORMAT | (SEGMENTED if frame.more else 0) | size
    content = form.to_bytes(2, "big") + head
    content += _check(content)
    if frame.information:
        content += frame.information
        content += _check(content)
    return bytes([FLAG]) + content + bytes([FLAG])


def parse(content: bytes) -> Frame | None:
    """The frame between two flags; None for what is none."""
    if len(content) < 7:
        return None
    form = int.from_bytes(content[:2], "big")
    if form & 0xF000 != FORMAT or form & LENGTH_BITS != len(content):
        return None
    if _check(content[:-2]) != content[-2:]:
        return None
    to = _address(content, 2)
    sender = _address(content, 2 + len(to))
    at = 2 + len(to) + len(sender)
    if not to or not sender or at + 3 > len(content):
        return None
    control, information = content[at], b""
    if at + 3 < len(content):
        if at + 5 > len(content) or _check(content[: at + 1]) != content[at + 1 : at + 3]:
            return None
        information = content[at + 3 : -2]
    return Frame(to, sender, control, information, bool(form & SEGMENTED))


def _check(octets: bytes) -> bytes:
    return fcs16(octets, len(octets)).to_bytes(2, "little")


def _address(content: bytes, at: int) -> bytes:
    """The address that begins there; empty for what is none."""
    for size in MANY_ADDRESSES:
        octets = content[at : at + size]
        if len(octets) == size and octets[-1] & 1 and not any(octet & 1 for octet in octets[:-1]):
            return octets
    return b""


def _logical(address: bytes) -> int:
    """The logical device of a server's address, its upper half; the address of a client."""
    upper = address[: max(len(address) // 2, 1)]
    value = 0
    for octet in upper:
        value = value << 7 | octet >> 1
    return value


class Hdlc:
    """The server's side of a link.

    :param answer: makes an answer of a message and its client's address; None for none
    :param reset: called when a client connects or disconnects
    """

    def __init__(self, answer: Answer, reset: Callable[[], object]) -> None:
        self._answer, self._reset = answer, reset
        self._in = bytearray()
        self._disconnect()

    def _disconnect(self) -> None:
        self._connected = False
        self._client = b""
        self._sent = self._received = 0  # sequence numbers
        self._size = INFORMATION
        self._message = bytearray()  # a request, segment by segment
        self._waiting: deque[tuple[bytes, bool]] = deque()  # segments of an answer
        self._last = b""  # what was sent last

    def feed(self, octets: bytes) -> bytes:
        """What is answered to octets that came in; frames that are damaged are passed over.

        :raises Broken: no flag comes
        """
        self._in += octets
        out = bytearray()
        while (start := self._in.find(FLAG)) >= 0:
            while self._in[start + 1 : start + 2] == bytes([FLAG]):
                start += 1
            del self._in[:start]
            end = self._end()
            if end is None:
                break
            content = bytes(self._in[1:end])
            frame = parse(content)
            # the flag that ends a frame may begin the next one; in a damaged one it may be either
            del self._in[: end if frame is None else end + 1]
            if frame is not None and _logical(frame.to) == SERVER:
                out += self._serve(frame)
        if len(self._in) > 2 * LONGEST:
            raise Broken("no frame")
        return bytes(out)

    def _end(self) -> int | None:
        """Where the frame that begins with the first octet ends; None while it is not there.

        There is no stuffing: the length says which flag ends it, if one stands there.
        """
        if len(self._in) >= 3:
            form = int.from_bytes(self._in[1:3], "big")
            at = 1 + (form & LENGTH_BITS)
            if form & 0xF000 == FORMAT:
                if at >= len(self._in):
                    return None
                if self._in[at] == FLAG:
                    return at
        found = self._in.find(FLAG, 1)
        return None if found < 0 else found

    def _serve(self, frame: Frame) -> bytes:
        control = frame.control
        kind = control & ~POLL
        if kind == SNRM:
            self._disconnect()
            self._reset()
            self._connected, self._client = True, frame.sender
            return self._say(frame, UA | POLL, self._negotiate(frame.information))
        if not self._connected or frame.sender != self._client:
            return self._say(frame, DM | POLL) if control & POLL else b""
        if kind == DISC:
            self._disconnect()
            self._reset()
            return self._say(frame, UA | POLL)
        if not control & 1:
            return self._take(frame)
        if control & 0x0F == RECEIVE_READY:
            return self._go_on(frame)
        return self._say(frame, FRMR | POLL, bytes([control, 0, 1]))

    def _negotiate(self, information: bytes) -> bytes:
        """The parameters of the link: what the client asks for, within what there is; window 1."""
        asked: dict[int, int] = {}
        try:
            for parameter in _PARAMETERS.parse(information).all if information else ():
                asked[parameter.id] = int.from_bytes(bytes(parameter.value), "big")
        except ConstructError:
            pass
        takes = min(max(asked.get(TAKES, INFORMATION), 16), LARGEST)
        sends = min(max(asked.get(SENDS, INFORMATION), 16), LARGEST)
        self._size = takes
        sizes = b"".join(
            bytes([name, 1, size]) if size < 256 else bytes([name, 2]) + size.to_bytes(2, "big")
            for name, size in ((SENDS, takes), (TAKES, sends))
        )
        windows = b"".join(_WINDOW.build({"id": i, "size": 4, "window": 1}) for i in (7, 8))
        return bytes([0x81, 0x80, len(sizes + windows)]) + sizes + windows

    def _take(self, frame: Frame) -> bytes:
        """An information frame: a message, or a segment of one."""
        number, expected = frame.control >> 1 & 7, frame.control >> 5
        if number != self._received:
            return self._last if (number + 1) % 8 == self._received else b""
        if expected != self._sent:
            return b""
        self._received = (self._received + 1) % 8
        self._message += frame.information
        if len(self._message) > LONGEST:
            self._message.clear()
            return self._say(frame, FRMR | POLL, bytes([frame.control, 0, 8]))
        if frame.more:
            return self._say(frame, self._ready())
        message = bytes(self._message)
        self._message.clear()
        if message[:3] != REQUEST:
            return self._say(frame, self._ready())
        told = self._answer(message[3:], _logical(frame.sender))
        if told is None:
            return self._say(frame, self._ready())
        whole = ANSWER + told
        pieces = [whole[at : at + self._size] for at in range(0, len(whole), self._size)]
        self._waiting = deque((piece, i < len(pieces)) for i, piece in enumerate(pieces, 1))
        return self._next(frame)

    def _go_on(self, frame: Frame) -> bytes:
        """The client is ready for what follows."""
        expected = frame.control >> 5
        if expected != self._sent:
            return self._last if (expected + 1) % 8 == self._sent else b""
        if self._waiting:
            return self._next(frame)
        return self._say(frame, self._ready()) if frame.control & POLL else b""

    def _next(self, frame: Frame) -> bytes:
        """The next segment of an answer."""
        piece, more = self._waiting.popleft()
        control = self._received << 5 | POLL | self._sent << 1
        self._sent = (self._sent + 1) % 8
        return self._say(frame, control, piece, more)

    def _ready(self) -> int:
        return self._received << 5 | POLL | RECEIVE_READY

    def _say(self, to: Frame, control: int, information: bytes = b"", more: bool = False) -> bytes:
        self._last = build(Frame(to.sender, to.to, control, information, more))
        return self._last
