"""The serial port: lines of text and frames on one stream, over buffers made once.

HDLC-like framing after RFC 1662 with its default map: every control character inside a frame is
escaped, so that a line end always ends a damaged frame, and a flag always begins one.
"""

from meterfw import const
from meterfw.board import Board
from meterfw.layouts import MAX_CONTENT
from meterfw.wire import fcs

FLAG = 0x7E
_ESCAPE = const(0x7D)
_LONGEST_LINE = const(160)
CHUNK = 128  # bytes taken from the board at a time
_ROOM = MAX_CONTENT + 2  # content and its FCS
_AT_ONCE = const(64)  # octets sent at a time

NOTHING, FRAME, LINE, LONG_LINE, BAD_LINE = range(5)


class Link:
    """Assembles what comes in; `poll` answers what is complete, and frames what goes out."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.content = bytearray(_ROOM + 1 + CHUNK)  # of a frame or a line
        self.size = 0  # of the frame, FCS taken off, or the line just read
        self.echo = False  # what is typed comes back, for a person at a bare terminal
        self._in = bytearray(CHUNK)
        self._out = bytearray(_AT_ONCE)
        self._sum = fcs.START  # of what goes out
        self._check = bytearray(2)  # and its FCS
        self._count = self._next = 0
        self._flip = 0  # 0x20 after an escape
        self._filled = 0  # octets in `content`
        self._prompt = False
        self._begin(False)

    def poll(self) -> int:
        """Read on; answers FRAME, LINE, LONG_LINE or BAD_LINE, or NOTHING when all is read."""
        if self._prompt:  # what was typed before has its answer
            self._prompt = False
            self._type(b"> ", 2)
        if self._next >= self._count:
            self._count = self.board.read_into(self._in)
            self._next = 0
        while self._next < self._count:
            complete = self._read_frame() if self._inside else self._read_text()
            if complete:
                return complete
        return NOTHING

    def _begin(self, inside: bool) -> None:
        self._inside = inside
        self._long = self._bad = False
        self._flip = 0
        self._filled = 0
        self._fcs = fcs.START

    def _read_text(self) -> int:
        """Read on to the end of the line, or to a flag."""
        octet = self._in[self._next]
        self._next += 1
        if octet == FLAG:
            self.echo = False  # a program speaks
            self._begin(True)
        elif octet == 10 or octet == 13:
            return self._end_line()
        elif octet == 8 or octet == 127:
            if self._filled:
                self._filled -= 1
                self._type(b"\b \b")
        elif not 32 <= octet < 127:
            self._bad = True
        elif self._filled >= _LONGEST_LINE:
            self._long = True
        else:
            self.content[self._filled] = octet
            self._filled += 1
            self._out[0] = octet
            self._type(self._out, 1)
        return NOTHING

    def _type(self, data: "bytes | bytearray", size: int = 3) -> None:
        """Show on the terminal of who has asked for an echo."""
        if self.echo:
            self.board.write(data, size)

    def _end_line(self) -> int:
        self.size = self._filled
        complete = LINE if self.size else NOTHING
        self._type(b"\r\n", 2)
        self._prompt = True
        if self._long:
            complete = LONG_LINE
        elif self._bad:
            complete = BAD_LINE
        self._begin(False)
        return complete

    def _read_frame(self) -> int:
        """Read on to the closing flag, a line end, or the end of what has come in."""
        data, content, table = self._in, self.content, fcs.TABLE
        filled, check, flip = self._filled, self._fcs, self._flip
        flag, escape = FLAG, _ESCAPE
        octet = 0
        i = self._next
        for i in range(self._next, self._count):
            octet = data[i]
            if octet == escape:
                flip = 0x20
                continue
            if octet < 0x20 or octet == flag:
                if octet == flag or octet == 10 or octet == 13:
                    break
                continue  # no control character belongs in a frame
            octet ^= flip
            flip = 0
            content[filled] = octet
            filled += 1
            check = check >> 8 ^ table[(check ^ octet) & 0xFF]
            octet = 0
        self._next = i + 1
        self._filled = min(filled, _ROOM + 1)  # too long: it will not pass
        self._fcs, self._flip = check, flip
        if octet == flag:
            return self._end_frame()
        if octet == 10 or octet == 13:  # never inside a frame: a line has begun
            self._begin(False)
        return NOTHING

    def _end_frame(self) -> int:
        if self._filled == 0:  # flag after flag
            self._flip = 0
            return NOTHING
        self.size = self._filled - 2
        whole = self._flip == 0 and self._fcs == fcs.GOOD and 0 < self.size <= MAX_CONTENT
        self._begin(not whole)  # the flag after a damaged frame may open the next one
        return FRAME if whole else NOTHING

    def send_frame(self, content: "bytes | bytearray", size: int) -> None:
        """Frame `size` octets and send them."""
        self._out[0] = FLAG
        self._sum = fcs.START
        end = self._append(1, content, size)
        check = self._sum ^ 0xFFFF
        self._check[0] = check & 0xFF
        self._check[1] = check >> 8
        end = self._append(end, self._check, 2)
        self._out[end] = FLAG
        self.board.write(self._out, end + 1)

    def _append(self, end: int, data: "bytes | bytearray", size: int) -> int:
        """Append octets, escaped where they have to be, and sum them up; sends what is full.

        Room is left for one.
        """
        out, table, check = self._out, fcs.TABLE, self._sum
        flag, escape, full = FLAG, _ESCAPE, _AT_ONCE - 3
        for i in range(size):
            octet = data[i]
            check = check >> 8 ^ table[(check ^ octet) & 0xFF]
            if octet < 0x20 or octet == flag or octet == escape:
                out[end] = escape
                end += 1
                octet ^= 0x20
            out[end] = octet
            end += 1
            if end > full:
                self.board.write(out, end)
                end = 0
        self._sum = check
        return end

    def send_line(self, text: str) -> None:
        """Send a line of ASCII text."""
        data = (text + "\r\n").encode()
        self.board.write(data, len(data))
