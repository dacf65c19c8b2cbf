"""The memory card that goes between meter and terminal: its image, declared once.

There are two writers: the terminal (`Inward`, to the meter) and the meter (`Report`, out of it).
Each owns a pair of areas and writes the one that does not have its newest contents. So a card that
is pulled out at any octet keeps the other. No page is shared. Octets beyond the size of an area
mean nothing.
"""

import hashlib
import hmac
from binascii import crc32
from collections.abc import Sequence
from functools import cache
from typing import Any

from meterproto.codes import CardType, TokenReason, TokenStatus
from meterproto.messages import Entry, number
from meterproto.quantity import Opaque, Quantity, Record, pick
from meterproto.records import Profile, State
from meterproto.stored import HISTORY, TokenMemory, crc
from meterproto.tokens import METER_LIMIT, NUMBER_LIMIT, TAG_SIZE

SIZE = 4096
PAGE = 32  # octets written at once
MAGIC = int.from_bytes(b"BBMC", "little")
VERSION = 1  # of the card
REPORT_VERSION = 2
MOST_TOKENS = 20  # what one commit of the meter can log and take back
CAPTURES = 13  # index captures a meter keeps: a year and a month
LABEL = b"report"  # begins what a report's tag covers, so that it is the tag of nothing else

# Where the areas begin; each pair stands one after the other, in whole pages.
INWARD, INWARD_SIZE = 32, 800
OUTWARD, OUTWARD_SIZE = 1632, 1216


def revision() -> Quantity:
    return Quantity("H", "", 1, 65_535)


Head = Record(
    "magic" / Quantity("L", "", MAGIC, MAGIC) * "begins every card",
    "version" / Quantity("B", "", 1, 255) * "layout of the card: 1",
    "type" / Quantity("B", "", 1, 255, CardType) * "what the card is for (codes.CardType)",
    "meter" / Quantity("L", "", 1, METER_LIMIT) * "serial number of the meter it is for",
    "card" / Quantity("L", "", 1, NUMBER_LIMIT) * "serial number of the card",
    "key_revision" / revision() * "revision of the key its tag is made with",
    "tag" / Opaque(TAG_SIZE) * "HMAC-SHA-256 of `card` and all before it, first 80 bits",
    "crc" / crc() * "CRC-32 of all before it",
)
Area = Record(
    "sequence" / number() * "one higher with each writing of either area of the pair",
    "size" / Quantity("H", "", 0, OUTWARD_SIZE) * "octets that follow, before the CRC-32",
)
Inward = Record(
    "next_event" / number() * "number of the first event the office has not seen",
    "count" / Quantity("B", "", 0, MOST_TOKENS) * "tokens that follow, each after its length (B)",
)
Report = Record(
    "label" / Opaque(len(LABEL)) * "the word `report`",
    "version" / Quantity("B", "", 1, 255) * "layout of the report: 2",
    "key_revision" / revision() * "revision of the key its tag is made with",
    "meter" / Quantity("L", "", 1, METER_LIMIT) * "serial number",
    "card" / Quantity("L", "", 0, NUMBER_LIMIT) * "serial number of the card it was written on",
    "sequence" / number() * "of the commit it tells of: a later report has a higher one",
    "inward" / number() * "sequence of the inward area that was read; 0 none was whole",
    "firmware" / Opaque(8) * "version of the firmware, ASCII, padded with zeros",
    "layout" / Quantity("H", "", 1, 65_535) * "version of the layouts of state and profile",
    *pick(TokenMemory, "number", "numbers", "order", "orders", "superseded", "lost"),
    "answers" / Quantity("B", "", 0, MOST_TOKENS) * "answers to the card's tokens",
    "captures" / Quantity("B", "", 0, CAPTURES) * "index captures",
    "first_event" / number() * "number of the event after the last one that follows, less `events`",
    "events" / Quantity("B", "", 0, 255) * "events that follow",
)
# The first layout of a report did not say which orders had come too late.
_FIRST_REPORT = Record(*(field for field in Report.subcons if field.name != "superseded"))
Answer = Record(
    "number" / number() * "number of the token; 0 where it could not be read",
    "status" / Quantity("B", "", 3, 7, TokenStatus) * "token status code of DLMS class 115",
    "reason" / Quantity("B", "", 0, 255, TokenReason) * "why; 64 plus the result of the order",
)
Capture = Record(*pick(State, "clock", "credit", "energy_wh", "limited_wh", "arrears", "volume_l"))
CapturesHead = Record("count" / Quantity("B", "", 0, CAPTURES) * "captures that follow")

# The contents of a report: Report, State, Profile, its Answers, Captures and Entries, the tag.
TAIL = TAG_SIZE + 4


def crc_of(data: bytes | bytearray) -> bytes:
    return crc32(data).to_bytes(4, "little")


def head(key: bytes, **values: int) -> bytes:
    """The first page of a card.

    :param key: the meter's key of the revision named in the fields
    :param values: fields of `Head` but magic, version, tag and crc
    :raises construct.ValidationError: a field out of range
    """
    plain = Record(*Head.subcons[:-2]).build({"magic": MAGIC, "version": VERSION, **values})
    tagged = plain + hmac.digest(key, b"card" + plain, hashlib.sha256)[:TAG_SIZE]
    return tagged + crc_of(tagged)


