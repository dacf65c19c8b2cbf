"""The gateway: judges a token's octets before anything is applied, and delays guesses at the port.

Its work is the same whatever came before. What has been taken is in `memory`.
"""

import struct

from meterfw import const, layouts
from meterfw.tokens import crypto
from meterfw.tokens.memory import NEW, TOO_OLD, USED, TokenMemory

BODY = struct.calcsize(layouts.TOKEN_FORMAT)
SIZE = BODY + layouts.TAG_SIZE
KEY_TOKEN_SIZE = SIZE + layouts.KEY_SIZE
_FREE_FAILURES = const(5)  # wrong tags without a delay
_LOCK_S = const(60)  # first delay; doubled with each level
_LONGEST_LOCK_S = const(3600)
_HIGHEST_LEVEL = const(7)
_TRY_MS = const(1000)  # while locked out, one tag is computed in so long


class Gateway:
    """Judges tokens for one meter, and delays who guesses tags at the port.

    While the port is locked out a genuine token is taken all the same; a wrong one answers
    TOKEN_REASON_LOCKED and counts for nothing.

    After `check` answered TOKEN_REASON_NONE the token's fields stand in the attributes `kind`,
    `number`, `order_id`, `value` and `extra`, and a key change's new key in `new_key`.

    :ivar meter: number of the meter; 0 on a board that is not flashed, and no token is for it
    :ivar locked_ms: how long the lock-out lasts; only a wrong tag after it counts
    """

    def __init__(self, meter: int = 0) -> None:
        self.meter = meter
        self.floor = 0  # highest key revision known of, should the memory be lost
        self.kind = self.number = self.order_id = self.value = self.extra = 0
        self.new_key = b""
        self.locked_ms = 0
        self._try_ms = 0  # until the next tag is computed, while locked out
        self._failures = 0

    def start(self, memory: TokenMemory) -> None:
        """Begin the delay of the stored level."""
        self.locked_ms = self._delay_s(memory.lock_level) * 1000

    def restart(self, memory: TokenMemory) -> None:
        """The same after a power cut, and the next wrong tag counts: cuts buy no free ones."""
        self.start(memory)
        self._failures = _FREE_FAILURES - 1

    def pass_time(self, ms: int) -> None:
        """Let the delays run."""
        if self.locked_ms > 0:
            self.locked_ms = max(self.locked_ms - ms, 0)
            self._try_ms = max(self._try_ms - ms, 0)

    def check(
        self, data: bytes, memory: TokenMemory, clock: int, uncertain: int, port: bool
    ) -> int:
        """Judge a token's octets; a TOKEN_REASON code. `port` is False for a card.

        While the clock is uncertain a token with an expiry waits for the time, and is not spent:
        its expiry may be long over. The time itself is taken.
        """
        self.number = 0
        why = self.parse(data)
        if why != layouts.TOKEN_REASON_NONE:
            return why
        if self._key_revision != memory.key_revision:
            return layouts.TOKEN_REASON_KEY_REVISION
        locked = port and self.locked_ms > 0
        if locked and self._try_ms > 0:
            return layouts.TOKEN_REASON_LOCKED
        if locked:
            self._try_ms = _TRY_MS
        end = len(data) - layouts.TAG_SIZE
        tag = crypto.hmac(memory.key, b"token" + data[:end])[: layouts.TAG_SIZE]
        if not crypto.equal(tag, data[end:]):
            return layouts.TOKEN_REASON_LOCKED if locked else layouts.TOKEN_REASON_TAG
        return self._check_spent(data, memory, clock, uncertain)

    def parse(self, data: bytes) -> int:
        """Read the fields, whoever wrote them; a TOKEN_REASON code."""
        if len(data) < SIZE:
            return layouts.TOKEN_REASON_LENGTH
        if data[0] != layouts.TOKEN_VERSION:
            return layouts.TOKEN_REASON_VERSION
        wanted = KEY_TOKEN_SIZE if data[1] == layouts.KIND_KEY_CHANGE else SIZE
        if len(data) != wanted:
            return layouts.TOKEN_REASON_LENGTH
        values = struct.unpack(layouts.TOKEN_FORMAT, data[:BODY])
        for value, low, high in zip(values, layouts.TOKEN_LOW, layouts.TOKEN_HIGH):
            if not low <= value <= high:
                return layouts.TOKEN_REASON_RANGE
        (
            _,
            self.kind,
            self._key_revision,
            meter,
            self.number,
            self.order_id,
            self.value,
            self.extra,
            self._expiry,
        ) = values
        return layouts.TOKEN_REASON_NONE if meter == self.meter else layouts.TOKEN_REASON_METER

    def _check_spent(self, data: bytes, memory: TokenMemory, clock: int, uncertain: int) -> int:
        """Once the tag is right: is it new, and in time?"""
        if self.kind == layouts.KIND_KEY_CHANGE:
            floor = max(memory.key_revision, self.floor if memory.lost else 0)
            if not floor < self.value <= 0xFFFF:
                return layouts.TOKEN_REASON_OLD_REVISION
        elif memory.lost:
            return layouts.TOKEN_REASON_MEMORY_LOST
        if not memory.lost:
            state = memory.numbers.state(self.number)
            if state != NEW:
                return layouts.TOKEN_REASON_USED if state == USED else layouts.TOKEN_REASON_TOO_OLD
            if self.order_id > 0 and memory.orders.state(self.order_id) == TOO_OLD:
                return layouts.TOKEN_REASON_ORDER_TOO_OLD
        if 0 < self._expiry <= clock:
            return layouts.TOKEN_REASON_EXPIRED
        if self._expiry > 0 and uncertain and self.kind != layouts.KIND_CLOCK:
            return layouts.TOKEN_REASON_TIME_UNCERTAIN
        if self.kind == layouts.KIND_KEY_CHANGE:
            self._unwrap(data, memory.key)
        return layouts.TOKEN_REASON_NONE

    def _unwrap(self, data: bytes, key: bytes) -> None:
        info = b"wrap" + struct.pack("<LH", self.number, self.value)
        mask = crypto.expand(key, info)
        self.new_key = bytes([data[BODY + i] ^ mask[i] for i in range(layouts.KEY_SIZE)])

    def change_key(self, memory: TokenMemory) -> None:
        """Put the new key in force; numbers up to this token's are closed if they were lost."""
        if memory.lost:
            memory.close(self.number, self.order_id)
        memory.key_revision = self.value
        memory.key = self.new_key

    # The lock-out of the port

    def fail(self, memory: TokenMemory) -> bool:
        """Note a wrong tag from the port; True when the level rose and is to be stored."""
        self._failures += 1
        if memory.lock_level == 0 and self._failures < _FREE_FAILURES:
            return False
        memory.lock_level = min(memory.lock_level + 1, _HIGHEST_LEVEL)
        self.locked_ms = self._delay_s(memory.lock_level) * 1000
        self._try_ms = 0
        return True

    def succeed(self) -> None:
        """A genuine token was taken: the lock-out ends."""
        self._failures = self.locked_ms = 0

    def locked_s(self) -> int:
        """Seconds that the lock-out still lasts; 0 without one."""
        return (self.locked_ms + 999) // 1000

    def _delay_s(self, level: int) -> int:
        return min(_LOCK_S << (level - 1), _LONGEST_LOCK_S) if level > 0 else 0
