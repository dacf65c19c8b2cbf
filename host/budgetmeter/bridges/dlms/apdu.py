"""The messages between client and server (IEC 62056-5-3), declared with construct."""

# construct's types are dynamic:
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportOptionalMemberAccess=false

import hmac
from collections.abc import Sequence
from typing import Any, NamedTuple

from construct import (
    Bytes,
    Const,
    ConstructError,
    GreedyBytes,
    GreedyRange,
    If,
    Int8sb,
    Int8ub,
    Int16ub,
    Int32ub,
    Prefixed,
    PrefixedArray,
    Struct,
    Switch,
    Terminated,
    this,
)

from budgetmeter.bridges.dlms.data import DATA, LENGTH

# Tags
AARQ, AARE, RLRQ, RLRE = 0x60, 0x61, 0x62, 0x63
GET, SET, ACTION = 0xC0, 0xC1, 0xC3
GET_ANSWER, SET_ANSWER, ACTION_ANSWER, EXCEPTION = 0xC4, 0xC5, 0xC7, 0xD8
NORMAL, NEXT, WITH_LIST = 1, 2, 3

# Data access results and action results
SUCCESS, TEMPORARY_FAILURE, DENIED, UNDEFINED = 0, 2, 3, 4
CLASS_INCONSISTENT, TYPE_UNMATCHED, SCOPE_VIOLATED = 9, 12, 13
NO_LONG_GET, NO_BLOCK, OTHER = 16, 19, 250

# Exceptions: state error, service error
NOT_ALLOWED, UNKNOWN = 1, 2
NOT_POSSIBLE, NOT_SUPPORTED, OTHER_REASON = 1, 2, 3

# Association
LN_CONTEXT = bytes.fromhex("60857405080101")
LOWEST_LEVEL = bytes.fromhex("60857405080200")
LOW_LEVEL = bytes.fromhex("60857405080201")
ACCEPTED, REJECTED = 0, 1
NO_REASON, NO_CONTEXT, NO_MECHANISM, WRONG_PASSWORD = 1, 2, 11, 13
TOO_LOW, NO_COMMON_SERVICE, TOO_SHORT = 1, 2, 3  # errors of the initiation
VERSION = 6
GET_BIT, SET_BIT, ACTION_BIT = 0x10, 0x08, 0x01
BLOCK_BIT, LIST_BIT, SELECTION_BIT = 0x1000, 0x0200, 0x04
CONFORMANCE = GET_BIT | SET_BIT | ACTION_BIT | BLOCK_BIT | LIST_BIT | SELECTION_BIT
SERVICES = {GET: GET_BIT, SET: SET_BIT, ACTION: ACTION_BIT}
LN_NAME = 0x0007
MAX_PDU = 1024  # octets of a request, at most
LEAST_PDU = 32  # a client that takes less cannot be served

_TLV = Struct("tag" / Int8ub, "content" / Prefixed(LENGTH, GreedyBytes))
_APPLICATION = Struct("tag" / Int8ub, "parts" / Prefixed(LENGTH, GreedyRange(_TLV)), Terminated)
_optional = Int8ub  # 0: left out
_INITIATE = Struct(
    Const(b"\x01"),
    "has_key" / _optional,
    "key" / If(this.has_key, Prefixed(LENGTH, GreedyBytes)),
    "has_response" / _optional,
    "response" / If(this.has_response, Int8ub),
    "has_quality" / _optional,
    "quality" / If(this.has_quality, Int8ub),
    "version" / Int8ub,
    "conformance_tag" / Const(b"\x5f\x1f\x04\x00"),
    "conformance" / Bytes(3),
    "max_pdu" / Int16ub,
)
_INITIATE_ANSWER = Struct(
    Const(b"\x08"),
    "quality" / Const(b"\x00"),
    "version" / Int8ub,
    "conformance_tag" / Const(b"\x5f\x1f\x04\x00"),
    "conformance" / Bytes(3),
    "max_pdu" / Int16ub,
    "name" / Int16ub,
)
_ATTRIBUTE = Struct("class_id" / Int16ub, "name" / Bytes(6), "index" / Int8sb)
_SELECTION = Struct("selector" / Int8ub, "parameters" / DATA)
_WANTED = Struct(
    "attribute" / _ATTRIBUTE, "selects" / Int8ub, "selection" / If(this.selects, _SELECTION)
)
_HEAD = ("service" / Int8ub, "type" / Int8ub, "invoke" / Int8ub)
_NORMAL_REQUEST = {
    GET: Struct(*_WANTED.subcons, Terminated),
    SET: Struct(*_WANTED.subcons, "data" / DATA, Terminated),
    ACTION: Struct(
        "attribute" / _ATTRIBUTE, "has_data" / Int8ub, "data" / If(this.has_data, DATA), Terminated
    ),
}
_NEXT = Struct("block" / Int32ub, Terminated)
_LIST = Struct("wanted" / PrefixedArray(LENGTH, _WANTED), Terminated)
_REQUEST = Struct(
    *_HEAD,
    "body"
    / Switch(
        lambda context: (context.service, context.type),
        {
            **{(service, NORMAL): body for service, body in _NORMAL_REQUEST.items()},
            (GET, NEXT): _NEXT,
            (GET, WITH_LIST): _LIST,
        },
        default=GreedyBytes,
    ),
)
_RESULT = Struct(*_HEAD, "choice" / Int8ub, "content" / GreedyBytes)
_BLOCK = Struct(
    *_HEAD,
    "last" / Int8ub,
    "number" / Int32ub,
    "choice" / Int8ub,
    "data" / Prefixed(LENGTH, GreedyBytes),
)
_ERROR_BLOCK = Struct(
    *_HEAD, "last" / Int8ub, "number" / Int32ub, "choice" / Int8ub, "why" / Int8ub
)


