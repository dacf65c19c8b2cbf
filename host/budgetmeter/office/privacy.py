"""A customer's data: all that the books hold of them, and their being forgotten (OS-10).

What was paid stays in the books, under a number that says nothing of the person.
"""

import secrets

import sqlalchemy as sa

from budgetmeter.errors import InputError
from budgetmeter.office import customers
from budgetmeter.office.tables import (
    audit,
    case_facts,
    cases,
    contracts,
    deliveries,
    items,
    periods,
    placements,
)

HOLD = (periods, contracts, items, cases)  # the tables that name a customer


def export(office, customer):
    """All that the books hold of a customer, as plain data.

    :raises InputError: nobody of that number
    """

    def work(connection):
        found = {table.name: _rows(connection, table, customer) for table in HOLD}
        if not any(found.values()):
            raise InputError(f"no customer {customer} in the books")
        for case in found[cases.name]:
            case["facts"] = _facts(connection, case["case"])
        lived = [row for row in found[periods.name] if row["kind"] == customers.TENANCY]
        orders = [order for row in lived for order in _orders(connection, row)]
        return {"customer": customer, **found, "orders": orders}

    return office.reading(work)


def _rows(connection, table, customer):
    query = sa.select(table).where(table.c.customer == customer)
    return [dict(row) for row in connection.execute(query).mappings()]


def _facts(connection, case):
    """The facts of a case, as they were written."""
    query = sa.select(case_facts).where(case_facts.c.case == case).order_by(case_facts.c.number)
    return [
        {**row, "day": str(row["day"]), "at": str(row["at"])}
        for row in connection.execute(query).mappings()
    ]


def _orders(connection, period):
    """What was issued for the meters of an access point while a customer lived there."""
    there = sa.select(placements.c.meter).where(placements.c.point == period["point"])
    query = sa.select(deliveries).where(
        deliveries.c.meter.in_(there), deliveries.c.at_s >= period["since_s"]
    )
    if period["until_s"] is not None:
        query = query.where(deliveries.c.at_s < period["until_s"])
    return [dict(row) for row in connection.execute(query).mappings()]


def forget(office, customer):
    """Put a number that says nothing in the place of a customer's; answers it.

    :raises InputError: nobody of that number, or one who lives behind a meter
    """
    instead = f"forgotten-{secrets.token_hex(6)}"

    def work(connection):
        if not any(_rows(connection, table, customer) for table in HOLD):
            raise InputError(f"no customer {customer} in the books")
        for row in _rows(connection, periods, customer):
            if row["until_s"] is None:
                raise InputError(f"customer {customer} lives at access point {row['point']}")
        for table in HOLD:
            where = table.c.customer == customer
            connection.execute(table.update().where(where).values(customer=instead))
        named = sa.and_(audit.c.action == "customer", audit.c.detail == f"{customer} moves in")
        connection.execute(audit.update().where(named).values(detail=f"{instead} moves in"))
        office.note_in(connection, "forget", detail=instead)

    office.transaction(work)
    return instead
