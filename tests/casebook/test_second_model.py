"""One procedure of each region against a statechart, on every day of random lives."""

from datetime import date, timedelta

import holidays
import pytest
from budgetmeter.casebook import Case, load
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.casebook.charts import BRUSSELS, FLANDERS, WALLONIA, Chart
from tests.casebook.test_lives import LIVES

BELGIAN = holidays.country_holidays("BE", years=range(2003, 2026))
ACTS = st.one_of(
    st.integers(1, 20),  # days that pass
    st.sampled_from(["step", "step", "step", "plan", "breach", "pay", "invoice"]),
    st.just("to the border"),
)


class Life:
    """A case and its chart, led through the same days."""

    def __init__(self, rules, start, chart, names):
        self.case = Case(load(rules))
        self.day, self.chart, self.names = start, chart, names
        self.owed = 0

    def write(self, fact, event, **given):
        self.case.record(fact, self.day, **given)
        self.chart.tell(event)

    def invoice(self):
        self.owed += 15000
        self.write("invoice", "invoice", amount="150.00")

    def compare(self):
        found = self.chart.next_step()
        if found:
            step, may = found
            refused = self.case.why_not(step, self.day)
            assert (not refused) == may, (self.day, step, self.chart.states, refused)

    def pass_days(self, count):
        for _ in range(count):
            self.day += timedelta(days=1)
            if self.day.weekday() < 5 and self.day not in BELGIAN:
                self.chart.tell("workday")
            self.chart.tell("tick")
            self.compare()

    def act(self, act):
        if isinstance(act, int):
            self.pass_days(act)
        elif act == "to the border":
            border = self.case.next(self.day)
            self.pass_days(0 if border is None else min((border - self.day).days, 40))
        elif act == "step":
            found = self.chart.next_step()
            if found and found[1]:
                self.write(found[0], self.names.get(found[0], found[0]))
        elif act == "pay":
            owed = self.case.owes("supplier", self.day)
            if owed > 0:
                self.write("payment", "settled", amount=f"{owed / 100:.2f}")
        elif act == "invoice" and "quiet" in self.chart.states:
            self.invoice()
        elif act in ("plan", "breach") and "quiet" not in self.chart.states:
            self.agree(act)
        self.compare()

    def agree(self, act):
        if act == "plan" and "free" in self.chart.states:
            self.case.record("plan", self.day)
            self.write("plan-confirmation", "plan")
        elif act == "breach" and {"made", "agreed"} & set(self.chart.states):
            self.write("plan-breach", "breach")


@pytest.mark.rule("WE-07", "WE-11", "WE-12", "WE-13", "WE-22", "WE-25")
@settings(max_examples=LIVES, deadline=None)
@given(st.dates(date(2023, 1, 1), date(2025, 1, 1)), st.lists(ACTS, max_size=12))
@example(date(2023, 1, 1), [15, "plan", 1, "breach"])  # the term ends with the day of the plan
def test_wallonia(start, acts):
    wanted = {
        "billed": ("reminder", 16),
        "reminded": ("notice", 11),
        "noticed": ("default-letter", 16),
        "defaulted": ("judge-request", 16),
    }
    life = Life(
        "wallonia-electricity", start, Chart(WALLONIA, wanted), {"default-letter": "default"}
    )
    life.invoice()
    for act in acts:
        if act == "step" and (life.chart.next_step() or ("",))[0] == "judge-request":
            continue
        life.act(act)


class Flemish(Life):
    """A plan of Flanders is accepted and broken; nobody confirms it in writing."""

    def agree(self, act):
        if act == "plan" and "free" in self.chart.states and "sent" not in self.chart.states:
            self.write("plan", "plan")
        elif act == "breach" and {"made", "agreed"} & set(self.chart.states):
            self.write("plan-broken", "breach")


@pytest.mark.rule("FE-04", "FE-05", "FE-06", "FE-07", "FE-09")
@settings(max_examples=LIVES, deadline=None)
@given(st.dates(date(2003, 7, 1), date(2010, 1, 1)), st.lists(ACTS, max_size=12))
def test_flanders(start, acts):
    wanted = {
        "received": ("reminder", 16),
        "reminded": ("notice", 16),
        "noticed": ("cancellation", 16),
    }
    life = Flemish("flanders-2003", start, Chart(FLANDERS, wanted), {})
    life.invoice()
    for act in acts:
        if act == "step" and (life.chart.next_step() or ("",))[0] == "cancellation":
            continue
        life.act(act)


class Brussels(Life):
    """Status takes the place of the plan."""

    def agree(self, act):
        if act == "plan" and "free" in self.chart.states:
            self.write("protected", "protected")
        elif act == "breach" and "protected" in self.chart.states:
            self.write("protected-ended", "lost")

    def invoice(self):
        super().invoice()
        self.write("reminder", "reminder")
        self.write("notice", "notice")


@pytest.mark.rule("BX-09", "BX-11", "BX-12")
@settings(max_examples=LIVES, deadline=None)
@given(st.dates(date(2011, 9, 1), date(2015, 1, 1)), st.lists(ACTS, max_size=12))
def test_brussels(start, acts):
    wanted = {"noticed": ("judge-request-gas", 61)}
    life = Brussels("brussels-2011", start, Chart(BRUSSELS, wanted), {})
    life.invoice()
    for act in [act for act in acts if act != "step"]:
        life.act(act)
