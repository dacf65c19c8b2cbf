"""A meter's files in a folder of this computer, and a folder of meters for one process alone."""

import os
from pathlib import Path

from filelock import FileLock, Timeout
from meterfw.layouts import FLASHED_FORMAT
from meterfw.store.journal import LOST, NEW, Journal, Ledger, checked

from budgetmeter.emulator.board import VirtualBoard
from budgetmeter.errors import InputError
from budgetmeter.profiles import Profile

_NEW = ".new"  # end of the name of a file being written
_LOCK = "lock"


class Folder:
    """The files of one meter: names to contents, as `VirtualBoard` wants them.

    The folder is made with its first file.

    :param path: of the folder
    :param durable: a file that is replaced is on disk before the meter answers, and has its old or
        its new contents whatever stops the process or the machine
    :raises OSError: from any of its methods
    """

    def __init__(self, path: str | Path, durable: bool = False) -> None:
        self.path = Path(path)
        self.durable = durable

    def empty(self) -> bool:
        """Whether there is nothing in it, or no folder yet."""
        return not self.path.exists() or not any(self.path.iterdir())

    def get(self, name: str) -> bytes | None:
        """Contents of a file; None if there is none."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def __setitem__(self, name: str, data: bytes) -> None:
        """Replace a file."""
        self.path.mkdir(parents=True, exist_ok=True)
        if not self.durable:
            (self.path / name).write_bytes(data)
            return
        written = self.path / (name + _NEW)
        with written.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        written.replace(self.path / name)
        _sync(self.path)


def _sync(folder: Path) -> None:
    """Bring the names in a folder to disk, where the system opens folders: Windows does not."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


class StateFolder:
    """A folder with one `Folder` for each meter, taken for this process alone.

    :raises InputError: when it cannot be used, or another process has it
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = FileLock(self.path / _LOCK, mode=0o600)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(blocking=False)
        except Timeout:
            raise InputError(f"{path}: another process has it") from None
        except OSError as error:
            raise InputError(f"{path}: {error.strerror or error}") from None

    def meter(self, number: int, profile: Profile) -> Folder:
        """The files of a meter.

        :raises InputError: unusable, or those of another meter or profile
        """
        files = Folder(self.path / f"{number:09d}", durable=True)
        try:
            data = files.get("identity")
        except OSError as error:
            raise InputError(f"{error.filename or files.path}: {error.strerror}") from None
        identity = checked(data, FLASHED_FORMAT)
        if data is not None and (identity is None or identity[0] != number):
            raise InputError(f"{files.path}: its identity is not that of meter {number:09d}")
        if identity is not None:
            named = identity[3].decode("ascii", "replace").rstrip("\0")
            if named != profile.name[:24]:
                raise InputError(f"{files.path}: this meter has profile {named}")
        return files

    def close(self) -> None:
        """Let other processes have it."""
        self._lock.release()


def stored_clock(files: Folder) -> int | None:
    """Clock value from which a meter goes on: the minute after its last commit; None if new."""
    identity = checked(files.get("identity"), FLASHED_FORMAT)
    if identity is None:
        return None
    ledger = Ledger()
    found = Journal(VirtualBoard(0, files)).load(identity[0], ledger)
    return None if found in (NEW, LOST) else ledger.state.clock + 1
