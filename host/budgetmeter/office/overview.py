"""What the office knows of each meter, at a glance."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from budgetmeter.errors import InputError
from budgetmeter.office import books, settlement
from budgetmeter.office.office import Office
from budgetmeter.office.pending import Pending
from budgetmeter.office.tables import meters


@dataclass(frozen=True)
class Overview:
    """One meter: the last reading or None; money on the way, taken and lapsed, mc; items; dues."""

    meter: int
    reading: Any
    money: tuple
    items: list
    settlements: list


def of_all(office: Office, meter: int | None = None) -> list[Overview]:
    """The overviews of one meter or of all, in one transaction.

    :raises InputError: when the meter is not in the books
    """
    pending = Pending(office)

    def work(connection: sa.Connection) -> list[Overview]:
        known = (
            connection.execute(sa.select(meters.c.meter).order_by(meters.c.meter)).scalars().all()
        )
        if meter is not None and meter not in known:
            raise InputError(f"no meter {meter} in the books; office add-meter {meter}")
        chosen = known if meter is None else [meter]
        return [
            Overview(
                one,
                books.latest(connection, office, one),
                books.money(connection, one),
                pending.items_in(connection, one),
                settlement.due(connection, office, one),
            )
            for one in chosen
        ]

    return office.transaction(work)
