"""The load profile: registers at every quarter of an hour, kept while the server runs."""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

PERIOD_S = 900
ENTRIES = 31 * 96  # a month


class Capture(NamedTuple):
    """What stood in the registers.

    :ivar at_s: when, seconds since 2000-01-01 00:00 UTC+1
    :ivar register: Wh, or litres of gas
    :ivar balance: mc
    """

    at_s: int
    register: int
    balance: int


class History:
    """The latest captures, oldest first, one a quarter of an hour."""

    def __init__(self) -> None:
        self._captures: deque[Capture] = deque(maxlen=ENTRIES)

    def add(self, capture: Capture) -> None:
        """Keep a capture, under the quarter of an hour it is in; one of a past quarter is late."""
        begun = capture._replace(at_s=capture.at_s - capture.at_s % PERIOD_S)
        if not self._captures or begun.at_s > self._captures[-1].at_s:
            self._captures.append(begun)

    def __len__(self) -> int:
        return len(self._captures)

    def __iter__(self) -> Iterator[Capture]:
        return iter(self._captures)
