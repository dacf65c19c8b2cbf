"""The shop with its terminal, and the operator, of one meter whose key is no secret.

It seals tokens and writes cards with what the firmware brings, so that it runs in MicroPython too.
An office with books is `budgetmeter.office`; here nothing outlives the process.
"""

import struct

from meterfw import layouts
from meterfw.store.journal import crc
from meterfw.tokens import crypto

try:
    from typing import TYPE_CHECKING
except ImportError:  # MicroPython
    TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Issuer(Protocol):
        """Whose tokens the counter counts on: a `budgetmeter.issue.Issuer` is one."""

        meter: int
        revision: int
        key: bytes
        number: int


CARD_SIZE = 4096
CUSTOMER = 1  # type of a card
CARD = 1  # serial number of the customer's card
_AREA = struct.calcsize(layouts.AREA_FORMAT)
_REPORT = struct.calcsize(layouts.REPORT_FORMAT)
_HEAD = struct.calcsize(layouts.CARD_HEAD_FORMAT)
_GIVES = (layouts.KIND_TOP_UP, layouts.KIND_SUPPORT, layouts.KIND_AID)


class NoCard(ValueError):
    """What was put into the terminal is no card of this meter."""


class Counter:
    """Tokens on their way to one meter.

    :ivar waiting: orders that the next exchange with fresh data gives: kind, value, extra, since
    """

    def __init__(self, issuer: "Issuer") -> None:
        self._issuer = issuer
        self.waiting: list[tuple[int, int, int, int]] = []
        self._sent: list[tuple[int, int, bytes]] = []  # number, money, token: not proven taken

    def token(
        self, kind: int, value: int = 0, extra: int = 0, order_id: int = 0, expiry: int = 0
    ) -> bytes:
        """The next token, sealed."""
        issuer = self._issuer
        issuer.number += 1
        head = (layouts.TOKEN_VERSION, kind, issuer.revision, issuer.meter, issuer.number)
        body = struct.pack(layouts.TOKEN_FORMAT, *head, order_id, value, extra, expiry)
        return body + crypto.hmac(issuer.key, b"token" + body)[: layouts.TAG_SIZE]

    def queue(self, clock: int, kind: int, value: int, extra: int = 0) -> None:
        """Something waits for the card; only a card that was in the meter since gets it (OC-05)."""
        self.waiting.append((kind, value, extra, clock))

    def new_card(self) -> bytearray:
        """The customer's card, with nothing on its way."""
        issuer = self._issuer
        plain = struct.pack(
            layouts.CARD_HEAD_FORMAT[:-4],
            layouts.CARD_MAGIC,
            layouts.CARD_VERSION,
            CUSTOMER,
            issuer.meter,
            CARD,
            issuer.revision,
        )
        tagged = plain + crypto.hmac(issuer.key, b"card" + plain)[: layouts.TAG_SIZE]
        card = bytearray(b"\xff" * CARD_SIZE)
        card[:_HEAD] = tagged + struct.pack("<L", crc(tagged))
        _write(card, 0, 1, struct.pack(layouts.INWARD_FORMAT, 0, 0))
        return card

    def exchange(self, card: bytearray, pay: int = 0) -> "dict[str, int]":
        """The card goes into the terminal and comes back with what is on its way.

        :param card: its octets, changed in place
        :param pay: a payment, mc; 0 none
        :returns: payments and orders given, those withheld for want of fresh data, money carried
        :raises NoCard: blank, damaged, or of another meter
        """
        self._judge(card)
        seen = self._settle(card)
        if pay:
            self._send(layouts.KIND_TOP_UP, pay)
        given = 0
        for item in list(self.waiting):
            if seen >= item[3]:
                self.waiting.remove(item)
                self._send(item[0], item[1], item[2])
                given += 1
        batch = self._sent[: layouts.CARD_TOKENS]
        contents = struct.pack(layouts.INWARD_FORMAT, 0, len(batch))
        for _, _, token in batch:
            contents += bytes((len(token),)) + token
        which, sequence, _ = _newest(card, layouts.CARD_INWARD, layouts.CARD_INWARD_SIZE)
        _write(card, 1 - which, sequence + 1, contents)
        carried = sum([money for _, money, _ in batch])
        return {"given": given, "withheld": len(self.waiting), "carried": carried, "paid": pay}

    def _send(self, kind: int, value: int, extra: int = 0) -> None:
        token = self.token(kind, value, extra)
        self._sent.append((self._issuer.number, value if kind in _GIVES else 0, token))

    def _judge(self, card: bytearray) -> None:
        """See that it is this meter's card.

        :raises NoCard: it is not
        """
        head = bytes(card[:_HEAD])
        if len(card) != CARD_SIZE or crc(head[:-4]) != struct.unpack("<L", head[-4:])[0]:
            raise NoCard("that is no card, or a damaged one")
        if struct.unpack(layouts.CARD_HEAD_FORMAT, head)[3] != self._issuer.meter:
            raise NoCard("that is the card of another meter")

    def _settle(self, card: bytearray) -> int:
        """Forget what the card's report proves taken; the clock of that report, -1 without one."""
        _, _, report = _newest(card, layouts.CARD_OUTWARD, layouts.CARD_OUTWARD_SIZE)
        tag = len(report) - layouts.TAG_SIZE
        if tag < _REPORT:
            return -1
        wanted = crypto.hmac(self._issuer.key, report[:tag])[: layouts.TAG_SIZE]
        if not crypto.equal(wanted, report[tag:]):
            return -1
        head = struct.unpack(layouts.REPORT_FORMAT, report[:_REPORT])
        highest, bits = head[9], head[10]
        self._sent = [one for one in self._sent if not _taken(one[0], highest, bits)]
        return struct.unpack("<l", report[_REPORT : _REPORT + 4])[0]


def _taken(number: int, highest: int, bits: bytes) -> bool:
    """Whether the meter has taken a number, by the memory in its report."""
    age = highest - number
    if age < 0:
        return False
    return age >= layouts.WINDOW or bits[age >> 3] >> (age & 7) & 1 == 1


def _write(card: bytearray, which: int, sequence: int, contents: bytes) -> None:
    """Write one of the terminal's two areas."""
    data = struct.pack(layouts.AREA_FORMAT, sequence, len(contents)) + contents
    data += struct.pack("<L", crc(data))
    at = layouts.CARD_INWARD + which * layouts.CARD_INWARD_SIZE
    card[at : at + len(data)] = data


def _newest(card: bytearray, at: int, size: int) -> "tuple[int, int, bytes]":
    """The newest whole area of a pair: which, sequence, contents; (1, 0, b"") if there is none."""
    best = (1, 0, b"")
    for which in (0, 1):
        area = bytes(card[at + which * size : at + (which + 1) * size])
        sequence, length = struct.unpack(layouts.AREA_FORMAT, area[:_AREA])
        end = _AREA + length
        whole = end + 4 <= size and struct.unpack("<L", area[end : end + 4])[0] == crc(area[:end])
        if whole and sequence > best[1]:
            best = (which, sequence, area[_AREA:end])
    return best
