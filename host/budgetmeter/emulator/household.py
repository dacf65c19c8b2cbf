"""The people: when they top up, and what they do when supply is off.

No statistic of Belgian top-ups was found. What is known: small amounts, visits to the terminal with
peaks on Monday and Friday, 5 to 250 EUR (facts B-8 and B-15). Everything here is a parameter.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from meterfw import layouts
from meterfw.account.record import State
from meterfw.account.rules import balance

from budgetmeter import units
from budgetmeter.errors import InputError
from budgetmeter.loads import Draw

if TYPE_CHECKING:
    from budgetmeter.emulator.world import Emulator

YEAR_MIN = 366 * 1440


@dataclass(frozen=True)
class Habits:
    """How a household tops up. Hours are local time; one random seed decides all draws."""

    seed: int = 1
    days: tuple[str, ...] = ("Mon", "Fri")  # days of the regular visit to the terminal
    amounts: tuple[int, ...] = (20, 30, 40)  # EUR, one is drawn for each visit
    skip: float = 0.2  # part of the regular visits that does not happen
    enough: int = 25  # EUR; with a higher balance a visit is skipped
    opens: int = 9  # hours in which the terminal can be reached
    closes: int = 19
    errand_h: int = 16  # after supply opened, a top-up follows within so many hours
    notice_min: int = 45  # a change at the meter is acted on within so many minutes
    trip_min: int = 5  # the same after an overload: somebody is at home
    careful_h: int = 2  # hours of staying below the limit after an overload
    wakes: int = 7  # nobody acts between sleep and waking
    sleeps: int = 23

    def changed(self, texts: Iterable[str]) -> Self:
        """A copy with `key=value` texts applied.

        :raises InputError: unknown key or unusable value
        """
        changes = {}
        for text in texts:
            key, equals, value = text.partition("=")
            kinds = {field.name: field.default for field in fields(self)}
            if not equals or key not in kinds:
                raise InputError(f"household: {text!r}: one of {', '.join(kinds)} = value")
            changes[key] = _value_of(key, value, kinds[key])
        habits = replace(self, **changes)
        habits.check()
        return habits

    def check(self) -> None:
        """:raises InputError: values that make no household"""
        if self.seed < 0:
            raise InputError("household: seed is at least 0")
        if not self.amounts or not all(5 <= amount <= 250 for amount in self.amounts):
            raise InputError("household: amounts are from 5 to 250 EUR")
        if not 0 <= self.opens < self.closes <= 24:
            raise InputError("household: opens and closes are hours, one after the other")
        if not 0 <= self.wakes < self.sleeps <= 24:
            raise InputError("household: wakes and sleeps are hours, one after the other")
        if not 0 <= self.skip <= 1:
            raise InputError("household: skip is from 0 to 1")
        if min(self.errand_h, self.notice_min, self.trip_min) < 1 or self.careful_h < 0:
            raise InputError("household: errand_h, notice_min and trip_min are at least 1")
        minutes = max(self.errand_h * 60, self.careful_h * 60, self.notice_min, self.trip_min)
        if minutes > YEAR_MIN:
            raise InputError(
                "household: errand_h, careful_h, notice_min and trip_min are at most a year"
            )


def _value_of(key: str, text: str, default: Any) -> Any:
    try:
        if not isinstance(default, tuple):
            return type(default)(text)
        parts = [part.strip() for part in text.split(",")]
        if key == "days":
            if any(part not in units.WEEKDAYS for part in parts):
                raise ValueError
            return tuple(parts)
        return tuple(int(part) for part in parts)
    except ValueError:
        shown = ",".join(map(str, default)) if isinstance(default, tuple) else default
        raise InputError(f"household: {key}={text}: a value such as {shown}") from None


class Household:
    """Acts on an `Emulator`: regular visits, errands after a cut, the button."""

    def __init__(self, habits: Habits | None = None) -> None:
        self.habits = habits or Habits()
        self._random = random.Random(self.habits.seed)
        self._errand = False
        self._pressing = False
        self._careful_until = 0

    def move_in(self, world: Emulator) -> None:
        """Plan the first visit."""
        self._world = world
        if world.profile.prepayment:
            self._plan_visit()

    def notice(self, events: int) -> None:
        """Something happened at the meter (a mask of layouts.EVENT_…)."""
        m = self._world.meter.state
        if events & layouts.EVENT_OVERLOAD:
            self._careful_until = self._world.now_s + self.habits.careful_h * 3600
        if events & layouts.EVENT_DISCONNECTED and m.reasons & layouts.REASON_CREDIT:
            self._plan_errand()
        if not self._pressing and self._can_press(m):
            self._pressing = True
            within = self.habits.notice_min
            if self._world.now_s < self._careful_until:
                within = self.habits.trip_min
            minutes = self._random.randint(1, within)
            self._world.plan(self._awake(self._now() + timedelta(minutes=minutes)), self._press)

    def use(self, draw: Draw) -> Draw:
        """What is drawn of a load: nothing during a leak test, less after an overload."""
        m = self._world.meter.state
        if m.reasons & layouts.REASON_LEAK_TEST:
            return draw.part(0, 1, draw.until)
        if m.limiter_engaged and self._world.now_s < self._careful_until:
            until = self._careful_until - self._world.start_s
            if m.limit_ma and draw.ma > m.limit_ma:
                return draw.part(m.limit_ma, draw.ma, until)
            if m.limit_w and draw.w > m.limit_w:
                return draw.part(m.limit_w, draw.w, until)
        return draw

    def _now(self) -> datetime:
        return self._world.local_time()

    def _can_press(self, m: State) -> bool:
        return (
            m.control_state == layouts.CONTROL_STATE_READY
            or m.emergency_status == layouts.EMERGENCY_STATUS_SELECTABLE
            or bool(
                m.reasons & layouts.REASON_CREDIT
                and m.limiter_available
                and not m.minimum_supply_disabled
            )
        )

    def _press(self) -> None:
        self._pressing = False
        m = self._world.meter.state
        if self._can_press(m):
            self._world.press(self._world.profile.values["reopen_hold_s"])
            self.notice(0)

    def _awake(self, time: datetime) -> datetime:
        wakes, sleeps = self.habits.wakes, self.habits.sleeps
        if time.hour < wakes:
            return time.replace(hour=wakes, minute=time.minute)
        if time.hour >= sleeps:
            return (time + timedelta(days=1)).replace(hour=wakes, minute=time.minute)
        return time

    def _open(self, time: datetime) -> datetime:
        """The first moment from `time` on at which the terminal can be reached."""
        if time.hour < self.habits.opens:
            return time.replace(hour=self.habits.opens)
        if time.hour >= self.habits.closes:
            return (time + timedelta(days=1)).replace(hour=self.habits.opens)
        return time

    def _plan_visit(self) -> None:
        if not self.habits.days:
            return
        day = self._now()
        while True:
            day += timedelta(days=1)
            if units.WEEKDAYS[day.weekday()] in self.habits.days:
                break
        hour = self._random.randrange(self.habits.opens, self.habits.closes)
        minute = self._random.randrange(60)
        self._world.plan(day.replace(hour=hour, minute=minute, second=0), self._visit)

    def _visit(self) -> None:
        skipped = self._random.random() < self.habits.skip
        if not skipped and self._world.balance() < self.habits.enough * units.EUR:
            self._top_up()
        self._plan_visit()

    def _plan_errand(self) -> None:
        if self._errand:
            return
        self._errand = True
        minutes = self._random.randint(60, 60 * self.habits.errand_h)
        self._world.plan(self._open(self._now() + timedelta(minutes=minutes)), self._run_errand)

    def _run_errand(self) -> None:
        self._errand = False
        m = self._world.meter.state
        if balance(m) < 2 * units.EUR:
            self._top_up()
            if m.reasons & layouts.REASON_CREDIT:  # not enough: again
                self._plan_errand()

    def _top_up(self) -> None:
        self._world.top_up(self._random.choice(self.habits.amounts) * units.EUR)
