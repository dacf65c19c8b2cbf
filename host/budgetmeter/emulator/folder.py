"""A meter's files in a folder of this computer, and a folder of meters.

A folder is for its owner and for one process at a time: of two that write, the last would forget
what the other one's meter took.
"""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path

from filelock import FileLock, Timeout
from meterfw.layouts import FLASHED_FORMAT
from meterfw.store.journal import LOST, NEW, Journal, Ledger, checked

from budgetmeter.emulator.board import VirtualBoard
from budgetmeter.errors import InputError
from budgetmeter.profiles import Profile

_NEW = ".new"  # end of the name of a file being written
_LOCK = "lock"
_OWNER = "lock.owner"  # who has the lock, while it is taken


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
        return not self.path.exists() or {p.name for p in self.path.iterdir()} <= {_LOCK, _OWNER}

    def get(self, name: str) -> bytes | None:
        """Contents of a file; None if there is none."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def __setitem__(self, name: str, data: bytes) -> None:
        """Replace a file."""
        _make(self.path)
        if not self.durable:
            with open(self.path / name, "wb", opener=_private) as file:
                file.write(data)
            return
        written = self.path / (name + _NEW)
        with open(written, "wb", opener=_private) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        written.replace(self.path / name)
        _sync(self.path)


def _private(path: str, flags: int) -> int:
    """Open a file; a new one is for its owner alone."""
    return os.open(path, flags, 0o600)


def _make(path: Path) -> None:
    """Make a folder for its owner alone, where there is none."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def _close(path: Path) -> None:
    """Take from others what an earlier version let them read."""
    for one in (path, *path.iterdir()):
        if one.stat().st_mode & 0o077:
            one.chmod(0o700 if one.is_dir() else 0o600)


def _take(path: Path) -> FileLock:
    """A folder for this process alone, until the lock is released.

    :raises InputError: when it cannot be used, or another process has it
    """
    lock = FileLock(path / _LOCK, mode=0o600)
    try:
        _make(path)
        lock.acquire(blocking=False)
        with suppress(PermissionError):  # the folder of another owner
            _close(path)
        with open(path / _OWNER, "w", encoding="utf-8", opener=_private) as file:
            verb = " ".join(takewhile(lambda word: word[:1] != "-", sys.argv[1:3]))
            file.write(f"process {os.getpid()} ({verb})")
    except Timeout:
        raise InputError(f"{path}: {_owner(path)} has it") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    return lock


def _owner(path: Path) -> str:
    try:
        return (path / _OWNER).read_text("utf-8") or "another process"
    except (OSError, ValueError):
        return "another process"


@contextmanager
def taken(path: Path) -> Generator[Folder]:
    """The files of one meter, for this process alone; of a folder made for nothing nothing stays.

    :raises InputError: when it cannot be used, or another process has it
    """
    is_new = not path.exists()
    lock = _take(path)
    try:
        yield Folder(path)
    finally:
        lock.release()
        if is_new and Folder(path).empty():
            for name in (_LOCK, _OWNER):
                (path / name).unlink(missing_ok=True)
            path.rmdir()


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
        self._locks = [_take(self.path)]

    def meter(self, number: int, profile: Profile) -> Folder:
        """The files of a meter, for this process alone.

        :raises InputError: unusable, in another process, or those of another meter or profile
        """
        files = Folder(self.path / f"{number:09d}", durable=True)
        self._locks.append(_take(files.path))
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
        for lock in self._locks:
            lock.release()


def stored_clock(files: Folder) -> int | None:
    """Clock value from which a meter goes on: the minute after its last commit; None if new."""
    identity = checked(files.get("identity"), FLASHED_FORMAT)
    if identity is None:
        return None
    ledger = Ledger()
    found = Journal(VirtualBoard(0, files)).load(identity[0], ledger)
    return None if found in (NEW, LOST) else ledger.state.clock + 1
