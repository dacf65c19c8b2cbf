"""The report that a card takes to the office: what the meter has taken, and its account.

It is put together in the pass that committed, and is about exactly that commit.
"""

import struct

from meterfw import VERSION, layouts
from meterfw.account import record
from meterfw.store.captures import SIZE as CAPTURE
from meterfw.store.captures import Captures
from meterfw.store.journal import crc
from meterfw.tokens import crypto
from meterfw.tokens.till import Till

_AREA = struct.calcsize(layouts.AREA_FORMAT)
_REPORT = struct.calcsize(layouts.REPORT_FORMAT)
_ANSWER = struct.calcsize(layouts.CARD_ANSWER_FORMAT)
_ENTRY = struct.calcsize(layouts.ENTRY_FORMAT)
_TAIL = layouts.TAG_SIZE + 4
_LABEL = b"report"


class Report:
    """Makes the reports of an account."""

    def __init__(self, till: Till, captures: Captures) -> None:
        self.till = till
        self.ledger = till.ledger
        self.gateway = till.gateway
        self.captures = captures

    def fill(
        self,
        area: bytearray,
        sequence: int,
        card: int,
        inward: int,
        first: int,
        answers: "list[tuple[int, int, int]]",
    ) -> int:
        """Fill an area of a card with a report; answers its octets.

        :param sequence: of the area
        :param card: serial number of the card
        :param inward: sequence of the terminal's area that was read
        :param first: the first event the office lacks
        :param answers: number, status and reason of each token of the card
        """
        report = self._body(card, inward, first, answers)
        tag = crypto.hmac(self.ledger.memory.key, report)[: layouts.TAG_SIZE]
        end = _AREA + len(report) + layouts.TAG_SIZE
        struct.pack_into(layouts.AREA_FORMAT, area, 0, sequence, end - _AREA)
        view = memoryview(area)
        view[_AREA : end - layouts.TAG_SIZE] = report
        view[end - layouts.TAG_SIZE : end] = tag
        struct.pack_into("<L", area, end, crc(view[:end]))
        return end + 4

    def _body(
        self, card: int, inward: int, first: int, answers: "list[tuple[int, int, int]]"
    ) -> bytes:
        """The contents of a report, without its tag."""
        ledger, log, captures = self.ledger, self.till.log, self.captures
        memory = ledger.memory
        room = layouts.CARD_OUTWARD_SIZE - _AREA - _TAIL - _REPORT
        room -= len(answers) * _ANSWER + captures.count * CAPTURE
        state = record.pack(ledger.state, layouts.STATE_FORMAT, layouts.STATE_FIELDS)
        profile = record.pack(ledger.profile, layouts.PROFILE_FORMAT, layouts.PROFILE_FIELDS)
        fit = (room - len(state) - len(profile)) // _ENTRY
        place, _ = log.find(first if first <= log.count else 0)
        place = max(place, log.place - fit)
        parts = [
            struct.pack(
                layouts.REPORT_FORMAT,
                _LABEL,
                layouts.REPORT_VERSION,
                memory.key_revision,
                self.gateway.meter,
                card,
                self.till.sequence(),
                inward,
                VERSION.encode(),
                layouts.LAYOUT,
                memory.numbers.highest,
                memory.numbers.bits,
                memory.orders.highest,
                memory.orders.bits,
                memory.superseded,
                memory.lost,
                len(answers),
                captures.count,
                log.count - (log.place - place),
                log.place - place,
            ),
            state,
            profile,
        ]
        for number, status, why in answers:
            parts.append(struct.pack(layouts.CARD_ANSWER_FORMAT, number, status, why))
        parts.append(captures.data)
        for i in range(place, log.place):
            parts.append(log.packed(i))
        return b"".join(parts)
