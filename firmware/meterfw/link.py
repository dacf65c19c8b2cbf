"""The serial port: lines of text and frames on one stream, over buffers made once.

HDLC-like framing after RFC 1662 with its default map: every control character inside a frame is
escaped, so that a line end always ends a damaged frame, and a flag always begins one.
"""

from meterfw import fcs
from meterfw.layouts import MAX_CONTENT

FLAG = 0x7E
ESCAPE = 0x7D
LONGEST_LINE = 160
CHUNK = 64  # bytes taken from the board in one poll, at most

NOTHING, FRAME, LINE, LONG_LINE, BAD_LINE = range(5)


class Link:
    """Assembles what comes in; `poll` answers what is complete, and frames what goes out."""

    def __init__(self, board):
        self.board = board
        self.content = bytearray(MAX_CONTENT + 2)
        self.size = 0  # of the content of the frame just read, FCS taken off
        self.line = bytearray(LONGEST_LINE)
        self.length = 0  # of the line just read
        self._in = bytearray(CHUNK)
        self._out = bytearray(2 * (MAX_CONTENT + 2) + 2)
        self._count = self._next = 0
        self._inside = self._escaped = self._long = self._bad = False
        self._filled = 0  # octets in `content`
        self._typed = 0  # octets in `line`
        self._fcs = fcs.START

    def poll(self):
        """Read on; answers FRAME, LINE, LONG_LINE or BAD_LINE, or NOTHING when all is read."""
        if self._next >= self._count:
            self._count = self.board.read_into(self._in)
            self._next = 0
        while self._next < self._count:
            octet = self._in[self._next]
            self._next += 1
            complete = self._frame_octet(octet) if self._inside else self._text_octet(octet)
            if complete:
                return complete
        return NOTHING

    def _begin(self, inside):
        self._inside = inside
        self._escaped = False
        self._filled = 0
        self._fcs = fcs.START

    def _text_octet(self, octet):
        if octet == FLAG:
            self._typed = 0
            self._long = self._bad = False
            self._begin(True)
        elif octet == 10 or octet == 13:
            return self._end_line()
        elif octet == 8 or octet == 127:
            self._typed = max(self._typed - 1, 0)
        elif not 32 <= octet < 127:
            self._bad = True
        elif self._typed >= LONGEST_LINE:
            self._long = True
        else:
            self.line[self._typed] = octet
            self._typed += 1
        return NOTHING

    def _end_line(self):
        self.length = self._typed
        complete = LINE if self._typed else NOTHING
        if self._long:
            complete = LONG_LINE
        elif self._bad:
            complete = BAD_LINE
        self._typed = 0
        self._long = self._bad = False
        return complete

    def _frame_octet(self, octet):
        if octet == FLAG:
            return self._end_frame()
        if octet < 0x20:
            if octet == 10 or octet == 13:  # never inside a frame: a line has begun
                self._begin(False)
        elif octet == ESCAPE:
            self._escaped = True
        elif self._filled >= len(self.content):  # too long: it will not pass its check
            self._fcs = 0
        else:
            if self._escaped:
                octet ^= 0x20
                self._escaped = False
            self.content[self._filled] = octet
            self._filled += 1
            self._fcs = fcs.update(self._fcs, octet)
        return NOTHING

    def _end_frame(self):
        if self._filled == 0:  # flag after flag
            self._escaped = False
            return NOTHING
        self.size = self._filled - 2
        whole = not self._escaped and self._fcs == fcs.GOOD and self.size > 0
        self._begin(not whole)  # the flag after a damaged frame may open the next one
        return FRAME if whole else NOTHING

    def send_frame(self, content, size):
        """Frame `size` octets and send them."""
        out = self._out
        out[0] = FLAG
        end = 1
        check = fcs.START
        for i in range(size):
            end = _put(out, end, content[i])
            check = fcs.update(check, content[i])
        check ^= 0xFFFF
        end = _put(out, end, check & 0xFF)
        end = _put(out, end, check >> 8)
        out[end] = FLAG
        self.board.write(out, end + 1)

    def send_line(self, text):
        """Send a line of ASCII text."""
        data = (text + "\r\n").encode()
        self.board.write(data, len(data))


def _put(out, end, octet):
    """Append an octet, escaped where it has to be."""
    if octet < 0x20 or octet == FLAG or octet == ESCAPE:
        out[end] = ESCAPE
        end += 1
        octet ^= 0x20
    out[end] = octet
    return end + 1
