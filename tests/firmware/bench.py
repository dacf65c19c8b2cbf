"""The bench of the unit tests with the host's parts: the emulator's board, the office's issuer.

Answers are asked for by the client and parsed by construct.
"""

from budgetmeter.client.exchange import Exchange
from budgetmeter.emulator import VirtualBoard
from budgetmeter.emulator.loopback import LoopbackLine
from budgetmeter.issue import Issuer

from tests.firmware.unit import bench
from tests.firmware.unit.bench import METER, VENDING_KEY, executed

__all__ = ["METER", "VENDING_KEY", "Bench", "executed"]


class Bench(bench.Bench):
    """One meter, its board and its office."""

    board_type = VirtualBoard
    office_type = Issuer

    def receive(self, octets):
        """Octets come in on its port."""
        self.board.receive(octets, self.meter.poll)

    def ask(self, kind, payload=b""):
        """The parsed answer to a request, asked once."""
        return Exchange(LoopbackLine(self), timeout=1, tries=1).ask(kind, payload).payload
