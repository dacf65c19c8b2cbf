"""The meter: one pass of `poll` reads the sensors, applies the rules and drives the outputs."""

from meterfw import display, layouts, orders, record, rules
from meterfw.log import Log

BOARD_STEP_WH = 500  # most energy of one step on a board
COMMIT_MIN = 15  # clock minutes between commits while nothing happens
_WARNINGS = (
    layouts.EVENT_LOW_CREDIT | layouts.EVENT_EMERGENCY_IN_USE | layouts.EVENT_LIMITER_ENGAGED
)


class Meter:
    """A budget meter on a `Board`.

    The board's file "profile" says what it is; "state" is its account, taken up where it was.
    """

    def __init__(self, board):
        self.board = board
        self.profile = record.Profile()
        self.state = record.State()
        self.log = Log()
        self.page = 0
        self._elapsed_ms = 0
        self._supply = -1
        self._shown = None
        self._committed = 0
        self._step_pulses = BOARD_STEP_WH
        self._start()

    def _start(self):
        m, p, board = self.state, self.profile, self.board
        record.unpack(p, board.load("profile"), layouts.PROFILE_FORMAT, layouts.PROFILE_FIELDS)
        if p.energy == layouts.ENERGY_GAS:
            self._step_pulses = max(BOARD_STEP_WH * 1000 // p.wh_per_m3, 1)
        started = layouts.LOG_POWER_UP
        stored = board.load("state")
        if stored is None:
            started = layouts.LOG_STATE_NEW
        else:
            try:
                record.unpack(m, stored, layouts.STATE_FORMAT, layouts.STATE_FIELDS)
            except ValueError:
                started = layouts.LOG_STATE_UNREADABLE
        if started != layouts.LOG_POWER_UP:
            orders.install(m, p, max(board.clock(), 0))
        self.log.add(m, started)
        self._read_clock()
        rules.power_up(m, p)
        self._finish()
        self.commit()

    def poll(self):
        """One pass. Returns at once, whatever happened."""
        board = self.board
        self._elapsed_ms += board.elapsed_ms()
        seconds = self._elapsed_ms // 1000
        if seconds > 0:
            self._elapsed_ms -= seconds * 1000
            self._step(seconds)
        held = board.button_s()
        if held >= 0:
            self._press(held)
        self._finish()

    def order(self, kind, value, second=0, order=0):
        """Carry out one order (`orders.apply`) and judge; returns a RESULT code."""
        result = orders.apply(self.state, self.profile, kind, value, second, order)
        rules.judge(self.state, self.profile)
        self._finish()
        return result

    def commit(self):
        """Store the state."""
        m = self.state
        self._committed = m.clock
        self.board.store("state", record.pack(m, layouts.STATE_FORMAT, layouts.STATE_FIELDS))

    def _step(self, seconds):
        m, p, board = self.state, self.profile, self.board
        minute = m.clock
        pulses = board.pulses()
        ma = board.current_ma()
        w = board.power_w()
        while pulses > self._step_pulses:
            rules.advance(m, p, 0, self._step_pulses, ma, w)
            pulses -= self._step_pulses
        while seconds > rules.STEP_S:
            rules.advance(m, p, rules.STEP_S, 0, ma, w)
            seconds -= rules.STEP_S
        rules.advance(m, p, seconds, pulses, ma, w)
        if m.clock != minute:
            self._read_clock()

    def _read_clock(self):
        """Follow the clock chip when it is two seconds or more away."""
        m = self.state
        chip = self.board.clock()
        if chip < 0:
            return
        second = self.board.clock_s()
        minutes = chip - m.clock
        if -2 < minutes < 2 and -2 < minutes * 60 + second - m.second < 2:
            return
        rules.set_time(m, self.profile, chip, second)
        if not -2 < minutes < 2:
            self.log.add(m, layouts.LOG_CLOCK_SET)

    def _press(self, held):
        if not rules.press(self.state, self.profile, held):
            self.page = (self.page + 1) % len(display.PAGES)

    def _finish(self):
        """After a change: log, outputs, display, commit."""
        m = self.state
        if m.events:
            if m.events & _WARNINGS:
                self.board.beep(1)
            self.log.add_events(m)
            self.commit()
        elif not 0 <= m.clock - self._committed < COMMIT_MIN:
            self.commit()
        supply = rules.supply_on(m)
        if supply != self._supply:
            self._supply = supply
            self.board.supply(supply)
        self._show()

    def _show(self):
        """Build the page when the minute, a cent of the balance or the state has changed."""
        m = self.state
        shown = (
            self.page,
            m.clock,
            (m.credit - m.emergency_used) // 1000,
            m.control_state,
            m.reasons,
            m.emergency_status,
            m.leak_left_s,
        )
        if shown != self._shown:
            self._shown = shown
            self.board.show(display.page(m, self.profile, self.page))
