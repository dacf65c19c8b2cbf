"""The card slot: from the first octet read to the report written, one page at each pass.

The card may be pulled out at any octet. Its tokens are taken in one commit by `Till.enter_all`;
the report is about that commit and is written over the older of the meter's two areas, so that a
whole report is on the card at every moment.
"""

import struct

from meterfw import const, layouts
from meterfw.board import Board
from meterfw.card.report import Report
from meterfw.layouts import CARD_PAGE as PAGE
from meterfw.store.journal import crc
from meterfw.tokens.memory import USED
from meterfw.tokens.till import Till

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from collections.abc import Generator

_TRIES = const(500)  # passes a card may stay silent: a write cycle takes 10 ms at most

_AREA = struct.calcsize(layouts.AREA_FORMAT)
_CARD_HEAD = struct.calcsize(layouts.CARD_HEAD_FORMAT)
_INWARD = struct.calcsize(layouts.INWARD_FORMAT)
_HIGHEST = const(0x3FFFFFFF)  # of a sequence
_GOOD = (layouts.CARD_OUTCOME_GOOD, layouts.CARD_OUTCOME_REFUSED)


class Slot:
    """The card slot of a meter; its buffer is made once.

    :ivar present: whether a card is in
    :ivar outcome: what became of it (CARD_OUTCOME)
    :ivar taken: how many of its tokens were taken
    """

    def __init__(self, board: Board, till: Till, report: Report) -> None:
        self.board = board
        self.till = till
        self.ledger = till.ledger
        self.gateway = till.gateway
        self.report = report
        self.present = False
        self.outcome = layouts.CARD_OUTCOME_READING
        self.taken = 0
        self.lent = -1  # commit whose report is in the buffer for the wire; -1 none
        self._visit: "Generator[None, None, None] | None" = None
        self._card = 0  # serial number of the card
        self._answers: "list[tuple[int, int, int]]" = []  # number, status, reason of each token
        self.area = bytearray(layouts.CARD_OUTWARD_SIZE)
        self._view = memoryview(self.area)

    def lend(self, first: int) -> int:
        """Put a report into the buffer for whoever asks over the wire; its octets.

        The buffer is the slot's: 0 while a card is in, and what was lent is gone with the next one.

        :param first: the first event the asker lacks
        """
        if self.present:
            return 0
        self.lent = self.till.sequence()
        return self.report.fill(self.area, 0, 0, 0, first, [])

    def poll(self) -> bool:
        """One step of what there is to do; answers whether there is something else to show."""
        if not self.board.card_in():
            changed = self.present
            self.present = False
            self._visit = None
            return changed
        if not self.present:
            self.present = True
            self.lent = -1
            self.outcome = layouts.CARD_OUTCOME_READING
            self.taken = 0
            self._visit = self._run()
            return True
        if self._visit is None:
            return False
        try:
            next(self._visit)
            return False
        except StopIteration:
            pass
        except OSError:  # it does not answer
            self.outcome = layouts.CARD_OUTCOME_NO_ANSWER
        self._visit = None
        self.board.beep(2 if self.outcome in _GOOD else 1)
        return True

    def _run(self) -> "Generator[None, None, None]":
        """One insertion. Yields after each page and whenever the card is busy."""
        yield from self._read(0, 1)
        self.outcome = self._judge_head()
        log = self.till.log
        if self.outcome != layouts.CARD_OUTCOME_READING:
            log.note(self.ledger.state, layouts.LOG_CODE_CARD_REFUSED)
            return
        which, last = yield from self._newest(layouts.CARD_OUTWARD, layouts.CARD_OUTWARD_SIZE)
        at = layouts.CARD_OUTWARD + (layouts.CARD_OUTWARD_SIZE if which == 0 else 0)
        which, inward = yield from self._newest(layouts.CARD_INWARD, layouts.CARD_INWARD_SIZE)
        batch, first = self._tokens() if which >= 0 else ([], 0)
        log.add(self.ledger.state, layouts.LOG_CODE_CARD_READ)
        if not self._take(batch):
            self.outcome = layouts.CARD_OUTCOME_NOT_STORED
            return
        sequence = min(last + 1, _HIGHEST)
        size = self.report.fill(self.area, sequence, self._card, inward, first, self._answers)
        yield from self._write(at, size)
        kept = yield from self._whole(at, layouts.CARD_OUTWARD_SIZE)
        if not kept:
            self.outcome = layouts.CARD_OUTCOME_NO_ANSWER
        elif which < 0:
            self.outcome = layouts.CARD_OUTCOME_DAMAGED
        elif any(status != layouts.TOKEN_STATUS_EXECUTED for _, status, _ in self._answers):
            self.outcome = layouts.CARD_OUTCOME_REFUSED
        else:
            self.outcome = layouts.CARD_OUTCOME_GOOD

    # Pages

    def _read(self, at: int, pages: int) -> "Generator[None, None, None]":
        """Fill the buffer from the card.

        :raises OSError: it does not answer
        """
        for i in range(pages):
            page = self._view[i * PAGE : (i + 1) * PAGE]
            tries = 0
            while not self.board.card_read_into(at + i * PAGE, page):
                tries += 1
                if tries > _TRIES:
                    raise OSError
                yield
            yield

    def _write(self, at: int, size: int) -> "Generator[None, None, None]":
        """Write the first octets of the buffer, in whole pages.

        :raises OSError: it does not answer
        """
        for i in range(0, size, PAGE):
            page = self._view[i : i + PAGE]
            tries = 0
            while not self.board.card_write(at + i, page):
                tries += 1
                if tries > _TRIES:
                    raise OSError
                yield
            yield

    def _judge_head(self) -> int:
        """Judge the first page, in the buffer; CARD_OUTCOME_READING for a card of this meter."""
        page = bytes(self._view[:_CARD_HEAD])
        if page == b"\xff" * _CARD_HEAD or page == bytes(_CARD_HEAD):
            return layouts.CARD_OUTCOME_BLANK
        magic, version, _, meter, card, _, _, check = struct.unpack(layouts.CARD_HEAD_FORMAT, page)
        if magic != layouts.CARD_MAGIC:
            return layouts.CARD_OUTCOME_FOREIGN
        if version > layouts.CARD_VERSION:
            return layouts.CARD_OUTCOME_NEWER
        if check != crc(page[:-4]):
            return layouts.CARD_OUTCOME_DAMAGED
        self._card = card
        if meter != self.gateway.meter:
            return layouts.CARD_OUTCOME_OTHER_METER
        return layouts.CARD_OUTCOME_READING

    def _newest(self, at: int, size: int) -> "Generator[None, None, tuple[int, int]]":
        """Read the newest whole area of a pair into the buffer.

        Answers which of the two it is and its sequence; (-1, 0) where neither is whole.
        """
        yield from self._read(at, 1)
        first = self._sequence()
        yield from self._read(at + size, 1)
        for which in (1, 0) if self._sequence() > first else (0, 1):
            whole = yield from self._whole(at + which * size, size)
            if whole:
                return which, self._sequence()
        return -1, 0

    def _sequence(self) -> int:
        """Sequence of the area in the buffer; -1 if it has none."""
        sequence = struct.unpack_from(layouts.AREA_FORMAT, self.area, 0)[0]
        return sequence if sequence <= _HIGHEST else -1

    def _whole(self, at: int, size: int) -> "Generator[None, None, bool]":
        """Read an area into the buffer; whether it is whole."""
        yield from self._read(at, 1)
        end = _AREA + struct.unpack_from(layouts.AREA_FORMAT, self.area, 0)[1]
        if self._sequence() < 0 or end + 4 > size:
            return False
        yield from self._read(at, (end + 4 + PAGE - 1) // PAGE)
        return struct.unpack_from("<L", self.area, end)[0] == crc(self._view[:end])

    # Tokens in

    def _tokens(self) -> "tuple[list[bytes], int]":
        """The tokens in the inward area in the buffer, and the first event the office lacks."""
        area = self.area
        end = _AREA + struct.unpack_from(layouts.AREA_FORMAT, area, 0)[1]
        first, count = struct.unpack_from(layouts.INWARD_FORMAT, area, _AREA)
        at = _AREA + _INWARD
        batch = []
        for _ in range(min(count, layouts.CARD_TOKENS)):
            after = at + 1 + area[at]
            if after > end:
                break
            batch.append(bytes(self._view[at + 1 : after]))
            at = after
        return batch, first

    def _take(self, batch: "list[bytes]") -> bool:
        """Take the tokens that are new to this meter, together; False if that was not stored."""
        till, gateway, memory = self.till, self.gateway, self.ledger.memory
        self._answers = []
        new = []
        for data in batch:
            gateway.number = 0
            why = gateway.parse(data)
            used = why == layouts.TOKEN_REASON_NONE and memory.numbers.state(gateway.number) == USED
            if not used:
                new.append(data)
            # A token taken before is what it should be: no event, no failure.
            self._answers.append(
                (gateway.number, layouts.TOKEN_STATUS_EXECUTED, layouts.TOKEN_REASON_USED)
            )
        answers = till.enter_all(new) if new else []
        i = 0
        for k in range(len(batch)):
            if i < len(new) and batch[k] is new[i]:
                status, why = answers[i]
                if why == layouts.TOKEN_REASON_COMMIT_FAILED:
                    return False
                self._answers[k] = (self._answers[k][0], status, why)
                i += 1
        self.taken = len(
            [status for status, _ in answers if status == layouts.TOKEN_STATUS_EXECUTED]
        )
        return True if self.taken else till.commit()
