"""The records that the life of a meter reads and writes, declared once.

Each class is what the portable code sees of a record: under Numba it is a row of a NumPy array of
`dtype_of` the class, in CPython an object of it. All fields are integers of 64 bits. Money is in
mc, times ending in `_s` in seconds, other times are clock values.
"""

from typing import Any, NamedTuple, Protocol

import numpy as np

from budgetmeter.report.phases import PHASES


class Numbers(Protocol):
    """A list or an array of integers, written in place."""

    def __getitem__(self, index: Any, /) -> Any: ...

    def __setitem__(self, index: int, value: int, /) -> None: ...

    def __len__(self) -> int: ...


class Rows(Protocol):
    """A list of such lists, or an array of two dimensions."""

    def __getitem__(self, index: int, /) -> Any: ...

    def __len__(self) -> int: ...


class Record:
    """Base of the records: all fields zero."""

    def __init__(self) -> None:
        for name in fields_of(type(self)):
            setattr(self, name, 0)


class Position(Record):
    """How far the life of a meter has come. `now`, `wake`, `day_end` and `offset` are in s.

    :ivar drawn: pulse-seconds per hour so far; `counted` the whole pulses of them
    :ivar order: the next of the operator's orders; `mark` the next end of a month
    :ivar until: clock value up to which it goes on
    """

    now: int
    wake: int
    day: int
    day_end: int
    offset: int
    drawn: int
    counted: int
    wanted: int
    order: int
    mark: int
    until: int


class Household(Record):
    """A home and the people in it. Plans (`…_at`, `careful_until`) are clock values, 0 for none."""

    meter: int
    source: int
    base_wh: int
    scale: int
    heating_wh: int
    car: int
    rhythm_min: int
    amount: int
    errand_h: int
    limited_h: int
    enrol: int
    visit_at: int
    errand_at: int
    press_at: int
    bill_at: int
    careful_until: int
    again: int
    value: int


class Config(Record):
    """What all meters of a run share: its length, and the parameters of homes and people."""

    seed: int
    start: int
    end: int
    step_min: int
    slots: int
    sources: int
    heated_pct: int
    car_pct: int
    charge_w: int
    charge_pct: int
    charge_from: int
    charge_to: int
    weather_pct: int
    shift_min: int
    skip_pct: int
    hold_skip_pct: int
    enough_pct: int
    heed_pct: int
    heed_h: int
    opens: int
    closes: int
    wakes: int
    sleeps: int
    notice_min: int
    trip_min: int
    careful_h: int
    protected_pct: int
    bill_days: int
    bill_paid_pct: int


class Outcome(Record):
    """What became of a meter: registers, account and counts at the end of the run.

    :ivar real_at: clock value of the last top-up above `life.REAL`; `real` what it was
    """

    energy_wh: int
    limited_wh: int
    unbilled_wh: int
    volume_l: int
    wanted: int
    credit: int
    emergency_used: int
    arrears: int
    credited: int
    charged: int
    settled: int
    top_ups: int
    topped_up: int
    real_at: int
    real: int
    bills_paid: int
    refused: int
    trips: int
    emergency_starts: int
    limiter_starts: int
    events: int
    spells: int
    off_s: int
    longest_off_s: int
    still_off: int
    off_since: int

    def __init__(self) -> None:
        super().__init__()
        self.phase_s = [0] * len(PHASES)


class Tables(NamedTuple):
    """What all meters share: days to draw from, seasons, quantiles, the operator's orders.

    :ivar quantiles: all lists of quantiles, one after the other; `spans` their first and length
    :ivar months: clock values at which arrears are put down
    """

    days: np.ndarray
    groups: np.ndarray
    year_wh: np.ndarray
    season: np.ndarray
    cold: np.ndarray
    hours: np.ndarray
    quantiles: np.ndarray
    spans: np.ndarray
    program: np.ndarray
    months: np.ndarray


def fields_of(record: type[Record]) -> tuple[str, ...]:
    """Names of the integers of a record."""
    return tuple(record.__annotations__)


def dtype_of(record: type[Record], *more: tuple[str, str, tuple[int]]) -> np.dtype[np.void]:
    """NumPy's dtype of a record, with fields that are arrays behind it."""
    return np.dtype([*((name, "i8") for name in fields_of(record)), *more])
