"""The vending keys of an operator: a file only its owner may read.

One 32-byte key for each revision; a meter's own key is derived from it (`meterproto.tokens`). Who
adds a key locks the file, reads it again, checks every revision and replaces it whole; the file of
before is kept beside it. So a key in force is never lost, whoever has an older copy in memory.
"""

import json
import os
import secrets
import shutil
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from meterproto import tokens

from budgetmeter.errors import InputError

MODES_TELL = os.name == "posix"  # whether a file's mode says who may read it: not on Windows
LOCK_S = 60  # how long who adds a key waits for others who do


class KeyFile:
    """Vending keys by revision, from a JSON file that other processes may add to.

    :raises InputError: no such file, not a key file, or readable by others
    """

    def __init__(self, path):
        self.path = Path(path)
        self._keys, self._seen = self._read()

    def _read(self):
        """The keys in the file, and what tells this file from a later one."""
        path = self.path
        try:
            found = path.stat()
            mode = found.st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # a pipe would never end
                raise ValueError
            keys = _parse(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            makes = "budgetmeter office init makes one"
            raise InputError(f"{path}: {error.strerror}; {makes}") from None
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise InputError(f"{path}: not a file of vending keys") from None
        if MODES_TELL and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise InputError(
                f"{path}: others may read or write it; vending keys are for their owner alone: "
                f"chmod 600 {path}"
            )
        return keys, _mark(found)

    def refresh(self):
        """Read keys that another process added meanwhile; a file that is gone changes nothing.

        :raises InputError: when the file has lost or changed a key
        """
        try:
            if _mark(self.path.stat()) == self._seen:
                return
        except OSError:
            return
        keys, seen = self._read()
        for revision, key in self._keys.items():
            if keys.get(revision) != key:
                raise InputError(
                    f"{self.path}: its key of revision {revision} is lost or another one; "
                    f"{self.kept.name} may have it"
                )
        self._keys, self._seen = keys, seen

    @property
    def kept(self):
        """Where the file is kept as it was before the last new key."""
        return self.path.with_name(self.path.name + ".old")

    @classmethod
    def create(cls, path):
        """A new file with one key, revision 1.

        :raises InputError: when the file is there already or cannot be written
        """
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(_text({1: secrets.token_bytes(tokens.KEY_SIZE)}))
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}") from None
        return cls(path)

    @property
    def latest(self):
        """The highest revision."""
        self.refresh()
        return max(self._keys)

    @property
    def revisions(self):
        """All revisions, ascending."""
        self.refresh()
        return sorted(self._keys)

    @contextmanager
    def locked(self):
        """Nobody else adds a key meanwhile; what others added is known.

        :raises InputError: when the folder cannot be written, or others take too long
        """
        folder = self.path.resolve().parent
        try:
            if not folder.is_dir():
                raise FileNotFoundError(2, os.strerror(2))
            lock = FileLock(f"{self.path.resolve()}.lock", timeout=LOCK_S, mode=0o600)
            lock.acquire()
        except Timeout:
            raise InputError(f"{self.path}: another process is adding a key") from None
        except OSError as error:
            raise self._no_new_key(error) from None
        try:
            self.refresh()
            yield
        finally:
            lock.release()

    def _no_new_key(self, error):
        folder = self.path.resolve().parent
        return InputError(f"{folder}: no new key can be written: {error.strerror}")

    def add_revision(self):
        """Add a key under the next revision, written whole or not at all; returns the revision.

        :raises InputError: when the file cannot be replaced, or has lost a key
        """
        with self.locked():
            return self.add_while_locked()

    def add_while_locked(self):
        """The same for who has the lock."""
        keys = {**self._keys, max(self._keys) + 1: secrets.token_bytes(tokens.KEY_SIZE)}
        try:
            self._replace(keys)
        except OSError as error:
            raise self._no_new_key(error) from None
        self._keys, self._seen = self._read()
        return max(self._keys)

    def _replace(self, keys):
        """Put a file with other keys in its place, and keep the one there is."""
        target = self.path.resolve()
        with tempfile.TemporaryDirectory(dir=target.parent) as private:  # made with mode 0700
            name, before = Path(private) / "keys", Path(private) / "before"
            with os.fdopen(os.open(name, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(_text(keys))
                file.flush()
                os.fsync(file.fileno())
            shutil.copy2(target, before)
            os.replace(before, self.kept)
            os.replace(name, target)

    def meter_key(self, meter, revision):
        """The key of one meter.

        :raises InputError: when there is no such revision
        """
        return tokens.meter_key(self._key(revision), meter, revision)

    def fingerprint(self, revision):
        """What tells one vending key from another and nothing else, 16 hexadecimal digits.

        :raises InputError: when there is no such revision
        """
        return tokens.hkdf_expand(self._key(revision), b"fingerprint", 8).hex()

    def _key(self, revision):
        if revision not in self._keys:
            self.refresh()
        if revision not in self._keys:
            raise InputError(f"{self.path}: no key of revision {revision}")
        return self._keys[revision]


def _mark(found):
    """What tells one file of keys from the next under the same name."""
    return found.st_ino, found.st_size, found.st_mtime_ns


def _parse(text):
    """The keys of a file by revision.

    :raises ValueError: or another, where it holds none
    """
    keys = {int(r): bytes.fromhex(k) for r, k in json.loads(text)["vending_keys"].items()}
    if not keys or any(len(key) != tokens.KEY_SIZE for key in keys.values()):
        raise ValueError
    return keys


def _text(keys):
    listed = {str(revision): key.hex() for revision, key in sorted(keys.items())}
    return json.dumps({"vending_keys": listed}, indent=2) + "\n"
