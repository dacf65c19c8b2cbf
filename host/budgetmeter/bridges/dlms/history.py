"""The load profile: register and balance at every quarter of an hour, while the server runs."""

from collections import deque

from budgetmeter.bridges.dlms.data import DATA, INT32, UINT32, Data, date_time, octets

PERIOD_S = 900
ENTRIES = 31 * 96  # a month

Row = tuple[int, tuple[bytes, ...]]  # seconds since 2000-01-01 00:00 UTC+1, columns as octets


class History:
    """The latest captures, oldest first, one a quarter of an hour.

    :ivar rows: with the columns time, Wh or litres of gas, balance in mc
    """

    def __init__(self) -> None:
        self.rows: deque[Row] = deque(maxlen=ENTRIES)

    def add(self, at_s: int, register: int, balance: int) -> None:
        """Capture, under the quarter of an hour that has begun; one that is there stays."""
        at_s -= at_s % PERIOD_S
        if self.rows and at_s <= self.rows[-1][0]:
            return
        values = (octets(date_time(at_s)), Data(UINT32, register), Data(INT32, balance))
        self.rows.append((at_s, tuple(DATA.build(value) for value in values)))
