"""The smallest board a meter can run on, in Python's memory."""

from budgetmeter import profiles, units
from budgetmeter.identity import flashed
from meterfw.board import Board
from meterfw.meter import Meter

PROFILE = "wallonia-card"
KEY = bytes(32)  # no secret: for a meter on a desk


class DeskBoard(Board):
    """Energy, time and a switch that a program moves by hand."""

    def __init__(self, files, clock):
        self.files = files  # name: bytes
        self.minutes = clock  # of the clock chip, since 2000-01-01 00:00 UTC+1
        self.closed = False
        self._passed_ms = 0
        self._used_wh = 0

    def live(self, minutes, wh):
        """Let time pass while a household draws energy; nothing flows while the switch is open."""
        self.minutes += minutes
        self._passed_ms += minutes * 60_000
        if self.closed:
            self._used_wh += wh

    # What the meter asks

    def elapsed_ms(self):
        passed, self._passed_ms = self._passed_ms, 0
        return passed

    def pulses(self):
        used, self._used_wh = self._used_wh, 0
        return used

    def clock(self):
        return self.minutes

    def supply(self, closed):
        self.closed = closed == 1

    def load(self, name):
        return self.files.get(name)

    def store(self, name, data):
        self.files[name] = bytes(data)


def main():
    """Use up the reserve of a Walloon meter on a Tuesday morning."""
    start = units.to_clock(units.moment("2020-06-02 08:00"))
    board = DeskBoard(flashed(123_456_789, 1, KEY, profiles.load(PROFILE)), start)
    meter = Meter(board)
    meter.poll()
    report(board, meter)
    while board.closed:
        board.live(minutes=1, wh=200)  # 12 kW: 3 EUR an hour
        meter.poll()
    report(board, meter)


def report(board, meter):
    """Print the time, the switch and the balance the customer sees."""
    m = meter.state
    switch = "closed" if board.closed else "open"
    balance = units.euros(m.credit - m.emergency_used)
    print(f"{units.from_clock(board.minutes):%H:%M}  {switch:6}  {balance} EUR")


if __name__ == "__main__":
    main()
