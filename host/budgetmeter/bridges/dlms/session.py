"""One client's session: association, GET with blocks and lists, tokens; all else is refused."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from meterproto.codes import Result, TokenReason, TokenStatus

from budgetmeter import units
from budgetmeter.bridges.dlms import apdu
from budgetmeter.bridges.dlms.apdu import ACTION, ACTION_ANSWER, GET, GET_ANSWER, SET, SET_ANSWER
from budgetmeter.bridges.dlms.data import NULL, OCTETS, UTF8, VISIBLE, Data, obis
from budgetmeter.bridges.dlms.hdlc import FLAG, Hdlc
from budgetmeter.bridges.dlms.history import Row
from budgetmeter.bridges.dlms.objects import (
    ENTER,
    GATEWAY,
    Reader,
    Thing,
    Token,
    objects,
)
from budgetmeter.bridges.dlms.selection import Unfit, buffer, select
from budgetmeter.bridges.dlms.wrapper import PUBLIC_CLIENT, Broken, Wrapper
from budgetmeter.client import Identity, Meter, MeterError, Status, TokenRefused
from budgetmeter.errors import InputError

HEAD = 20  # octets of an answer around the data of a block, at most
LONGEST = 0xFFFF  # octets of an answer; the length of the wrapper has 16 bits
MOST = 1 << 17  # octets of the results of one list, above which the rest is left out
BUFFER = 2  # attribute of a profile
NO_EFFECT = TokenReason.RESULT + Result.NO_EFFECT


def clock_of(status: Status) -> int:
    """The time of a status, seconds since 2000-01-01 00:00 UTC+1."""
    return units.to_clock(status.time) * 60 + status.time.second


class Source:
    """A meter as sessions see it.

    :param meter: gives the client, anew where the line broke
    :param captures: the load profile
    :param password: without it nobody enters tokens; None lets everybody
    :param lost: called when the meter did not answer
    :param clock: the meter's time of a status, as `clock_of`
    :ivar token: the last one that came in by DLMS
    """

    def __init__(
        self,
        meter: Callable[[], Meter],
        captures: Iterable[Row],
        password: bytes | None = None,
        lost: Callable[[], object] = lambda: None,
        clock: Callable[[Status], int] = clock_of,
    ) -> None:
        self._meter, self._captures, self._clock = meter, captures, clock
        self.password, self._lost = password, lost
        self.token: Token | None = None
        self._identity: Identity | None = None

    def lost(self) -> None:
        """The meter did not answer: another one may, next time."""
        self._identity = None
        self._lost()

    def things(self, client: int, trusted: bool) -> dict[str, Thing]:
        """The objects by their names, for one request.

        :raises MeterError: the meter does not answer
        """
        if self._identity is None:
            self._identity = self._meter().identify()
        reader = Reader(
            self._meter, self._identity, self._clock, self._captures, self.token, client, trusted
        )
        return {thing.name: thing for thing in objects(reader)}

    def enter(self, octets: bytes) -> int:
        """Enter a token, as in a frame or as its text: an action result.

        :raises MeterError: the meter does not answer
        """
        meter = self._meter()
        typed = octets.isascii() and octets[:1].isalnum()
        try:
            entered = meter.enter(octets.decode("ascii") if typed else octets)
        except TokenRefused as refused:
            status, reason = int(refused.status), int(refused.reason)
        except InputError:  # no text of a token, or of a length that none has
            status = int(TokenStatus.FORMAT_FAILURE)
            reason = int(TokenReason.MISTYPED if typed else TokenReason.LENGTH)
        else:
            status, reason = int(TokenStatus.EXECUTED), 0 if entered.effect else NO_EFFECT
        self.token = Token(octets, self._clock(meter.status()), status, reason)
        return apdu.SUCCESS if status == TokenStatus.EXECUTED else apdu.OTHER


class _Transfer(NamedTuple):
    """An answer that goes in blocks: what is left of it."""

    number: int  # of the block that went
    rest: bytes


class Session:
    """Answers the messages of one client.

    :param source: the meter
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._client = PUBLIC_CLIENT
        self.reset()

    def reset(self) -> None:
        """The client is gone."""
        self._association: apdu.Asked | None = None
        self._transfer: _Transfer | None = None

    def answer(self, message: bytes, client: int = PUBLIC_CLIENT) -> bytes | None:
        """The answer to a message; None for what is dropped.

        :param client: its address; an association is that of one client
        """
        if client != self._client:
            self.reset()
            self._client = client
        tag = message[0] if message else -1
        if tag == apdu.AARQ:
            return self._associate(message)
        if tag == apdu.RLRQ:
            self.reset()
            return apdu.release_answer()
        if tag < 0:
            return None
        if self._association is None:
            return apdu.exception(apdu.NOT_ALLOWED, apdu.NOT_POSSIBLE)
        if not self._association.conformance & apdu.SERVICES.get(tag, 0):
            return apdu.exception(apdu.UNKNOWN, apdu.NOT_SUPPORTED)
        try:
            request = apdu.read_request(message)
        except apdu.Malformed:
            return apdu.exception(apdu.UNKNOWN, apdu.OTHER_REASON)
        serve = self._served(tag, request.type)
        if serve is None:
            return apdu.exception(apdu.UNKNOWN, apdu.NOT_SUPPORTED)
        if serve != self._next:
            self._transfer = None
        try:
            return serve(request.invoke, request.body)
        except MeterError:
            self._source.lost()
            return _result(tag, request.invoke, apdu.TEMPORARY_FAILURE)

    def _associate(self, message: bytes) -> bytes | None:
        self.reset()
        try:
            asked = apdu.read_association(message, self._source.password)
        except apdu.Malformed:
            return None
        if not asked.problem:
            self._association = asked
        return apdu.association_answer(asked)

    def _served(self, tag: int, kind: int) -> "Callable[[int, Any], bytes] | None":
        """What serves a type of request; None for none."""
        served = {
            (GET, apdu.NORMAL): (self._get, 0),
            (GET, apdu.NEXT): (self._next, apdu.BLOCK_BIT),
            (GET, apdu.WITH_LIST): (self._get_list, apdu.LIST_BIT),
            (SET, apdu.NORMAL): (self._set, 0),
            (ACTION, apdu.NORMAL): (self._act, 0),
        }
        serve, needed = served.get((tag, kind), (None, 0))
        assert self._association is not None
        return serve if self._association.conformance & needed == needed else None

    def _things(self) -> dict[str, Thing]:
        assert self._association is not None
        return self._source.things(self._client, self._association.trusted)

    # GET

    def _get(self, invoke: int, body: Any) -> bytes:
        value = self._value(self._things(), body)
        if isinstance(value, int):
            return _result(GET, invoke, value)
        whole = apdu.answer(GET_ANSWER, invoke, 0, value)
        return self._send(invoke, whole, value)

    def _get_list(self, invoke: int, body: Any) -> bytes:
        things, left = self._things(), MOST
        results: list[bytes | int] = []
        for wanted in body.wanted:
            value = self._value(things, wanted) if left > 0 else apdu.OTHER
            left -= len(value) if isinstance(value, bytes) else 1
            results.append(value)
        content = apdu.listed(results)
        return self._send(invoke, apdu.list_answer(invoke, content), content)

    def _value(self, things: dict[str, Thing], wanted: Any) -> bytes | int:
        """An attribute as octets; or why there is none."""
        found, selection = _find(things, wanted.attribute), wanted.selection
        if isinstance(found, int):
            return found
        index = wanted.attribute.index
        if not found.has(index):
            return apdu.UNDEFINED
        table = found.table if index == BUFFER else None
        if selection is not None and (table is None or not self._selects()):
            return apdu.SCOPE_VIOLATED
        if table is None:
            return found.encoded(index)
        if selection is None:
            return buffer(table.rows(), range(len(table.columns)))
        try:
            return select(table, selection.selector, selection.parameters)
        except Unfit:
            return apdu.TYPE_UNMATCHED

    def _selects(self) -> bool:
        assert self._association is not None
        return bool(self._association.conformance & apdu.SELECTION_BIT)

    def _send(self, invoke: int, whole: bytes, data: bytes) -> bytes:
        """An answer whole, or the first block of its data."""
        association = self._association
        assert association is not None
        if len(whole) <= min(association.max_pdu or LONGEST, LONGEST):
            return whole
        if not association.conformance & apdu.BLOCK_BIT:
            return _result(GET, invoke, apdu.OTHER)
        return self._block(invoke, 1, data)

    def _block(self, invoke: int, number: int, data: bytes) -> bytes:
        assert self._association is not None
        size = min(self._association.max_pdu or LONGEST, LONGEST) - HEAD
        rest = data[size:]
        self._transfer = _Transfer(number, rest) if rest else None
        return apdu.block(invoke, number, not rest, data[:size])

    def _next(self, invoke: int, body: Any) -> bytes:
        transfer, self._transfer = self._transfer, None
        if transfer is None:
            return apdu.block_error(invoke, body.block, apdu.NO_LONG_GET)
        if body.block != transfer.number:
            return apdu.block_error(invoke, body.block, apdu.NO_BLOCK)
        return self._block(invoke, transfer.number + 1, transfer.rest)

    # SET and ACTION

    def _set(self, invoke: int, body: Any) -> bytes:
        """Nothing is set."""
        found = _find(self._things(), body.attribute)
        if isinstance(found, int):
            return _result(SET, invoke, found)
        there = found.has(body.attribute.index)
        return _result(SET, invoke, apdu.DENIED if there else apdu.UNDEFINED)

    def _act(self, invoke: int, body: Any) -> bytes:
        """The token gateway takes a token; no other method does anything."""
        found, method = _find(self._things(), body.attribute), body.attribute.index
        if isinstance(found, int):
            return _result(ACTION, invoke, found)
        if not found.does(method):
            return _result(ACTION, invoke, apdu.UNDEFINED)
        assert self._association is not None
        closed = self._source.password is not None and not self._association.trusted
        if (found.class_id, method) != (GATEWAY, ENTER) or closed:
            return _result(ACTION, invoke, apdu.DENIED)
        token: Data = body.data or Data(NULL)
        if token.type not in (OCTETS, VISIBLE, UTF8):
            return _result(ACTION, invoke, apdu.TYPE_UNMATCHED)
        return _result(ACTION, invoke, self._source.enter(token.value))


