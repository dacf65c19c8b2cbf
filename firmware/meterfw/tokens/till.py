"""The till: takes tokens, and commits the account.

Whatever changes the account from outside is a token. The till applies it to a second ledger and
commits that ledger in one write; then the two change places, and the meter answers.
"""

from meterfw import const, layouts
from meterfw.account import orders, rules
from meterfw.account.calendar import look_up
from meterfw.board import Board
from meterfw.panel.panel import Panel
from meterfw.store.journal import Journal, Ledger, sealed
from meterfw.timekeeper import Timekeeper
from meterfw.tokens.gateway import Gateway
from meterfw.tokens.memory import USED
from meterfw.tokens.settings import note_setting, rank_of, setting_of, superseded

_BATCH = const(20)  # tokens booked in one commit; the log can take back what they note
COMMIT_MIN = 15  # clock minutes between commits while nothing happens
COMMIT_WH = 250  # energy between commits: what a power cut may leave uncharged
FIXED = "energy payment_mode limiter_fitted"  # parameters no token changes


class Till:
    """Takes tokens for an account and keeps it in the journal.

    :param ledger: the account in force
    :ivar open: False on a board that is not flashed: nothing is stored
    """

    def __init__(
        self,
        board: Board,
        ledger: Ledger,
        journal: Journal,
        gateway: Gateway,
        timekeeper: Timekeeper,
        panel: Panel,
    ) -> None:
        self.board = board
        self.ledger = ledger
        self.gateway = gateway
        self.timekeeper = timekeeper
        self.panel = panel
        self.log = journal.log
        self.open = False
        self._journal = journal
        self._spare = Ledger()
        self._committed_min = 0
        self._committed_wh = 0

    # Commit

    def commit(self) -> bool:
        """Store the account; False if that failed."""
        if not self.open:
            return False
        m = self.ledger.state
        self._restart_count()  # a failure is tried again when the next is due
        if self._journal.commit(self.ledger):
            return True
        self.log.note(m, layouts.LOG_CODE_COMMIT_FAILED)
        return False

    def commit_due(self) -> None:
        """Store the account when time or energy since the last commit asks for it."""
        if not 0 <= self.uncommitted_min() < COMMIT_MIN or self.uncommitted_wh() >= COMMIT_WH:
            self.commit()

    def _restart_count(self) -> None:
        """Count time and energy to the next commit from here."""
        self._committed_min = self.ledger.state.clock
        self._committed_wh = self.ledger.state.energy_wh

    def uncommitted_min(self) -> int:
        """Clock minutes since the last commit; negative after the clock was set back."""
        return self.ledger.state.clock - self._committed_min

    def uncommitted_wh(self) -> int:
        """Energy since the last commit."""
        return (self.ledger.state.energy_wh - self._committed_wh) % layouts.REGISTER_LIMIT

    def sequence(self) -> int:
        """Number of the last commit."""
        return self._journal.sequence

    # Tokens

    def enter(self, data: bytes, port: bool = True) -> "tuple[int, int]":
        """Take one token; answers its TOKEN_STATUS (DLMS class 115) and TOKEN_REASON."""
        return self.enter_all((data,), port)[0]

    def enter_all(
        self, batch: "list[bytes] | tuple[bytes, ...]", port: bool = False
    ) -> "list[tuple[int, int]]":
        """Take tokens that came together, booked before supply is judged (AMB-08).

        `port` is False for tokens from a card: a card is never locked out. Answers a list of
        (status, reason), one for each token. More than _BATCH of them are more than one commit.
        What the lock-out refuses leaves no trace.
        """
        if len(batch) > _BATCH:
            answers = self.enter_all(batch[:_BATCH], port)
            return answers + self.enter_all(batch[_BATCH:], port)
        spare, log = self._spare, self.log
        spare.copy(self.ledger)
        answers = [self._take(data, spare, port) for data in batch]
        taken = [status == layouts.TOKEN_STATUS_EXECUTED for status, _ in answers]
        if not any(taken):
            if answers[0][1] != layouts.TOKEN_REASON_LOCKED:
                log.note(self.ledger.state, layouts.LOG_CODE_TOKEN_REFUSED)
            return answers
        spare.memory.lock_level = 0
        m = spare.state
        rules.judge(m, spare.profile)
        before, events = log.count, m.events
        for done in taken:
            log.add(m, layouts.LOG_CODE_TOKEN_ACCEPTED if done else layouts.LOG_CODE_TOKEN_REFUSED)
        log.add_events(m)
        if not self._commit_spare():
            log.forget(before)
            log.note(self.ledger.state, layouts.LOG_CODE_COMMIT_FAILED)
            failed = (layouts.TOKEN_STATUS_EXECUTION_FAILURE, layouts.TOKEN_REASON_COMMIT_FAILED)
            return [failed if done else a for a, done in zip(answers, taken)]
        self.gateway.succeed()
        self.panel.warn(events)
        self.panel.drive()
        return answers

    def _commit_spare(self) -> bool:
        """Store the spare ledger and put it in force; False if that failed, and nothing changed.

        The clock chip comes first: a cut in between leaves a chip that is right and a token that
        is not taken yet.
        """
        spare, clock = self._spare, self.ledger.state.clock
        moved = spare.state.clock != clock
        ready = not moved or self.timekeeper.put_chip(spare.state.clock)
        if not (ready and self._journal.commit(spare)):
            if moved:
                self.timekeeper.put_chip(clock)
            return False
        self.ledger.swap(spare)
        self._restart_count()
        return True

    def _take(self, data: bytes, spare: Ledger, port: bool) -> "tuple[int, int]":
        """Judge one token and apply it to the spare ledger; answers status and reason."""
        gateway, memory = self.gateway, spare.memory
        why = gateway.check(data, memory, spare.state.clock, spare.state.uncertain, port)
        if why == layouts.TOKEN_REASON_TAG and port:
            self._count_failure()
        if why != layouts.TOKEN_REASON_NONE:
            return _status(why), why
        result = layouts.RESULT_NO_EFFECT
        order_id = gateway.order_id
        known = order_id > 0 and memory.orders.state(order_id) == USED
        if not known:
            result = self._carry_out(spare)
        late = result == layouts.RESULT_SUPERSEDED
        if result > layouts.RESULT_NO_EFFECT and not late:
            return layouts.TOKEN_STATUS_EXECUTION_FAILURE, layouts.TOKEN_REASON_RESULT + result
        memory.numbers.take(gateway.number)
        if order_id > 0 and not known:
            memory.take_order(order_id, late)
        return (
            layouts.TOKEN_STATUS_EXECUTED,
            layouts.TOKEN_REASON_RESULT + result if result else layouts.TOKEN_REASON_NONE,
        )

    def _count_failure(self) -> None:
        """A wrong tag at the port."""
        if self.gateway.fail(self.ledger.memory):
            self.log.add(self.ledger.state, layouts.LOG_CODE_LOCKED_OUT)
            self.commit()

    def _carry_out(self, spare: Ledger) -> int:
        """Apply the token to the spare ledger, unless a later order of its setting was taken."""
        gateway, memory, m = self.gateway, spare.memory, spare.state
        setting = setting_of(gateway.kind, gateway.value, gateway.extra)
        rank = rank_of(gateway.order_id, gateway.number)
        if superseded(memory, m, setting, rank, gateway.extra):
            return layouts.RESULT_SUPERSEDED
        result = self._apply(spare)
        if result <= layouts.RESULT_NO_EFFECT:
            note_setting(memory, m, setting, rank)
        return result

    def _apply(self, spare: Ledger) -> int:
        """Carry out the token on the spare ledger; a RESULT code."""
        gateway = self.gateway
        kind, value, extra = gateway.kind, gateway.value, gateway.extra
        if kind == layouts.KIND_KEY_CHANGE:
            return self._change_key(spare)
        if kind == layouts.KIND_TEST:
            self.panel.test()
            return layouts.RESULT_DONE
        if kind == layouts.KIND_PARAMETER:
            return _set_parameter(spare, value, extra)
        return orders.apply(spare.state, spare.profile, kind, value, extra, gateway.order_id)

    def _change_key(self, spare: Ledger) -> int:
        """Put a new key in force; kept apart too, so that its revision outlives a lost account."""
        gateway = self.gateway
        key = sealed(layouts.KEY_FORMAT, gateway.value, gateway.new_key)
        try:
            self.board.store("key", key)
        except OSError:
            return layouts.RESULT_NOT_STORED
        gateway.change_key(spare.memory)
        return layouts.RESULT_DONE


