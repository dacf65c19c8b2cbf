"""Messages in frames: the answer to each request. Reading is free; changing is a token."""

import struct

from meterfw import VERSION, layouts
from meterfw.account.rules import balance, supply_on
from meterfw.board import Board
from meterfw.card.slot import Slot
from meterfw.tokens.till import Till
from meterfw.wire.link import Link

_HEADER = struct.calcsize(layouts.HEADER_FORMAT)
_ENTRY = struct.calcsize(layouts.ENTRY_FORMAT)
_PRESENT = struct.calcsize(layouts.PRESENT_FORMAT)
_FROM_STATE = len(layouts.STATUS_FIELDS) - 5  # the last five are not fields of the state


class Service:
    """Answers requests about an account.

    :param slot: the card slot, whose buffer holds a report while it is read in parts
    :param profile_name: as in the identity
    """

    def __init__(
        self, board: Board, link: Link, till: Till, slot: Slot, profile_name: bytes
    ) -> None:
        self.board = board
        self.link = link
        self.till = till
        self.ledger = till.ledger
        self.gateway = till.gateway
        self.slot = slot
        self._report_size = 0
        self.profile_name = profile_name
        self._out = link.content  # an answer takes the place of its request

    def answer(self, size: int) -> None:
        """Serve the request in the link's content; sends one answer."""
        out = self._out
        version, kind, sequence = 0, 0, 0
        if size >= _HEADER:
            version, kind, sequence = out[0], out[1], out[2]
        payload = memoryview(out)[_HEADER : max(size, _HEADER)]
        if size < _HEADER:
            end = self._error(layouts.MESSAGE_ERROR_LENGTH)
        elif version != layouts.PROTOCOL_VERSION:
            end = self._error(layouts.MESSAGE_ERROR_VERSION)
        else:
            end = self._serve(kind, payload)
        kind = layouts.MESSAGE_ERROR if end < 0 else kind
        struct.pack_into(
            layouts.HEADER_FORMAT, out, 0, layouts.PROTOCOL_VERSION, kind | layouts.ANSWER, sequence
        )
        self.link.send_frame(out, abs(end))

    def _error(self, code: int) -> int:
        """Negative: the end of an error answer."""
        self._out[_HEADER] = code
        return -(_HEADER + 1)

    def _serve(self, kind: int, payload: memoryview) -> int:
        """Write the answer's payload; its end, negative for an error."""
        if kind == layouts.MESSAGE_PING:
            return self._ping(payload)
        if kind == layouts.MESSAGE_TOKEN:
            return self._token(payload)
        if kind == layouts.MESSAGE_EVENTS:
            return self._events(payload)
        if kind == layouts.MESSAGE_REPORT:
            return self._report(payload)
        if kind == layouts.MESSAGE_STATUS:
            return self._status(payload)
        if kind not in (layouts.MESSAGE_IDENTIFY, layouts.MESSAGE_REGISTERS):
            return self._error(layouts.MESSAGE_ERROR_TYPE)
        if len(payload):
            return self._error(layouts.MESSAGE_ERROR_LENGTH)
        if kind == layouts.MESSAGE_IDENTIFY:
            return self._pack(layouts.IDENTITY_FORMAT, self._identity())
        m = self.ledger.state
        return self._pack(
            layouts.REGISTERS_FORMAT, [getattr(m, name) for name in layouts.REGISTERS_FIELDS]
        )

    def _pack(self, layout: str, values: "list | tuple") -> int:
        struct.pack_into(layout, self._out, _HEADER, *values)
        return _HEADER + struct.calcsize(layout)

    def _ping(self, payload: memoryview) -> int:
        if len(payload) > layouts.MAX_PING:
            return self._error(layouts.MESSAGE_ERROR_LENGTH)
        return _HEADER + len(payload)

    def _identity(self) -> tuple:
        ledger = self.ledger
        return (
            self.gateway.meter,
            ledger.memory.key_revision,
            ledger.profile.energy,
            VERSION.encode(),
            self.profile_name,
            layouts.LAYOUT,
        )

    def _status(self, payload: memoryview) -> int:
        """The status; with what flows now for who asks for that edition."""
        if not len(payload):
            return self._pack(layouts.STATUS_FORMAT, self._account())
        if len(payload) != 1 or payload[0] != layouts.NOW_EDITION:
            return self._error(layouts.MESSAGE_ERROR_LENGTH)
        board = self.board
        end = self._pack(layouts.STATUS_FORMAT, self._account())
        now = (board.power_w(), board.current_ma(), board.voltage_mv())
        struct.pack_into(layouts.PRESENT_FORMAT, self._out, end, *now)
        return end + _PRESENT

    def _account(self) -> "list[int]":
        m, memory = self.ledger.state, self.ledger.memory
        values = [getattr(m, name) for name in layouts.STATUS_FIELDS[:_FROM_STATE]]
        locked_s = self.gateway.locked_s()
        numbers, orders = memory.numbers.highest, memory.orders.highest
        values.extend((supply_on(m), numbers, orders, locked_s, memory.lost))
        return values

    def _token(self, payload: memoryview) -> int:
        status, why = self.till.enter(bytes(payload))
        m = self.ledger.state
        return self._pack(
            layouts.TOKEN_ANSWER_FORMAT,
            (status, why, self.gateway.number, balance(m), m.control_state),
        )

    def _report(self, payload: memoryview) -> int:
        """A part of the report a card would carry; the first part is when it is made."""
        if len(payload) != struct.calcsize(layouts.REPORT_REQUEST_FORMAT):
            return self._error(layouts.MESSAGE_ERROR_LENGTH)
        sequence, first, at = struct.unpack(layouts.REPORT_REQUEST_FORMAT, payload)
        slot = self.slot
        if at == 0:
            self._report_size = slot.lend(first)
            sequence = slot.lent
        size = self._report_size
        if sequence != slot.lent or at >= size:
            return self._error(layouts.MESSAGE_ERROR_AGAIN)
        end = self._pack(layouts.REPORT_PART_FORMAT, (sequence, size, at))
        count = min(layouts.REPORT_PART, size - at)
        self._out[end : end + count] = slot.area[at : at + count]
        return end + count

    def _events(self, payload: memoryview) -> int:
        if len(payload) != struct.calcsize(layouts.EVENTS_REQUEST_FORMAT):
            return self._error(layouts.MESSAGE_ERROR_LENGTH)
        log = self.till.log
        begin, first = log.find(struct.unpack(layouts.EVENTS_REQUEST_FORMAT, payload)[0])
        end = _HEADER + struct.calcsize(layouts.EVENTS_PAGE_FORMAT)
        place, number = begin, first
        while place < min(begin + layouts.PAGE, log.place):
            struct.pack_into(layouts.ENTRY_FORMAT, self._out, end, *log.entry(place))
            end += _ENTRY
            after = log.after(place, number)
            place += 1
            follows = after == number + 1
            number = after
            if not follows:  # numbers were left out: the rest is another page
                break
        self._pack(layouts.EVENTS_PAGE_FORMAT, (first, number, log.count, place - begin))
        return end
