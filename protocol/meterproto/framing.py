"""HDLC-like asynchronous framing after RFC 1662.

A frame is a flag 0x7E, the content with its FCS-16, and a flag. The octets 0x7E and 0x7D and all
control characters (RFC 1662's default map) are escaped with 0x7D and bit 5 flipped. So no
flag, no line end and no Ctrl-C stands inside a frame.
"""

from collections.abc import Iterator
from typing import Any

from construct import (
    ChecksumError,
    Const,
    ConstructError,
    FocusedSeq,
    GreedyBytes,
    NullTerminated,
    Tunnel,
)

from meterproto.fcs import fcs16

FLAG = 0x7E
ESCAPE = 0x7D
MAX_CONTENT = 256  # octets of a frame's content, FCS not counted


class Escaped(Tunnel):
    """Octets with RFC 1662's escapes around them."""

    def _encode(self, data: bytes, context: Any, path: str) -> bytes:
        out = bytearray()
        for octet in data:
            if octet in (FLAG, ESCAPE) or octet < 0x20:
                out += bytes([ESCAPE, octet ^ 0x20])
            else:
                out.append(octet)
        return bytes(out)

    def _decode(self, data: bytes, context: Any, path: str) -> bytes:
        out = bytearray()
        octets = iter(data)
        for octet in octets:
            if octet == ESCAPE:
                out.append(next(octets, FLAG) ^ 0x20)
            elif octet >= 0x20:
                out.append(octet)
        return bytes(out)


class Checked(Tunnel):
    """Octets followed by their FCS-16, least significant octet first."""

    def _encode(self, data: bytes, context: Any, path: str) -> bytes:
        return data + fcs16(data).to_bytes(2, "little")

    def _decode(self, data: bytes, context: Any, path: str) -> bytes:
        if fcs16(data[:-2]) != int.from_bytes(data[-2:], "little"):
            raise ChecksumError("the frame check does not fit", path=path)
        return data[:-2]


_flag = bytes([FLAG])
Frame = FocusedSeq(
    "content",
    "opening" / Const(_flag),
    "content" / NullTerminated(Escaped(Checked(GreedyBytes)), term=_flag),
)


def encode(content: bytes) -> bytes:
    """A frame on the wire."""
    return Frame.build(content)


class Decoder:
    """Takes octets as they come, in any pieces, and yields the contents of whole frames.

    Text between frames is kept in `text`; a frame that fails its check is dropped, and counted in
    `bad`.
    """

    def __init__(self) -> None:
        self.text = bytearray()
        self.bad = 0
        self._frame: bytearray | None = None  # octets since the opening flag; None outside a frame

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Contents of the frames that these octets complete."""
        for octet in data:
            if octet == FLAG:
                yield from self._flag()
            elif self._frame is None:
                self.text.append(octet)
            elif octet in b"\r\n":  # never inside a frame: a line has begun
                self.bad += bool(self._frame)
                self._frame = None
            else:
                self._frame.append(octet)
                del self._frame[2 * MAX_CONTENT + 5 :]  # no frame is longer: it will fail

    def _flag(self) -> Iterator[bytes]:
        if not self._frame:  # opens, or opens again
            self._frame = bytearray()
            return
        try:
            content = bytes(Frame.parse(_flag + self._frame + _flag) or b"")
        except ConstructError:
            content = b""
        if 0 < len(content) <= MAX_CONTENT:
            self._frame = None
            yield content
        else:  # perhaps this flag opens the next one
            self.bad += 1
            self._frame = bytearray()
