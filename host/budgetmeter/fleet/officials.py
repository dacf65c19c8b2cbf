"""The people around a meter: supplier, operator and commission, who go by a rule file.

A step is done on the first day on which the case book allows it. The meter lives from border to
border, and gets its orders there. What the household does is drawn; how often is an assumption.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol

from meterfw.layouts import (
    CAUSE_BAD_WILL,
    KIND_ARREARS_PAID,
    KIND_DISCONNECT,
    KIND_MINIMUM_SUPPLY_DISABLE,
    KIND_MINIMUM_SUPPLY_ENABLE,
    KIND_PAYMENT_MODE,
    KIND_RECONNECT,
    PAYMENT_MODE_PREPAYMENT,
)

from budgetmeter import units
from budgetmeter.casebook import Case, Rulebook
from budgetmeter.casebook.facts import CENT, euros
from budgetmeter.fleet.draws import (
    ACCESS,
    BAD_WILL,
    BAD_WILL_DAY,
    BEHIND,
    BEHIND_DAY,
    BILL_PAID,
    DEBT,
    MENDS,
    PAY_DAYS,
    PLAN,
    PLAN_KEPT,
    PROTECTED,
    REFUSES,
    WITHDRAWS,
    below,
    between,
    chance,
    draw,
)
from budgetmeter.fleet.rows import Config

LADDER = ("reminder", "notice", "default-letter", "activation-request", "meter-request")
LETTERS = ("minimum-reminder", "minimum-notice", "commission")
WORKS_AT = time(10)  # offices work in the morning
PLAN_DAYS = 30  # a plan that is broken is broken after the first instalment
DECISION_DAYS = 30  # how long a commission takes
DAY = timedelta(days=1)


class Machine(Protocol):
    """One meter of a fleet, and how far it has come.

    :ivar arrears: owed for minimum supply, mc
    :ivar real_at: clock value of the last top-up above ten euros; `real` what it was, mc
    """

    arrears: int
    real_at: int
    real: int

    def go_until(self, clock: int) -> None: ...

    def order(self, kind: int, value: int = 0, extra: int = 0) -> None: ...


def falls_behind(config: Config, values: Mapping[str, Any], meter: int) -> bool:
    """Whether a household leaves a bill of its supplier unpaid."""
    return chance(draw(config, meter, BEHIND, 0), values["behind_pct"]) == 1


class Officials:
    """The case of one household, played beside its meter.

    :param values: the parameters of a study
    :ivar case: what happened
    """

    def __init__(
        self, book: Rulebook, config: Config, values: Mapping[str, Any], meter: int
    ) -> None:
        self.book, self.config, self.values, self.meter = book, config, values, meter
        self.case = Case(book)
        self.first = units.from_clock(config.start).date()
        self.end = units.from_clock(config.end).date()
        begins = self.first + below(self.draw(BEHIND_DAY), (self.end - self.first).days) * DAY
        self.paid_on = begins + self.between(PAY_DAYS, "pay_days") * DAY
        self.case.record("opened", begins)
        self.protected = self.yes(PROTECTED, "protected_pct")
        if self.protected:
            self.case.record("protected", begins, until=str(self.end))
        self.day = begins
        cents = self.between(DEBT, "debt_eur") * 100
        self.case.record("invoice", begins, amount=euros(cents))

    # Draws

    def draw(self, purpose: int, index: int = 0) -> int:
        return draw(self.config, self.meter, purpose, index)

    def yes(self, purpose: int, key: str, index: int = 0) -> bool:
        return chance(self.draw(purpose, index), self.values[key]) == 1

    def between(self, purpose: int, key: str) -> int:
        return between(self.values[key], (0, len(self.values[key])), self.draw(purpose))

    # The case

    def play(self, machine: Machine) -> None:
        """From the first unpaid bill to the end of the run; the meter goes on by itself after."""
        if not self._default() or not self._activate(machine):
            return
        self._after(machine)
        if self.paid_on < self.end:
            self._pay()

    def _after(self, machine: Machine) -> None:
        """What follows while prepayment is active."""
        if "settlement" in self.book.steps and self.protected:
            self._minimum_supply(machine)
        elif "lac" in self.book.steps and self.yes(BAD_WILL, "bad_will_pct"):
            self._bad_will(machine)

    def _do(self, step: str, **given: Any) -> bool:
        """A step on the first day that allows it, within the run."""
        day = self.case.allowed_from(step, self.day)
        if day is None or day >= self.end:
            return False
        self.day = day
        self.case.record(step, day, **given)
        return True

    def _reached(self, day: date | None) -> bool:
        """Go to a day, unless the household pays its supplier before; whether it did not."""
        if day is None or day >= self.end:
            if self.paid_on < self.end:
                self._pay()
            return False
        if self.paid_on <= day:
            self._pay()
            return False
        self.day = day
        return True

    def _pay(self) -> None:
        """The household pays its supplier all that it owes; the procedure ends."""
        day = self.paid_on
        if (owed := self.case.owes("supplier", day)) > 0:
            self.case.record("payment", day, amount=euros(owed))

    def _default(self) -> bool:
        """The letters; whether the supplier may ask for prepayment."""
        for step in (one for one in LADDER if one in self.book.steps):
            if not self._reached(self.case.allowed_from(step, self.day)):
                return False
            self.case.record(step, self.day)
            if step == "notice" and self.yes(PLAN, "plan_pct") and not self._plan():
                return False
            if step == "default-letter" and self.protected:
                self._do("transfer")
        return True

    def _plan(self) -> bool:
        """A plan after the notice; whether it was broken."""
        if not self._reached(self.day + DAY):
            return False
        self.case.record("plan", self.day)
        if "plan-confirmation" in self.book.steps:
            self._do("plan-confirmation")
        if self.yes(PLAN_KEPT, "plan_kept_pct"):
            return False
        if not self._reached(self.day + PLAN_DAYS * DAY):
            return False
        if "plan-breach" in self.book.steps:
            return self._do("plan-breach")
        self.case.record("plan-broken", self.day)
        return True

    def _activate(self, machine: Machine) -> bool:
        """Prepayment, unless the household refuses it."""
        if "refusal" in self.book.kinds and self.yes(REFUSES, "refuses_pct"):
            self.case.record("refusal", self.day)
            self._do("end-request")
            return False
        if not self._reached(self.case.allowed_from("activation", self.day)):
            return False
        self.case.record("activation", self.day, coupled=self.protected)
        self._order(machine, KIND_PAYMENT_MODE, PAYMENT_MODE_PREPAYMENT, int(self.protected))
        return True

    def _order(self, machine: Machine, kind: int, value: int = 0, extra: int = 0) -> None:
        """An order on the day of the case."""
        self._go(machine)
        machine.order(kind, value, extra)

    def _go(self, machine: Machine) -> None:
        machine.go_until(units.to_clock(datetime.combine(self.day, WORKS_AT)))

    # Minimum supply (Wallonia)

    def _minimum_supply(self, machine: Machine) -> None:
        """Settlement after three months without a top-up, its letters, and the commission."""
        turn, counted = 0, 0
        while (day := self.case.allowed_from("settlement", self.day)) is not None:
            if day >= self.end:
                return
            self.day = day
            self._go(machine)
            if machine.real_at > counted:
                counted = machine.real_at
                at = units.from_clock(counted).date()
                self.case.record("top-up", at, amount=euros(machine.real // CENT))
                continue
            self.case.record("settlement", self.day)
            turn += 1
            if not self._settled(machine, turn):
                return

    def _settled(self, machine: Machine, turn: int) -> bool:
        """One settlement; whether there may be another one."""
        if not self._do("index-request") or not self._do("settlement-invoice"):
            return False
        self._go(machine)
        cents = machine.arrears // CENT
        if cents == 0:
            return True
        self.case.record("minimum-bill", self.day, amount=euros(cents))
        for index, letter in enumerate(LETTERS):
            if self.yes(BILL_PAID, "bill_paid_pct", turn * 8 + index):
                return self._pay_minimum(machine)
            if not self._do(letter):
                return False
        self.day += DECISION_DAYS * DAY
        if self.day >= self.end:
            return False
        if not self.yes(WITHDRAWS, "withdraws_pct", turn):
            self.case.record("cle-keeps", self.day)
            return True
        self.case.record("cle-withdraws", self.day)
        if self._do("withdrawal"):
            self._order(machine, KIND_MINIMUM_SUPPLY_DISABLE)
        return False

    def _pay_minimum(self, machine: Machine) -> bool:
        """The household pays what it was billed."""
        self.day += DAY
        if self.day >= self.end:
            return False
        owed = self.case.owes("minimum", self.day)
        self.case.record("minimum-payment", self.day, amount=euros(owed))
        self._order(machine, KIND_ARREARS_PAID, owed * CENT)
        return True

    # Manifest bad will (Flanders)

    def _bad_will(self, machine: Machine) -> None:
        """The commission's opinion, and what follows with access and without."""
        self.day += (30 + below(self.draw(BAD_WILL_DAY), 150)) * DAY
        if self.day + DECISION_DAYS * DAY >= self.end:
            return
        access = self.yes(ACCESS, "access_pct")
        for name in ("bad-will", "access" if access else "no-access", "cut-file", "lac"):
            self.case.record(name, self.day)
        self.day += DECISION_DAYS * DAY
        if not self.yes(WITHDRAWS, "withdraws_pct"):
            self.case.record("lac-objects", self.day)
            return
        self.case.record("lac-concurs", self.day)
        step, again = ("withdrawal", "limiter-again") if access else (
            "cut-bad-will", "reconnection"
        )  # fmt: skip
        if not self._do(step):
            return
        if access:
            self._order(machine, KIND_MINIMUM_SUPPLY_DISABLE)
        else:
            self._order(machine, KIND_DISCONNECT, CAUSE_BAD_WILL)
        self.day += self.between(MENDS, "mends_days") * DAY
        if self.day >= self.end:
            return
        self.case.record("bad-will-ended", self.day)
        if self._do(again):
            self._order(machine, KIND_MINIMUM_SUPPLY_ENABLE if access else KIND_RECONNECT)
