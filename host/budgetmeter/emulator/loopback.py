"""A line to a meter in this process."""

from typing import Protocol


class Port(Protocol):
    """The port of a meter's board."""

    sent: bytearray


class Served(Protocol):
    """A meter that octets can be given to; an `Emulator` is one."""

    @property
    def board(self) -> Port: ...

    def receive(self, octets: bytes) -> None: ...


class LoopbackLine:
    """A `budgetmeter.client.Line` without a wire.

    Nothing waits: its clock jumps over the time a reader waits in vain. The meter's stands still.

    :param world: an `Emulator`, or another meter that is `Served`
    """

    def __init__(self, world: Served) -> None:
        self._world = world
        self._now = 0.0
        world.board.sent.clear()

    def write(self, data: bytes) -> None:
        self._world.receive(data)

    def read(self, wait_s: float) -> bytes:
        sent = self._world.board.sent
        data = bytes(sent)
        sent.clear()
        if not data:
            self._now += wait_s
        return data

    def now(self) -> float:
        return self._now

    def close(self) -> None:
        pass
