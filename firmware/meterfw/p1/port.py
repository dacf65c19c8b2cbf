"""The P1 port of a meter: a telegram a second, handed to the board a piece in each pass."""

from meterfw.board import Board
from meterfw.p1.demand import Demand
from meterfw.p1.telegram import Telegram
from meterfw.store.journal import Ledger


class Port:
    """Sends the telegrams of a meter.

    :param number: its serial number
    :ivar telegram: the one on its way
    """

    def __init__(self, board: Board, ledger: Ledger, number: int) -> None:
        self.board = board
        self.ledger = ledger
        self.demand = Demand(board)
        self.demand.begin(ledger.state)
        self.demand.follow(ledger.state)
        self.telegram = Telegram(ledger, board, number, self.demand)
        self._clock = self._second = -1  # of the latest telegram
        self._sending = False
        self._waiting = 0  # octets of a piece that the board has not taken

    def begin(self) -> None:
        """Begin a telegram anew with the next pass."""
        self._second = -1
        self._sending = False
        self._waiting = 0

    def poll(self) -> bool:
        """Send a piece; False when the telegram of this second has been sent."""
        m, telegram = self.ledger.state, self.telegram
        if not self._sending:
            if m.second == self._second and m.clock == self._clock:
                return False
            self._second, self._clock = m.second, m.clock
            self._sending = True
            telegram.begin()
        if self._waiting == 0:
            self._waiting = telegram.piece()
            if self._waiting == 0:
                self._sending = False
                return False
        if self.board.p1_write(telegram.buffer, self._waiting):
            self._waiting = 0
        return True
