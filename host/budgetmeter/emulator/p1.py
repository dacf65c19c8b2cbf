"""A TCP port on which P1 telegrams go out, to one reader at a time, who is not listened to."""

from collections.abc import Callable

from budgetmeter.emulator.ports import KEEPALIVE_S, Served, Stream, TcpPort

FOR_EVER_S = float("inf")  # a reader says nothing, and stays


class Deaf:
    """A meter in name: what a reader says is lost, and there is no answer."""

    def __init__(self) -> None:
        self.sent = bytearray()
        self.board = self

    def receive(self, octets: bytes) -> None:
        """Octets come in."""


class P1Port(TcpPort):
    """A port for a reader of telegrams.

    :param sent: where telegrams for him are put
    :param listens: called with True when he comes, with False when he is gone
    :param host: address to listen on
    :param port: number; 0 takes a free one
    :param keepalive_s: how often TCP asks whether a silent reader's machine is still there
    :raises InputError: when it cannot be had
    """

    def __init__(
        self,
        sent: bytearray,
        listens: Callable[[bool], object],
        host: str,
        port: int,
        keepalive_s: int = KEEPALIVE_S,
    ) -> None:
        super().__init__(host, port, FOR_EVER_S, keepalive_s)
        self._sent, self._listens = sent, listens
        self._deaf = Deaf()

    def outgoing(self, world: Served) -> bytearray:
        """Telegrams for the reader; none while he has many to read."""
        if self.stream is not None and not self.stream.takes_more():
            self._sent.clear()
        return self._sent

    def take_in(self, stream: Stream, world: Served) -> int:
        """What a reader says is passed over."""
        return stream.serve(self._deaf)

    def serve(self, world: Served, fd: int) -> None:
        """A reader comes, goes, or says something."""
        super().serve(world, fd)
        self._listens(self.stream is not None)

    def hang_up(self) -> None:
        """The reader is gone, or given up."""
        super().hang_up()
        self._listens(False)
