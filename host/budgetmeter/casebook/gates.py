"""The gates of steps: named questions about a case, each with the arguments of the rule file.

A gate answers "" when the step may pass, else why not, and until when it is shut if that is known.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from budgetmeter.casebook.rulebook import shown
from budgetmeter.casebook.terms import before, last_day
from budgetmeter.casebook.view import DAY, View

Answer = tuple[str, date | None]
OPEN: Answer = ("", None)


def _debt_above(view: View, given: Mapping[str, Any]) -> Answer:
    """A debt above a threshold; that of a combined invoice where there is one."""
    combined = any(fact.given.get("combined") for _, fact in view.found("invoice"))
    limit = view.value(given["combined"] if combined and "combined" in given else given["value"])
    owed = view.ledger.owed(given["account"])
    if owed > limit:
        return OPEN
    return f"the debt is {shown(owed, 'EUR')}, not above {shown(limit, 'EUR')}", None


def _owes(view: View, given: Mapping[str, Any]) -> Answer:
    if view.ledger.owed(given["account"]) > 0:
        return OPEN
    return f"nothing is owed on the account {given['account']}", None


def _no_debt(view: View, given: Mapping[str, Any]) -> Answer:
    owed = view.ledger.owed(given["account"])
    return OPEN if owed <= 0 else (f"{shown(owed, 'EUR')} is owed on {given['account']}", None)


def _protected(view: View, _given: Mapping[str, Any]) -> Answer:
    return OPEN if view.protected() else ("the customer is not protected", None)


def _not_protected(view: View, _given: Mapping[str, Any]) -> Answer:
    return OPEN if not view.protected() else ("the customer is protected", None)


def _prepaid(view: View, _given: Mapping[str, Any]) -> Answer:
    return OPEN if view.prepaid else ("prepayment is not active", None)


def _not_prepaid(view: View, _given: Mapping[str, Any]) -> Answer:
    return OPEN if not view.prepaid else ("prepayment is active", None)


def _main_residence(view: View, _given: Mapping[str, Any]) -> Answer:
    return OPEN if view.household("main_residence", True) else ("it is no main residence", None)


def _outside(view: View, given: Mapping[str, Any]) -> Answer:
    """Not in a season; of a main residence only where the text says so."""
    if given.get("main_residence") and not view.household("main_residence", True):
        return OPEN
    ends = view.in_season(view.book.seasons[given["season"]])
    return OPEN if ends is None else (f"not before the {given['season']} is over", ends + DAY)


def _within(view: View, given: Mapping[str, Any]) -> Answer:
    """In a season only."""
    season = view.book.seasons[given["season"]]
    return OPEN if view.in_season(season) else (f"only in the {given['season']}", None)


def _between(view: View, given: Mapping[str, Any]) -> Answer:
    """Between two days of the rule file, both included."""
    begins, ends = view.value(given["from"]), view.value(given["to"])
    if not view.passed(begins):
        return f"not before {begins}", begins
    return OPEN if not view.passed(ends + DAY) else (f"not after {ends}", None)


def _at_least(view: View, given: Mapping[str, Any]) -> Answer:
    """So many facts of a name, at least; or one of another name."""
    if "instead" in given and view.has(given["instead"]):
        return OPEN
    count, least = len(view.found(given["fact"])), view.value(given["value"])
    return OPEN if count >= least else (f"{count} of {least} times: {given['fact']}", None)


def _at_most(view: View, given: Mapping[str, Any]) -> Answer:
    """A field of what is asked is not above a value."""
    asked, name = view.given.get(given["field"]), given["value"]
    most = view.value(name)
    if asked is None or asked <= most:
        return OPEN
    unit = view.book.values[name].unit
    return f"{given['field']} is {shown(asked, unit)}, at most {shown(most, unit)}", None


def _until_within(view: View, given: Mapping[str, Any]) -> Answer:
    """The end that is asked lies within a term from the day."""
    asked = view.given.get("until")
    if asked is None:
        return OPEN
    end = last_day(view.day, view.term(given["value"]), view.book.reading)
    assert end is not None
    if asked > end:
        view.borders.add(view.day + DAY)  # the end moves with each day
    return OPEN if asked <= end else (f"until {asked} is too long: {end} at the latest", None)


def _power(view: View, given: Mapping[str, Any]) -> Answer:
    """The power that is asked is not above the original one, nor above a value."""
    asked = view.given.get("power_w")
    if asked is None:
        return OPEN
    most = min(view.household("original_w", view.value(given["value"])),
               view.value(given["value"]))  # fmt: skip
    return OPEN if asked <= most else (f"{asked} W asked, at most {most} W", None)


def _judge_date(view: View, given: Mapping[str, Any]) -> Answer:
    """Not before a day that a fact itself names."""
    for _, fact in view.found(given["fact"]):
        until = fact.given.get("until")
        if until is not None and not view.passed(until + DAY):
            return f"the judge guarantees it until {until}", until + DAY
    return OPEN


def _started(view: View, given: Mapping[str, Any]) -> Answer:
    """A fact whose procedure started between two days of the rule file."""
    begins, ends = view.value(given["from"]), view.value(given["to"])
    for _, fact in view.found(given["fact"]):
        if begins <= fact.given.get("started", date.min) <= ends:
            return OPEN
    return f"no default procedure that began between {begins} and {ends}", None


def _still(view: View, given: Mapping[str, Any]) -> Answer:
    """A state that a fact began has not ended before a day of the rule file."""
    begun = view.found(given["fact"])
    ended = view.found(given["ended"])
    if not begun:
        return f"there is no {given['fact']}", None
    over = ended and ended[-1][0] > begun[-1][0] and ended[-1][1].day < view.value(given["value"])
    return OPEN if not over else (f"it ended before {view.value(given['value'])}", None)


def _standing(view: View, given: Mapping[str, Any]) -> Answer:
    """The newest of some facts was not taken back since."""
    facts = given["fact"]
    begun, over = view.found(*facts), view.found(given["over"])
    if begun and over and over[-1][0] > begun[-1][0]:
        return f"{begun[-1][1].name} of {begun[-1][1].day} was taken back", None
    return OPEN


def _prepaid_on(view: View, given: Mapping[str, Any]) -> Answer:
    """Prepayment was active at the end of a day of the rule file."""
    day = view.value(given["value"])
    if not view.passed(day):
        return f"not before {day}", day
    modes = [f.name for f in view.facts
             if f.name in ("activation", "deactivation") and f.day <= day]  # fmt: skip
    return OPEN if modes[-1:] == ["activation"] else (f"no active budget meter on {day}", None)


def _value_of(view: View, given: Mapping[str, Any]) -> Answer:
    """An amount that is asked is a quantity of energy at the price of the newest such fact."""
    prices = view.found(given["fact"])
    asked = view.given.get("amount")
    if not prices:
        return f"there is no {given['fact']}", None
    right = view.value(given["value"]) * int(prices[-1][1].given.get("price", 0)) // 1000
    if asked is None or asked == right:
        return OPEN
    return f"{shown(asked, 'EUR')} asked; the text gives {shown(right, 'EUR')}", None


def _ahead(view: View, given: Mapping[str, Any]) -> Answer:
    """In the last days before a day that a fact names."""
    found = view.found(given["fact"])
    if not found:
        return f"there is no {given['fact']}", None
    ends = found[-1][1].given["until"]
    begins = before(ends, view.term(given["value"]), view.book.reading)
    if not view.passed(begins):
        return f"not before {begins}", begins
    return OPEN if not view.passed(ends + DAY) else (f"the notice period ended on {ends}", None)


def _agreed(view: View, given: Mapping[str, Any]) -> Answer:
    """In a mediation only as agreed with the mediator."""
    if not view.has(given["fact"]) or view.has(given["with"]):
        return OPEN
    return f"there is a {given['fact']}: the CPAS or the mediator has to agree", None


def _contract(view: View, given: Mapping[str, Any]) -> Answer:
    """A contract that ended was followed by a new one."""
    ended, fresh = view.found(given["ended"]), view.found(given["fresh"])
    if not ended or (fresh and fresh[-1][0] > ended[-1][0]):
        return OPEN
    return "there is no new contract", None


def _until(view: View, given: Mapping[str, Any]) -> Answer:
    """Up to a day of the rule file."""
    ends = view.value(given["value"])
    return OPEN if not view.passed(ends + DAY) else (f"not after {ends}", None)


def _density(view: View, given: Mapping[str, Any]) -> Answer:
    """Recharge points: near enough in a town, enough of them elsewhere (FE-20)."""
    asked = view.given
    if asked.get("urban"):
        most = view.value(given["urban"])
        far = asked.get("distance_km", 0)
        return OPEN if far <= most else (f"{far} km to a recharge point, at most {most}", None)
    by_size = -(-asked.get("inhabitants", 0) // view.value(given["rural"]))
    due = max(view.value(given["least"]), by_size)
    points = asked.get("points", due)
    return OPEN if points >= due else (f"{points} recharge points, {due} due", None)


def _volume(view: View, given: Mapping[str, Any]) -> Answer:
    """After a decision, no more than the volume that it states, nor after its end."""
    decided = view.found(given["decision"])
    if not decided:
        return OPEN
    decision = decided[-1][1].given
    if "until" in decision and view.passed(decision["until"] + DAY):
        return f"the decision ended on {decision['until']}", None
    used = sum(fact.amount for _, fact in view.found(given["given"]))
    asked = int(view.given.get("amount", 1))
    if "amount" in decision and used + asked > decision["amount"]:
        left = max(decision["amount"] - used, 0)
        return f"of what the commission decided {shown(left, 'EUR')} is left", None
    return OPEN


def _ordered(view: View, given: Mapping[str, Any]) -> Answer:
    """Not while an order of the CPAS for the season stands."""
    ends = view.in_season(view.book.seasons[given["season"]])
    if ends is None or not view.has(given["fact"]):
        return OPEN
    return f"the CPAS ordered supply in the {given['season']}", ends + DAY


def _longer(view: View, given: Mapping[str, Any]) -> Answer:
    """The newest such fact lasted longer than so many hours."""
    found, most = view.found(given["fact"]), view.value(given["value"])
    hours = found[-1][1].given["hours"] if found else 0
    return OPEN if hours > most else (f"{hours} hours, not more than {most}", None)


def _after_day(view: View, given: Mapping[str, Any]) -> Answer:
    """After a day of the rule file."""
    ends = view.value(given["value"])
    return OPEN if view.passed(ends + DAY) else (f"not before {ends + DAY}", ends + DAY)


def _amount(view: View, given: Mapping[str, Any]) -> Answer:
    """The amount that is asked is the one for the energy."""
    asked, right = view.given.get("amount"), view.value(given[view.book.energy])
    if asked is None or asked == right:
        return OPEN
    return f"{shown(asked, 'EUR')} asked, it is {shown(right, 'EUR')}", None


def _coupled(view: View, _given: Mapping[str, Any]) -> Answer:
    """The limiter comes with prepayment for a protected customer, and for nobody else."""
    asked = view.given.get("coupled")
    if asked is None or asked == view.protected():
        return OPEN
    return f"the customer is {'' if view.protected() else 'not '}protected", None


def _reach(view: View, given: Mapping[str, Any]) -> Answer:
    """A field of what is asked reaches a value."""
    asked, least = view.given.get(given["field"]), view.value(given["value"])
    return OPEN if asked is None or asked >= least else (f"{asked}, at least {least}", None)


def _in_winter_or_safe(view: View, given: Mapping[str, Any]) -> Answer:
    """A person of the CPAS asked for it, because no gas is supplied."""
    fact = view.found(given["fact"])
    if fact and fact[-1][1].given.get("no_gas"):
        return OPEN
    return "human dignity suffers here because no gas is supplied: say no_gas", None


def _inquiry(view: View, given: Mapping[str, Any]) -> Answer:
    """A renewal needs a new inquiry after the last time."""
    done = view.found(given["step"])
    fresh = view.found(given["fact"])
    if not done or (fresh and fresh[-1][0] > done[-1][0]):
        return OPEN
    return f"a new {given['fact']} is needed after the last time", None


GATES: dict[str, Callable[[View, Mapping[str, Any]], Answer]] = {
    "debt-above": _debt_above,
    "owes": _owes,
    "no-debt": _no_debt,
    "protected": _protected,
    "not-protected": _not_protected,
    "prepaid": _prepaid,
    "not-prepaid": _not_prepaid,
    "prepaid-on": _prepaid_on,
    "main-residence": _main_residence,
    "outside": _outside,
    "within": _within,
    "between": _between,
    "at-least": _at_least,
    "at-most": _at_most,
    "until-within": _until_within,
    "power": _power,
    "judge-date": _judge_date,
    "started": _started,
    "still": _still,
    "standing": _standing,
    "value-of": _value_of,
    "ahead": _ahead,
    "agreed": _agreed,
    "contract": _contract,
    "until": _until,
    "density": _density,
    "volume": _volume,
    "no-gas": _in_winter_or_safe,
    "fresh": _inquiry,
    "ordered": _ordered,
    "longer": _longer,
    "after-day": _after_day,
    "amount": _amount,
    "reach": _reach,
    "coupled": _coupled,
}
