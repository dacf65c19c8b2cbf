"""Loads that come with the package: a measured household, and gas that is made up."""

import random
from array import array
from datetime import datetime
from importlib.resources import as_file, files

from budgetmeter.loads.files import Request, read
from budgetmeter.loads.load import SampledLoad

HOUSEHOLD = "household-2007-jan-apr.csv.gz"


def household() -> SampledLoad:
    """The measured household that comes with the package: four months of minutes."""
    with as_file(files("budgetmeter") / "data" / HOUSEHOLD) as path:
        load = read(path, request=Request(label="the measured household"))
    load.notes = ()  # nobody asked how it is read
    return load


def synthetic_gas(start: datetime, days: int, seed: int = 1) -> SampledLoad:
    """A synthetic gas load in steps of 15 minutes: heating by season and hour, hot water, cooking.

    Made up, seeded, for demonstration only; litres per quarter of an hour are multiples of 10 as a
    common meter pulses them.
    """
    rng = random.Random(seed)
    rates = array("i")
    for quarter in range(days * 96):
        hour = quarter // 4 % 24
        day = start.timetuple().tm_yday + quarter // 96
        cold = max(0.0, 0.55 - 0.5 * _season(day) + rng.gauss(0, 0.08))
        heating = cold * (1.0 if 6 <= hour < 22 else 0.35) * 300  # litres per hour
        water = 600 if hour in (7, 20) and rng.random() < 0.5 else 0
        cooking = 250 if hour in (12, 18) and rng.random() < 0.4 else 0
        rates.append(int((heating + water + cooking) / 40) * 40)
    return SampledLoad(start, 900, rates, gas=True, label="a synthetic gas load")


def _season(day: int) -> float:
    """-1 in mid-January, 1 in mid-July, as two straight lines."""
    return 1 - abs((day - 15) % 365 - 182.5) / 91.25
