"""What the office knows of each meter, at a glance: in batches, so that it never holds all books.

Each batch is one moment of the books, and nobody who sells waits for it.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from meterproto.codes import Kind

from budgetmeter.errors import InputError
from budgetmeter.office import books, reports, settle, settlement
from budgetmeter.office.pending import Pending
from budgetmeter.office.tables import deliveries, items, meters, readings

BATCH = 500  # meters asked for at once


@dataclass(frozen=True)
class Overview:
    """One meter.

    :ivar reading: the last one, or None
    :ivar account: what became of its money, a `books.Account`
    :ivar items: all that is and was pending
    :ivar settlements: of minimum supply, that are due
    :ivar bare: order ids of payments without a reference
    :ivar unclear: (order id, mc, why) of orders that no report can settle
    :ivar notes: what else is to be known: it waits, it is retired, its books were behind
    """

    meter: int
    reading: Any
    account: Any
    items: list
    settlements: list
    bare: list = field(default_factory=list)
    unclear: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    @property
    def money(self):
        """On the way, taken, lapsed, mc."""
        return self.account.on_the_way, self.account.taken, self.account.dead


def of_all(office, meter=None):
    """The overviews of one meter or of all, as a list; see `stream`."""
    return list(stream(office, meter))


def stream(office, meter=None):
    """The overviews of one meter or of all, by number, as they are asked for.

    :raises InputError: when the meter is not in the books
    """
    if meter is not None:
        office.meter(meter)
    after = 0
    while True:
        found = office.reading(lambda c, after=after: _batch(c, office, meter, after))
        yield from found
        if meter is not None or len(found) < BATCH:
            return
        after = found[-1].meter


def count(office):
    """How many meters there are, for a progress bar."""
    query = sa.select(sa.func.count()).select_from(meters)
    return office.reading(lambda c: c.execute(query).scalar())


def _batch(connection, office, meter, after):
    query = sa.select(meters).order_by(meters.c.meter).limit(BATCH)
    query = query.where(meters.c.meter == meter if meter else meters.c.meter > after)
    rows = connection.execute(query).mappings().all()
    if not rows:
        return []
    within = (rows[0]["meter"], rows[-1]["meter"])
    last = _last_readings(connection, office, within)
    accounts = books.accounts(connection, *within)
    bare, unclear = _bare(connection, within), _unclear(connection, within)
    bad = _bad(office, rows)
    good = [row for row in rows if row["meter"] not in bad]
    due = settlement.due_of(connection, office, good, last)
    pending = defaultdict(list)
    for item in Pending(office).items_where(connection, items.c.meter.between(*within)):
        pending[item.meter].append(item)
    return [
        Overview(
            row["meter"],
            last.get(row["meter"]),
            accounts.get(row["meter"], books.Account()),
            pending[row["meter"]],
            due.get(row["meter"], []),
            bare[row["meter"]],
            unclear[row["meter"]],
            _notes(row, bad.get(row["meter"], ""), row["meter"] in last),
        )
        for row in rows
    ]


def _last_readings(connection, office, within):
    """The newest reading of each meter that has one; each report is parsed once."""
    query = sa.select(readings.c.meter, readings.c.report).join(
        meters,
        sa.and_(
            meters.c.meter == readings.c.meter,
            meters.c.read_revision == readings.c.key_revision,
            meters.c.read_sequence == readings.c.sequence,
        ),
    )
    rows = connection.execute(query.where(readings.c.meter.between(*within)))
    found = {row.meter: reports.readable(bytes(row.report), office, row.meter) for row in rows}
    return {meter: reading for meter, reading in found.items() if reading is not None}


def _bare(connection, within):
    query = sa.select(deliveries.c.meter, deliveries.c.order_id).where(
        deliveries.c.meter.between(*within),
        deliveries.c.kind == int(Kind.TOP_UP),
        deliveries.c.reference.is_(None),
        deliveries.c.became.is_(None),
    )
    found = defaultdict(list)
    for row in connection.execute(query.order_by(deliveries.c.meter, deliveries.c.order_id)):
        found[row.meter].append(row.order_id)
    return found


def _unclear(connection, within):
    query = sa.select(deliveries).where(
        deliveries.c.meter.between(*within),
        deliveries.c.state == settle.OUT,
        deliveries.c.doubt != "",
    )
    found = defaultdict(list)
    for row in connection.execute(query.order_by(deliveries.c.meter, deliveries.c.order_id)):
        found[row.meter].append((row.order_id, row.value, row.doubt))
    return found


def _bad(office, rows):
    """Why the profile of a meter cannot be read, by its number; the report goes on without it."""
    bad = {}
    for row in rows:
        try:
            office.profile_of(row)
        except InputError as error:
            bad[row["meter"]] = str(error)
    return bad


def _notes(row, bad, was_read):
    notes = [f"its profile cannot be read: {bad}"] if bad else []
    if row["read_sequence"] and not was_read:
        notes.append("its last report cannot be read: it is damaged, or its key is missing")
    if row["restored_s"] is not None:
        notes.append("its payments wait: the books were restored, and it was not read since")
    if row["raised"]:
        notes.append("its books had lost something: office log says what a report raised")
    if row["successor"] is not None:
        notes.append(f"replaced by meter {row['successor']:09d}")
    elif row["retired_s"] is not None:
        notes.append("retired")
    return notes