class Malformed(Exception):
    """Octets that are no message."""


class Asked(NamedTuple):
    """What a client asks for in an AARQ.

    :ivar problem: why it cannot have it, as ACSE counts reasons; 0 for nothing
    :ivar error: the error of the initiation, where that is the reason; else 0
    :ivar trusted: whether it gave the password
    :ivar conformance: bits of the services that both have
    :ivar max_pdu: octets it takes in one message; 0 for any
    """

    problem: int = 0
    error: int = 0
    trusted: bool = False
    conformance: int = 0
    max_pdu: int = 0


def read_association(octets: bytes, password: bytes | None) -> Asked:
    """What stands in an AARQ.

    :param password: of the low level; None where there is none
    :raises Malformed: it is none
    """
    try:
        parts = {part.tag: part.content for part in _APPLICATION.parse(octets).parts}
        context, initiate = parts[0xA1], parts[0xBE]
        if initiate[:1] != b"\x04" or initiate[1] != len(initiate) - 2:
            raise Malformed("no initiate request")
        asked = _INITIATE.parse(initiate[2:])
    except (ConstructError, KeyError, IndexError) as error:
        raise Malformed(str(error)) from None
    if context != bytes([6, len(LN_CONTEXT)]) + LN_CONTEXT:
        return Asked(NO_CONTEXT)
    mechanism = parts.get(0x8B, LOWEST_LEVEL)
    trusted = mechanism == LOW_LEVEL and password is not None
    if mechanism != LOWEST_LEVEL and not trusted:
        return Asked(NO_MECHANISM)
    if trusted and not _is(parts.get(0xAC, b""), password or b""):
        return Asked(WRONG_PASSWORD)
    conformance = int.from_bytes(asked.conformance, "big") & CONFORMANCE
    if asked.version < VERSION:
        return Asked(NO_REASON, TOO_LOW)
    if not conformance & GET_BIT:
        return Asked(NO_REASON, NO_COMMON_SERVICE)
    if 0 < asked.max_pdu < LEAST_PDU:
        return Asked(NO_REASON, TOO_SHORT)
    return Asked(trusted=trusted, conformance=conformance, max_pdu=asked.max_pdu)


def _is(authentication: bytes, password: bytes) -> bool:
    """Whether an authentication value is the password, as text of characters."""
    return hmac.compare_digest(authentication, bytes([0x80, len(password)]) + password)


def association_answer(asked: Asked) -> bytes:
    """The AARE: accepted, or rejected for good with a reason."""
    if asked.problem:
        content = b"\x0e\x01\x06" + bytes([asked.error])
    else:
        content = _INITIATE_ANSWER.build(
            {
                "version": VERSION,
                "conformance": asked.conformance.to_bytes(3, "big"),
                "max_pdu": MAX_PDU,
                "name": LN_NAME,
            }
        )
    parts = [
        (0xA1, bytes([6, len(LN_CONTEXT)]) + LN_CONTEXT),
        (0xA2, bytes([2, 1, REJECTED if asked.problem else ACCEPTED])),
        (0xA3, bytes([0xA1, 3, 2, 1, asked.problem])),
    ]
    if asked.error or not asked.problem:
        parts.append((0xBE, bytes([4, len(content)]) + content))
    listed = [{"tag": tag, "content": octets} for tag, octets in parts]
    return _APPLICATION.build({"tag": AARE, "parts": listed})


def release_answer() -> bytes:
    """The RLRE: a normal release."""
    return bytes([RLRE, 3, 0x80, 1, 0])


def read_request(octets: bytes) -> Any:
    """A request for a service: `service`, `type`, `invoke`, `body`.

    :raises Malformed: it is none
    """
    try:
        return _REQUEST.parse(octets)
    except (ConstructError, RecursionError) as error:
        raise Malformed(str(error)) from None


def answer(service: int, invoke: int, choice: int, content: bytes = b"") -> bytes:
    """An answer of type "normal"."""
    return _RESULT.build(
        {"service": service, "type": NORMAL, "invoke": invoke, "choice": choice, "content": content}
    )


def listed(results: Sequence[bytes | int]) -> bytes:
    """Results of a GET with a list: data, or why there are none."""
    made = [b"\x00" + each if isinstance(each, bytes) else bytes([1, each]) for each in results]
    return LENGTH.build(len(made)) + b"".join(made)


def list_answer(invoke: int, content: bytes) -> bytes:
    """An answer to GET with a list."""
    return bytes([GET_ANSWER, WITH_LIST, invoke]) + content


def block(invoke: int, number: int, last: bool, data: bytes) -> bytes:
    """A block of an answer to GET."""
    return _BLOCK.build(
        {
            "service": GET_ANSWER,
            "type": NEXT,
            "invoke": invoke,
            "last": int(last),
            "number": number,
            "choice": 0,
            "data": data,
        }
    )


def block_error(invoke: int, number: int, why: int) -> bytes:
    """The end of a transfer in blocks that cannot go on."""
    return _ERROR_BLOCK.build(
        {
            "service": GET_ANSWER,
            "type": NEXT,
            "invoke": invoke,
            "last": 1,
            "number": number,
            "choice": 1,
            "why": why,
        }
    )


def exception(state: int, service: int) -> bytes:
    """An answer to what cannot be answered otherwise."""
    return bytes([EXCEPTION, state, service])
