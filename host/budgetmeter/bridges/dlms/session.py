"""One client's session: association, GET with blocks, the token gateway; all else is refused."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from meterproto.codes import TokenReason, TokenStatus

from budgetmeter.bridges.dlms import apdu
from budgetmeter.bridges.dlms.apdu import ACTION, ACTION_ANSWER, GET, GET_ANSWER, SET, SET_ANSWER
from budgetmeter.bridges.dlms.data import DATA, NULL, OCTETS, Data, obis
from budgetmeter.bridges.dlms.hdlc import FLAG, Hdlc
from budgetmeter.bridges.dlms.history import Capture
from budgetmeter.bridges.dlms.objects import (
    ENTER,
    GATEWAY,
    METHODS,
    Reader,
    Thing,
    Token,
    is_gas,
    objects,
)
from budgetmeter.bridges.dlms.selection import Unfit, select
from budgetmeter.bridges.dlms.wrapper import Broken, Wrapper
from budgetmeter.bridges.seen import look
from budgetmeter.client import Entry, Meter, MeterError, TokenRefused
from budgetmeter.errors import InputError

HEAD = 20  # octets of an answer around the data of a block, at most


class Source:
    """A meter as sessions see it.

    :param meter: gives the client, anew where the line broke
    :param captures: the load profile
    :param lost: called when the meter did not answer
    :ivar token: the last one that came in by DLMS
    """

    def __init__(
        self,
        meter: Callable[[], Meter],
        captures: Iterable[Capture],
        lost: Callable[[], object] = lambda: None,
    ) -> None:
        self._meter, self._captures = meter, captures
        self.lost = lost
        self.token: Token | None = None
        self._gas: bool | None = None

    def reader(self) -> Reader:
        """For one request."""
        return Reader(lambda: look(self._meter()), self._events, self._captures, self.token)

    def things(self) -> list[Thing]:
        """The objects, for one request.

        :raises MeterError: the meter does not answer
        """
        reader = self.reader()
        if self._gas is None:
            self._gas = is_gas(reader.seen)
        return objects(reader, self._gas)

    def _events(self) -> list[Entry]:
        return self._meter().events()

    def enter(self, octets: bytes) -> int:
        """Enter a token; an action result.

        :raises MeterError: the meter does not answer
        """
        meter = self._meter()
        try:
            meter.enter(octets)
        except TokenRefused as refused:
            status, reason, result = refused.status, refused.reason, apdu.OTHER
        except InputError:  # of a length that no token has
            status, reason = TokenStatus.FORMAT_FAILURE, TokenReason.LENGTH
            result = apdu.OTHER
        else:
            status, reason, result = TokenStatus.EXECUTED, TokenReason.NONE, apdu.SUCCESS
        self.token = Token(octets, meter.status().time, int(status), int(reason))
        return result


class _Transfer(NamedTuple):
    """An answer that goes in blocks: what is left of it."""

    invoke: int
    number: int  # of the block that went
    rest: bytes


class Session:
    """Answers the messages of one client.

    :param source: the meter
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.reset()

    def reset(self) -> None:
        """The client is gone."""
        self._associated = False
        self._max_pdu = 0
        self._transfer: _Transfer | None = None

    def answer(self, message: bytes) -> bytes | None:
        """The answer to a message; None for what is dropped."""
        tag = message[0] if message else -1
        if tag == apdu.AARQ:
            return self._associate(message)
        if tag == apdu.RLRQ:
            self.reset()
            return apdu.release_answer()
        if tag < 0:
            return None
        if not self._associated:
            return apdu.exception(apdu.NOT_ALLOWED, apdu.NOT_POSSIBLE)
        if tag not in (GET, SET, ACTION):
            return apdu.exception(apdu.UNKNOWN, apdu.NOT_SUPPORTED)
        try:
            request = apdu.read_request(message)
        except apdu.Malformed:
            return apdu.exception(apdu.UNKNOWN, apdu.OTHER_REASON)
        if request.type != apdu.NORMAL and (tag, request.type) != (GET, apdu.NEXT):
            return apdu.exception(apdu.UNKNOWN, apdu.NOT_SUPPORTED)
        if tag == GET and request.type == apdu.NEXT:
            return self._next(request.invoke, request.body.block)
        self._transfer = None
        serve = {GET: self._get, SET: self._set, ACTION: self._act}[tag]
        try:
            return serve(request.invoke, request.body)
        except MeterError:
            self._source.lost()
            return _refuse(tag, request.invoke, apdu.TEMPORARY_FAILURE)

    def _associate(self, message: bytes) -> bytes | None:
        self.reset()
        try:
            asked = apdu.read_association(message)
        except apdu.Malformed:
            return None
        self._associated = not asked.problem
        self._max_pdu = asked.max_pdu
        return apdu.association_answer(asked.problem)

    def _find(self, wanted: Any) -> tuple[Thing | None, int]:
        """The object of an attribute or method; or why there is none."""
        found = [thing for thing in self._source.things() if thing.name == obis(wanted.name)]
        if not found:
            return None, apdu.UNDEFINED
        if found[0].class_id != wanted.class_id:
            return None, apdu.CLASS_INCONSISTENT
        return found[0], apdu.SUCCESS

    def _get(self, invoke: int, body: Any) -> bytes:
        thing, problem = self._find(body.attribute)
        if thing is None:
            return _refuse(GET, invoke, problem)
        index = body.attribute.index
        try:
            if body.selection is None:
                value = thing.value(index)
            elif thing.table is None or index != 2:
                return _refuse(GET, invoke, apdu.SCOPE_VIOLATED)
            else:
                value = select(thing.table, body.selection.selector, body.selection.parameters)
        except IndexError:
            return _refuse(GET, invoke, apdu.UNDEFINED)
        except Unfit:
            return _refuse(GET, invoke, apdu.TYPE_UNMATCHED)
        told = DATA.build(value)
        if self._max_pdu and len(told) + 4 > self._max_pdu:
            return self._block(invoke, 1, told)
        return apdu.answer(GET_ANSWER, invoke, 0, told)

    def _block(self, invoke: int, number: int, data: bytes) -> bytes:
        size = self._max_pdu - HEAD
        rest = data[size:]
        self._transfer = _Transfer(invoke, number, rest) if rest else None
        return apdu.block(invoke, number, not rest, data[:size])

    def _next(self, invoke: int, number: int) -> bytes:
        transfer = self._transfer
        if transfer is None:
            return apdu.block_error(invoke, number, apdu.NO_LONG_GET)
        if number != transfer.number:
            self._transfer = None
            return apdu.block_error(invoke, number, apdu.NO_BLOCK)
        return self._block(invoke, number + 1, transfer.rest)

    def _set(self, invoke: int, body: Any) -> bytes:
        """Nothing is set."""
        thing, problem = self._find(body.attribute)
        if thing is not None:
            there = 1 <= body.attribute.index <= len(thing.attributes) + 1
            problem = apdu.DENIED if there else apdu.UNDEFINED
        return _refuse(SET, invoke, problem)

    def _act(self, invoke: int, body: Any) -> bytes:
        """The token gateway takes a token; no other method does anything."""
        thing, problem = self._find(body.attribute)
        if thing is None:
            return _refuse(ACTION, invoke, problem)
        if (thing.class_id, body.attribute.index) != (GATEWAY, ENTER):
            there = 1 <= body.attribute.index <= METHODS.get(thing.class_id, 0)
            return _refuse(ACTION, invoke, apdu.DENIED if there else apdu.UNDEFINED)
        token: Data = body.data or Data(NULL)
        if token.type != OCTETS:
            return _refuse(ACTION, invoke, apdu.TYPE_UNMATCHED)
        return _refuse(ACTION, invoke, self._source.enter(token.value))


def _refuse(service: int, invoke: int, result: int) -> bytes:
    """An answer that is a result alone; of ACTION also the good one."""
    if service == GET:
        return apdu.answer(GET_ANSWER, invoke, 1, bytes([result]))
    if service == SET:
        return apdu.answer(SET_ANSWER, invoke, result)
    return apdu.answer(ACTION_ANSWER, invoke, result, b"\x00")


class Connection:
    """A stream of octets from one client: wrapper or HDLC, which its first octet says."""

    def __init__(self, source: Source) -> None:
        self._session = Session(source)
        self._carrier: Wrapper | Hdlc | None = None

    def feed(self, octets: bytes) -> bytes:
        """What is answered to octets that came in.

        :raises Broken: the client speaks neither
        """
        if not octets:
            return b""
        if self._carrier is None:
            session = self._session
            if octets[0] == FLAG:
                self._carrier = Hdlc(session.answer, session.reset)
            elif octets[0] == 0:
                self._carrier = Wrapper(session.answer)
            else:
                raise Broken("neither wrapper nor HDLC")
        return self._carrier.feed(octets)
