"""HDLC-like asynchronous framing after RFC 1662, host side.

A frame is a flag 0x7E, the content with its FCS-16, and a flag. The octets 0x7E and 0x7D and all
control characters (RFC 1662's default map) are escaped with 0x7D and bit 5 flipped, so that no
flag, no line end and no Ctrl-C stands inside a frame.
"""

from meterproto.fcs import fcs16

FLAG = 0x7E
ESCAPE = 0x7D
MAX_CONTENT = 256  # octets of a frame's content, FCS not counted


def encode(content):
    """A frame on the wire."""
    out = bytearray([FLAG])
    for octet in content + fcs16(content).to_bytes(2, "little"):
        if octet in (FLAG, ESCAPE) or octet < 0x20:
            out += bytes([ESCAPE, octet ^ 0x20])
        else:
            out.append(octet)
    out.append(FLAG)
    return bytes(out)


class Decoder:
    """Takes octets as they come, in any pieces, and yields the contents of whole frames.

    Text between frames is kept in `text`; a frame that fails its check is dropped, and counted in
    `bad`.
    """

    def __init__(self):
        self.text = bytearray()
        self.bad = 0
        self._inside = False
        self._escaped = False
        self._content = bytearray()

    def feed(self, data):
        """Contents of the frames that these octets complete."""
        for octet in data:
            content = self._octet(octet)
            if content is not None:
                yield content

    def _octet(self, octet):
        if octet == FLAG:
            return self._flag()
        if not self._inside:
            self.text.append(octet)
        elif octet < 0x20:  # never inside a frame: a line has begun
            if octet in b"\r\n":
                self._drop(inside=False)
        elif octet == ESCAPE:
            self._escaped = True
        elif len(self._content) > MAX_CONTENT + 2:
            pass  # too long: dropped at its flag
        else:
            self._content.append(octet ^ 0x20 if self._escaped else octet)
            self._escaped = False
        return None

    def _flag(self):
        if not self._inside or not self._content:  # opens, or opens again
            self._inside = True
            self._escaped = False
            return None
        data = bytes(self._content)
        whole = not self._escaped and 2 < len(data) <= MAX_CONTENT + 2
        if whole and fcs16(data[:-2]) == int.from_bytes(data[-2:], "little"):
            self._content.clear()
            self._inside = False
            return data[:-2]
        self._drop(inside=True)  # perhaps this flag opens the next one
        return None

    def _drop(self, inside):
        self.bad += bool(self._content) or self._escaped
        self._content.clear()
        self._escaped = False
        self._inside = inside
