"""Tokens: the check of what comes in, and the memory of what has been taken.

`TokenMemory` is bytes beside the rule state, stored with it in one record. `Gateway` judges a
token's bytes before anything is applied; its work is the same whatever came before.
"""

import struct

from meterfw import layouts
from meterfw.tokens import crypto

BODY = struct.calcsize(layouts.TOKEN_FORMAT)
SIZE = BODY + layouts.TAG_SIZE
KEY_TOKEN_SIZE = SIZE + layouts.KEY_SIZE
FREE_FAILURES = 5  # wrong tags without a delay
LOCK_S = 60  # first delay; doubled with each level
LONGEST_LOCK_S = 3600
HIGHEST_LEVEL = 7

NEW, USED, TOO_OLD = 0, 1, 2


class Window:
    """Which of the last 256 numbers have been taken; each is taken once, in any order."""

    def __init__(self):
        self.highest = 0
        self.bits = bytearray(layouts.WINDOW // 8)  # bit i: highest - i

    def state(self, number):
        """NEW, USED or TOO_OLD."""
        age = self.highest - number
        if age < 0:
            return NEW
        if age >= layouts.WINDOW:
            return TOO_OLD
        return USED if self.bits[age >> 3] >> (age & 7) & 1 else NEW

    def take(self, number):
        """Note a number that is not too old."""
        ahead = number - self.highest
        if ahead > 0:
            self._shift(ahead)
            self.highest = number
        age = self.highest - number
        self.bits[age >> 3] |= 1 << (age & 7)

    def close(self, highest):
        """Take every number up to `highest`."""
        self.highest = highest
        for i in range(len(self.bits)):
            self.bits[i] = 0xFF

    def _shift(self, count):
        bits = self.bits
        whole, part = count >> 3, count & 7
        for i in range(len(bits) - 1, -1, -1):
            j = i - whole
            value = bits[j] << part if j >= 0 else 0
            if j >= 1:
                value |= bits[j - 1] >> (8 - part)
            bits[i] = value & 0xFF


class TokenMemory:
    """Key in force and what has been taken (meterproto.stored.TokenMemory)."""

    def __init__(self):
        self.key_revision = 1
        self.key = bytes(layouts.KEY_SIZE)
        self.numbers = Window()
        self.orders = Window()
        self.lock_level = 0
        self.lost = 0
        self.profile_crc = 0

    def copy(self, other):
        """Become equal to another memory."""
        self.key_revision = other.key_revision
        self.key = other.key
        for mine, theirs in ((self.numbers, other.numbers), (self.orders, other.orders)):
            mine.highest = theirs.highest
            for i in range(len(mine.bits)):
                mine.bits[i] = theirs.bits[i]
        self.lock_level = other.lock_level
        self.lost = other.lost
        self.profile_crc = other.profile_crc

    def pack(self):
        """As stored."""
        return struct.pack(
            layouts.TOKEN_MEMORY_FORMAT,
            self.key_revision,
            self.key,
            self.numbers.highest,
            self.numbers.bits,
            self.orders.highest,
            self.orders.bits,
            self.lock_level,
            self.lost,
            self.profile_crc,
        )

    def unpack(self, data):
        """From what was stored."""
        (
            self.key_revision,
            self.key,
            self.numbers.highest,
            numbers,
            self.orders.highest,
            orders,
            self.lock_level,
            self.lost,
            self.profile_crc,
        ) = struct.unpack(layouts.TOKEN_MEMORY_FORMAT, data)
        self.numbers.bits[:] = numbers
        self.orders.bits[:] = orders


class Gateway:
    """Judges tokens for one meter, and delays the port after wrong tags.

    After `check` answered TOKEN_REASON_NONE the token's fields stand in the attributes `kind`,
    `number`, `order`, `value` and `extra`, and a key change's new key in `new_key`.
    """

    def __init__(self, meter):
        self.meter = meter
        self.floor = 0  # highest key revision known of, should the memory be lost
        self.kind = self.number = self.order = self.value = self.extra = 0
        self.new_key = None
        self.locked_ms = 0
        self._failures = 0

    def start(self, memory):
        """Begin the delay of the stored level."""
        self.locked_ms = self._delay_s(memory.lock_level) * 1000

    def restart(self, memory):
        """The same after a power cut, and the next wrong tag counts: cuts buy no free ones."""
        self.start(memory)
        self._failures = FREE_FAILURES - 1

    def pass_time(self, ms):
        """Let the delay run."""
        if self.locked_ms > 0:
            self.locked_ms = max(self.locked_ms - ms, 0)

    def check(self, data, memory, clock, port):
        """Judge a token's bytes; answers a WHY code. `port` is False for a card."""
        self.number = 0
        why = self.parse(data)
        if why != layouts.TOKEN_REASON_NONE:
            return why
        if self._key_revision != memory.key_revision:
            return layouts.TOKEN_REASON_KEY_REVISION
        if port and self.locked_ms > 0:
            return layouts.TOKEN_REASON_LOCKED
        end = len(data) - layouts.TAG_SIZE
        tag = crypto.hmac(memory.key, b"token" + data[:end])[: layouts.TAG_SIZE]
        if not crypto.equal(tag, data[end:]):
            return layouts.TOKEN_REASON_TAG
        return self._check_spent(data, memory, clock)

    def parse(self, data):
        """Read the fields, whoever wrote them; a WHY code."""
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
            self.order,
            self.value,
            self.extra,
            self._expiry,
        ) = values
        return layouts.TOKEN_REASON_NONE if meter == self.meter else layouts.TOKEN_REASON_METER

    def _check_spent(self, data, memory, clock):
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
            if self.order > 0 and memory.orders.state(self.order) == TOO_OLD:
                return layouts.TOKEN_REASON_ORDER_TOO_OLD
        if 0 < self._expiry <= clock:
            return layouts.TOKEN_REASON_EXPIRED
        if self.kind == layouts.KIND_KEY_CHANGE:
            self._unwrap(data, memory.key)
        return layouts.TOKEN_REASON_NONE

    def _unwrap(self, data, key):
        info = b"wrap" + struct.pack("<LH", self.number, self.value)
        mask = crypto.expand(key, info)
        self.new_key = bytes([data[BODY + i] ^ mask[i] for i in range(layouts.KEY_SIZE)])

    def change_key(self, memory):
        """Put the new key in force; numbers up to this token's are closed if they were lost."""
        if memory.lost:
            memory.numbers.close(self.number)
            memory.orders.close(self.order)
            memory.lost = 0
        memory.key_revision = self.value
        memory.key = self.new_key

    # The lock-out of the port

    def fail(self, memory):
        """Note a wrong tag from the port; True when the level rose and is to be stored."""
        self._failures += 1
        if memory.lock_level == 0 and self._failures < FREE_FAILURES:
            return False
        memory.lock_level = min(memory.lock_level + 1, HIGHEST_LEVEL)
        self.locked_ms = self._delay_s(memory.lock_level) * 1000
        return True

    def succeed(self, memory):
        """A genuine token ends the lock-out."""
        self._failures = 0
        memory.lock_level = 0

    def _delay_s(self, level):
        return min(LOCK_S << (level - 1), LONGEST_LOCK_S) if level > 0 else 0
