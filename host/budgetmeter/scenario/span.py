"""How long a scenario runs, and the load it has where it names none of its own."""

from datetime import datetime
from typing import Any

from budgetmeter import loads, units
from budgetmeter.errors import InputError
from budgetmeter.profiles import Profile
from budgetmeter.units import DAY_S

GAS_DAYS = 120  # of a synthetic load, where nobody says how many


def default_load(profile: Profile, start: datetime | None = None, days: int | None = None) -> Any:
    """The measured household, or for gas a synthetic load of the same four months.

    :raises InputError: a run that would go beyond the meter's calendar
    """
    if profile.gas:
        begin, days = start or loads.household().start, days or GAS_DAYS
        check_span(begin, days * DAY_S)
        return loads.synthetic_gas(begin, days)
    return loads.household()


def check_span(begin: datetime, seconds: int) -> None:
    """:raises InputError: a run that would go beyond the meter's calendar"""
    if seconds >= (units.END - begin).total_seconds():
        raise InputError(
            f"{seconds // DAY_S} days from {begin:%Y-%m-%d} on end after 2099, where the meter's "
            "calendar ends"
        )
