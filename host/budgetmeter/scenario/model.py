"""What a scenario is once it is read: a load, dated steps, and expectations that may fail."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from meterproto.codes import Result, TokenReason

from budgetmeter.emulator.household import Habits
from budgetmeter.profiles import Profile
from budgetmeter.scenario.stage import Stage

# What a step does; it answers what became of an order, None where there was none.
Act = Callable[[Stage], Result | TokenReason | None]


@dataclass(frozen=True)
class Step:
    """One dated entry.

    :ivar time: Belgian local time
    :ivar where: file and number, for messages
    :ivar expect: expectations by key, each with what was written
    """

    time: datetime
    where: str
    act: Act | None
    expect: dict[str, Any]


@dataclass
class Scenario:
    """A scenario as read: everything the emulator needs, checked.

    :ivar load: what is consumed, as `budgetmeter.emulator.Emulator` takes it
    :ivar start: Belgian local time, None for the beginning of a sampled load
    :ivar days: length; None to the end of the load
    :ivar steps: dated `Step`s in order of time
    :ivar contract: the customer's side, as `budgetmeter.office.office.Office.add_meter` takes it
    :ivar case: rules and household of the case book; None without a case
    :ivar files: paths of the user's files it is read from, or reads later
    """

    title: str
    profile: Profile
    load: Any
    start: datetime | None = None
    days: int | None = None
    habits: Habits | None = None
    steps: list[Step] = field(default_factory=list)
    about: str = ""
    contract: dict[str, Any] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    case: dict[str, Any] | None = None


@dataclass(frozen=True)
class Failure:
    """An expectation that was not met."""

    where: str
    time: datetime
    key: str
    expected: str
    seen: str

    def __str__(self) -> str:
        return (
            f"{self.where}, {self.time:%Y-%m-%d %H:%M}: {self.key}: "
            f"expected {self.expected}, seen {self.seen}"
        )
