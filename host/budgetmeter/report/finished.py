"""What a report reads of a run that is over; an `Emulator` is one."""

from typing import Protocol

from meterfw.account.record import State

from budgetmeter.profiles import Profile
from budgetmeter.report.trace import Trace


class Account(Protocol):
    """The meter of a run."""

    @property
    def state(self) -> State: ...


class Supplied(Protocol):
    """What its board counted: pulse-seconds per hour, and seconds without a sample."""

    @property
    def wanted(self) -> int: ...

    @property
    def drawn(self) -> int: ...

    @property
    def missing_s(self) -> int: ...

    @property
    def files(self) -> object: ...


class FinishedRun(Protocol):
    """A meter at the end of its run."""

    @property
    def profile(self) -> Profile: ...

    @property
    def load(self) -> object: ...

    @property
    def trace(self) -> Trace: ...

    @property
    def meter(self) -> Account: ...

    @property
    def board(self) -> Supplied: ...

    @property
    def start_s(self) -> int:
        """Where it began, seconds since 2000 UTC+1; `now_s` where it ended."""
        ...

    @property
    def now_s(self) -> int: ...

    def balance(self) -> int:
        """The balance the customer sees, mc."""
        ...

    def conservation(self) -> tuple[int, int]:
        """What the account holds, and what went in and out; mc, equal if nothing is lost."""
        ...


class Titled(Protocol):
    """The scenario or study that was run."""

    @property
    def title(self) -> str: ...
