"""Octets that no client would send, at a DLMS port: answered or dropped, in bounded memory.

`python -m tests.dlms.fuzz N [SEED]` tries so many connections; every one is bound to end.
"""

import random
import sys

from budgetmeter.bridges.dlms import apdu, data, hdlc, wrapper
from budgetmeter.bridges.dlms.ports import EmulatedSide
from budgetmeter.bridges.dlms.session import MOST
from budgetmeter.testing import MeterUnderTest

AARQ = bytes.fromhex("601da109060760857405080101be10040e01000000065f1f0400001e1dffff")
GET = bytes.fromhex("c001c1000f0000280000ff0200")
LIST = bytes.fromhex("c003c102") + 2 * bytes.fromhex("0007010063 0100ff0200".replace(" ", ""))
RANGE = bytes.fromhex("c001c100070100630100ff0201010204020412000809060000010000ff0f02120000")
RANGE += 2 * (bytes.fromhex("090c") + data.date_time(640_000_000)) + bytes.fromhex("0100")
ENTRY = bytes.fromhex(
    "c001c100070000636200ff0201020204060000000106000000001200011200 00".replace(" ", "")
)
SET = bytes.fromhex("c101c100030100010800ff02001105")
ACTION = bytes.fromhex("c301c100730000132800ff010109 02aabb".replace(" ", ""))
NEXT = bytes.fromhex("c002c100000001")
RLRQ = bytes.fromhex("6200")
REQUESTS = (AARQ, GET, LIST, RANGE, ENTRY, SET, ACTION, NEXT, RLRQ)
KNOWN = (0x61, 0x63, 0xC4, 0xC5, 0xC7, 0xD8)  # tags of answers
SNRM = hdlc.build(hdlc.Frame(b"\x03", b"\x21", hdlc.SNRM | hdlc.POLL, b""))


def wrapped(message):
    """A message in the wrapper."""
    head = {"source": 16, "destination": 1, "length": len(message)}
    return wrapper.HEADER.build(head) + message


def framed(message, number):
    """A message as an information frame of HDLC; the number counts from 0."""
    control = (number & 7) << 5 | hdlc.POLL | (number & 7) << 1
    return hdlc.build(hdlc.Frame(b"\x03", b"\x21", control, hdlc.REQUEST + message))


def spoilt(octets, draw):
    """Octets with some changed, left out, said twice, or cut off."""
    made = bytearray(octets)
    for _ in range(draw.choice((1, 1, 2, 5))):
        at = draw.randrange(len(made) + 1)
        match draw.randrange(5):
            case 0:
                made[at : at + 1] = bytes([draw.randrange(256)])
            case 1:
                del made[at : at + draw.randrange(1, 9)]
            case 2:
                made[at:at] = made[at : at + draw.randrange(1, 40)]
            case 3:
                made[at:at] = draw.randbytes(draw.randrange(1, 9))
            case 4:
                made[at : at + 1] = bytes([draw.choice((0, 1, 0x7F, 0x80, 0x84, 0xFF))])
    return bytes(made)


def conversation(draw):
    """What one client says, in pieces: mostly good messages, spoilt inside or as a stream."""
    messages = [AARQ, *draw.choices(REQUESTS, k=draw.randrange(1, 6))]
    parts = [0.1] + [0.5] * len(messages)
    messages = [
        spoilt(each, draw) if draw.random() < part else each
        for each, part in zip(messages, parts, strict=False)
    ]
    if draw.random() < 0.5:
        stream = [wrapped(each) for each in messages]
    else:
        stream = [SNRM, *(framed(each, number) for number, each in enumerate(messages))]
    if draw.random() < 0.3:
        stream = [spoilt(each, draw) for each in stream]
    if draw.random() < 0.1:
        stream = [draw.randbytes(draw.randrange(1, 4000)) for _ in range(3)]
    return stream


def answers(octets):
    """The messages in what a server sent by the wrapper."""
    while octets:
        head = wrapper.HEADER.parse(octets)
        yield octets[wrapper.SIZE : wrapper.SIZE + head.length]
        octets = octets[wrapper.SIZE + head.length :]


def judge(side, stream):
    """Say it; what is answered is an answer, and little is kept. Returns how many were."""
    side.begin()
    side.sent.clear()
    try:
        for piece in stream:
            before = len(side.sent)
            side.receive(piece)
            assert len(side.sent) - before <= MOST + (1 << 17)
    except ConnectionError:
        pass
    carrier = side._connection._carrier
    assert carrier is None or len(carrier._in) <= 2 * hdlc.LONGEST
    if isinstance(carrier, wrapper.Wrapper):
        told = list(answers(bytes(side.sent)))
        assert all(each[0] in KNOWN for each in told)
        return len(told)
    return len(side.sent) > 0


def lives(count, seed):
    """So many connections to one meter; how many answers there were."""
    draw = random.Random(seed)
    meter = MeterUnderTest()
    side = EmulatedSide(meter.world)
    meter.use(watts=500, hours=8)
    told = sum(judge(side, conversation(draw)) for _ in range(count))
    assert asked_well(side) == meter.client.registers().energy_wh
    return told


def asked_well(side):
    """The energy register, asked well: the meter serves on after all that."""
    side.begin()
    side.sent.clear()
    side.receive(wrapped(AARQ) + wrapped(bytes.fromhex("c001c100030100010800ff0200")))
    *_, answer = answers(bytes(side.sent))
    assert answer[:5] == bytes([apdu.GET_ANSWER, apdu.NORMAL, 0xC1, 0, data.UINT32])
    return int.from_bytes(answer[5:], "big")


def main():
    count = int(sys.argv[1]) if sys.argv[1:] else 100_000
    seed = int(sys.argv[2]) if sys.argv[2:] else random.randrange(1 << 30)
    print(f"seed {seed}: {lives(count, seed)} answers in {count} connections")


if __name__ == "__main__":
    main()
