"""Random draws as a pure function of seed, meter, purpose and index.

Philox2x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11):
a counter in, random bits out, no state. What a meter draws therefore depends on nothing that was
drawn before it, nor on chunks or workers. The same household meets the same chances under every
policy. Portable: compiled for the fleet, interpreted for a single meter.
"""

from typing import Any

from budgetmeter.fleet.rows import Config

WORD = 0xFFFFFFFF
MULTIPLIER = 0xD256D193
WEYL = 0x9E3779B9
METERS = 1 << 24  # numbers of meters, and of purposes 256

# What a draw is for.
BASE, HEATING, HEATED, ELECTRIC_CAR, SOURCE, RHYTHM, COVER, ERRANDS, LIMITED, PROTECTED = range(10)
FIRST_VISIT, DAY, SHIFT, WEATHER, CHARGE, SKIP, VISIT_TIME, HEED, ERRAND, PRESS = range(10, 20)
BILL, ORDER, AT_EASE = range(20, 23)
BEHIND, BEHIND_DAY, DEBT, PAY_DAYS, PLAN, PLAN_KEPT, REFUSES, BILL_PAID = range(23, 31)
WITHDRAWS, BAD_WILL, BAD_WILL_DAY, ACCESS, MENDS = range(31, 36)


def philox(key: int, counter: int, other: int) -> int:
    """The first word of Philox2x32-10; all are words of 32 bits."""
    for _ in range(10):
        # Both interpreters agree on the low 64 bits of the product, signed or not.
        product = MULTIPLIER * counter
        counter = (product >> 32 & WORD) ^ key ^ other
        other = product & WORD
        key = key + WEYL & WORD
    return counter


def draw(config: Config, meter: int, purpose: int, index: int) -> int:
    """A word for a meter (below METERS), a purpose and an index of 32 bits."""
    return philox(config.seed, index, purpose << 24 | meter)


def below(word: int, count: int) -> int:
    """0 to count - 1, from a word."""
    return word * count >> 32


def chance(word: int, percent: int) -> int:
    """1 in that many of a hundred cases."""
    if below(word, 10_000) < percent * 100:
        return 1
    return 0


def between(values: Any, span: Any, word: int) -> int:
    """A value from quantiles at equal distances, straight lines between them."""
    first, count = span[0], span[1]
    position = word * (count - 1)
    at = first + (position >> 32)
    low = int(values[at])
    if at + 1 == first + count:
        return low
    part = (position & WORD) >> 12
    return low + ((int(values[at + 1]) - low) * part >> 20)


def one_of(values: Any, span: Any, word: int) -> int:
    """One of the listed values, all as likely."""
    return int(values[span[0] + below(word, int(span[1]))])
