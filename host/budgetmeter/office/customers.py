"""Customers: who lives behind a meter and who is protected, as periods with dates.

`contracts` holds what is so now; `periods` when it began and ended. Rights that are once only are
the customer's, whatever meter hangs there.
"""

import sqlalchemy as sa

from budgetmeter.errors import InputError
from budgetmeter.office.tables import contracts, periods

SIZE = 32  # characters of a customer's number
TENANCY, PROTECTED = "tenancy", "protected"


def check(customer):
    """A customer's number as it is kept: refused, never cut.

    :raises InputError: empty, or too long
    """
    if not 0 < len(customer) <= SIZE or not customer.isprintable():
        raise InputError(f"customer {customer!r}: 1 to {SIZE} printable characters")
    return customer


def contract(connection, meter):
    """The customer's side of a meter, or None."""
    found = connection.execute(sa.select(contracts).where(contracts.c.meter == meter))
    return found.mappings().first()


def protected(connection, meter, at_s):
    """Whether the customer of a meter is protected at a time."""
    found = sa.select(periods.c.period).where(
        periods.c.meter == meter,
        periods.c.kind == PROTECTED,
        periods.c.since_s <= at_s,
        sa.or_(periods.c.until_s.is_(None), periods.c.until_s > at_s),
    )
    return connection.execute(found.limit(1)).first() is not None


def begin(connection, meter, contract, since_s):
    """The first tenancy of a meter: a row of `contracts`, and its periods."""
    check(contract["customer"])
    connection.execute(contracts.insert().values(contract))
    _open(connection, meter, contract["customer"], TENANCY, since_s)
    if contract["protected"]:
        _open(connection, meter, contract["customer"], PROTECTED, 0)


def move_in(office, meter, customer, since_s=None, protected=False):
    """End the tenancy at a meter and begin another one; its protected status ends with it."""
    check(customer)

    def work(connection):
        at_s = _since(office, connection, meter, since_s)
        _close(connection, meter, None, at_s)
        values = {"customer": customer, "protected": protected, "judge_s": None,
                  "judge_until_s": None}  # fmt: skip
        where = contracts.c.meter == meter
        connection.execute(contracts.update().where(where).values(values))
        _open(connection, meter, customer, TENANCY, at_s)
        if protected:
            _open(connection, meter, customer, PROTECTED, at_s)
        office.note_in(connection, "customer", meter, detail=f"{customer} moves in")

    office.transaction(work)


def protect(office, meter, is_protected, at_s=None):
    """Begin or end the protected status of the customer of a meter.

    :raises InputError: it is so already
    """

    def work(connection):
        now_s = _since(office, connection, meter, at_s)
        now = contract(connection, meter)
        if bool(now["protected"]) == is_protected:
            raise InputError(
                f"the customer of meter {meter} is {'' if is_protected else 'not '}protected"
            )
        where = contracts.c.meter == meter
        connection.execute(contracts.update().where(where).values(protected=is_protected))
        if is_protected:
            _open(connection, meter, now["customer"], PROTECTED, now_s)
        else:
            _close(connection, meter, PROTECTED, now_s)
        word = "begins" if is_protected else "ends"
        office.note_in(connection, "customer", meter, detail=f"protected status {word}")

    office.transaction(work)


def copy(connection, old, new, at_s):
    """Let the periods that are open at a meter go on at the one in its place."""
    connection.execute(periods.delete().where(periods.c.meter == new))
    for row in history(connection, old):
        if row.until_s is None:
            _open(connection, new, row.customer, row.kind, at_s)
    _close(connection, old, None, at_s)


def history(connection, meter):
    """The periods of a meter, oldest first, as rows."""
    query = sa.select(periods).where(periods.c.meter == meter)
    return connection.execute(query.order_by(periods.c.since_s, periods.c.period)).all()


def _since(office, connection, meter, at_s):
    """The time of a change: now, or one that no later change has overtaken."""
    if contract(connection, meter) is None:
        raise InputError(f"no meter {meter} in the books; office add-meter {meter}")
    at_s = office.now_s if at_s is None else at_s
    last = connection.execute(
        sa.select(sa.func.max(periods.c.since_s)).where(periods.c.meter == meter)
    ).scalar()
    if last is not None and at_s < last:
        raise InputError("a later period has begun already")
    return at_s


def _open(connection, meter, customer, kind, since_s):
    values = {"meter": meter, "customer": customer, "kind": kind, "since_s": since_s}
    connection.execute(periods.insert().values(values))


def _close(connection, meter, kind, at_s):
    open_now = sa.and_(periods.c.meter == meter, periods.c.until_s.is_(None))
    if kind is not None:
        open_now = sa.and_(open_now, periods.c.kind == kind)
    connection.execute(periods.update().where(open_now).values(until_s=at_s))
