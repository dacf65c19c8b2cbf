"""The P1 port of an emulated meter: telegrams for one reader on TCP, who is not listened to."""

from typing import TYPE_CHECKING

from budgetmeter.emulator import telegrams
from budgetmeter.emulator.ports import KEEPALIVE_S, Stream, TcpPort

if TYPE_CHECKING:
    from budgetmeter.emulator.world import Emulator


FOR_EVER_S = float("inf")  # a reader says nothing, and stays


class Deaf:
    """Takes what a reader says, and does nothing."""

    def receive(self, octets: bytes) -> None:
        """Octets come in."""


class P1Port(TcpPort):
    """A TCP port on which a meter's telegrams go out, for one reader at a time.

    :param world: the meter, with a P1 port on its board
    :param host: address to listen on
    :param port: number; 0 takes a free one
    :param keepalive_s: how often TCP asks whether a silent reader's machine is still there
    :raises InputError: when it cannot be had
    """

    def __init__(
        self, world: "Emulator", host: str, port: int, keepalive_s: int = KEEPALIVE_S
    ) -> None:
        super().__init__(host, port, FOR_EVER_S, keepalive_s)
        self._world = world
        self._deaf = Deaf()

    def outgoing(self, world: "Emulator") -> bytearray:
        """Telegrams for the reader; none while he has many to read."""
        sent = self._world.board.sent_p1
        if self.stream is not None and not self.stream.takes_more():
            sent.clear()
        return sent

    def take_in(self, stream: Stream, world: "Emulator") -> int:
        """What a reader says is passed over."""
        return stream.serve(self._deaf)

    def serve(self, world: "Emulator", fd: int) -> None:
        """A reader comes, goes, or says something."""
        super().serve(world, fd)
        telegrams.listen(self._world, self.stream is not None)

    def hang_up(self) -> None:
        """The reader is gone, or given up."""
        super().hang_up()
        telegrams.listen(self._world, False)
