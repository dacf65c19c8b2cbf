"""The board in its REPL, driven by `mpremote`: what it is, copying, what happens in one go."""

import json
import subprocess
import sys
import threading
from binascii import crc32
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from construct import ConstructError
from meterfw.store import journal
from meterproto import stored

from budgetmeter.errors import InputError

STALLED_S = 60  # mpremote has said nothing for so long: the board is gone
ACCOUNT = (*journal.FILES, journal.FIRST, journal.BEGUN, "key")  # what a meter writes itself
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
    :ivar files: (size, SHA-256 as hexadecimal digits) by name
    :ivar identity: the record `meterproto.stored.Identity` it was flashed with; None without
    :ivar key_seen: highest key revision it has had, as far as its files tell; 0 for none
    """

    platform: str
    release: tuple
    machine: str
    mpy: int
    fits: bool
    display: bool
    block: int
    free: int
    folders: tuple
    files: dict
    identity: object
    key_seen: int

    @property
    def account(self):
        """Whether there is a meter's account on it."""
        return any(name in self.files for name in ACCOUNT)


class Remote:
    """A board in its REPL at a serial port.

    :raises InputError: from every call, when the board or `mpremote` does not do it; one line
    """

    def __init__(self, device):
        self.device = device

    def inspect(self, kind):
        """Ask it what it is.

        :param kind: the `sources.Board` it should be
        """
        script = Path(__file__).with_name("inspect_board.py").read_text("utf-8")
        script = script.replace('("rp2", "StateMachine")', repr(kind.needs))
        told = self._mpremote("exec", script)
        try:
            fields = json.loads(told[-1])
            identity = _parsed(stored.Identity, bytes.fromhex(fields.pop("identity")))
            key = _parsed(stored.Key, bytes.fromhex(fields.pop("key")))
        except (ValueError, KeyError, IndexError):
            raise InputError(f"{self.device}: no MicroPython answers there") from None
        fields["files"] = {name: tuple(told) for name, told in fields["files"].items()}
        for name in ("release", "folders"):
            fields[name] = tuple(fields[name])
        seen = [record.key_revision for record in (identity, key) if record is not None]
        return Found(**fields, identity=identity, key_seen=max(seen, default=0))

    def copy(self, files, remove, folders, begun):
        """Remove files, make folders, then copy files in their order.

        :param files: path here by name on the board
        :param begun: called with the name of each file as its copying begins
        """
        arguments = ["exec", _PREPARE.format(removed=list(remove), folders=list(folders))]
        for name, path in files.items():
            arguments += ["+", "cp", "-f", str(path), f":{name}"]
        names = {f"cp {path} :{name}": name for name, path in files.items()}

        def told(line):
            if line in names:
                begun(names[line])

        self._mpremote(*arguments, told=told)

    def finish(self, steps):
        """Rename and remove files, all in one go, then reset the board.

        :param steps: (name, new name) or (name, "") to remove it, in their order
        """
        heard = []
        script = _FINISH.format(steps=list(steps), done=_DONE)
        try:
            self._mpremote("exec", script, "+", "reset", told=heard.append)
        except InputError:
            if _DONE not in heard:  # else USB went away with the reset, under mpremote's hands
                raise

    def install(self, package, index):
        """Install a package of micropython-lib."""
        self._mpremote("mip", *(["--index", index] if index else []), "install", package)

    def restart(self):
        """Reset it, so that what it had runs again, if it can be reset."""
        forget = "import os\nif 'repl' in os.listdir():\n os.remove('repl')"
        with suppress(InputError):
            self._mpremote("exec", forget, "+", "reset")

    def _mpremote(self, *arguments, told=None):
        """Run mpremote; the lines it prints, each given to `told` as it comes."""
        command = [sys.executable, "-u", "-m", "mpremote", "connect", f"port:{self.device}"]
        lines = []
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
                if told is not None:
                    told(lines[-1])
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

    def __init__(self, process):
        self.process = process
        self.timer = None
        self.again()

    def again(self):
        self.stop()
        self.timer = threading.Timer(STALLED_S, self.process.kill)
        self.timer.daemon = True
        self.timer.start()

    def stop(self):
        if self.timer is not None:
            self.timer.cancel()


def _parsed(struct, data):
    """A record with a CRC-32 at its end; None if it is not whole."""
    try:
        record = struct.parse(data)
    except ConstructError:
        return None
    return record if len(data) == struct.sizeof() and record.crc == crc32(data[:-4]) else None
