"""Memory cards as files: 4096 octets, read and written in pages, pulled out when you say so."""

import os
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from construct import ConstructError
from meterproto import cards

from budgetmeter.errors import InputError

BLANK = b"\xff" * cards.SIZE
SPOILS = ("old", "torn", "garbage")  # what an interrupted write leaves of its page


class MemoryCard:
    """A card in a slot.

    After `pull_after` octets more have gone over its contacts it is out: reads and writes fail. A
    write cut short leaves its page as `spoil` says: as before, its first octets new, or garbage.
    """

    def __init__(self, data: bytes | bytearray = BLANK) -> None:
        self.data = bytearray(data[: cards.SIZE].ljust(cards.SIZE, b"\xff"))
        self.pull_after = None
        self.spoil = "torn"
        self._busy = False

    @property
    def inside(self) -> bool:
        """Whether it is still in the slot."""
        return self.pull_after != 0

    def pull_at(self, octets: int, spoil: str = "torn") -> None:
        """Pull it out after so many octets more."""
        self.pull_after, self.spoil = octets, spoil

    def push(self) -> None:
        """Put it in again, to stay."""
        self.pull_after = None

    def _pass(self, size: int) -> int:
        """How many of `size` octets go over before it is pulled out."""
        if self.pull_after is None:
            return size
        passed = min(size, self.pull_after)
        self.pull_after -= passed
        return passed

    def read_into(self, at: int, buffer: bytearray | memoryview) -> bool:
        """Fill a buffer; False when the card is busy or gets pulled out."""
        if self._busy or not self.inside:
            self._busy = False
            return False
        size = len(buffer)
        if self._pass(size) < size:
            return False
        buffer[:] = self.data[at : at + size].ljust(size, b"\xff")
        return True

    def write(self, at: int, data: bytes | bytearray | memoryview) -> bool:
        """Write within one page; False when the card is busy or was pulled out."""
        size = len(data)
        if at % cards.PAGE + size > cards.PAGE or at + size > cards.SIZE:
            raise ValueError("a write crosses the end of a page")
        if self._busy or not self.inside:
            self._busy = False
            return False
        passed = self._pass(size)
        if passed == size:
            self.data[at : at + size] = data
            self._busy = True  # in its write cycle: the next access is not answered
            return True
        if self.spoil == "torn":
            self.data[at : at + passed] = data[:passed]
        elif self.spoil == "garbage":
            page = at - at % cards.PAGE
            self.data[page : page + cards.PAGE] = bytes(
                octet ^ 0xA5 ^ i for i, octet in enumerate(self.data[page : page + cards.PAGE])
            )
        return False

    # Files

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The card in a file.

        :raises InputError: no such file, or not the size of a card
        """
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}") from None
        if len(data) != cards.SIZE:
            raise InputError(f"{path}: no card: {len(data)} octets, a card has {cards.SIZE}")
        return cls(data)

    def save(self, path: str | Path) -> None:
        """Write it to a file, whole or not at all.

        :raises InputError: when that fails
        """
        with _Draft(path) as draft:
            draft.keep(self.data)

    @classmethod
    @contextmanager
    def held(cls, path: str | Path, done: str) -> Generator[Self]:
        """The card in a file, written back at the end; whether it can be is tried first.

        :param done: the words for a write that fails after all
        :raises InputError: no card, or one that cannot be written
        """
        card = cls.load(path)
        with _Draft(path) as draft:
            yield card
            try:
                draft.keep(card.data)
            except InputError as error:
                raise InputError(f"{error}; {done}") from None


class _Draft:
    """What a file will hold, beside it until then; a context manager that leaves nothing behind.

    Its room is taken when it is made.

    :raises InputError: when it cannot be written
    """

    def __init__(self, path: str | Path) -> None:
        self._path = path
        with self._told():
            handle, self._name = tempfile.mkstemp(dir=Path(path).resolve().parent)
            self._file = os.fdopen(handle, "r+b")

    def __enter__(self) -> Self:
        try:
            self._write(BLANK)
        except InputError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        with suppress(OSError):  # of what could not be written
            self._file.close()
        Path(self._name).unlink(missing_ok=True)

    def keep(self, data: bytes | bytearray) -> None:
        """Put the file's next contents in its place; nothing is kept after that.

        :raises InputError: when that failed; the file is as it was
        """
        self._write(data)
        with self._told():
            self._file.close()  # Windows moves no file that is open
            os.replace(self._name, Path(self._path).resolve())

    def _write(self, data: bytes | bytearray) -> None:
        with self._told():
            self._file.seek(0)
            self._file.write(data)
            self._file.flush()
            os.fsync(self._file.fileno())

    @contextmanager
    def _told(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(f"{self._path}: {error.strerror or error}") from None


def head_of(card: MemoryCard) -> Any:
    """The head of a card.

    :raises InputError: blank, not a card of this system, damaged, or newer
    """
    page = bytes(card.data[: cards.Head.sizeof()])
    if page in (b"\xff" * len(page), bytes(len(page))):
        raise InputError("the card is blank")
    if int.from_bytes(page[:4], "little") != cards.MAGIC:
        raise InputError("not a card of this system")
    if page[4] > cards.VERSION:
        raise InputError(f"a card of version {page[4]}; known here is {cards.VERSION}")
    try:
        head = cards.Head.parse(page)
    except ConstructError:
        head = None
    if head is None or page[-4:] != cards.crc_of(page[:-4]):
        raise InputError("the card is damaged; the office makes a new one")
    return head


def personalise(key: bytes, **head: int) -> MemoryCard:
    """A new card with an empty inward area.

    :param key: the meter's key
    :param head: fields of `meterproto.cards.Head` but magic, version, tag and crc
    """
    made = MemoryCard()
    first = cards.head(key, **head)
    made.data[: len(first)] = first
    empty = cards.area(1, cards.inward(0, []))
    made.data[cards.INWARD : cards.INWARD + len(empty)] = empty
    return made


def inward_writes(
    image: bytes, next_event: int, batch: Sequence[bytes]
) -> tuple[list[tuple[int, bytes]], int]:
    """What a terminal writes on a card: (offset, octets) one after the other, and the sequence.

    It goes over the older of the terminal's two areas. At the end of the sequences it begins anew
    and goes over both, the newest last: a card pulled out between them is as it was.
    """
    found = cards.newest(image, cards.INWARD, cards.INWARD_SIZE)
    which, sequence = (1, 0) if found is None else found[:2]
    contents = cards.inward(next_event, batch)
    if sequence < cards.NUMBER_LIMIT:
        areas = [(1 - which, sequence + 1)]
    else:
        areas = [(1 - which, 1), (which, 2)]
    writes = [
        (cards.INWARD + i * cards.INWARD_SIZE, cards.area(number, contents)) for i, number in areas
    ]
    return writes, areas[-1][1]


def put(card: MemoryCard, writes: Sequence[tuple[int, bytes]]) -> bool:
    """Write on a card; False if it was pulled out, or does not keep what is written."""
    for at, image in writes:
        for offset in range(0, len(image), cards.PAGE):
            page = image[offset : offset + cards.PAGE]
            while not card.write(at + offset, page):
                if not card.inside:
                    return False
    return all(bytes(card.data[at : at + len(image)]) == image for at, image in writes)


def write_inward(card: MemoryCard, next_event: int, batch: Sequence[bytes]) -> bool:
    """Write the terminal's area, over the older of its two; False if the card was pulled out."""
    return put(card, inward_writes(bytes(card.data), next_event, batch)[0])
