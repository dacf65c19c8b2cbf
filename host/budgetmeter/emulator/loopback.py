"""A line to a meter in this process."""


class LoopbackLine:
    """A `budgetmeter.client.Line` without a wire.

    Nothing waits: its clock jumps over the time a reader waits in vain. The meter's stands still.

    :param world: an `Emulator`, or whatever has a `board` and takes octets by `receive`
    """

    def __init__(self, world):
        self._world = world
        self._now = 0.0
        world.board.sent.clear()

    def write(self, data):
        self._world.receive(data)

    def read(self, wait_s):
        sent = self._world.board.sent
        data = bytes(sent)
        sent.clear()
        if not data:
            self._now += wait_s
        return data

    def now(self):
        return self._now

    def close(self):
        pass
