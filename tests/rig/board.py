"""A board at a serial port: MicroPython's REPL, and the meter flashed to it, behind a PTY."""

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


class Board:
    """A board that is plugged in while the context lasts.

    :ivar port: its serial port. It goes away at a reset and comes back, as USB does.
    :param folder: its flash: read at each start, written at each reset and at the end
    :param platform: "rp2" or "esp32"
    :param options: see `onboard.begin`
    """

    def __init__(self, folder, platform="rp2", **options):
        self.folder = Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.port = self.folder.with_name(f"{self.folder.name}.port")
        self._awaited = b""
        self._options = {"platform": platform, "machine": MACHINES[platform], **options}

    def __enter__(self):
        told, tell = os.pipe()
        here = micropython.HERE
        arguments = [here / "bridge.mjs", self.folder, PERIPHERALS, here / "onboard.py", tell]
        self._node = subprocess.Popen(
            [micropython.node(), *map(str, arguments), json.dumps(self._options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[tell],
            cwd=here,
        )
        os.close(tell)
        self._told = told
        self._plug()
        self._pump = threading.Thread(target=self._run)
        self._pump.start()
        return self

    def __exit__(self, failed, *_):
        self._node.stdin.close()
        self._node.wait(timeout=60)
        self._pump.join()
        self._node.stdout.close()
        os.close(self._told)
        self._unplug()
        assert failed or self._node.returncode == 0

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
        """Carry octets between the port and the bridge until that ends."""
        node_in, node_out = self._node.stdin.fileno(), self._node.stdout.fileno()
        with selectors.DefaultSelector() as selector:
            for source in (self._master, node_out, self._told):
                selector.register(source, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    data = os.read(key.fd, 4096)
                    if key.fd == node_out:
                        if not data:
                            return
                        os.write(self._master, data)
                    elif key.fd == self._told:
                        if not data:
                            selector.unregister(key.fd)
                            continue
                        selector.unregister(self._master)
                        self._unplug()
                        self._plug()
                        selector.register(self._master, selectors.EVENT_READ)
                        break  # what the old port had is gone
                    else:
                        self._notice(data)
                        os.write(node_in, data)
