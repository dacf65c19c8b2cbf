"""A board at a serial port: MicroPython's REPL, and the meter flashed to it, behind a PTY."""

import contextlib
import json
import os
import pty
import selectors
import subprocess
import threading
import tty
from pathlib import Path

from tests import micropython

PERIPHERALS = Path(__file__).parents[1] / "boards" / "peripherals.py"
MACHINES = {"rp2": "Raspberry Pi Pico with RP2040", "esp32": "Generic ESP32 module with ESP32"}


RESET = 3  # status of a bridge that ends because the board restarts


class Board:
    """A board that is plugged in while the context lasts.

    :ivar port: its serial port. It goes away at a reset and comes back, as USB does.
    :param folder: its flash: read at each start, written at each reset and at the end
    :param platform: "rp2" or "esp32"
    :param collecting: the bridge collects its garbage at the worst times (`collect.mjs`)
    :param options: see `onboard.begin`
    """

    def __init__(self, folder, platform="rp2", collecting=False, **options):
        self.folder = Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.port = self.folder.with_name(f"{self.folder.name}.port")
        self._awaited = b""
        options = {"platform": platform, "machine": MACHINES[platform], **options}
        here = micropython.HERE
        collect = ["--expose-gc", "--import", here / "collect.mjs"] if collecting else []
        bridge = [here / "bridge.mjs", self.folder, PERIPHERALS, here / "onboard.py"]
        self._command = [micropython.node(), *map(str, [*collect, *bridge]), json.dumps(options)]
        self._status = None

    def __enter__(self):
        self._ended, self._end = os.pipe()
        self._plug()
        self._pump = threading.Thread(target=self._run)
        self._pump.start()
        return self

    def __exit__(self, failed, *_):
        os.close(self._end)
        self._pump.join()
        os.close(self._ended)
        self._unplug()
        assert failed or self._status == 0

    def expect(self, octets):
        """An event that is set when the board has received these octets."""
        self._awaited, self._seen, self._heard = octets, threading.Event(), b""
        return self._seen

    def _notice(self, data):
        if self._awaited:
            self._heard += data
            if self._awaited in self._heard:
                self._awaited = b""
                self._seen.set()

    def _plug(self):
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port.unlink(missing_ok=True)
        self.port.symlink_to(os.ttyname(self._slave))

    def _unplug(self):
        self.port.unlink()
        os.close(self._master)
        os.close(self._slave)

    def _run(self):
        """Start the bridge, and again behind a new port at each reset, until the context ends."""
        while True:
            with subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                cwd=micropython.HERE,
            ) as node:
                self._carry(node)
            self._status = node.returncode
            if self._status != RESET:
                return
            self._unplug()  # and what the old port had is gone
            self._plug()

    def _carry(self, node):
        """Carry octets between the port and the bridge until that ends."""
        node_out = node.stdout.fileno()
        with selectors.DefaultSelector() as selector:
            for source in (self._master, node_out, self._ended):
                selector.register(source, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fd == self._ended:
                        selector.unregister(self._ended)
                        selector.unregister(self._master)
                        node.stdin.close()
                        break
                    data = os.read(key.fd, 4096)
                    if key.fd == self._master:
                        self._notice(data)
                        with contextlib.suppress(BrokenPipeError):  # it has just ended
                            node.stdin.write(data)
                    elif data:
                        os.write(self._master, data)
                    else:
                        return
