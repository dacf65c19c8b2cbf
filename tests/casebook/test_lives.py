"""Random lives of all actors, who walk to the borders with `next`; counted again in a plainer way.

The steps of supplier and operator are done only where the case book allows them. What comes out is
then judged by sums and loops over the plain facts, which know nothing of chains, terms or borders.
"""

import os
from dataclasses import replace
from datetime import date, timedelta

import pytest
from budgetmeter.casebook import Case, load
from budgetmeter.casebook.case import refusals
from hypothesis import given, settings
from hypothesis import strategies as st

LIVES = int(os.environ.get("LIVES", "20"))  # `make casebook` lives more of them
DAY = timedelta(days=1)
OTHERS = {  # what customers, judges, the CPAS and the commission do, and with what
    "invoice": {"amount": "180.00"},
    "payment": {"amount": "60.00"},
    "plan": {},
    "refusal": {},
    "protected": {},
    "protected-ended": {},
    "inquiry": {},
    "inquiry-ended": {},
    "complaint-admissible": {},
    "mediator-outcome": {},
    "judgment-activation": {},
    "contract-end": {},
    "new-contract": {},
    "top-up": {"amount": "8.00"},
    "minimum-bill": {"amount": "33.33"},
    "minimum-payment": {"amount": "20.00"},
    "cle-withdraws": {},
    "prepayment-asked": {},
    "deactivation-asked": {},
}
RULES = "wallonia-electricity+ores-covid"


def winter(day):
    """1 November to 15 March, by month and day alone."""
    return (day.month, day.day) >= (11, 1) or (day.month, day.day) <= (3, 15)


@st.composite
def lives(draw):
    """A case at the end of a life, and the steps that were done in it."""
    case = Case(load("wallonia-electricity", ("ores-covid",)))
    day = draw(st.dates(date(2020, 7, 1), date(2024, 6, 1)))
    case.record("invoice", day, amount="180.00")
    for _ in range(draw(st.integers(5, 30))):
        border = case.next(day)
        walk = draw(st.sampled_from(["stay", "to the border", "before it", "after it", "days"]))
        if walk == "days":
            day += timedelta(days=draw(st.integers(1, 45)))
        elif walk != "stay" and border is not None and (border - day).days < 400:
            shift = {"to the border": 0, "before it": -1, "after it": 1}[walk]
            day = max(day, border + timedelta(days=shift))
        if draw(st.booleans()):
            name = draw(st.sampled_from(sorted(OTHERS)))
            case.record(name, day, **OTHERS[name])
        else:
            open_steps = case.allowed(day)
            if open_steps:
                case.record(draw(st.sampled_from(open_steps)), day)
    return case, day


@pytest.mark.rule("WE-16", "WE-26", "WE-39", "WE-42", "OC-01", "OC-12")
@settings(max_examples=2 * LIVES, deadline=None)
@given(lives())
def test_what_the_case_book_lets_happen_breaks_no_clause(life):
    case, end = life
    facts = [(fact.day, fact.name) for fact in case.facts]
    for index, (day, name) in enumerate(facts):
        earlier = facts[:index]
        if name in ("withdrawal", "cut-contract"):
            assert not winter(day)
            assert not date(2020, 12, 8) <= day <= date(2021, 3, 31)
        if name == "activation":
            assert not date(2020, 12, 8) <= day <= date(2021, 3, 31)
        if name == "notice":
            sent = [d for d, n in earlier if n == "reminder"]
            assert sent
            assert (day - sent[-1]).days > 10
        if name == "reminder":
            billed = [d for d, n in earlier if n == "invoice"]
            assert (day - billed[-1]).days > 15
        if name == "default-letter":
            noticed = [d for d, n in earlier if n == "notice"]
            assert (day - noticed[-1]).days > 15
        if name in ("reminder", "notice", "default-letter", "judge-request"):
            before = Case(case.book, case.facts[:index])
            assert not suspended(before, day), (day, name, earlier)
    overdrafts = [name for _, name in facts if name == "overdraft"]
    assert len(overdrafts) <= 1
    check_money(case, end)


