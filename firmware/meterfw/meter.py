"""The meter: one pass of `poll` reads the sensors, applies the rules and drives the outputs.

Whatever changes the account from outside is a token. It is applied to a second ledger; that ledger
is committed in one write; then the two are swapped and the meter answers.
"""

import struct

from meterfw import layouts
from meterfw.account import orders, record, rules
from meterfw.account.calendar import look_up
from meterfw.board import FAULT_SENSOR, FAULT_SWITCH
from meterfw.card.slot import Slot
from meterfw.panel import display
from meterfw.store.captures import Captures
from meterfw.store.journal import (
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
from meterfw.tokens.gateway import USED, Gateway
from meterfw.wire.console import Console
from meterfw.wire.link import BAD_LINE, FRAME, LINE, LONG_LINE, NOTHING, Link
from meterfw.wire.service import Service

BOARD_STEP_WH = 500  # most energy of one step on a board
BATCH = 20  # tokens booked in one commit; the log can take back what they note
CALM_S = 60  # without a pulse or a click before the relay is tested
BACK_MIN = 1440  # a chip further behind than that has lost the time
JUMP_MIN = 5  # a chip further ahead than that is asked again
COMMIT_MIN = 15  # clock minutes between commits while nothing happens
COMMIT_WH = 250  # energy between commits: what a power cut may leave uncharged
CLICK_MS = 300  # how long a test opens the relay
SERVED = 4  # requests of the link served in one poll, at most
_WARNINGS = (
    layouts.EVENT_LOW_CREDIT | layouts.EVENT_EMERGENCY_IN_USE | layouts.EVENT_LIMITER_ENGAGED
)
_PROFILE = struct.calcsize(layouts.PROFILE_FORMAT)
_PROFILE_FILE = layouts.PROFILE_FORMAT + "L"  # with its CRC-32
_STARTED = (
    layouts.LOG_CODE_STATE_NEW,
    layouts.LOG_CODE_POWER_UP,
    layouts.LOG_CODE_POWER_UP,
    layouts.LOG_CODE_STATE_LOST,
)
_BARE = "NOT FLASHED,no identity,or no profile,OFF"
_FIXED = "energy payment_mode limiter_fitted"  # parameters no token changes


class Meter:
    """A budget meter on a `Board`.

    The board's files "identity" and "profile" say what it is; the journal is its account, taken up
    where it was. Without the two files it stays open and only tells who asks.
    """

    def __init__(self, board):
        self.board = board
        self._journal = Journal(board)
        self.log = self._journal.log
        self.link = Link(board)
        self.captures = Captures(board)
        self.slot = Slot(self)
        self.page = 0
        self._ledger = Ledger()
        self._spare = Ledger()
        self._elapsed_ms = 0
        self._click_ms = 0
        self._supply = -1
        self._shown = [-1] * 7  # page, clock, cents, switch, reasons, emergency credit, leak test
        self._faults = 0
        self._committed_min = 0
        self._committed_wh = 0
        self._calm_s = 0
        self._jump_min = 0
        self.found = NEW  # how the journal was found at start
        self.flashed = False
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
        if identity is None:
            self._start_bare()
            return
        meter, revision, key, self.profile_name, _ = identity
        found = self.found = self._journal.load(meter, ledger)
        profile = self._flashed_profile()
        if found in (NEW, LOST):
            if profile is None:
                self._start_bare()
                return
            self._install(profile, revision, key, found == LOST)
        else:
            log.add(self.state, layouts.LOG_CODE_POWER_DOWN)
            if profile is None:
                log.add(self.state, layouts.LOG_CODE_PROFILE_REFUSED)
            elif ledger.memory.profile_crc != crc(profile):
                self._take_profile(profile)
                log.add(self.state, layouts.LOG_CODE_PROFILE_CHANGED)
        self.flashed = True
        self.gateway = Gateway(meter)
        highest = self._restore_key()
        if found in (WHOLE, REPAIRED) and revision > max(ledger.memory.key_revision, highest):
            memory = ledger.memory
            memory.key_revision, memory.key, memory.lost = revision, key, 0
            log.add(self.state, layouts.LOG_CODE_KEY_FLASHED)
        self.gateway.floor = max(revision, highest)
        if found != NEW:
            self.gateway.restart(ledger.memory)
        self.captures.load()
        log.add(self.state, _STARTED[found])
        self._resume_clock(found)
        if found == REPAIRED:
            log.add(self.state, layouts.LOG_CODE_JOURNAL_REPAIRED)
        rules.power_up(self.state, self.profile)
        log.add_events(self.state)
        if self.commit():
            self._journal.begin()
        self._drive()

    def _start_bare(self):
        """Without identity or profile: supply open, nothing taken, nothing stored."""
        p = self.profile
        for name in layouts.PROFILE_FIELDS:
            setattr(p, name, layouts.PROFILE_LOW.get(name, 0))
        self.gateway = Gateway(0)  # no token is for it
        self.profile_name = b"none"
        m = self.state
        m.payment_mode = layouts.PAYMENT_MODE_CREDIT
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

    def _flashed_profile(self):
        """The profile of its file as bytes; None if it is damaged or contradicts itself."""
        data = read(self.board, "profile")
        if data is None or checked(data, _PROFILE_FILE) is None:
            return None
        data = data[:_PROFILE]
        p = self._spare.profile
        fields = layouts.PROFILE_FIELDS
        record.unpack(p, data, layouts.PROFILE_FORMAT, fields)
        if record.in_range(p, fields, layouts.PROFILE_LOW, layouts.PROFILE_HIGH):
            return None
        return data if orders.consistent(p) else None

    def _take_profile(self, data):
        """Take over a profile; the account goes on under it."""
        ledger = self._ledger
        m, p = ledger.state, ledger.profile
        record.unpack(p, data, layouts.PROFILE_FORMAT, layouts.PROFILE_FIELDS)
        ledger.memory.profile_crc = crc(data)
        m.calendar_until = 0
        if m.limit_until == 0 and p.limiter_fitted:
            rules.default_limit(m, p)

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
        before, minutes = self._chip_ahead_min(), self._chip_ahead_min()
        if before is not None and minutes is not None and 0 <= minutes - before <= 1:
            self._follow(minutes)
            return
        later = COMMIT_MIN if found in (WHOLE, REPAIRED) else 0
        rules.resume(self.state, self.profile, later)
        self.log.add(self.state, layouts.LOG_CODE_TIME_UNCERTAIN)

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
            self._shown[0] = -1
            self._drive()

    def _step(self, seconds):
        m, p, board = self.state, self.profile, self.board
        minute = m.clock
        pulses = board.pulses()
        ma = board.current_ma()
        w = board.power_w()
        self._calm_s = 0 if pulses else min(self._calm_s + seconds, CALM_S)
        most = BOARD_STEP_WH
        if p.energy == layouts.ENERGY_GAS:
            most = max(BOARD_STEP_WH * 1000 // p.wh_per_m3, 1)
        while pulses > most:
            rules.advance(m, p, 0, most, ma, w)
            pulses -= most
        while seconds > rules.STEP_S:
            rules.advance(m, p, rules.STEP_S, 0, ma, w)
            seconds -= rules.STEP_S
        rules.advance(m, p, seconds, pulses, ma, w)
        if m.clock != minute:
            self._read_clock()
            if self.flashed:
                self.captures.look(m)
        self._note_faults(board.faults())

    def _note_faults(self, faults):
        """Log what has begun to be wrong with the board."""
        new = faults & ~self._faults
        self._faults = faults
        if new & FAULT_SWITCH:
            self.log.add(self.state, layouts.LOG_CODE_SWITCH_STUCK)
        if new & FAULT_SENSOR:
            self.log.add(self.state, layouts.LOG_CODE_SENSOR_SILENT)

    def _chip_ahead_min(self):
        """Minutes the clock chip is ahead; None without one or when it has lost the time."""
        chip = self.board.clock()
        ahead = chip - self.state.clock
        if chip < 0 or chip > layouts.CLOCK_LIMIT or ahead < -BACK_MIN:
            return None
        return ahead

    def _read_clock(self):
        """Follow the clock chip; far from a sure time only when it says so twice in a row."""
        minutes = self._chip_ahead_min()
        if minutes is None:
            return
        sure = -JUMP_MIN <= minutes <= JUMP_MIN or -2 < minutes - self._jump_min < 2
        if sure or self.state.uncertain:
            self._follow(minutes)
            self._jump_min = 0
        else:
            self._jump_min = minutes

    def _follow(self, minutes):
        """Take the chip's time when it is two seconds or more away."""
        m = self.state
        second = self.board.clock_s()
        near = -2 < minutes < 2 and -2 < minutes * 60 + second - m.second < 2
        if near and m.uncertain == 0:
            return
        rules.set_time(m, self.profile, m.clock + minutes, second)
        if not -2 < minutes < 2:
            self.log.add(m, layouts.LOG_CODE_CLOCK_SET)

    def _press(self, held):
        if not rules.press(self.state, self.profile, held):
            self.page = (self.page + 1) % display.PAGES

    def _serve(self):
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

    @property
    def clicking(self):
        """Whether a test holds the relay open."""
        return self._click_ms > 0

    def _drive(self):
        """Supply switch and display."""
        supply = 0 if self._click_ms else rules.supply_on(self.state)
        if supply != self._supply:
            self._supply = supply
            self.board.supply(supply)
        self._show()

    def _show(self):
        """Build the page when the minute, a cent of the balance or the state has changed."""
        m, shown = self.state, self._shown
        cents = (m.credit - m.emergency_used) // 1000
        same = shown[0] == self.page and shown[1] == m.clock and shown[2] == cents
        same = same and shown[3] == m.control_state and shown[4] == m.reasons
        if not (same and shown[5] == m.emergency_status and shown[6] == m.leak_left_s):
            shown[0], shown[1], shown[2] = self.page, m.clock, cents
            shown[3], shown[4] = m.control_state, m.reasons
            shown[5], shown[6] = m.emergency_status, m.leak_left_s
            self.board.show(self._lines())

    def _lines(self):
        """The four lines to show."""
        if not self.flashed:
            return _BARE.split(",")
        if self.slot.present:
            return display.card_page(self.state, self.profile, self.slot.outcome, self.slot.taken)
        return display.page(self.state, self.profile, self.page)

    # Commit

    def commit(self):
        """Store the account; False if that failed."""
        if not self.flashed:
            return False
        self._committed(self._ledger)  # a failure is tried again when the next is due
        if self._journal.commit(self._ledger):
            return True
        self.log.add_again(self.state, layouts.LOG_CODE_COMMIT_FAILED)
        return False

    def _committed(self, ledger):
        """Count time and energy to the next commit from here."""
        self._committed_min = ledger.state.clock
        self._committed_wh = ledger.state.energy_wh

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
        (status, reason), one for each token. More than BATCH of them are more than one commit.
        """
        if len(batch) > BATCH:
            answers = self.enter_all(batch[:BATCH], port)
            return answers + self.enter_all(batch[BATCH:], port)
        spare, log = self._spare, self.log
        spare.copy(self._ledger)
        answers = [self._take(data, spare, port) for data in batch]
        taken = [status == layouts.TOKEN_STATUS_EXECUTED for status, _ in answers]
        if not any(taken):
            log.add_again(self.state, layouts.LOG_CODE_TOKEN_REFUSED)
            return answers
        self.gateway.succeed(spare.memory)
        rules.judge(spare.state, spare.profile)
        before = log.count
        for done in taken:
            log.add(
                spare.state,
                layouts.LOG_CODE_TOKEN_ACCEPTED if done else layouts.LOG_CODE_TOKEN_REFUSED,
            )
        events = spare.state.events
        log.add_events(spare.state)
        moved = spare.state.clock != self.state.clock
        ready = not moved or self._put_chip(spare.state.clock)
        if not (ready and self._journal.commit(spare)):
            log.forget(before)
            if moved:
                self._put_chip(self.state.clock)
            log.add_again(self.state, layouts.LOG_CODE_COMMIT_FAILED)
            failed = (layouts.TOKEN_STATUS_EXECUTION_FAILURE, layouts.TOKEN_REASON_COMMIT_FAILED)
            return [failed if done else a for a, done in zip(answers, taken)]
        self._committed(spare)
        self._ledger, self._spare = spare, self._ledger
        if events & _WARNINGS:
            self.board.beep(1)
        self._drive()
        return answers

    def _put_chip(self, clock):
        """Put the clock chip where a token puts the clock, False if that failed.

        Before the commit: a cut in between leaves a chip that is right and a token not yet taken.
        """
        try:
            self.board.set_clock(clock)
        except OSError:
            return False
        return True

    def _take(self, data, spare, port):
        """Judge one token and apply it to the spare ledger; answers status and reason."""
        gateway, memory = self.gateway, spare.memory
        why = gateway.check(data, memory, spare.state.clock, port)
        if why == layouts.TOKEN_REASON_TAG and port:
            self._fail()
        if why != layouts.TOKEN_REASON_NONE:
            return _status(why), why
        result = layouts.RESULT_NO_EFFECT
        if gateway.order == 0 or memory.orders.state(gateway.order) != USED:
            result = self._apply(spare)
        if result > layouts.RESULT_NO_EFFECT:
            return layouts.TOKEN_STATUS_EXECUTION_FAILURE, layouts.TOKEN_REASON_RESULT + result
        memory.numbers.take(gateway.number)
        if gateway.order > 0:
            memory.orders.take(gateway.order)
        return (
            layouts.TOKEN_STATUS_EXECUTED,
            layouts.TOKEN_REASON_RESULT + result if result else layouts.TOKEN_REASON_NONE,
        )

    def _fail(self):
        """A wrong tag at the port."""
        if self.gateway.fail(self.memory):
            self.log.add(self.state, layouts.LOG_CODE_LOCKED_OUT)
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
            spare.state, spare.profile, gateway.kind, gateway.value, gateway.extra, gateway.order
        )

    def _set_parameter(self, spare):
        """One value of the profile (FE-23)."""
        index, value = self.gateway.value, self.gateway.extra
        if not 0 <= index < len(layouts.PROFILE_FIELDS):
            return layouts.RESULT_OUT_OF_RANGE
        name = layouts.PROFILE_FIELDS[index]
        p = spare.profile
        before = getattr(p, name)
        low, high = layouts.PROFILE_LOW.get(name, 0), layouts.PROFILE_HIGH[index]
        if name in _FIXED.split() or not low <= value <= high:
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
        self._shown[0] = -1
        self.board.beep(2)
        safe = (
            relay
            and self.profile.energy != layouts.ENERGY_GAS
            and self.state.control_state == layouts.CONTROL_STATE_CONNECTED
            and self._calm_s == CALM_S
            and self.board.current_ma() == 0
            and self.board.power_w() == 0
        )
        if safe:
            self._click_ms = CLICK_MS
            self._calm_s = 0
        return safe

    def profile_text(self):
        """Name of the profile."""
        return self.profile_name.decode().rstrip("\x00")


def _status(why):
    """Token status code of a reason."""
    if why < layouts.TOKEN_REASON_KEY_REVISION:
        return layouts.TOKEN_STATUS_FORMAT_FAILURE
    if why < layouts.TOKEN_REASON_METER:
        return layouts.TOKEN_STATUS_AUTHENTICATION_FAILURE
    if why < layouts.TOKEN_REASON_COMMIT_FAILED:
        return layouts.TOKEN_STATUS_VALIDATION_FAILURE
    return layouts.TOKEN_STATUS_EXECUTION_FAILURE
