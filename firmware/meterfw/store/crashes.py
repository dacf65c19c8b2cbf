"""Crashes: what the last one left behind, and how many came one after another.

The file "crash" has the count, a "!" until a start has seen it, and the traceback. A crash restarts
the board. After three in a row, none five minutes from the last, the meter stays up in a safe state
(`Meter.poll`) until its power is cut: a relay that opens every ten seconds harms what hangs on it.
"""

import gc
import io
import sys

from meterfw import const, layouts
from meterfw.board import RESET_POWER, RESET_WATCHDOG, Board

_MOST = const(3)  # crashes in a row
_QUIET_S = const(300)  # a meter that ran so long begins a new row
_ROOM = const(480)  # octets of the traceback that are kept, its end
_FILE = "crash"
_HUNG = b"the watchdog restarted the board: a pass took too long\n"
_NO_ROOM = b"no memory was left to tell more\n"


class Crashes:
    """The crashes of a board, from its start on.

    :ivar count: how many there were in a row
    :ivar text: the last traceback, ASCII; empty if none is known
    :ivar safe: whether the meter is to stay in its safe state
    :ivar why: log codes of this start: what restarted the board, and the safe state
    """

    def __init__(self, board: Board) -> None:
        self.board = board
        self.count = 0
        self.text = b""
        self.why = []
        self._left_ms = _QUIET_S * 1000
        new = self._load()
        cause = board.reset_cause()
        if cause == RESET_POWER:
            if self.count:
                self._store(0)
        elif new:
            self.why.append(layouts.LOG_CODE_CRASHED)
            self._store(self.count)
        elif cause == RESET_WATCHDOG:
            self.why.append(layouts.LOG_CODE_HUNG)
            self.text = _HUNG
            self._store(self.count + 1)
        else:
            self.why.append(layouts.LOG_CODE_RESTARTED)
        self.safe = self.count >= _MOST
        if self.safe:
            self.why.append(layouts.LOG_CODE_SAFE_STATE)

    def pass_time(self, ms: int) -> None:
        """A meter that runs: a later crash is the first of its row."""
        if self.count == 0 or self.safe:
            return
        self._left_ms -= ms
        if self._left_ms <= 0:
            self._store(0)

    def note(self, error: BaseException) -> None:
        """Keep what is known of a crash; the board restarts after it."""
        gc.collect()
        try:
            self.text = _told(error)[-_ROOM:]
        except MemoryError:
            self.text = _NO_ROOM
        self._store(self.count + 1, b"!")

    def lines(self) -> "list[str]":
        """The last traceback as it is shown."""
        plain = "".join(
            [chr(octet) if octet == 10 or 32 <= octet < 127 else "?" for octet in self.text]
        )
        return [line for line in plain.split("\n") if line.strip()]

    def _load(self) -> bool:
        """What the file says; True if no start has seen it."""
        try:
            data = self.board.load(_FILE)
        except OSError:
            data = None
        head, _, text = (data or b"").partition(b"\n")
        new = head[-1:] == b"!"
        digits = head[:-1] if new else head
        if not digits.isdigit():
            return False
        self.count, self.text = int(digits), text
        return new

    def _store(self, count: int, mark: bytes = b"") -> None:
        self.count = count
        try:
            self.board.store(_FILE, b"%d%s\n" % (count, mark) + self.text)
        except OSError:  # it is for people; the meter goes on without
            pass


def _told(error: BaseException) -> bytes:
    """The traceback of an error, or its name alone where there is no `print_exception`."""
    if not hasattr(sys, "print_exception"):
        return ("%s: %s\n" % (type(error).__name__, error)).encode()
    out = io.BytesIO()
    sys.print_exception(error, out)  # pyright: ignore  # the stubs lack this stream
    return out.getvalue()  # pyright: ignore
