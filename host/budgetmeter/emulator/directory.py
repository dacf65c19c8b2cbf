"""A meter's files in a directory, replaced whole and on disk before the meter answers."""

import fcntl
import os
from pathlib import Path

from meterfw.layouts import FLASHED_FORMAT
from meterfw.store.journal import LOST, NEW, Journal, Ledger, checked

from budgetmeter.emulator.board import VirtualBoard
from budgetmeter.errors import InputError

_NEW = ".new"  # end of the name of a file being written


class Directory:
    """The files of one meter, as `VirtualBoard` wants them; made if it is not there.

    :raises OSError: when it cannot be made
    """

    def __init__(self, path):
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)

    def get(self, name):
        """Contents of a file; None if there is none.

        :raises OSError: when it cannot be read
        """
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def __setitem__(self, name, data):
        """Replace a file: whatever stops the process or the machine, it has the old or the new
        contents.

        :raises OSError: when that failed
        """
        written = self.path / (name + _NEW)
        with written.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        written.replace(self.path / name)
        folder = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class StateFolder:
    """A directory with one `Directory` for each meter, taken for this process alone.

    :raises InputError: when it cannot be used, or another process has it
    """

    def __init__(self, path):
        self.path = Path(path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{path}: another process has it") from None
        except OSError as error:
            raise InputError(f"{path}: {error.strerror or error}") from None

    def meter(self, number, profile):
        """The files of a meter.

        :raises InputError: unusable, or those of another meter or profile
        """
        try:
            files = Directory(self.path / f"{number:09d}")
            data = files.get("identity")
        except OSError as error:
            raise InputError(f"{error.filename or self.path}: {error.strerror}") from None
        identity = checked(data, FLASHED_FORMAT)
        if data is not None and (identity is None or identity[0] != number):
            raise InputError(f"{files.path}: its identity is not that of meter {number:09d}")
        if identity is not None:
            named = identity[3].decode("ascii", "replace").rstrip("\0")
            if named != profile.name[:24]:
                raise InputError(f"{files.path}: this meter has profile {named}")
        return files

    def close(self):
        """Let other processes have it."""
        os.close(self._lock)


def stored_clock(files):
    """Clock value from which a meter goes on: the minute after its last commit; None if new.

    :param files: as `VirtualBoard` wants them
    """
    identity = checked(files.get("identity"), FLASHED_FORMAT)
    if identity is None:
        return None
    ledger = Ledger()
    found = Journal(VirtualBoard(0, files)).load(identity[0], ledger)
    return None if found in (NEW, LOST) else ledger.state.clock + 1
