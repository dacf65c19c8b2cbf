"""The board in its REPL, driven by `mpremote`: what it is, copying, what happens in one go."""

import json
import re
import subprocess
import sys
import threading
import time
from binascii import crc32
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from construct import ConstructError, Container, Struct
from meterfw.store import journal
from meterproto import stored

from budgetmeter.client.errors import LineError
from budgetmeter.errors import BudgetmeterError, InputError
from budgetmeter.flashing import port, sources

STALLED_S = 60  # mpremote has said nothing for so long: the board is gone
ACCOUNT = (*journal.FILES, journal.FIRST, journal.BEGUN, "key")  # what a meter writes itself
_TAKEN = "in use by another program"
_DONE = "all is in its place"
NEW = ".new"  # behind the name of a file that is to take the place of another

_FINISH = """
import os
for old, new in {steps!r}:
    if new:
        os.rename(old, new)
    elif old in os.listdir():
        os.remove(old)
print({done!r})
"""
_PREPARE = """
import os
for name in {removed!r}:
    os.remove(name)
for name in {gone!r}:
    os.rmdir(name)
for name in {folders!r}:
    os.mkdir(name)
"""


@dataclass(frozen=True)
class Found:
    """What a board says of itself.

    :ivar release: of MicroPython, e.g. (1, 27, 0)
    :ivar mpy: version of the .mpy files it loads; 0: none
    :ivar fits: it has what the board wanted cannot do without
    :ivar display: it has the driver `ssd1306`
    :ivar block: size of a block of its file system, octets
    :ivar free: free blocks
    :ivar folders: folders of ours, each after the one it is in
    :ivar files: (size, SHA-256 as hexadecimal digits) by name
    :ivar identity: the record `meterproto.stored.Identity` it was flashed with; None without
    :ivar key_seen: highest key revision it has had, as far as its files tell; 0 for none
    """

    platform: str
    release: tuple[int, ...]
    machine: str
    mpy: int
    fits: bool
    display: bool
    block: int
    free: int
    folders: tuple[str, ...]
    files: Mapping[str, tuple[int, str]]
    identity: Container | None
    key_seen: int

    @property
    def account(self) -> bool:
        """Whether there is a meter's account on it."""
        return any(name in self.files for name in ACCOUNT)


