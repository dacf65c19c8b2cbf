"""Fuzzing card images: fields at their limits, lengths, noise; checks made right again, or not.

`python -m tests.cards.fuzz [CARDS [SEED]]`: whatever stands on a card, the terminal takes it or
refuses it in one line before anything is booked, and the meter answers with an outcome. No money
comes from a card that nobody paid for. A failure names seed and card.
"""

import random
import sys
import time

from budgetmeter.card import MemoryCard
from budgetmeter.errors import InputError
from meterproto import cards as layout

from tests.cards.counter import METER, Counter
from tests.firmware.support import mc

AREAS = [
    (at + i * size, size)
    for at, size in (
        (layout.INWARD, layout.INWARD_SIZE),
        (layout.OUTWARD, layout.OUTWARD_SIZE),
    )
    for i in (0, 1)
]
LIMITS = (0, 1, 0x7F, 0x80, 0xFF)
WIDE = (0, 1, 2**30 - 1, 2**30, 2**31 - 1, 2**31, 2**32 - 1)


class Forger:
    """Edits genuine cards as their holder could: without any key."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def edit(self, image):
        """A changed copy of a card's octets."""
        changed = bytearray(image)
        for _ in range(self.random.randint(1, 3)):
            self.random.choice((self._head, self._area, self._area, self._swap, self._noise))(
                changed
            )
        return changed

    def _head(self, image):
        size = layout.Head.sizeof()
        self._spoil(image, 0, size - 4)
        if self.random.random() < 0.8:
            image[size - 4 : size] = layout.crc_of(bytes(image[: size - 4]))

    def _area(self, image):
        """One area: sequence, size, or contents; then its check, at the place its size says."""
        rng = self.random
        at, room = rng.choice(AREAS)
        way = rng.randrange(3)
        if way == 0:
            image[at : at + 4] = rng.choice(WIDE).to_bytes(4, "little")
        elif way == 1:
            size = rng.choice((0, 1, 4, 5, room - 11, room - 10, room - 9, 65_535))
            image[at + 4 : at + 6] = size.to_bytes(2, "little")
        else:
            self._spoil(image, at + 6, 80)
        end = 6 + int.from_bytes(image[at + 4 : at + 6], "little")
        if end + 4 <= room and rng.random() < 0.9:
            image[at + end : at + end + 4] = layout.crc_of(bytes(image[at : at + end]))

    def _spoil(self, image, at, size):
        for _ in range(self.random.randint(1, 4)):
            image[at + self.random.randrange(size)] = self.random.choice(
                (*LIMITS, self.random.randrange(256))
            )

    def _swap(self, image):
        """What stood in one area of a pair, in the other one."""
        at, size = self.random.choice((AREAS[0], AREAS[2]))
        image[at : at + 2 * size] = image[at + size : at + 2 * size] + image[at : at + size]

    def _noise(self, image):
        rng = self.random
        at, size = rng.randrange(layout.SIZE), rng.choice((1, 16, 300))
        image[at : at + size] = rng.randbytes(len(image[at : at + size]))


def run(seed, count, progress=None):
    """Show so many edited cards to one terminal and one meter.

    :raises AssertionError: when a promise is broken, naming seed and card
    """
    counter, forger = Counter().enrol(), Forger(seed)
    counter.insert()
    counter.pay(20)
    paid = mc(20)
    for number in range(count):
        where = f"seed {seed}, card {number}"
        card = MemoryCard(forger.edit(counter.card.data))
        try:
            paid += _visit(counter, card, forger.random.choice((0, 0, 5)), where)
            counter.insert(card)
        except InputError:
            pass
        except Exception as error:
            raise AssertionError(f"{where}: {error!r}") from error
        account = counter.account()
        assert account.issued == paid, f"{where}: money out of nothing"
        assert counter.balance <= mc(15) + paid, f"{where}: more than was paid"
        assert account.taken <= counter.balance - mc(15), f"{where}: taken, and not on the meter"
        if number % 10 == 9:  # a new card brings what is on its way
            counter.card = counter.terminal.new_card(METER)
            for _ in range(2):
                counter.insert()
                assert counter.pay().written, where
            assert counter.balance == mc(15) + paid, f"{where}: a payment is lost"
        if progress is not None:
            progress(number)


def _visit(counter, card, euros, where):
    """An exchange at the terminal; what was booked of the payment."""
    before = counter.account().issued
    try:
        counter.pay(euros, card)
    except InputError:
        assert counter.account().issued == before, f"{where}: refused, and booked"
        return 0
    return mc(euros)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    print(f"{count} edited cards, seed {seed}", flush=True)

    def progress(done):
        print(f"\r{done / count:6.1%}", end="", file=sys.stderr, flush=True)

    run(seed, count, progress if sys.stderr.isatty() else None)
    print(f"{count} edited cards: nothing broke")


if __name__ == "__main__":
    main()