def head_genuine(data: bytes, key: bytes) -> bool:
    """Whether the tag of a card's head is right."""
    end = Head.sizeof() - TAIL
    wanted = hmac.digest(key, b"card" + data[:end], hashlib.sha256)[:TAG_SIZE]
    return hmac.compare_digest(wanted, data[end : end + TAG_SIZE])


def area(sequence: int, contents: bytes) -> bytes:
    """An area as written."""
    data = Area.build({"sequence": sequence, "size": len(contents)}) + contents
    return data + crc_of(data)


def contents(data: bytes | bytearray) -> tuple[int, bytes] | None:
    """Sequence and contents of an area; None if it is not whole."""
    sequence = int.from_bytes(data[:4], "little")
    end = Area.sizeof() + int.from_bytes(data[4:6], "little")
    if sequence > NUMBER_LIMIT or end + 4 > len(data) or data[end : end + 4] != crc_of(data[:end]):
        return None
    return sequence, bytes(data[Area.sizeof() : end])


def newest(image: bytes | bytearray, at: int, size: int) -> tuple[int, int, bytes] | None:
    """The newest whole area of a pair: which, its sequence, its contents; None if there is none."""
    found = [(contents(image[at + i * size : at + (i + 1) * size]), i) for i in (0, 1)]
    whole = [(*held, i) for held, i in found if held is not None]
    if not whole:
        return None
    sequence, held, which = max(whole, key=lambda one: (one[0], -one[2]))
    return which, sequence, held


def inward(next_event: int, batch: Sequence[bytes]) -> bytes:
    """The contents of an inward area."""
    data = Inward.build({"next_event": next_event, "count": len(batch)})
    return data + b"".join(bytes([len(token)]) + token for token in batch)


def tokens_of(held: bytes) -> tuple[int, list[bytes]]:
    """`next_event` and the tokens of an inward area's contents.

    :raises ValueError: they do not fit what it says
    """
    top: Any = Inward.parse(held)
    at = Inward.sizeof()
    batch: list[bytes] = []
    for _ in range(top.count):
        if at >= len(held) or at + 1 + held[at] > len(held):
            raise ValueError("a token is cut off")
        batch.append(bytes(held[at + 1 : at + 1 + held[at]]))
        at += 1 + held[at]
    return top.next_event, batch


def _list(held: bytes, at: int, struct: Record, count: int) -> list[Any]:
    size = struct.sizeof()
    return [struct.parse(held[at + i * size : at + (i + 1) * size]) for i in range(count)]


@cache
def _first(whole: Record, count: int) -> Record:
    return Record(*whole.subcons[:count])


def _grown(whole: Record, count: int, held: bytes, at: int) -> tuple[Any, int]:
    """A record of an older layout, which had the first `count` fields, and where it ends."""
    had = _first(whole, count)
    record: Any = had.parse(held[at:])
    for field in whole.subcons[count:]:
        record[field.name] = 0
    return record, at + had.sizeof()


def report(held: bytes) -> dict[str, Any]:
    """The parts of a report by name, its tag unchecked: `head`, `state`, `profile`, `answers`,
    `captures`, `events`.

    :raises construct.ConstructError, ValueError: not the bytes of a report of a layout known here
    """
    top: Any = (_FIRST_REPORT if held[len(LABEL) : len(LABEL) + 1] == b"\1" else Report).parse(held)
    if top.label != LABEL or top.version > REPORT_VERSION or top.layout not in HISTORY:
        raise ValueError("a report of a layout unknown here")
    at = Report.sizeof()
    if top.version == 1:
        at, top.superseded = _FIRST_REPORT.sizeof(), bytes(len(top.orders))
    parts: dict[str, Any] = {"head": top}
    states, profiles, *_ = HISTORY[top.layout]
    for name, whole, count in (("state", State, states), ("profile", Profile, profiles)):
        parts[name], at = _grown(whole, count, held, at)
    for name, struct, count in (
        ("answers", Answer, top.answers),
        ("captures", Capture, top.captures),
        ("events", Entry, top.events),
    ):
        parts[name] = _list(held, at, struct, count)
        at += struct.sizeof() * count
    if at + TAG_SIZE != len(held):
        raise ValueError("a report of another length")
    return parts


def report_genuine(held: bytes, key: bytes) -> bool:
    """Whether the tag of a report is right."""
    wanted = hmac.digest(key, held[:-TAG_SIZE], hashlib.sha256)[:TAG_SIZE]
    return hmac.compare_digest(wanted, held[-TAG_SIZE:])


def most_events(answers: int, captures: int) -> int:
    """How many events a report has room for beside so many answers and captures."""
    taken = Area.sizeof() + Report.sizeof() + State.sizeof() + Profile.sizeof() + TAIL
    taken += answers * Answer.sizeof() + captures * Capture.sizeof()
    return (OUTWARD_SIZE - taken) // Entry.sizeof()
