"""What happened: dated events, time in each phase, samples for plots, books."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from meterfw import layouts
from meterfw.account import rules
from meterfw.account.record import State
from meterfw.store.log import Log
from meterproto import tokens
from meterproto.codes import Event, Kind, LogCode, Reason, logged

from budgetmeter import catalogue, units

SAMPLE_S = 900


def floor(m: State) -> int:
    """Balance at which what is in use is used up, mc.

    Emergency credit that is owed lies below the negative credit limit: credit ends at the limit
    less what is owed of it, and emergency credit in use at the limit less the whole of it.
    """
    if m.emergency_status == layouts.EMERGENCY_STATUS_IN_USE:
        return -m.overdraft - m.emergency_preset
    return -m.overdraft - m.emergency_used


def reasons_text(bits: int) -> str:
    """Reasons of a disconnection as words."""
    words = [reason.word.replace("-", " ") for reason in Reason if bits & reason]
    return ", ".join(words) or "none"


@dataclass(frozen=True)
class Entry:
    """One dated event. Clock and second are the meter's; balance in mc."""

    clock: int
    second: int
    code: Event | LogCode
    reasons: int
    balance: int
    detail: str

    @property
    def time(self) -> datetime:
        """Belgian local time."""
        return units.from_clock(self.clock, self.second)

    def rules(self, region: str) -> list[str]:
        """Rule ids of the event that speak about a region."""
        ids = list(self.code.rules)
        if self.code is Event.DISCONNECTED:
            ids = [i for reason in Reason if self.reasons & reason for i in reason.rules] + ids
        return catalogue.relevant(ids, region)


class Spell(NamedTuple):
    """A stretch of time in one phase; seconds since 2000, UTC+1."""

    phase: str
    begin: int
    end: int


class Taken(NamedTuple):
    """An order the meter took, whatever way it came.

    :ivar at_s: when, seconds since 2000 UTC+1
    :ivar value: as its `meterproto.kinds` row says; of money, mc
    """

    at_s: int
    kind: Kind
    value: int


class Span(NamedTuple):
    """A stretch of time, seconds since 2000, UTC+1."""

    begin: int
    end: int


@dataclass
class Trace:
    """Everything a report or plot is made from."""

    entries: list[Entry] = field(default_factory=list)
    top_ups: list[tuple[int, int]] = field(default_factory=list)  # (clock, mc)
    durations: dict[str, int] = field(default_factory=dict)  # phase: seconds
    spells: list[Spell] = field(default_factory=list)
    friendly: list[Span] = field(default_factory=list)  # hours without disconnection
    holds: list[Span] = field(default_factory=list)  # no disconnection, as the operator asked
    orders: list[Taken] = field(default_factory=list)
    presses: list[int] = field(default_factory=list)  # of the button: seconds since 2000, UTC+1
    times: list[int] = field(default_factory=list)  # samples: seconds since 2000, UTC+1
    balances: list[int] = field(default_factory=list)  # mc
    floors: list[int] = field(default_factory=list)  # mc
    drawn: list[int] = field(default_factory=list)  # pulse-seconds per hour, running total
    limits: list[int] = field(default_factory=list)  # W, 0 where there is none

    def pass_time(self, name: str, begin: int, end: int) -> None:
        """Book a stretch of time in a phase; seconds since 2000."""
        self.durations[name] = self.durations.get(name, 0) + end - begin
        if self.spells and self.spells[-1].phase == name and self.spells[-1].end == begin:
            begin = self.spells.pop().begin
        self.spells.append(Spell(name, begin, end))

    def pass_bars(self, m: State, begin: int, end: int) -> None:
        """Book what barred a disconnection over a stretch of time: friendly hours, a hold."""
        if m.window == 1:
            _extend(self.friendly, begin, end)
        if m.hold_until > begin // 60:
            _extend(self.holds, begin, end)

    def press(self, at_s: int) -> None:
        """Note a press of the button."""
        self.presses.append(at_s)

    def take(self, at_s: int, token: bytes) -> None:
        """Note a token that the meter took."""
        body = tokens.parse(token)
        self.orders.append(Taken(at_s, Kind(body.kind), body.value))

    def sample(self, now_s: int, m: State, drawn: int) -> None:
        """Note the state, and what the load has drawn so far, for a plot."""
        limit = 0
        if m.limiter_engaged:
            limit = m.limit_w or m.limit_ma * units.NOMINAL_V // 1000
        self.times.append(now_s)
        self.balances.append(rules.balance(m))
        self.floors.append(floor(m))
        self.drawn.append(drawn)
        self.limits.append(limit)

    def drain(self, log: Log, seen: int, m: State) -> int:
        """Take over log entries from number `seen` on; returns the next number."""
        for _, (clock, second, stored, reasons, balance) in log.numbered(seen):
            code = logged(stored)
            detail = ""
            if code == Event.CREDITED:
                detail = f"+{units.euros(m.last_top_up)}"
            elif code == Event.DISCONNECTED:
                detail = reasons_text(reasons)
            self.entries.append(Entry(clock, second, code, reasons, balance, detail))
        return log.count

    def count(self, event: Event | LogCode) -> int:
        """How often an event happened."""
        return sum(entry.code is event for entry in self.entries)


class NoTrace(Trace):
    """Keeps nothing, so that a meter may run for ever."""

    def pass_time(self, name: str, begin: int, end: int) -> None:
        pass

    def pass_bars(self, m: State, begin: int, end: int) -> None:
        pass

    def press(self, at_s: int) -> None:
        pass

    def take(self, at_s: int, token: bytes) -> None:
        pass

    def sample(self, now_s: int, m: State, drawn: int) -> None:
        pass

    def drain(self, log: Log, seen: int, m: State) -> int:
        return log.count


def _extend(spans: list[Span], begin: int, end: int) -> None:
    """Add a stretch of time to those before it, as one where they meet."""
    if spans and spans[-1].end == begin:
        begin = spans.pop().begin
    spans.append(Span(begin, end))
