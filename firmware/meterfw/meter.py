"""The meter: one pass of `poll` reads the sensors, applies the rules and drives the outputs.

What it is made of knows its own part and not the meter: the till takes tokens and commits, the
timekeeper follows the clock chip, the panel shows and switches, the start restores.
"""

from meterfw import const, layouts
from meterfw.account import rules
from meterfw.account.record import Profile, State
from meterfw.board import FAULT_SENSOR, FAULT_SWITCH, Board
from meterfw.card.report import Report
from meterfw.card.slot import Slot
from meterfw.panel.panel import Panel
from meterfw.start import Start
from meterfw.store.captures import Captures
from meterfw.store.crashes import Crashes
from meterfw.store.journal import Journal, Ledger
from meterfw.timekeeper import Timekeeper
from meterfw.tokens.gateway import Gateway
from meterfw.tokens.memory import TokenMemory
from meterfw.tokens.till import Till
from meterfw.wire.console import Console
from meterfw.wire.link import BAD_LINE, FRAME, LINE, LONG_LINE, NOTHING, Link
from meterfw.wire.service import Service

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from meterfw.p1.port import Port

_BOARD_STEP_WH = const(500)  # most energy of one step on a board
SERVED = 4  # requests of the link served in one poll, at most


class Meter:
    """A budget meter on a `Board`, ready for its first pass.

    :ivar ledger: the account in force
    :ivar flashed: False without identity or profile: supply stays open, and the port says why
    :param crashes: of the board, where they are known already
    :ivar p1: its P1 port, on a board that has one
    :ivar found: how the journal was found at start: NEW, WHOLE, REPAIRED or LOST
    """

    def __init__(self, board: Board, crashes: "Crashes | None" = None) -> None:
        journal = Journal(board)
        self.board = board
        self.crashes = crashes or Crashes(board)
        self.log = journal.log
        self.ledger = Ledger()
        self.gateway = Gateway()
        self.captures = Captures(board)
        self.panel = Panel(board, self.ledger)
        self.timekeeper = Timekeeper(board, self.ledger, self.log)
        self.till = Till(board, self.ledger, journal, self.gateway, self.timekeeper, self.panel)
        start = Start(board, journal, self.timekeeper, self.till, self.captures)
        start.run(self.crashes.why)
        self.found = start.found
        self.flashed = start.flashed
        self.panel.bare = not start.flashed
        name = start.profile_name
        self.slot = Slot(board, self.till, Report(self.till, self.captures))
        self.link = Link(board)
        self._service = Service(board, self.link, self.till, self.slot, name)
        self._console = Console(board, self.link, self.till, self.panel, self.crashes, name)
        self.p1: "Port | None" = None
        if self.flashed and board.has_p1():
            from meterfw.p1.port import Port  # noqa: PLC0415  # it takes memory

            self.p1 = Port(board, self.ledger, self.gateway.meter)
            self.p1.telegram.words = self.panel.words
        self._elapsed_ms = 0
        self._faults = 0
        self.panel.drive()

    @property
    def state(self) -> State:
        """The rule state in force."""
        return self.ledger.state

    @property
    def profile(self) -> Profile:
        """The profile in force."""
        return self.ledger.profile

    @property
    def memory(self) -> TokenMemory:
        """The token memory in force."""
        return self.ledger.memory

    def enter(self, data: bytes, port: bool = True) -> "tuple[int, int]":
        """Take one token, as `Till.enter` does."""
        return self.till.enter(data, port)

    def commit(self) -> bool:
        """Store the account; False if that failed."""
        return self.till.commit()

    # One pass

    def poll(self) -> None:
        """One pass. Returns at once, whatever happened.

        In the safe state it measures nothing: supply stays as the account says, and the port
        answers. What fails there is passed over.
        """
        if self.crashes.safe:
            try:
                self.gateway.pass_time(self.board.elapsed_ms())
                self._serve()
                self._finish()
            except Exception:
                pass
            return
        self._pass()

    def _pass(self) -> None:
        passed_ms = self.board.elapsed_ms()
        self.crashes.pass_time(passed_ms)
        self.gateway.pass_time(passed_ms)
        self.panel.pass_time(passed_ms)
        self._elapsed_ms += passed_ms
        seconds = self._elapsed_ms // 1000
        if seconds > 0:
            self._elapsed_ms -= seconds * 1000
            self._step(seconds)
        pressed_s = self.board.button_s()
        if pressed_s >= 0:
            self._press(pressed_s)
        self._serve()
        self._finish()
        slot = self.slot
        if self.flashed and slot.poll():
            self.panel.show_card(slot.present, slot.outcome, slot.taken)
        if self.p1 is not None:
            self.p1.poll()

    def _step(self, seconds: int) -> None:
        """The rules over the last seconds; what a minute brings."""
        ledger, board = self.ledger, self.board
        m, p = ledger.state, ledger.profile
        minute = m.clock
        pulses = board.pulses()
        ma = board.current_ma()
        w = board.power_w()
        self.panel.see_flow(seconds, pulses)
        most = _BOARD_STEP_WH
        if p.energy == layouts.ENERGY_GAS:
            most = max(_BOARD_STEP_WH * 1000 // p.wh_per_m3, 1)
        while pulses > most:
            rules.advance(m, p, 0, most, ma, w)
            pulses -= most
        while seconds > rules.STEP_S:
            rules.advance(m, p, rules.STEP_S, 0, ma, w)
            seconds -= rules.STEP_S
        rules.advance(m, p, seconds, pulses, ma, w)
        if m.clock != minute:
            self.timekeeper.follow_chip()
            if self.flashed:
                self.captures.capture_due(m)
            if self.p1 is not None:
                self.p1.demand.follow(m)
        self._log_faults(board.faults())

    def _log_faults(self, faults: int) -> None:
        """Log what has begun to be wrong with the board."""
        new = faults & ~self._faults
        self._faults = faults
        if new & FAULT_SWITCH:
            self.log.note(self.ledger.state, layouts.LOG_CODE_SWITCH_STUCK)
        if new & FAULT_SENSOR:
            self.log.note(self.ledger.state, layouts.LOG_CODE_SENSOR_SILENT)

    def _press(self, pressed_s: int) -> None:
        """The button: for the rules, or else for the page."""
        if not rules.press(self.ledger.state, self.ledger.profile, pressed_s):
            self.panel.turn_page()

    def _serve(self) -> None:
        """Answer what has come in on the link."""
        link = self.link
        for _ in range(SERVED):
            complete = link.poll()
            if complete == NOTHING:
                return
            if complete == FRAME:
                self._service.answer(link.size)
            elif complete == LINE:
                self._console.answer(str(memoryview(link.content)[: link.size], "ascii"))
            elif complete == LONG_LINE:
                self._console.refuse("line too long")
            elif complete == BAD_LINE:
                self._console.refuse("not plain text")

    def _finish(self) -> None:
        """After a change: log, commit, outputs."""
        m = self.ledger.state
        if m.events:
            self.panel.warn(m.events)
            self.log.add_events(m)
            self.till.commit()
        else:
            self.till.commit_due()
        self.panel.drive()
