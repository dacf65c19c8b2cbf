"""The reports of meters: read, checked, kept, and what they say of freshness and of money.

A report is genuine whatever way it came: on a card, in a file or over the wire. Functions over a
connection; whoever calls them holds the transaction.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from construct import ConstructError
from meterproto import cards as layout
from meterproto.tokens import WINDOW

from budgetmeter import units
from budgetmeter.errors import InputError
from budgetmeter.office.tables import areas, meters, modes, readings

AHEAD_S = 600  # a meter's clock may be so far ahead of the office's


@dataclass(frozen=True)
class Reading:
    """A report, genuine; parts as `meterproto.cards.report` gives them."""

    head: Any
    state: Any
    profile: Any
    answers: list
    captures: list
    events: list

    @property
    def at_s(self):
        """The meter's time."""
        return self.state.clock * 60 + self.state.second

    @property
    def order(self):
        """What sorts reports of one meter by age."""
        return self.head.key_revision, self.head.sequence

    @property
    def credited(self):
        """All credit the meter ever booked, mc."""
        return self.state.credited_eur * units.EUR + self.state.credited_mc

    def took(self, order_id):
        """Whether the meter took an order; None where it can no longer tell."""
        return _marked(self.head.order, self.head.orders, order_id)

    def came_late(self, order_id):
        """Whether the meter took an order when a later one of its setting was in force."""
        return bool(_marked(self.head.order, self.head.superseded, order_id))

    def spent(self, number):
        """Whether the meter took a token's number; None where it can no longer tell."""
        return _marked(self.head.number, self.head.numbers, number)


def _marked(highest, bits, number):
    age = highest - number
    if age < 0:
        return False
    if age >= WINDOW:
        return None
    return bool(bits[age >> 3] >> (age & 7) & 1)


def parse(held, office, meter):
    """The reading of a report's bytes.

    :raises ValueError: what is wrong with it, for the person at the terminal
    """
    try:
        reading = Reading(**layout.report(held))
        key = office.keys.meter_key(reading.head.meter, reading.head.key_revision)
    except (ConstructError, ValueError, InputError):
        raise ValueError("the report cannot be read") from None
    if reading.head.meter != meter:
        raise ValueError("the report is of another meter")
    if not layout.report_genuine(held, key):
        raise ValueError("the report is not genuine")
    return reading


def on_card(office, meter, image):
    """The bytes of the report on a card, None if there is none.

    Of two the newer genuine one: its own sequence counts, for anybody can write that of an area.
    """
    size = layout.OUTWARD_SIZE
    starts = (layout.OUTWARD, layout.OUTWARD + size)
    whole = [found for at in starts if (found := layout.contents(image[at : at + size]))]
    best = None
    for _, held in sorted(whole, key=lambda found: found[0]):
        try:
            order = parse(bytes(held), office, meter).order
        except ValueError:
            order = (0, 0)
        if best is None or order >= best[0]:
            best = order, bytes(held)
    return None if best is None else best[1]


def latest(connection, office, meter):
    """The newest reading in the books; None where there is none that can be read."""
    row = connection.execute(
        sa.select(readings.c.report)
        .where(readings.c.meter == meter)
        .order_by(readings.c.key_revision.desc(), readings.c.sequence.desc())
        .limit(1)
    ).scalar()
    return None if row is None else readable(bytes(row), office, meter)


def readable(held, office, meter):
    """The reading of a report in the books; None where it is damaged, or its key is missing."""
    try:
        return parse(held, office, meter)
    except ValueError:
        return None


def history(connection, office, meter):
    """All readings in the books that can be read, oldest first."""
    rows = connection.execute(
        sa.select(readings.c.report)
        .where(readings.c.meter == meter)
        .order_by(readings.c.key_revision, readings.c.sequence)
    ).scalars()
    found = (readable(bytes(row), office, meter) for row in rows)
    return [reading for reading in found if reading is not None]


def keep(connection, office, row, held):
    """Take a report into the books, if it is not there already; the reading.

    :param row: the meter's row of the books
    :raises ValueError: why it is not taken, for the person at the terminal
    """
    meter = row["meter"]
    reading = parse(held, office, meter)
    known = (row["read_revision"], row["read_sequence"])
    if reading.order < known:
        raise ValueError("the report is older than one that was read before")
    if reading.order > known:
        revision, sequence = reading.order
        connection.execute(
            readings.insert().values(
                meter=meter,
                key_revision=revision,
                sequence=sequence,
                at_s=office.now_s,
                report=held,
            )
        )
        connection.execute(
            meters.update()
            .where(meters.c.meter == meter)
            .values(read_revision=revision, read_sequence=sequence)
        )
        _note_mode(connection, meter, reading)
    return reading


def _note_mode(connection, meter, reading):
    """Remember when the payment mode changed."""
    if reading.state.payment_mode == mode_at(connection, meter, reading.at_s):
        return
    row = {"meter": meter, "at_s": reading.at_s, "mode": reading.state.payment_mode}
    same = sa.and_(modes.c.meter == meter, modes.c.at_s == reading.at_s)
    connection.execute(modes.delete().where(same))
    connection.execute(modes.insert(), row)


def mode_at(connection, meter, at_s):
    """The payment mode at a time, or None before the meter was in service."""
    return connection.execute(
        sa.select(modes.c.mode)
        .where(modes.c.meter == meter, modes.c.at_s <= at_s)
        .order_by(modes.c.at_s.desc())
        .limit(1)
    ).scalar()


def modes_at(connection, chosen, at_s):
    """The payment modes of meters at a time, by number; of those that were in service."""
    rows = connection.execute(
        sa.select(modes.c.meter, modes.c.mode)
        .where(modes.c.meter.in_(chosen), modes.c.at_s <= at_s)
        .order_by(modes.c.meter, modes.c.at_s)
    )
    return {row.meter: row.mode for row in rows}


# ---- Freshness -----------------------------------------------------------------------------------


def doubt_of(office, reading):
    """Why the clock of a report says nothing of when it was made; "" if it does."""
    if reading.state.uncertain:
        return "the time of the report is uncertain: the meter's clock may be wrong"
    if reading.at_s > office.now_s + AHEAD_S:
        return "the meter's clock is ahead"
    return ""


def made_after(connection, office, reading, at_s):
    """Whether a report was made after a time, whatever the meter's clock says (OC-05).

    It was, when the meter read an area that a terminal wrote after that time, or when its clock is
    sure and says so. What the books had by then was made before, whatever its clock says.
    """
    known = sa.select(readings).where(
        readings.c.meter == reading.head.meter,
        readings.c.key_revision == reading.head.key_revision,
        readings.c.sequence == reading.head.sequence,
    )
    had = connection.execute(known).first()
    if had is not None and had.at_s < at_s:
        same = readable(bytes(had.report), office, reading.head.meter)
        if (
            same is None or same.at_s == reading.at_s
        ):  # over the wire a later one may have the same sequence
            return False
    if not doubt_of(office, reading) and reading.at_s >= at_s:
        return True
    written = connection.execute(
        sa.select(areas.c.at_s).where(
            areas.c.card == reading.head.card, areas.c.sequence == reading.head.inward
        )
    ).scalar()
    return written is not None and written >= at_s


def note_area(connection, office, card, sequence):
    """Remember when a terminal wrote an area of a card; of copies the earliest counts."""
    same = sa.and_(areas.c.card == card, areas.c.sequence == sequence)
    if connection.execute(sa.select(areas.c.at_s).where(same)).first() is None:
        row = {"card": card, "sequence": sequence, "at_s": office.now_s}
        connection.execute(areas.insert(), row)
