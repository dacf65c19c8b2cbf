"""The meter: one pass of `poll` reads the sensors, applies the rules and drives the outputs.

Whatever changes the account from outside is a token. It is applied to a second ledger; that ledger
is committed in one write; then the two are swapped and the meter answers.
"""

import struct

from meterfw import display, layouts, orders, record, rules
from meterfw.calendar import look_up
from meterfw.captures import Captures
from meterfw.card import Slot
from meterfw.console import Console
from meterfw.journal import (
    LOST,
    NEW,
    REPAIRED,
    WHOLE,
    Journal,
    Ledger,
    checked,
    crc,
    read,
    sealed,
)
from meterfw.link import BAD_LINE, FRAME, LINE, LONG_LINE, NOTHING, Link
from meterfw.log import Log
from meterfw.service import Service
from meterfw.tokens import USED, Gateway

BOARD_STEP_WH = 500  # most energy of one step on a board
COMMIT_MIN = 15  # clock minutes between commits while nothing happens
COMMIT_WH = 250  # energy between commits: what a power cut may leave uncharged
CLICK_MS = 300  # how long a test opens the relay
SERVED = 4  # requests of the link served in one poll, at most
_WARNINGS = (
    layouts.EVENT_LOW_CREDIT | layouts.EVENT_EMERGENCY_IN_USE | layouts.EVENT_LIMITER_ENGAGED
)
_PROFILE = struct.calcsize(layouts.PROFILE_FORMAT)
_STARTED = (
    layouts.LOG_STATE_NEW,
    layouts.LOG_POWER_UP,
    layouts.LOG_POWER_UP,
    layouts.LOG_STATE_LOST,
)
_BARE = ("NOT FLASHED", "no identity", "or no profile", "OFF")
_FIXED = ("energy", "payment_mode")  # parameters no token changes


