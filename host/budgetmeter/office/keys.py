"""The vending keys of an operator: a file only its owner may read.

One 32-byte key for each revision; a meter's own key is derived from it (`meterproto.tokens`).
"""

import json
import os
import secrets
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, Self

from meterproto import tokens

from budgetmeter.errors import InputError

MODES_TELL = os.name == "posix"  # whether a file's mode says who may read it: not on Windows


class Keys(Protocol):
    """Vending keys: a `KeyFile`, or another place that keeps them."""

    @property
    def latest(self) -> int:
        """The newest revision."""
        ...

    def meter_key(self, meter: int, revision: int) -> bytes:
        """The key of one meter, 32 bytes."""
        ...

    def fingerprint(self, revision: int) -> str:
        """What tells one vending key from another and nothing else."""
        ...


class KeyFile:
    """Vending keys by revision, from a JSON file.

    :raises InputError: no such file, not a key file, or readable by others
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            mode = self.path.stat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # a pipe would never end
                raise ValueError
            self._keys = _parse(self.path.read_text(encoding="utf-8"))
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

    @classmethod
    def create(cls, path: str | Path) -> Self:
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
    def latest(self) -> int:
        """The highest revision."""
        return max(self._keys)

    def add_revision(self) -> int:
        """Add a key under the next revision, written whole or not at all; returns the revision.

        :raises InputError: when the file cannot be replaced
        """
        keys = {**self._keys, self.latest + 1: secrets.token_bytes(tokens.KEY_SIZE)}
        folder = self.path.resolve().parent
        try:
            with tempfile.TemporaryDirectory(dir=folder) as private:  # made with mode 0700
                name = Path(private) / "keys"
                with os.fdopen(os.open(name, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                    file.write(_text(keys))
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(name, self.path)
        except OSError as error:
            raise InputError(f"{folder}: no new key can be written: {error.strerror}") from None
        self._keys = keys
        return self.latest

    def meter_key(self, meter: int, revision: int) -> bytes:
        """The key of one meter.

        :raises InputError: when there is no such revision
        """
        return tokens.meter_key(self._key(revision), meter, revision)

    def fingerprint(self, revision: int) -> str:
        """What tells one vending key from another and nothing else, 16 hexadecimal digits.

        :raises InputError: when there is no such revision
        """
        return tokens.hkdf_expand(self._key(revision), b"fingerprint", 8).hex()

    def _key(self, revision: int) -> bytes:
        if revision not in self._keys:
            raise InputError(f"{self.path}: no key of revision {revision}")
        return self._keys[revision]


def _parse(text: str) -> dict[int, bytes]:
    """The keys of a file by revision.

    :raises ValueError: or another, where it holds none
    """
    keys = {int(r): bytes.fromhex(k) for r, k in json.loads(text)["vending_keys"].items()}
    if not keys or any(len(key) != tokens.KEY_SIZE for key in keys.values()):
        raise ValueError
    return keys


def _text(keys: Mapping[int, bytes]) -> str:
    listed = {str(revision): key.hex() for revision, key in sorted(keys.items())}
    return json.dumps({"vending_keys": listed}, indent=2) + "\n"
