"""The memory of what has been taken: bytes beside the rule state, stored with it in one record."""

import struct

from meterfw import layouts

NEW, USED, TOO_OLD = 0, 1, 2


class Window:
    """Which of the last 256 numbers have been taken; each is taken once, in any order."""

    def __init__(self) -> None:
        self.highest = 0
        self.bits = bytearray(layouts.WINDOW // 8)  # bit i: highest - i

    def state(self, number: int) -> int:
        """NEW, USED or TOO_OLD."""
        age = self.highest - number
        if age < 0:
            return NEW
        if age >= layouts.WINDOW:
            return TOO_OLD
        return USED if self.bits[age >> 3] >> (age & 7) & 1 else NEW

    def take(self, number: int) -> None:
        """Note a number that is not too old."""
        ahead = number - self.highest
        if ahead > 0:
            self._shift(ahead)
            self.highest = number
        age = self.highest - number
        self.bits[age >> 3] |= 1 << (age & 7)

    def close(self, highest: int) -> None:
        """Take every number up to `highest`."""
        self.highest = highest
        for i in range(len(self.bits)):
            self.bits[i] = 0xFF

    def _shift(self, count: int) -> None:
        shift(self.bits, count)


def shift(bits: bytearray, count: int) -> None:
    """Move every bit up by so many places."""
    whole, part = count >> 3, count & 7
    for i in range(len(bits) - 1, -1, -1):
        j = i - whole
        value = bits[j] << part if j >= 0 else 0
        if j >= 1:
            value |= bits[j - 1] >> (8 - part)
        bits[i] = value & 0xFF


class TokenMemory:
    """Key in force and what has been taken (meterproto.stored.TokenMemory)."""

    def __init__(self) -> None:
        self.key_revision = 1
        self.key = bytes(layouts.KEY_SIZE)
        self.numbers = Window()
        self.orders = Window()
        self.lock_level = 0
        self.lost = 0
        self.profile_crc = 0
        self.superseded = bytearray(layouts.WINDOW // 8)  # bit i: orders.highest - i
        self.priced = 0  # clock value at which the last price of today was taken
        self.ranks = bytearray(4 * layouts.RANKS)

    def take_order(self, order_id: int, superseded: bool) -> None:
        """Note an order that is not too old, and whether it came too late for its setting."""
        ahead = order_id - self.orders.highest
        if ahead > 0:
            shift(self.superseded, ahead)
        self.orders.take(order_id)
        if superseded:
            age = self.orders.highest - order_id
            self.superseded[age >> 3] |= 1 << (age & 7)

    def close(self, number: int, order_id: int) -> None:
        """Begin again after a loss: every number and order up to these counts as taken."""
        self.numbers.close(number)
        self.orders.close(order_id)
        for i in range(len(self.superseded)):
            self.superseded[i] = 0
        self.lost = 0

    def rank(self, setting: int) -> int:
        """Rank of the newest order taken of a setting; 0 for none."""
        return struct.unpack_from("<L", self.ranks, 4 * setting)[0]

    def raise_rank(self, setting: int, rank: int) -> None:
        """Keep a rank, where it is above the one kept so far."""
        if rank > self.rank(setting):
            struct.pack_into("<L", self.ranks, 4 * setting, rank)

    def copy(self, other: "TokenMemory") -> None:
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
        self.priced = other.priced
        for mine, theirs in ((self.superseded, other.superseded), (self.ranks, other.ranks)):
            for i in range(len(mine)):
                mine[i] = theirs[i]

    def pack(self) -> bytes:
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
            self.superseded,
            self.priced,
            self.ranks,
        )

    def unpack(self, data: "bytes | bytearray") -> None:
        """From what was stored; what an older layout lacks is zero."""
        data = bytes(data) + bytes(struct.calcsize(layouts.TOKEN_MEMORY_FORMAT) - len(data))
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
            superseded,
            self.priced,
            ranks,
        ) = struct.unpack(layouts.TOKEN_MEMORY_FORMAT, data)
        self.numbers.bits[:] = numbers
        self.orders.bits[:] = orders
        self.superseded[:] = superseded
        self.ranks[:] = ranks
