"""The panel: what people see and hear of the meter, and its supply switch.

It drives display, beeper and switch from the account, and tests them. What a page says is in
`display`.
"""

from meterfw import const, layouts
from meterfw.account import rules
from meterfw.board import Board
from meterfw.panel import display
from meterfw.store.journal import Ledger, contents, crc

_CALM_S = const(60)  # without a pulse or a click before the relay is tested
_CLICK_MS = const(300)  # how long a test opens the relay

_WARNINGS = (
    layouts.EVENT_LOW_CREDIT | layouts.EVENT_EMERGENCY_IN_USE | layouts.EVENT_LIMITER_ENGAGED
)
_BARE = "NOT FLASHED,no identity,or no profile,OFF"


def spoken(board: Board) -> bytes:
    """The file "words" without its CRC-32: the display's, then a reason a line; empty if damaged.

    A language other than English, and reasons as sentences, are in no module: they would fill
    the memory.
    """
    data = contents(board, "words") or b""
    if int.from_bytes(data[-4:], "little") != crc(memoryview(data)[:-4]):
        return b""
    return data[:-4]


class Panel:
    """Display, beeper and supply switch of a board.

    :ivar bare: True on a board that is not flashed
    :ivar page: number of the page that the button has turned to
    :ivar words: the words of the display, in the order of `display.WORDS`
    """

    def __init__(self, board: Board, ledger: Ledger) -> None:
        self.board = board
        self.ledger = ledger
        self.bare = True
        self.page = 0
        self.words = display.WORDS
        self._card_in = False
        self._outcome = 0
        self._taken = 0
        self._supply = -1  # as last driven; -1 before the first time
        self._shown = [-1] * 7  # page, clock, cents, switch, reasons, emergency credit, leak test
        self._click_ms = 0
        self._calm_s = 0
        self.speak()

    @property
    def clicking(self) -> bool:
        """Whether a test keeps the relay open."""
        return self._click_ms > 0

    def pass_time(self, ms: int) -> None:
        """Let a click end."""
        self._click_ms = max(self._click_ms - ms, 0)

    def see_flow(self, seconds: int, pulses: int) -> None:
        """What has flowed over the last seconds: the relay is tested only after a calm."""
        self._calm_s = 0 if pulses else min(self._calm_s + seconds, _CALM_S)

    def speak(self) -> None:
        """Take the words of the file "words", where they are those of this firmware."""
        words = spoken(self.board).split(b"\n", 1)[0]
        if words.count(b",") == display.WORDS.count(b","):
            self.words = words
        self._shown[0] = -1

    def turn_page(self) -> None:
        """The button, where it does nothing else."""
        self.page = (self.page + 1) % display.PAGES

    def show_card(self, present: bool, outcome: int, taken: int) -> None:
        """While a card is in, show what became of it (CARD_OUTCOME) and of its tokens."""
        self._card_in, self._outcome, self._taken = present, outcome, taken
        self._shown[0] = -1
        self.drive()

    def warn(self, events: int) -> None:
        """Beep once where one of the events is a warning."""
        if events & _WARNINGS:
            self.board.beep(1)

    def drive(self) -> None:
        """Put the switch and the display where the account wants them."""
        supply = 0 if self._click_ms else rules.supply_on(self.ledger.state)
        if supply != self._supply:
            self._supply = supply
            self.board.supply(supply)
        self._refresh()

    def _refresh(self) -> None:
        """Build the page when the minute, a cent of the balance or the state has changed."""
        m, shown = self.ledger.state, self._shown
        cents = rules.balance(m) // 1000
        same = shown[0] == self.page and shown[1] == m.clock and shown[2] == cents
        same = same and shown[3] == m.control_state and shown[4] == m.reasons
        if not (same and shown[5] == m.emergency_status and shown[6] == m.leak_left_s):
            shown[0], shown[1], shown[2] = self.page, m.clock, cents
            shown[3], shown[4] = m.control_state, m.reasons
            shown[5], shown[6] = m.emergency_status, m.leak_left_s
            self.board.show(self._lines())

    def _lines(self) -> "tuple[str, ...]":
        """The four lines to show."""
        if self.bare:
            return tuple(_BARE.split(","))
        m, p = self.ledger.state, self.ledger.profile
        if self._card_in:
            return display.card_page(m, p, self._outcome, self._taken, self.words)
        return display.page(m, p, self.page, self.words)

    def test(self, relay: bool = False) -> bool:
        """Show every segment and beep; with `relay`, open it for a moment if no load flows.

        Answers whether the relay clicks. Gas is never interrupted.
        """
        board = self.board
        board.show(("8" * 16,) * 4)
        self._shown[0] = -1
        board.beep(2)
        safe = (
            relay
            and self.ledger.profile.energy != layouts.ENERGY_GAS
            and self.ledger.state.control_state == layouts.CONTROL_STATE_CONNECTED
            and self._calm_s == _CALM_S
            and board.current_ma() == 0
            and board.power_w() == 0
        )
        if safe:
            self._click_ms = _CLICK_MS
            self._calm_s = 0
        return safe
