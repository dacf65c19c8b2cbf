"""A simulated NOR flash with the real littlefs on it, that can be cut and worn out.

Programming turns ones into zeros only, erasing works by the sector. Every program, erase and sync
can be recorded; an image of what a power cut would have left is built from the record (`faults`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from littlefs import lfs
from littlefs.errors import LittleFSError

SECTOR = 4096
ENDURANCE = 100_000  # erases a sector of NOR flash is made for
YEAR_DAYS = 365.25
ERASED = b"\xff" * SECTOR
IO_ERROR = -5


@dataclass(frozen=True)
class Geometry:
    """How a board's MicroPython sets littlefs up; cache and block cycles are what it derives."""

    sectors: int
    prog_size: int
    read_size: int = 32
    lookahead_size: int = 32
    block_cycles: int = 100

    @property
    def cache_size(self) -> int:
        return 4 * max(self.read_size, self.prog_size)


# Release 1.27: a Pico keeps 1408 KiB for files, programmed by the page of 256 bytes; an ESP32 with
# 4 MiB has a partition of 2 MiB, programmed by 32 bytes.
BOARDS = {"rp2040": Geometry(352, 256), "esp32": Geometry(512, 32)}


class Operation(NamedTuple):
    """A program (`data`) or an erase (`data` None) at a byte address, or a sync (`at` -1)."""

    at: int
    data: bytes | None


SYNC = Operation(-1, None)


@dataclass
class Nor:
    """The chip. Its methods are what littlefs calls back.

    :ivar operations: what has been done since recording began; None when not recording
    :ivar erases: how often each sector was erased
    :ivar worn: sectors in which the bits no longer change
    :ivar tells: whether the chip reports that; else only reading back shows it
    """

    sectors: int
    image: bytearray = None  # type: ignore[assignment]
    operations: list[Operation] | None = None
    erases: list[int] = field(default_factory=list)
    programmed: int = 0
    worn: set[int] = field(default_factory=set)
    tells: bool = False

    def __post_init__(self) -> None:
        if self.image is None:
            self.image = bytearray(ERASED * self.sectors)
        self.erases = [0] * self.sectors

    def read(self, cfg: lfs.LFSConfig, block: int, off: int, size: int) -> bytearray:
        start = block * SECTOR + off
        return self.image[start : start + size]

    def prog(self, cfg: lfs.LFSConfig, block: int, off: int, data: bytes) -> int:
        start = block * SECTOR + off
        self.programmed += len(data)
        if block in self.worn:
            return IO_ERROR if self.tells else 0
        if self.operations is not None:
            self.operations.append(Operation(start, bytes(data)))
        program(self.image, start, data)
        return 0

    def erase(self, cfg: lfs.LFSConfig, block: int) -> int:
        self.erases[block] += 1
        if block in self.worn:
            return IO_ERROR if self.tells else 0
        if self.operations is not None:
            self.operations.append(Operation(block * SECTOR, None))
        self.image[block * SECTOR : (block + 1) * SECTOR] = ERASED
        return 0

    def sync(self, cfg: lfs.LFSConfig) -> int:
        if self.operations is not None:
            self.operations.append(SYNC)
        return 0

    def years(self, days: float) -> float:
        """Years to `ENDURANCE` erases of the busiest sector, if it goes on as in these days."""
        return ENDURANCE / max(1, *self.erases) * days / YEAR_DAYS


def program(image: bytearray, start: int, data: bytes) -> None:
    """Program bytes: a bit that is 0 stays 0."""
    end = start + len(data)
    old = image[start:end]
    if old.count(0xFF) == len(data):
        image[start:end] = data
    else:
        both = int.from_bytes(old, "big") & int.from_bytes(data, "big")
        image[start:end] = both.to_bytes(len(data), "big")


class LittleFiles:
    """Files on littlefs on a `Nor`: a mapping of names to contents.

    :param format: make the file system anew
    :raises OSError: from any of its methods, when littlefs reports an error
    """

    def __init__(self, flash: Nor, geometry: Geometry, format: bool = False) -> None:
        self.flash = flash
        self._config = lfs.LFSConfig(
            flash,
            block_size=SECTOR,
            block_count=flash.sectors,
            read_size=geometry.read_size,
            prog_size=geometry.prog_size,
            cache_size=geometry.cache_size,
            lookahead_size=geometry.lookahead_size,
            block_cycles=geometry.block_cycles,
        )
        self._fs = lfs.LFSFilesystem()
        with _errors():
            if format:
                lfs.format(self._fs, self._config)
            lfs.mount(self._fs, self._config)

    def get(self, name: str) -> bytes | None:
        """Contents of a file; None if there is none."""
        try:
            with _errors():
                file = lfs.file_open(self._fs, name, "rb")
                try:
                    return bytes(lfs.file_read(self._fs, file, lfs.file_size(self._fs, file)))
                finally:
                    lfs.file_close(self._fs, file)
        except FileNotFoundError:
            return None

    def __setitem__(self, name: str, data: bytes) -> None:
        """Replace a file; the new contents take the old ones' place as it is closed."""
        with _errors():
            file = lfs.file_open(self._fs, name, "wb")
            try:
                lfs.file_write(self._fs, file, bytes(data))
            finally:
                lfs.file_close(self._fs, file)


@contextmanager
def _errors() -> Iterator[None]:
    """littlefs's errors as the OSError a board raises."""
    try:
        yield
    except LittleFSError as error:
        raise OSError(-error.code, error.name) from None
