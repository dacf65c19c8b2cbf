"""Settlement of minimum supply after three months without a real top-up (WE-36).

Worked out from the office's own top-up log and from what the cards brought back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from meterproto.codes import Event, PaymentMode

from budgetmeter import units
from budgetmeter.office import books
from budgetmeter.office.office import Office
from budgetmeter.office.pending import add_months
from budgetmeter.office.tables import modes

MONTHS = 3
THRESHOLD = 10 * units.EUR  # a top-up counts above it (WE-36, AMB-14)
ASK_DAYS = 15  # how long the customer has to bring an index (WE-37)


Point = tuple[int, int, int]  # s since 2000 UTC+1, limited Wh, arrears in mc


@dataclass(frozen=True)
class Settlement:
    """An order to settle: a window in seconds since 2000 UTC+1, and what was used in it.

    :ivar limited_wh: energy under the limiter until the end of the window; None if nothing is known
    :ivar arrears: owed for it, mc; None if nothing is known
    :ivar read: from an index at or after the end; else estimated from earlier ones
    :ivar ask_until_s: until when an index is asked of the customer
    """

    since_s: int
    until_s: int
    limited_wh: int | None
    arrears: int | None
    read: bool

    @property
    def ask_until_s(self) -> int:
        return self.until_s + ASK_DAYS * units.DAY_S


def due(connection: sa.Connection, office: Office, meter: int) -> list[Settlement]:
    """The settlement orders due by the office's time, oldest first."""
    readings = books.history(connection, office, meter)
    since = _active_since(connection, office, meter, readings)
    if since is None:
        return []
    log = [at for at, amount in books.top_ups(connection, meter) if amount > THRESHOLD]
    points = _indexes(readings)
    found = []
    while add_months(since, MONTHS) <= office.now_s:
        end = add_months(since, MONTHS)
        within = [at for at in log if since < at <= end]
        if within:
            since = within[-1]
            continue
        found.append(Settlement(since, end, *_used(points, end)))
        since = end
    return found


def _active_since(
    connection: sa.Connection, office: Office, meter: int, readings: Sequence[books.Reading]
) -> int | None:
    """Since when the limiter's function is active, None if it is not."""
    if readings and not readings[-1].state.limiter_available:
        return None
    starts = []
    for reading in readings:
        if reading.state.limiter_available:
            told = [e for e in reading.events if e.code == Event.LIMITER_AVAILABLE]
            starts += [e.clock * 60 + e.second for e in told] or [reading.at_s]
    profile = office.profile_in(connection, meter)
    contract = books.contract(connection, meter)
    if contract and contract["protected"] and profile.values["limiter_fitted"]:  # WE-33
        begun = connection.execute(
            sa.select(sa.func.min(modes.c.at_s)).where(
                modes.c.meter == meter, modes.c.mode == int(PaymentMode.PREPAYMENT)
            )
        ).scalar()
        starts += [] if begun is None else [begun]
    return min(starts, default=None)


def _indexes(readings: Sequence[books.Reading]) -> list[Point]:
    """Known (time in s, limited Wh, arrears), oldest first, each time once."""
    points = {}
    for reading in readings:
        for capture in reading.captures:
            points[capture.clock * 60] = (capture.limited_wh, capture.arrears)
        points[reading.at_s] = (reading.state.limited_wh, reading.state.arrears)
    return sorted((at, *values) for at, values in points.items())


def _used(points: Sequence[Point], end: int) -> tuple[int | None, int | None, bool]:
    """Limited energy and arrears at a time, and whether they were read."""
    after = [point for point in points if point[0] >= end]
    if after:
        return after[0][1], after[0][2], True
    if not points:
        return None, None, False
    last = points[-1]
    if len(points) == 1 or points[-2][0] == last[0]:
        return last[1], last[2], False
    before = points[-2]
    span, ahead = last[0] - before[0], end - last[0]
    # WE-37: the last card read-out plus the use between the last two
    grown = [max(last[i] - before[i], 0) * ahead // span for i in (1, 2)]
    return last[1] + grown[0], last[2] + grown[1], False