def _set_parameter(spare: Ledger, index: int, value: int) -> int:
    """One value of the profile, by its place (FE-23); a RESULT code."""
    if not 0 <= index < len(layouts.PROFILE_FIELDS):
        return layouts.RESULT_OUT_OF_RANGE
    name = layouts.PROFILE_FIELDS[index]
    p = spare.profile
    before = getattr(p, name)
    low, high = layouts.PROFILE_LOW.get(name, 0), layouts.PROFILE_HIGH[index]
    if name in FIXED.split() or not low <= value <= high:
        return layouts.RESULT_OUT_OF_RANGE
    setattr(p, name, value)
    if not orders.consistent(p):
        setattr(p, name, before)
        return layouts.RESULT_OUT_OF_RANGE
    look_up(spare.state, p)
    if spare.state.limit_until == 0 and p.limiter_fitted:
        rules.default_limit(spare.state, p)
    return layouts.RESULT_DONE


def _status(why: int) -> int:
    """TOKEN_STATUS of a TOKEN_REASON."""
    if why < layouts.TOKEN_REASON_KEY_REVISION:
        return layouts.TOKEN_STATUS_FORMAT_FAILURE
    if why < layouts.TOKEN_REASON_METER:
        return layouts.TOKEN_STATUS_AUTHENTICATION_FAILURE
    if why < layouts.TOKEN_REASON_COMMIT_FAILED:
        return layouts.TOKEN_STATUS_VALIDATION_FAILURE
    return layouts.TOKEN_STATUS_EXECUTION_FAILURE
