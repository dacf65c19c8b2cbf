"""Consumption: what a load answers, and reading it from the files that people have.

`load` is what the emulator asks, `made` the loads that come with the package. A file goes through
`text` (octets to rows), `recognise` (`shapes`, or `guess` by `terms`: which column is what),
`wide`, `times` and `numbers` (the cells), `rows` (the series of one household) and `pieces` (what
is drawn from when to when).
"""

from budgetmeter.loads.files import Request, read, read_all
from budgetmeter.loads.load import (
    FOREVER,
    MAX_LITRES_PER_HOUR,
    MAX_W,
    NOTHING,
    ConstantLoad,
    Draw,
    From,
    Load,
    SampledLoad,
)
from budgetmeter.loads.made import household, synthetic_gas

__all__ = [
    "FOREVER",
    "MAX_LITRES_PER_HOUR",
    "MAX_W",
    "NOTHING",
    "ConstantLoad",
    "Draw",
    "From",
    "Load",
    "Request",
    "SampledLoad",
    "household",
    "read",
    "read_all",
    "synthetic_gas",
]
