"""The rig of the unit tests with the host's parts: the emulator's board, the office's issuer.

Answers are parsed by construct.
"""

from budgetmeter.emulator import VirtualBoard
from budgetmeter.vending.issue import Issuer
from meterproto import framing, messages
from meterproto.codes import Message

from tests.firmware.unit import rig
from tests.firmware.unit.rig import METER, VENDING_KEY, executed

__all__ = ["METER", "VENDING_KEY", "Rig", "executed"]


class Rig(rig.Rig):
    """One meter, its board and its office."""

    board_type = VirtualBoard
    office_type = Issuer

    def ask(self, kind, payload=b"", sequence=1):
        """The parsed answer to a request."""
        header = {"version": 1, "type": kind, "sequence": sequence}
        wire = self.send(framing.encode(messages.Header.build(header) + payload))
        (content,) = framing.Decoder().feed(wire)
        head = messages.Header.parse(content)
        assert head.sequence == sequence
        assert head.type in (kind | messages.ANSWER, Message.ERROR | messages.ANSWER)
        struct = messages.ANSWERS[Message(head.type & 127)]
        rest = content[messages.Header.sizeof() :]
        return struct.parse(rest) if struct is not None else rest
