"""The card slot: from the first octet read to the report written, one page at each pass.

The card may be pulled out at any octet. Its tokens are taken in one commit by `Meter.enter_all`;
the report tells of that commit and is written over the older of the meter's two areas, so that a
whole report is on the card at every moment.
"""

import struct

from meterfw import VERSION, layouts
from meterfw.account import record
from meterfw.layouts import CARD_PAGE as PAGE
from meterfw.store.captures import SIZE as CAPTURE
from meterfw.store.journal import crc
from meterfw.tokens import crypto
from meterfw.tokens.gateway import USED

TRIES = 500  # passes a card may stay silent: a write cycle takes 10 ms at most

_AREA = struct.calcsize(layouts.AREA_FORMAT)
_CARD_HEAD = struct.calcsize(layouts.CARD_HEAD_FORMAT)
_INWARD = struct.calcsize(layouts.INWARD_FORMAT)
_REPORT = struct.calcsize(layouts.REPORT_FORMAT)
_ANSWER = struct.calcsize(layouts.CARD_ANSWER_FORMAT)
_ENTRY = struct.calcsize(layouts.ENTRY_FORMAT)
_HIGHEST = 0x3FFFFFFF  # of a sequence
_TAIL = layouts.TAG_SIZE + 4
_LABEL = b"report"
_GOOD = (layouts.CARD_OUTCOME_GOOD, layouts.CARD_OUTCOME_REFUSED)


