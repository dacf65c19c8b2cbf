"""The rig of the unit tests with the host's parts: the emulator's board, the office's issuer.

Answers are asked for by the client and parsed by construct.
"""

from budgetmeter.client.exchange import Exchange
from budgetmeter.emulator import VirtualBoard
from budgetmeter.emulator.loop import LoopLine
from budgetmeter.vending.issue import Issuer

from tests.firmware.unit import rig
from tests.firmware.unit.rig import METER, VENDING_KEY, executed

__all__ = ["METER", "VENDING_KEY", "Rig", "executed"]


class Rig(rig.Rig):
    """One meter, its board and its office."""

    board_type = VirtualBoard
    office_type = Issuer

    def receive(self, octets):
        """Octets come in on its port."""
        self.board.receive(octets, self.meter.poll)

    def ask(self, kind, payload=b""):
        """The parsed answer to a request, asked once."""
        return Exchange(LoopLine(self), timeout=1, tries=1).ask(kind, payload).payload