def _find(things: dict[str, Thing], wanted: Any) -> Thing | int:
    """The object of an attribute or method; or why there is none."""
    found = things.get(obis(wanted.name))
    if found is None:
        return apdu.UNDEFINED
    return found if found.class_id == wanted.class_id else apdu.CLASS_INCONSISTENT


def _result(service: int, invoke: int, result: int) -> bytes:
    """An answer that is a result alone; of ACTION also the good one."""
    if service == GET:
        return apdu.answer(GET_ANSWER, invoke, 1, bytes([result]))
    if service == SET:
        return apdu.answer(SET_ANSWER, invoke, result)
    return apdu.answer(ACTION_ANSWER, invoke, result, b"\x00")


class Connection:
    """A stream of octets from one client: wrapper or HDLC, which its first octet says.

    :ivar messages: how many came in whole
    """

    def __init__(self, source: Source) -> None:
        self._session = Session(source)
        self._carrier: Wrapper | Hdlc | None = None
        self.messages = 0

    def _answer(self, message: bytes, client: int) -> bytes | None:
        self.messages += 1
        return self._session.answer(message, client)

    def feed(self, octets: bytes) -> bytes:
        """What is answered to octets that came in.

        :raises Broken: the client speaks neither
        """
        if not octets:
            return b""
        if self._carrier is None:
            if octets[0] == FLAG:
                self._carrier = Hdlc(self._answer, self._session.reset)
            elif octets[0] == 0:
                self._carrier = Wrapper(self._answer)
            else:
                raise Broken("neither wrapper nor HDLC")
        return self._carrier.feed(octets)
