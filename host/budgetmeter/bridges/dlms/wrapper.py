"""The wrapper of TCP (IEC 62056-47): a header of eight octets before each message."""

# construct's types are dynamic:
# pyright: reportAttributeAccessIssue=false, reportCallIssue=false

from collections.abc import Callable

from construct import Const, Int16ub, Struct

PORT = 4059
PUBLIC_CLIENT, SERVER = 16, 1
LONGEST = 2048  # octets of a message; who announces more is hung up on

HEADER = Struct(
    "version" / Const(1, Int16ub),
    "source" / Int16ub,
    "destination" / Int16ub,
    "length" / Int16ub,
)
SIZE = HEADER.sizeof()


Answer = Callable[[bytes, int], bytes | None]


class Broken(Exception):
    """A stream from which no message can be taken any more."""


class Wrapper:
    """Takes messages from a stream of octets, and wraps the answers.

    :param answer: makes an answer of a message and its client's address; None for none
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._in = bytearray()

    def feed(self, octets: bytes) -> bytes:
        """What is answered to octets that came in.

        :raises Broken: they are no messages
        """
        self._in += octets
        out = bytearray()
        while len(self._in) >= SIZE:
            if self._in[:2] != b"\x00\x01":
                raise Broken("no wrapper")
            head = HEADER.parse(bytes(self._in[:SIZE]))
            if head.length > LONGEST:
                raise Broken("too long a message")
            if len(self._in) < SIZE + head.length:
                break
            message = bytes(self._in[SIZE : SIZE + head.length])
            del self._in[: SIZE + head.length]
            told = self._answer(message, head.source) if head.destination == SERVER else None
            if told is not None:
                out += HEADER.build(
                    {"source": SERVER, "destination": head.source, "length": len(told)}
                )
                out += told
        return bytes(out)
