"""The messages between client and server (IEC 62056-5-3), declared with construct."""

# construct's types are dynamic:
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportOptionalMemberAccess=false

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
ACCEPTED, REJECTED = 0, 1
NO_CONTEXT, NO_MECHANISM, NO_REASON = 2, 11, 1
VERSION = 6
CONFORMANCE = 0x001014  # GET, block transfer with GET, ACTION
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
_HEAD = ("service" / Int8ub, "type" / Int8ub, "invoke" / Int8ub)
_NORMAL_REQUEST = {
    GET: Struct(
        "attribute" / _ATTRIBUTE,
        "selects" / Int8ub,
        "selection" / If(this.selects, _SELECTION),
        Terminated,
    ),
    SET: Struct(
        "attribute" / _ATTRIBUTE,
        "selects" / Int8ub,
        "selection" / If(this.selects, _SELECTION),
        "data" / DATA,
        Terminated,
    ),
    ACTION: Struct(
        "attribute" / _ATTRIBUTE, "has_data" / Int8ub, "data" / If(this.has_data, DATA), Terminated
    ),
}
_NEXT = Struct("block" / Int32ub, Terminated)
_REQUEST = Struct(
    *_HEAD,
    "body"
    / Switch(
        lambda context: (context.service, context.type),
        {
            **{(service, NORMAL): body for service, body in _NORMAL_REQUEST.items()},
            (GET, NEXT): _NEXT,
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


class Association(NamedTuple):
    """What a client asks for in an AARQ.

    :ivar problem: why it cannot have it, as ACSE counts reasons; 0 for nothing
    :ivar max_pdu: octets it takes in one message; 0 for any
    """

    problem: int
    max_pdu: int


def read_association(octets: bytes) -> Association:
    """What stands in an AARQ.

    :raises Malformed: it is none
    """
    try:
        parts = {part.tag: part.content for part in _APPLICATION.parse(octets).parts}
        context = parts[0xA1]
        initiate = parts[0xBE]
        if initiate[:1] != b"\x04" or initiate[1] != len(initiate) - 2:
            raise Malformed("no initiate request")
        if context != bytes([6, len(LN_CONTEXT)]) + LN_CONTEXT:
            return Association(NO_CONTEXT, 0)
        if parts.get(0x8B, LOWEST_LEVEL) != LOWEST_LEVEL:
            return Association(NO_MECHANISM, 0)
        asked = _INITIATE.parse(initiate[2:])
    except (ConstructError, KeyError, IndexError) as error:
        raise Malformed(str(error)) from None
    if asked.version != VERSION or 0 < asked.max_pdu < LEAST_PDU:
        return Association(NO_REASON, 0)
    return Association(0, asked.max_pdu)


def association_answer(problem: int) -> bytes:
    """The AARE: accepted, or rejected for good with a reason."""
    result = REJECTED if problem else ACCEPTED
    content = _INITIATE_ANSWER.build(
        {
            "version": VERSION,
            "conformance": CONFORMANCE.to_bytes(3, "big"),
            "max_pdu": MAX_PDU,
            "name": LN_NAME,
        }
    )
    parts = [
        (0xA1, bytes([6, len(LN_CONTEXT)]) + LN_CONTEXT),
        (0xA2, bytes([2, 1, result])),
        (0xA3, bytes([0xA1, 3, 2, 1, problem])),
    ]
    if not problem:
        parts.append((0xBE, bytes([4, len(content)]) + content))
    told = [{"tag": tag, "content": octets} for tag, octets in parts]
    return _APPLICATION.build({"tag": AARE, "parts": told})


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
