"""Frames and tokens: the firmware's codec beside construct on the same bytes; tokens verified."""

import struct

from meterfw import layouts
from meterfw.tokens.gateway import Gateway
from meterfw.wire.link import FRAME, Link
from meterproto import framing, messages, tokens
from meterproto.codes import Kind, Message

from tests.bench.measure import report, spread, timed
from tests.firmware.bench import METER, Bench

RUNS = 5
FRAMES = 2000
VERIFIED = 2000


class _Wire:
    """A board that is a serial port with everything in it already."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def read_into(self, buffer):
        piece = self.data[self.at : self.at + len(buffer)]
        buffer[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)


def main():
    """Decoding, codec alone and from the wire on; tokens verified and taken per second."""
    office = Bench().office
    header = messages.Header.build({"version": 1, "type": Message.TOKEN, "sequence": 1})
    bodies = [office.token(Kind.TOP_UP, 100_000 + i, order_id=i + 1) for i in range(FRAMES)]
    contents = [header + body for body in bodies]
    frames = [framing.encode(content) for content in contents]
    wire = b"".join(frames)
    expected = [tokens.parse(body).value for body in bodies]
    # The codec of design 5: contents to fields, by struct and tuples beside construct.
    assert _codec(contents) == _construct(contents) == expected
    _compare("codec", lambda: _construct(contents), lambda: _codec(contents), target=10)
    # From the wire on: flags, escapes and FCS as well, octet by octet in Python on both sides.
    assert _firmware(wire) == _construct(frames, framed=True) == expected
    _compare("frames", lambda: _construct(frames, framed=True), lambda: _firmware(wire))
    rates = []
    for _ in range(3):
        bench = Bench()
        batch = [bench.office.token(Kind.SUPPORT, 1) for _ in range(VERIFIED)]
        rates.append(VERIFIED / timed(lambda r=bench, b=batch: [r.enter(token) for token in b]))
    report("tokens_taken", unit="tokens/s", **spread(rates))


def _compare(name, construct, firmware, **more):
    """Both in turn, several times; rates and their ratios."""
    slow, fast = [], []
    for _ in range(RUNS):
        slow.append(FRAMES / timed(construct))
        fast.append(FRAMES / timed(firmware))
    ratios = [b / a for a, b in zip(slow, fast, strict=True)]
    report(f"{name}_construct", unit="frames/s", **spread(slow))
    report(f"{name}_firmware", unit="frames/s", **spread(fast))
    report(f"{name}_firmware_over_construct", unit="times", **more, **spread(ratios))


def _codec(contents):
    """Values of the tokens in the contents: header and layout with its ranges."""
    gateway = Gateway(METER)
    head = struct.calcsize(layouts.HEADER_FORMAT)
    values = []
    for content in contents:
        struct.unpack_from(layouts.HEADER_FORMAT, content)
        gateway.parse(content[head:])
        values.append(gateway.value)
    return values


def _firmware(wire):
    """Values of the tokens in the frames: link, header, layout with its ranges."""
    board = _Wire(wire)
    link, gateway = Link(board), Gateway(METER)
    values = []
    content = memoryview(link.content)
    head = struct.calcsize(layouts.HEADER_FORMAT)
    while len(values) < FRAMES:
        if link.poll() == FRAME:
            struct.unpack_from(layouts.HEADER_FORMAT, content)
            gateway.parse(content[head : link.size])
            values.append(gateway.value)
    return values


def _construct(frames, framed=False):
    """The same by construct, from contents or from frames."""
    values = []
    head = messages.Header.sizeof()
    for frame in frames:
        content = framing.Frame.parse(frame) if framed else frame
        messages.Header.parse(content)
        values.append(tokens.Token.parse(content[head:]).value)
    return values
