"""The start: what the files of a board say, and what is restored from them.

The files "identity" and "profile" say what the meter is; the journal is its account, which goes on
where it was. Whatever is damaged or missing, the meter comes up.
"""

import struct

from meterfw import layouts
from meterfw.account import orders, record, rules
from meterfw.board import Board
from meterfw.store.captures import Captures
from meterfw.store.journal import (
    LOST,
    NEW,
    REPAIRED,
    WHOLE,
    Journal,
    checked,
    contents,
    crc,
)
from meterfw.timekeeper import Timekeeper
from meterfw.tokens.till import COMMIT_MIN, Till

_PROFILE = struct.calcsize(layouts.PROFILE_FORMAT)
_PROFILE_FILE = layouts.PROFILE_FORMAT + "L"  # with its CRC-32
_STARTED = (
    layouts.LOG_CODE_STATE_NEW,
    layouts.LOG_CODE_POWER_UP,
    layouts.LOG_CODE_POWER_UP,
    layouts.LOG_CODE_STATE_LOST,
)


class Start:
    """One start of a meter; `run` does it.

    :ivar found: how the journal was found: NEW, WHOLE, REPAIRED or LOST
    :ivar flashed: False without identity, or without a profile to begin with
    :ivar profile_name: as in the identity, padded with zero octets
    """

    def __init__(
        self,
        board: Board,
        journal: Journal,
        timekeeper: Timekeeper,
        till: Till,
        captures: Captures,
    ) -> None:
        self.board = board
        self.ledger = till.ledger
        self.gateway = till.gateway
        self.timekeeper = timekeeper
        self.till = till
        self.captures = captures
        self.found = NEW
        self.flashed = False
        self.profile_name = b"none"
        self._journal = journal
        self._begun = 0  # place of the first entry of this start

    def run(self, why: "list[int]") -> None:
        """Take up the account where it was.

        :param why: log codes of what began this start, beside a power cut
        """
        identity = checked(contents(self.board, "identity"), layouts.FLASHED_FORMAT)
        if identity is None or not self._restore_account(identity):
            self._stay_bare()
            return
        self.flashed = self.till.open = True
        number, revision, key, self.profile_name, _ = identity
        self.gateway.meter = number
        self._restore_key(revision, key)
        self.captures.load()
        ledger, log, found = self.ledger, self._journal.log, self.found
        m = ledger.state
        log.add(m, _STARTED[found])
        for code in why:
            log.add(m, code)
        self.timekeeper.resume(COMMIT_MIN if found in (WHOLE, REPAIRED) else 0)
        if found == REPAIRED:
            log.add(m, layouts.LOG_CODE_JOURNAL_REPAIRED)
        rules.power_up(m, ledger.profile)
        if m.events == 0 and found == WHOLE:  # starts in a row are one: they wash nothing out
            log.fold(log.place - self._begun)
        log.add_events(m)
        if self.till.commit():
            self._journal.begin()

    def _stay_bare(self) -> None:
        """Without identity or profile: supply open, nothing taken, nothing stored."""
        m, p = self.ledger.state, self.ledger.profile
        for name in layouts.PROFILE_FIELDS:
            setattr(p, name, layouts.PROFILE_LOW.get(name, 0))
        m.payment_mode = layouts.PAYMENT_MODE_CREDIT
        m.reasons = layouts.REASON_OPERATOR

    # The account

    def _restore_account(self, identity: tuple) -> bool:
        """The account and the profile it goes on under; False without a profile to begin with."""
        number, revision, key, _, _ = identity
        ledger, log = self.ledger, self._journal.log
        self.found = self._journal.load(number, ledger)
        profile = self._flashed_profile()
        if self.found in (NEW, LOST):
            if profile is None:
                return False
            self._install(profile, revision, key)
            return True
        m = ledger.state
        self._begun = log.place
        log.resume(2 if self.found == REPAIRED else 1)  # what was damaged may be a commit later
        log.add(m, layouts.LOG_CODE_POWER_DOWN)
        if profile is None:
            log.add(m, layouts.LOG_CODE_PROFILE_REFUSED)
        elif ledger.memory.profile_crc != crc(profile):
            self._take_profile(profile)
            log.add(m, layouts.LOG_CODE_PROFILE_CHANGED)
        return True

    def _install(self, profile: bytes, revision: int, key: bytes) -> None:
        """Put into service; after a loss with nothing booked and no token taken."""
        ledger, lost = self.ledger, self.found == LOST
        ledger.memory.key_revision, ledger.memory.key = revision, key
        ledger.memory.lost = int(lost)
        self._take_profile(profile)
        orders.install(ledger.state, ledger.profile, max(self.board.clock(), 0))
        if lost:
            orders.start_empty(ledger.state, ledger.profile)

    def _flashed_profile(self) -> "bytes | None":
        """The profile of its file; None if it is damaged or contradicts itself."""
        data = contents(self.board, "profile")
        if data is None or checked(data, _PROFILE_FILE) is None:
            return None
        data = data[:_PROFILE]
        p = record.Profile()
        fields = layouts.PROFILE_FIELDS
        record.unpack(p, data, layouts.PROFILE_FORMAT, fields)
        if record.in_range(p, fields, layouts.PROFILE_LOW, layouts.PROFILE_HIGH):
            return None
        return data if orders.consistent(p) else None

    def _take_profile(self, data: bytes) -> None:
        """Take over a profile; the account goes on under it."""
        ledger = self.ledger
        m, p = ledger.state, ledger.profile
        record.unpack(p, data, layouts.PROFILE_FORMAT, layouts.PROFILE_FIELDS)
        ledger.memory.profile_crc = crc(data)
        m.calendar_until = 0
        if m.limit_until == 0 and p.limiter_fitted:
            rules.default_limit(m, p)

    # The key

    def _restore_key(self, revision: int, key: bytes) -> None:
        """The newest key: of the account, of the last key change, or of the identity flashed."""
        memory, gateway = self.ledger.memory, self.gateway
        highest = self._changed_key()
        if self.found in (WHOLE, REPAIRED) and revision > max(memory.key_revision, highest):
            memory.key_revision, memory.key, memory.lost = revision, key, 0
            self._journal.log.add(self.ledger.state, layouts.LOG_CODE_KEY_FLASHED)
        gateway.floor = max(revision, highest)
        if self.found != NEW:
            gateway.restart(memory)

    def _changed_key(self) -> int:
        """The file of the last key change: its revision, and its key where the store was lost."""
        changed = checked(contents(self.board, "key"), layouts.KEY_FORMAT)
        if changed is None:
            return 0
        memory = self.ledger.memory
        if memory.lost and changed[0] > memory.key_revision:
            memory.key_revision, memory.key = changed[0], changed[1]
        return changed[0]