class Remote:
    """A board in its REPL at a serial port.

    :raises InputError: from every call, when the board or `mpremote` does not do it; one line
    """

    def __init__(self, device: str) -> None:
        self.device = device

    def inspect(self, kind: sources.Board) -> Found:
        """Ask it what it is.

        :param kind: what it should be
        """
        script = Path(__file__).with_name("inspect_board.py").read_text("utf-8")
        script = _given(script, FOLDERS=sources.FOLDERS, NEEDS=kind.needs)
        lines = self._mpremote("exec", script)
        try:
            fields = json.loads(lines[-1])
            identity = _parsed(stored.Identity, bytes.fromhex(fields.pop("identity")))
            key = _parsed(stored.Key, bytes.fromhex(fields.pop("key")))
        except (ValueError, KeyError, IndexError):
            raise InputError(f"{self.device}: no MicroPython answers there") from None
        fields["files"] = {name: tuple(file) for name, file in fields["files"].items()}
        for name in ("release", "folders"):
            fields[name] = tuple(fields[name])
        seen = [record.key_revision for record in (identity, key) if record is not None]
        return Found(**fields, identity=identity, key_seen=max(seen, default=0))

    def copy(
        self,
        files: Mapping[str, Path],
        remove: Iterable[str],
        gone: Iterable[str],
        folders: Iterable[str],
        begun: Callable[[str], None],
    ) -> None:
        """Remove files and folders, make folders, then copy files in their order.

        :param files: path here by name on the board
        :param begun: called with the name of each file as its copying begins
        """
        prepare = _PREPARE.format(removed=list(remove), gone=list(gone), folders=list(folders))
        arguments = ["exec", prepare]
        for name, path in files.items():
            arguments += ["+", "cp", "-f", str(path), f":{name}"]
        names = {f"cp {path} :{name}": name for name, path in files.items()}

        def see(line: str) -> None:
            if line in names:
                begun(names[line])

        self._mpremote(*arguments, each=see)

    def finish(self, steps: Sequence[tuple[str, str]]) -> None:
        """Rename and remove files, all in one go, then reset the board.

        :param steps: (name, new name) or (name, "") to remove it, in their order
        """
        heard: list[str] = []
        script = _FINISH.format(steps=list(steps), done=_DONE)
        try:
            self._mpremote("exec", script, "+", "reset", each=heard.append)
        except InputError:
            if _DONE not in heard:  # else USB went away with the reset, under mpremote's hands
                raise

    def install(self, package: str, index: str) -> None:
        """Install a package of micropython-lib."""
        self._mpremote("mip", *(["--index", index] if index else []), "install", package)

    def restart(self) -> bool:
        """Reset it, so that what it had runs again; False where it cannot be reached."""
        forget = "import os\nif 'repl' in os.listdir():\n os.remove('repl')"
        heard: list[str] = []
        with suppress(BudgetmeterError):
            self._mpremote("exec", f"{forget}\nprint({_DONE!r})", "+", "reset", each=heard.append)
        return _DONE in heard

    def _mpremote(self, *arguments: str, each: Callable[[str], object] | None = None) -> list[str]:
        """Run mpremote; the lines it prints, each given to `each` as it comes.

        Where another program takes the port before it, it has done nothing, and is run again.
        """
        deadline = time.monotonic() + port.PATIENCE_S
        while True:
            try:
                port.wait(self.device)
            except LineError as error:
                raise InputError(str(error)) from None
            try:
                return self._run(arguments, each)
            except InputError as error:
                if _TAKEN not in str(error) or time.monotonic() > deadline:
                    raise

    def _run(
        self, arguments: Sequence[str], each: Callable[[str], object] | None = None
    ) -> list[str]:
        """Run mpremote once."""
        command = [sys.executable, "-u", "-m", "mpremote", "connect", f"port:{self.device}"]
        lines: list[str] = []
        with subprocess.Popen(
            [*command, "resume", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            watch = _Watch(process)
            for line in process.stdout or ():
                watch.again()
                lines.append(line.strip())
                if each is not None:
                    each(lines[-1])
            watch.stop()
        if process.returncode != 0:
            last = next((line for line in reversed(lines) if line), "")
            why = last if process.returncode > 0 else ""
            if why.startswith("mpremote"):  # the command, or the class of an exception
                why = why.partition(": ")[2]
            raise InputError(f"{self.device}: {why or 'the board stopped answering'}")
        return lines


class _Watch:
    """Ends a process that has said nothing for STALLED_S."""

    def __init__(self, process: subprocess.Popen) -> None:
        self.process = process
        self.timer: threading.Timer | None = None
        self.again()

    def again(self) -> None:
        """It has said something: from now on anew."""
        self.stop()
        self.timer = threading.Timer(STALLED_S, self.process.kill)
        self.timer.daemon = True
        self.timer.start()

    def stop(self) -> None:
        """Let it be."""
        if self.timer is not None:
            self.timer.cancel()


def _given(script: str, **values: object) -> str:
    """A script with other values for some of its names."""
    for name, value in values.items():
        script, found = re.subn(rf"(?m)^{name} = .*$", f"{name} = {value!r}", script)
        assert found == 1
    return script


def _parsed(struct: Struct, data: bytes) -> Container | None:
    """A record with a CRC-32 at its end; None if it is not whole."""
    try:
        record = struct.parse(data)
    except ConstructError:
        return None
    return record if len(data) == struct.sizeof() and record.crc == crc32(data[:-4]) else None