class Meter:
    """A budget meter on a `Board`.

    The board's files "identity" and "profile" say what it is; the journal is its account, taken up
    where it was. Without the two files it stays open and only tells who asks.
    """

    def __init__(self, board):
        self.board = board
        self.log = Log()
        self.link = Link(board)
        self.captures = Captures(board)
        self.slot = Slot(self)
        self.page = 0
        self._ledger = Ledger()
        self._spare = Ledger()
        self._journal = Journal(board)
        self._elapsed_ms = 0
        self._click_ms = 0
        self._supply = -1
        self._shown = None
        self._committed_min = 0
        self._committed_wh = 0
        self._step_pulses = BOARD_STEP_WH
        self.found = NEW  # how the journal was found at start
        self._service = Service(self)
        self._console = Console(self)
        self._start()

    @property
    def state(self):
        """The rule state in force."""
        return self._ledger.state

    @property
    def profile(self):
        """The profile in force."""
        return self._ledger.profile

    @property
    def memory(self):
        """The token memory in force."""
        return self._ledger.memory

    # Start

    def _start(self):
        """Take up the account where it was; always comes up."""
        board, ledger, log = self.board, self._ledger, self.log
        identity = checked(read(board, "identity"), layouts.FLASHED_FORMAT)
        profile = read(board, "profile")
        self.flashed = identity is not None and profile is not None and len(profile) == _PROFILE
        if not self.flashed:
            self._start_bare()
            return
        meter, revision, key, self.profile_name, _ = identity
        self.gateway = Gateway(meter)
        found = self.found = self._journal.load(ledger, log)
        if found in (NEW, LOST):
            self._install(profile, revision, key, found == LOST)
        else:
            log.add(self.state, layouts.LOG_POWER_DOWN)
            if ledger.memory.profile_crc != crc(profile):
                self._take_profile(profile)
                log.add(self.state, layouts.LOG_PROFILE_CHANGED)
        self.gateway.floor = max(revision, self._restore_key())
        self.gateway.start(ledger.memory)
        self.captures.load()
        if self.profile.energy == layouts.ENERGY_GAS:
            self._step_pulses = max(BOARD_STEP_WH * 1000 // self.profile.wh_per_m3, 1)
        log.add(self.state, _STARTED[found])
        self._resume_clock(found)
        if found == REPAIRED:
            log.add(self.state, layouts.LOG_JOURNAL_REPAIRED)
        rules.power_up(self.state, self.profile)
        log.add_events(self.state)
        if self.commit():
            self._journal.begin()
        self._drive()

    def _start_bare(self):
        """Without identity or profile: supply open, nothing taken, nothing stored."""
        p = self.profile
        for name, low in zip(layouts.PROFILE_FIELDS, layouts.PROFILE_LOW):
            setattr(p, name, low)
        self.gateway = Gateway(0)  # no token is for it
        self.profile_name = b"none"
        m = self.state
        m.payment_mode = layouts.MODE_CREDIT
        m.reasons = layouts.REASON_OPERATOR
        self._drive()

    def _install(self, profile, revision, key, lost):
        """Put into service; after a loss with nothing booked and no token taken."""
        ledger = self._ledger
        ledger.memory.key_revision, ledger.memory.key = revision, key
        ledger.memory.lost = int(lost)
        self._take_profile(profile)
        orders.install(ledger.state, ledger.profile, max(self.board.clock(), 0))
        if lost:
            orders.start_empty(ledger.state, ledger.profile)

    def _take_profile(self, data):
        """Take over the profile file; the account goes on under it."""
        ledger = self._ledger
        fields = layouts.PROFILE_FIELDS
        record.unpack(ledger.profile, data, layouts.PROFILE_FORMAT, fields)
        ledger.memory.profile_crc = crc(data)
        ledger.state.calendar_until = 0

    def _restore_key(self):
        """The file of the last key change: its revision, and its key where the store was lost."""
        changed = checked(read(self.board, "key"), layouts.KEY_FORMAT)
        if changed is None:
            return 0
        memory = self.memory
        if memory.lost and changed[0] > memory.key_revision:
            memory.key_revision, memory.key = changed[0], changed[1]
        return changed[0]

    def _resume_clock(self, found):
        """The clock chip's time; without one at least a commit interval later, and uncertain."""
        if self.board.clock() >= 0:
            self._read_clock()
            return
        later = COMMIT_MIN if found in (WHOLE, REPAIRED) else 0
        rules.resume(self.state, self.profile, later)
        self.log.add(self.state, layouts.LOG_TIME_UNCERTAIN)

    # One pass

    def poll(self):
        """One pass. Returns at once, whatever happened."""
        board = self.board
        passed_ms = board.elapsed_ms()
        self.gateway.pass_time(passed_ms)
        self._click_ms = max(self._click_ms - passed_ms, 0)
        self._elapsed_ms += passed_ms
        seconds = self._elapsed_ms // 1000
        if seconds > 0:
            self._elapsed_ms -= seconds * 1000
            self._step(seconds)
        held = board.button_s()
        if held >= 0:
            self._press(held)
        self._serve()
        self._finish()
        if self.flashed and self.slot.poll():
            self._shown = None
            self._drive()

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
            self.captures.look(m)

    def _read_clock(self):
        """Follow the clock chip when it is two seconds or more away."""
        m = self.state
        chip = self.board.clock()
        if chip < 0:
            return
        second = self.board.clock_s()
        minutes = chip - m.clock
        near = -2 < minutes < 2 and -2 < minutes * 60 + second - m.second < 2
        if near and m.uncertain == 0:
            return
        rules.set_time(m, self.profile, chip, second)
        if not -2 < minutes < 2:
            self.log.add(m, layouts.LOG_CLOCK_SET)

    def _press(self, held):
        if not rules.press(self.state, self.profile, held):
            self.page = (self.page + 1) % len(display.PAGES)

    def _serve(self):
        """Answer what has come in on the link."""
        link = self.link
        for _ in range(SERVED):
            complete = link.poll()
            if complete == NOTHING:
                return
            if complete == FRAME:
                self._service.answer(link.content, link.size)
            elif complete == LINE:
                self._console.answer(str(memoryview(link.line)[: link.length], "ascii"))
            elif complete == LONG_LINE:
                self._console.refuse("line too long")
            elif complete == BAD_LINE:
                self._console.refuse("not plain text")

    def _finish(self):
        """After a change: log, commit, outputs."""
        m = self.state
        if m.events:
            if m.events & _WARNINGS:
                self.board.beep(1)
            self.log.add_events(m)
            self.commit()
        elif not 0 <= self.uncommitted_min() < COMMIT_MIN or self.uncommitted_wh() >= COMMIT_WH:
            self.commit()
        self._drive()

    def uncommitted_min(self):
        """Clock minutes since the last commit; negative after the clock was set back."""
        return self.state.clock - self._committed_min

    def uncommitted_wh(self):
        """Energy since the last commit."""
        return (self.state.energy_wh - self._committed_wh) % layouts.REGISTER_LIMIT

    def _drive(self):
        """Supply switch and display."""
        supply = 0 if self._click_ms else rules.supply_on(self.state)
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
            self.board.show(self._lines())

    def _lines(self):
        """The four lines to show."""
        if not self.flashed:
            return _BARE
        if self.slot.present:
            return display.card_page(self.state, self.profile, self.slot.outcome, self.slot.taken)
        return display.page(self.state, self.profile, self.page)

    # Commit

    def commit(self, ledger=None):
        """Store a ledger, the one in force if none is given; False if that failed."""
        ledger = ledger or self._ledger
        if not self.flashed:
            return False
        self._committed_min = ledger.state.clock
        self._committed_wh = ledger.state.energy_wh
        if self._journal.commit(ledger, self.log):
            return True
        self.log.add(self.state, layouts.LOG_COMMIT_FAILED)  # tried again when it is due again
        return False

    def sequence(self):
        """Number of the last commit."""
        return self._journal.sequence

    # Tokens

    def enter(self, data, port=True):
        """Take one token; answers its status (DLMS class 115) and reason (a WHY code)."""
        return self.enter_all((data,), port)[0]

    def enter_all(self, batch, port=False):
        """Take tokens that came together, booked before supply is judged (AMB-08).

        `port` is False for tokens from a card: a card is never locked out. Answers a list of
        (status, reason), one for each token.
        """
        spare, log = self._spare, self.log
        spare.copy(self._ledger)
        answers = [self._take(data, spare, port) for data in batch]
        taken = [status == layouts.STATUS_EXECUTED for status, _ in answers]
        if not any(taken):
            for _ in taken:
                log.add(self.state, layouts.LOG_TOKEN_REFUSED)
            return answers
        self.gateway.succeed(spare.memory)
        rules.judge(spare.state, spare.profile)
        before = log.count
        for done in taken:
            log.add(spare.state, layouts.LOG_TOKEN_ACCEPTED if done else layouts.LOG_TOKEN_REFUSED)
        events = spare.state.events
        log.add_events(spare.state)
        if not self.commit(spare):
            log.forget(before)
            failed = (layouts.STATUS_EXECUTION_FAILURE, layouts.WHY_COMMIT_FAILED)
            return [failed if done else a for a, done in zip(answers, taken)]
        if spare.state.clock != self.state.clock:
            self.board.set_clock(spare.state.clock)
        self._ledger, self._spare = spare, self._ledger
        if events & _WARNINGS:
            self.board.beep(1)
        self._drive()
        return answers

    def _take(self, data, spare, port):
        """Judge one token and apply it to the spare ledger; answers status and reason."""
        gateway, memory = self.gateway, spare.memory
        why = gateway.check(data, memory, spare.state.clock, port)
        if why == layouts.WHY_TAG and port:
            self._fail()
        if why != layouts.WHY_NONE:
            return _status(why), why
        result = layouts.RESULT_NO_EFFECT
        if gateway.order == 0 or memory.orders.state(gateway.order) != USED:
            result = self._apply(spare)
        if result > layouts.RESULT_NO_EFFECT:
            return layouts.STATUS_EXECUTION_FAILURE, layouts.WHY_RESULT + result
        memory.numbers.take(gateway.number)
        if gateway.order > 0:
            memory.orders.take(gateway.order)
        return layouts.STATUS_EXECUTED, layouts.WHY_RESULT + result if result else layouts.WHY_NONE

    def _fail(self):
        """A wrong tag at the port."""
        if self.gateway.fail(self.memory):
            self.log.add(self.state, layouts.LOG_LOCKED_OUT)
            self.commit()

    def _apply(self, spare):
        """Carry out the token on the spare ledger; a RESULT code."""
        gateway = self.gateway
        if gateway.kind == layouts.KIND_KEY_CHANGE:
            # Kept apart too, so that the revision outlives a lost account.
            key = sealed(layouts.KEY_FORMAT, gateway.value, gateway.new_key)
            try:
                self.board.store("key", key)
            except OSError:
                return layouts.RESULT_NOT_STORED
            gateway.change_key(spare.memory)
            return layouts.RESULT_DONE
        if gateway.kind == layouts.KIND_TEST:
            self.test()
            return layouts.RESULT_DONE
        if gateway.kind == layouts.KIND_PARAMETER:
            return self._set_parameter(spare)
        return orders.apply(
            spare.state, spare.profile, gateway.kind, gateway.value, gateway.second, gateway.order
        )

    def _set_parameter(self, spare):
        """One value of the profile (FE-23)."""
        index, value = self.gateway.value, self.gateway.second
        if not 0 <= index < len(layouts.PROFILE_FIELDS):
            return layouts.RESULT_OUT_OF_RANGE
        name = layouts.PROFILE_FIELDS[index]
        p = spare.profile
        before = getattr(p, name)
        if name in _FIXED or not layouts.PROFILE_LOW[index] <= value <= layouts.PROFILE_HIGH[index]:
            return layouts.RESULT_OUT_OF_RANGE
        setattr(p, name, value)
        if not orders.consistent(p):
            setattr(p, name, before)
            return layouts.RESULT_OUT_OF_RANGE
        look_up(spare.state, p)
        if spare.state.limit_until == 0 and p.limiter_fitted:
            rules.default_limit(spare.state, p)
        return layouts.RESULT_DONE

    def test(self, relay=False):
        """Show every segment and beep; with `relay`, open it for a moment if no load flows.

        Returns whether the relay clicks. Gas is never interrupted.
        """
        self.board.show(("8" * 16,) * 4)
        self._shown = None
        self.board.beep(2)
        safe = (
            relay
            and self.profile.energy != layouts.ENERGY_GAS
            and self.state.control_state == layouts.CONTROL_CONNECTED
            and self.board.current_ma() == 0
            and self.board.power_w() == 0
        )
        if safe:
            self._click_ms = CLICK_MS
        return safe

    def profile_text(self):
        """Name of the profile."""
        return self.profile_name.decode().rstrip("\x00")


def _status(why):
    """Token status code of a reason."""
    if why < layouts.WHY_KEY_REVISION:
        return layouts.STATUS_FORMAT_FAILURE
    if why < layouts.WHY_METER:
        return layouts.STATUS_AUTHENTICATION_FAILURE
    if why < layouts.WHY_COMMIT_FAILED:
        return layouts.STATUS_VALIDATION_FAILURE
    return layouts.STATUS_EXECUTION_FAILURE