def suspended(case, day):
    """Whether a plan, an inquiry or the mediator holds the procedure, by the newest of each pair.

    What lies before the debt was paid, before an activation or the end of the contract is over.
    """
    view = case.view(day)
    start = view.starts["default"]
    names = [fact.name for fact in view.facts[start:]]
    newest = {name: index for index, name in enumerate(names)}
    plan = newest.get("plan", -1) > newest.get("plan-breach", -1)
    mediator = newest.get("complaint-admissible", -1) > newest.get("mediator-outcome", -1)
    inquiry = [fact.day for fact in view.facts[start:] if fact.name == "inquiry"]
    over = newest.get("inquiry-ended", -1) > newest.get("inquiry", -1)
    return plan or mediator or bool(inquiry and not over and (day - inquiry[-1]).days <= 30)


def check_money(case, end):
    """Costs stay under the caps, and the ledger adds up, in cents."""
    entries = case.entries(end)
    for year in range(2020, 2030):
        charged = [e.cents for e in entries if e.part == "costs" and e.day.year == year]
        assert sum(charged) <= 5500
    assert all(0 <= e.cents <= 1500 for e in entries if e.part == "costs")
    for account, bills, payments in (
        ("supplier", {"invoice": 18000}, {"payment": 6000}),
        ("minimum", {"minimum-bill": 3333}, {"minimum-payment": 2000}),
    ):
        plain = sum(bills.get(f.name, 0) - payments.get(f.name, 0) for f in case.facts)
        costs = sum(e.cents for e in entries if e.part == "costs" and e.account == account)
        assert case.owes(account, end) == plain + costs
        assert case.owes(account, end) == sum(e.cents for e in entries if e.account == account)


@settings(max_examples=LIVES, deadline=None)
@given(lives(), st.data())
def test_nothing_changes_before_the_next_border_and_something_does_on_it(life, data):
    case, day = life
    border = case.next(day)
    last = day + timedelta(days=1200) if border is None else border - DAY
    now = answers(case, day)
    span = (last - day).days
    for offset in {1, span, data.draw(st.integers(0, span)), data.draw(st.integers(0, span))}:
        if 0 <= offset <= span:
            assert answers(case, day + timedelta(days=offset)) == now
    if border is not None:
        assert answers(case, border) != now


def answers(case, day):
    """Every answer on a day, asked one by one."""
    view = case.view(day)
    refused = {n: [one.rule for one in refusals(view, s)] for n, s in case.book.steps.items()}
    return refused, case.overdue(day), view.protected()


@settings(max_examples=LIVES, deadline=None)
@given(lives(), st.data())
def test_the_first_day_on_which_a_step_is_allowed(life, data):
    case, day = life
    step = data.draw(st.sampled_from(sorted(case.book.steps)))
    first = case.allowed_from(step, day)
    if first is None:
        return
    assert case.why_not(step, first) == []
    if first > day:
        assert case.why_not(step, first - DAY) != []


@settings(max_examples=LIVES // 2, deadline=None)
@given(lives(), st.randoms(use_true_random=False))
def test_when_a_fact_was_written_down_does_not_matter_but_on_its_own_day(life, chance):
    """Written late or ahead, facts count on their day; on one day the first written is first."""
    case, end = life
    days = {}
    for fact in case.facts:
        days.setdefault(fact.day, []).append(fact)
    order = list(days)
    chance.shuffle(order)
    written = [fact for day in order for fact in days[day]]
    other = Case(case.book, [replace(fact, number=n) for n, fact in enumerate(written, 1)])
    for day in (end, chance.choice(order)):
        assert answers(other, day) == answers(case, day)
        assert [e.cents for e in other.entries(day)] == [e.cents for e in case.entries(day)]
