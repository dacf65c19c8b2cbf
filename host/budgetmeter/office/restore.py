"""Books that were restored from a backup: what they lost is learned from meters and tokens.

Counters rise to what a genuine report or token proves and no further: a jump would kill paid cards
that lie in drawers.
"""

import sqlalchemy as sa
from construct import ConstructError
from meterproto import cards as layout
from meterproto import tokens
from meterproto.codes import Kind

from budgetmeter.errors import InputError
from budgetmeter.office import reports, settle
from budgetmeter.office.tables import deliveries, issued, meters
from budgetmeter.orders import Order, note

# What the books count of a meter, and its word.
COUNTED = {"last_number": "numbers", "last_order": "orders", "key_revision": "key revision"}


def mark_all(office):
    """After a restore: each meter's payments wait until it was read. How many meters wait."""

    def work(connection):
        waiting = connection.execute(
            meters.update().where(meters.c.retired_s.is_(None)).values(restored_s=office.now_s)
        ).rowcount
        office.note_in(connection, "restored", detail=f"{waiting} meters wait to be read")
        return waiting

    return office.transaction(work)


def waits(meter):
    """The line of a refusal while a meter waits."""
    return (
        f"meter {meter} waits: the books were restored from a backup, and it was not read since; "
        "put its card in the meter, then in a terminal, or read its port: office read URL"
    )


def was_read(connection, office, row, reading):
    """End the waiting of a meter whose report was made after the restore; whether it is over."""
    if row["restored_s"] is None:
        return True
    if not reports.made_after(connection, office, reading, row["restored_s"]):
        return False
    where = meters.c.meter == row["meter"]
    connection.execute(meters.update().where(where).values(restored_s=None))
    office.note_in(connection, "read", row["meter"], detail="after the restore of the books")
    return True


def raise_to(connection, office, row, reading):
    """Raise a meter's counters to what its report proves; what is to be said of it, "" nothing."""
    head = reading.head
    said = _raise(connection, office, row, "its report", head.number, head.order, head.key_revision)
    if said:
        for one in settle.open_orders(connection, row["meter"]):
            if _of_another(office, one, reading):
                settle.change(connection, one, doubt=settle.RESTORED)
    return said


def _of_another(office, order, reading):
    """Whether a mark of the meter may be of a token that the books have lost."""
    if not (reading.took(order.order_id) or reading.spent(order.number)):
        return False
    sure = not reports.doubt_of(office, reading)
    return not order.on_card or (sure and reading.at_s < order.at_s)


def _raise(connection, office, row, by, number, order, revision=0):
    """Raise what the books count to what `by` proves; what is to be said of it, "" nothing."""
    proven = {"last_number": number, "last_order": order, "key_revision": revision}
    higher = {name: value for name, value in proven.items() if value > row[name]}
    if not higher:
        return ""
    where = meters.c.meter == row["meter"]
    connection.execute(meters.update().where(where).values(**higher, raised=True))
    said = ", ".join(f"{COUNTED[name]} {row[name]} to {value}" for name, value in higher.items())
    text = f"the books were behind the meter: {by} raised {said}"
    office.note_in(connection, "raise", row["meter"], number, text)
    return text


# ---- Tokens that the books have lost -------------------------------------------------------------


def adopt_card(connection, office, row, image):
    """Take into the books the genuine tokens on a card that they have lost; how many."""
    found = layout.newest(image, layout.INWARD, layout.INWARD_SIZE)
    if found is None:
        return 0
    try:
        batch: list[bytes] = layout.tokens_of(found[2])[1]
    except (ConstructError, ValueError):
        return 0
    return sum(_adopt(connection, office, row["meter"], data, on_card=True) for data in batch)


def adopt(office, meter, data):
    """Take one genuine token into the books, e.g. one that a customer has on paper.

    :raises InputError: not genuine, known already, or in the way of another one
    """

    def work(connection):
        if not _adopt(connection, office, meter, data, on_card=False):
            raise InputError("no genuine token of that meter that the books do not know")

    office.transaction(work)


def _adopt(connection, office, meter, data, on_card):
    try:
        fields = tokens.parse(data)
    except (ConstructError, ValueError):
        return False
    if fields.meter != meter or not fields.order_id:
        return False
    same = sa.and_(issued.c.meter == meter, issued.c.number == fields.number)
    if connection.execute(sa.select(issued.c.number).where(same)).first() is not None:
        return False
    try:
        key = office.keys.meter_key(meter, fields.key_revision)
    except InputError:
        return False
    if not tokens.genuine(data, key):
        return False
    order = Order(fields.kind, fields.value, fields.extra)
    where = sa.and_(deliveries.c.meter == meter, deliveries.c.order_id == fields.order_id)
    known = connection.execute(sa.select(deliveries).where(where)).first()
    was = known and Order(known.kind, known.value, known.extra)
    if was and order != was and fields.kind != Kind.TEST:  # one of TEST closes the order
        text = f"order {fields.order_id} is another one in the books: {note(order)}"
        office.note_in(connection, "conflict", meter, fields.number, text)
        settle.change(connection, known, doubt=settle.CONFLICT)
        return False
    office.record(connection, fields, data, on_card)
    if known and order != was:
        settle.change(connection, known, number=known.number, closing=fields.number)
    # Of keys a key change alone is proof: it can be printed again for a meter that never got it.
    revision = fields.value if fields.kind == Kind.KEY_CHANGE else 0
    row = office.row(connection, meter)
    _raise(connection, office, row, "a token", fields.number, fields.order_id, revision)
    office.note_in(connection, "adopt", meter, fields.number, note(order))
    return True
