"""The timekeeper: the meter's clock follows the clock chip, where there is one.

The clock itself is a field of the state, and `rules` move it on. Without a chip it goes on from the
last commit, and is uncertain until a chip or a clock token says better.
"""

from meterfw import const, layouts
from meterfw.account import rules
from meterfw.board import Board
from meterfw.store.journal import Ledger
from meterfw.store.log import Log

_BACK_MIN = const(1440)  # a chip further behind than that has lost the time
_JUMP_MIN = const(5)  # a chip further ahead than that is asked again


class Timekeeper:
    """Keeps the clock of an account with a board's clock chip."""

    def __init__(self, board: Board, ledger: Ledger, log: Log) -> None:
        self.board = board
        self.ledger = ledger
        self.log = log
        self._jump_min = 0  # how far ahead the chip was when last asked

    def resume(self, later_min: int) -> None:
        """After a power cut: the chip's time; without one at least so much later, and uncertain."""
        before, minutes = self._chip_ahead_min(), self._chip_ahead_min()
        if before is not None and minutes is not None and 0 <= minutes - before <= 1:
            self._follow(minutes)
            return
        m = self.ledger.state
        rules.resume(m, self.ledger.profile, later_min)
        self.log.add(m, layouts.LOG_CODE_TIME_UNCERTAIN)

    def follow_chip(self) -> None:
        """Follow the chip; far from a sure time only when it says so twice in a row."""
        minutes = self._chip_ahead_min()
        if minutes is None:
            return
        sure = -_JUMP_MIN <= minutes <= _JUMP_MIN or -2 < minutes - self._jump_min < 2
        if sure or self.ledger.state.uncertain:
            self._follow(minutes)
            self._jump_min = 0
        else:
            self._jump_min = minutes

    def put_chip(self, clock: int) -> bool:
        """Put the chip to a minute; False if that failed."""
        try:
            self.board.set_clock(clock)
        except OSError:
            return False
        return True

    def _chip_ahead_min(self) -> "int | None":
        """Minutes the chip is ahead; None without one or when it has lost the time."""
        chip = self.board.clock()
        ahead = chip - self.ledger.state.clock
        if chip < 0 or chip > layouts.CLOCK_LIMIT or ahead < -_BACK_MIN:
            return None
        return ahead

    def _follow(self, minutes: int) -> None:
        """Take the chip's time when it is two seconds or more away."""
        m = self.ledger.state
        second = self.board.clock_s()
        near = -2 < minutes < 2 and -2 < minutes * 60 + second - m.second < 2
        if near and m.uncertain == 0:
            return
        rules.set_time(m, self.ledger.profile, m.clock + minutes, second)
        if not -2 < minutes < 2:
            self.log.note(m, layouts.LOG_CODE_CLOCK_SET)
