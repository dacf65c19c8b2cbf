"""Another program takes the port while `flash` works: the command waits, and the meter runs.

A modem manager opens each serial port that appears, probes it, and holds it for some seconds. The
port appears anew when the board restarts into its REPL, with supply open: there `flash` must not
give up.
"""

import contextlib
import subprocess
import threading

import serial
from budgetmeter.flashing import port

from tests.flashing.board import Board
from tests.flashing.test_flash import METER, arguments, compiled, flashed, keys  # noqa: F401

HOLD_S = 3  # longer than any step takes, much shorter than the 15 s that a step may wait


class ModemManager(threading.Thread):
    """Takes a board's port once the board has left to its REPL and somebody has spoken to it.

    :ivar holds: set while it has the port
    """

    def __init__(self, board):
        super().__init__(daemon=True)
        self.holds, self._release = threading.Event(), threading.Event()
        self._board = board
        self._left = board.expect(b"repl\r")

    def run(self):
        self._left.wait()
        self._board.expect(b"\x03").wait()  # somebody interrupts the REPL
        while not self._release.is_set():
            with (
                contextlib.suppress(OSError),
                serial.Serial(str(self._board.port), timeout=0, exclusive=True) as taken,
            ):
                taken.write(b"AT\r")
                self.holds.set()
                self._release.wait()

    def let_go(self):
        """Give the port back."""
        self._release.set()
        self.join()


def test_flash_waits_for_its_port(keys, flashed):  # noqa: F811
    with Board(flashed) as board:
        other = ModemManager(board)
        other.start()
        command = arguments(board, keys, profile="wallonia-digital")
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as flash:
            assert other.holds.wait(60)
            with contextlib.suppress(subprocess.TimeoutExpired):
                flash.wait(HOLD_S)
            other.let_go()
            _, error = flash.communicate(timeout=60)
        assert flash.returncode == 0, error.decode()
        assert port.identify(str(board.port)).meter == METER