class Slot:
    """The card slot of a meter; its buffer is made once.

    `present` says whether a card is in, `outcome` what became of it (codes.CardOutcome), `taken`
    how many of its tokens were taken.
    """

    def __init__(self, meter):
        self.meter = meter
        self.board = meter.board
        self.present = False
        self.outcome = layouts.CARD_OUTCOME_READING
        self.taken = 0
        self._visit = None
        self._card = 0  # serial number of the card
        self._answers = []
        self._area = bytearray(layouts.CARD_OUTWARD_SIZE)
        self._view = memoryview(self._area)

    def poll(self):
        """One step of what there is to do; answers whether there is something else to show."""
        if not self.board.card_in():
            changed = self.present
            self.present = False
            self._visit = None
            return changed
        if not self.present:
            self.present = True
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

    def _run(self):
        """One insertion. Yields after each page and whenever the card is busy."""
        yield from self._read(0, 1)
        self.outcome = self._head()
        log, state = self.meter.log, self.meter.state
        if self.outcome != layouts.CARD_OUTCOME_READING:
            log.add(state, layouts.LOG_CODE_CARD_REFUSED)
            return
        which, last = yield from self._newest(layouts.CARD_OUTWARD, layouts.CARD_OUTWARD_SIZE)
        at = layouts.CARD_OUTWARD + (layouts.CARD_OUTWARD_SIZE if which == 0 else 0)
        which, inward = yield from self._newest(layouts.CARD_INWARD, layouts.CARD_INWARD_SIZE)
        batch, first = self._tokens() if which >= 0 else ([], 0)
        log.add(state, layouts.LOG_CODE_CARD_READ)
        if not self._take(batch):
            self.outcome = layouts.CARD_OUTCOME_NOT_STORED
            return
        # Put together in the pass that committed: the report tells of exactly that.
        size = self._seal(min(last + 1, _HIGHEST), self._report(inward, first))
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

    def _read(self, at, pages):
        """Fill the buffer from the card.

        :raises OSError: it does not answer
        """
        for i in range(pages):
            page = self._view[i * PAGE : (i + 1) * PAGE]
            tries = 0
            while not self.board.card_read_into(at + i * PAGE, page):
                tries += 1
                if tries > TRIES:
                    raise OSError
                yield
            yield

    def _write(self, at, size):
        """Write the first octets of the buffer, in whole pages.

        :raises OSError: it does not answer
        """
        for i in range(0, size, PAGE):
            page = self._view[i : i + PAGE]
            tries = 0
            while not self.board.card_write(at + i, page):
                tries += 1
                if tries > TRIES:
                    raise OSError
                yield
            yield

    def _head(self):
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
        if meter != self.meter.gateway.meter:
            return layouts.CARD_OUTCOME_OTHER_METER
        return layouts.CARD_OUTCOME_READING

    def _newest(self, at, size):
        """Read the newest whole area of a pair into the buffer.

        Answers which of the two it is and its sequence; (-1, 0) where neither is whole.
        """
        yield from self._read(at, 1)
        first = self._sequence()
        yield from self._read(at + size, 1)
        order = (1, 0) if self._sequence() > first else (0, 1)
        for which in order:
            whole = yield from self._whole(at + which * size, size)
            if whole:
                return which, self._sequence()
        return -1, 0

    def _sequence(self):
        """Sequence of the area in the buffer; -1 if it has none."""
        sequence = struct.unpack_from(layouts.AREA_FORMAT, self._area, 0)[0]
        return sequence if sequence <= _HIGHEST else -1

    def _whole(self, at, size):
        """Read an area into the buffer; whether it is whole."""
        yield from self._read(at, 1)
        end = _AREA + struct.unpack_from(layouts.AREA_FORMAT, self._area, 0)[1]
        if self._sequence() < 0 or end + 4 > size:
            return False
        yield from self._read(at, (end + 4 + PAGE - 1) // PAGE)
        return struct.unpack_from("<L", self._area, end)[0] == crc(self._view[:end])

    # Tokens in

    def _tokens(self):
        """The tokens in the inward area in the buffer, and the first event the office lacks."""
        area = self._area
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

    def _take(self, batch):
        """Take the tokens that are new to this meter, together; False if that was not stored."""
        meter = self.meter
        gateway, memory = meter.gateway, meter.memory
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
        answers = meter.enter_all(new) if new else []
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
        return True if self.taken else meter.commit()

    # The report out

    def _report(self, inward, first):
        """The contents of a report of what was just committed, without its tag."""
        meter = self.meter
        m, memory, log = meter.state, meter.memory, meter.log
        captures = meter.captures
        room = layouts.CARD_OUTWARD_SIZE - _AREA - _TAIL - _REPORT
        room -= len(self._answers) * _ANSWER + captures.count * CAPTURE
        state = record.pack(m, layouts.STATE_FORMAT, layouts.STATE_FIELDS)
        profile = record.pack(meter.profile, layouts.PROFILE_FORMAT, layouts.PROFILE_FIELDS)
        fit = (room - len(state) - len(profile)) // _ENTRY
        first = max(first if first <= log.count else 0, log.first(), log.count - fit)
        parts = [
            struct.pack(
                layouts.REPORT_FORMAT,
                _LABEL,
                layouts.CARD_VERSION,
                memory.key_revision,
                meter.gateway.meter,
                self._card,
                meter.sequence(),
                inward,
                VERSION.encode(),
                layouts.LAYOUT,
                memory.numbers.highest,
                memory.numbers.bits,
                memory.orders.highest,
                memory.orders.bits,
                memory.lost,
                len(self._answers),
                captures.count,
                first,
                log.count - first,
            ),
            state,
            profile,
        ]
        for number, status, why in self._answers:
            parts.append(struct.pack(layouts.CARD_ANSWER_FORMAT, number, status, why))
        parts.append(captures.data)
        for number in range(first, log.count):
            parts.append(log.packed(number))
        return b"".join(parts)

    def _seal(self, sequence, report):
        """Put the area together in the buffer; its size."""
        tag = crypto.hmac(self.meter.memory.key, report)[: layouts.TAG_SIZE]
        end = _AREA + len(report) + layouts.TAG_SIZE
        struct.pack_into(layouts.AREA_FORMAT, self._area, 0, sequence, end - _AREA)
        self._view[_AREA : end - layouts.TAG_SIZE] = report
        self._view[end - layouts.TAG_SIZE : end] = tag
        struct.pack_into("<L", self._area, end, crc(self._view[:end]))
        return end + 4
