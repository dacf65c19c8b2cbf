"""Customers and access points: who lives where and who is protected, as periods with dates.

An access point stays where meters come and go: `placements` has which hung there, and when.
`contracts` has what is so now; `periods` when it began and ended. Rights that are once only are
the customer's, whatever meter hangs there.
"""

import re

import sqlalchemy as sa

from budgetmeter.errors import InputError
from budgetmeter.office import identifiers, later
from budgetmeter.office.tables import (
    case_ends,
    cases,
    contracts,
    periods,
    placements,
    points,
    running,
)

SIZE = 32  # characters of a customer's number
TENANCY, PROTECTED = "tenancy", "protected"


def check(customer):
    """A customer's number as it is kept: refused, never cut.

    :raises InputError: empty, too long, or not printable in one way
    """
    return identifiers.check("the customer's number", customer, SIZE)


def contract(connection, meter):
    """The customer's side of a meter, or None."""
    found = connection.execute(sa.select(contracts).where(contracts.c.meter == meter))
    return found.mappings().first()


def protected(connection, meter, at_s):
    """Whether the customer of a meter is protected at a time."""
    found = sa.select(periods.c.period).where(
        periods.c.point == point_at(meter),
        periods.c.kind == PROTECTED,
        periods.c.since_s <= at_s,
        sa.or_(periods.c.until_s.is_(None), periods.c.until_s > at_s),
    )
    return connection.execute(found.limit(1)).first() is not None


def begin(connection, meter, contract, since_s):
    """The access point of a new meter, and its first tenancy: a row of `contracts`, and periods."""
    check(contract["customer"])
    connection.execute(contracts.insert(), contract)
    connection.execute(points.insert().values(point=meter))
    connection.execute(placements.insert().values(meter=meter, point=meter, since_s=since_s))
    _open(connection, meter, contract["customer"], TENANCY, since_s)
    if contract["protected"]:
        _open(connection, meter, contract["customer"], PROTECTED, 0)


def move_in(office, meter, customer, since_s=None, protected=False):
    """End the tenancy at a meter and begin another one; its protected status ends with it.

    So does its case: the meter is the next customer's, and so are the payments from then on.
    Rights that wait for who leaves are taken back: they are not of who comes.

    :raises InputError: the day is still to come: until then they are rights of who lives there
    """
    check(customer)

    def work(connection):
        at_s = _since(office, connection, meter, since_s)
        if at_s > office.now_s:
            raise InputError(f"{customer} has not moved in yet; say it on the day, or after it")
        _close(connection, meter, None, at_s)
        later.withdraw_rights(connection, office, meter, customer)
        values = {"customer": customer, "protected": protected, "judge_s": None,
                  "judge_until_s": None}  # fmt: skip
        where = contracts.c.meter == meter
        connection.execute(contracts.update().where(where).values(values))
        _open(connection, meter, customer, TENANCY, at_s)
        if protected:
            _open(connection, meter, customer, PROTECTED, at_s)
        _end_case(connection, meter, customer, at_s)
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


def hang(connection, old, new, at_s):
    """A new meter hangs at the access point of an old one from a time on; periods go on there."""
    connection.execute(periods.delete().where(periods.c.point == new))
    connection.execute(placements.delete().where(placements.c.meter == new))
    connection.execute(points.delete().where(points.c.point == new))
    there = placements.c.meter == old
    point = connection.execute(sa.select(placements.c.point).where(there)).scalar()
    connection.execute(placements.update().where(there).values(until_s=at_s))
    connection.execute(placements.insert().values(meter=new, point=point, since_s=at_s))
    connection.execute(cases.update().where(cases.c.meter == old).values(meter=new))


def point_of(connection, meter):
    """The access point of a meter, a row of `points`.

    :raises InputError: when the meter is not in the books
    """
    found = connection.execute(sa.select(points).where(points.c.point == point_at(meter))).first()
    if found is None:
        raise InputError(f"no meter {meter} in the books; office add-meter {meter}")
    return found


def describe_point(office, meter, ean=None, residence=None):
    """Note what is known of the access point of a meter; what is left out stays.

    :param ean: its code of 18 digits
    :param residence: whether it is somebody's main residence
    :raises InputError: no such code, or that of another access point
    """
    if ean is not None and not re.fullmatch(r"[0-9]{18}", ean):
        raise InputError(f"EAN {ean!r}: 18 digits")

    def work(connection):
        point = point_of(connection, meter).point
        same = sa.select(points.c.point).where(points.c.ean == ean, points.c.point != point)
        if ean is not None and connection.execute(same).first() is not None:
            raise InputError(f"EAN {ean} is that of another access point")
        known = {"ean": ean, "residence": residence}
        values = {name: value for name, value in known.items() if value is not None}
        connection.execute(points.update().where(points.c.point == point).values(values))
        office.note_in(connection, "point", meter, detail=str(values))

    office.transaction(work)


def _end_case(connection, meter, customer, at_s):
    """The case of who lived there ends with the tenancy; one that was opened ahead stays."""
    where = sa.and_(cases.c.meter == meter, cases.c.customer != customer, running)
    for number in connection.execute(sa.select(cases.c.case).where(where)).scalars().all():
        connection.execute(case_ends.insert().values(case=number, at_s=at_s))


def point_at(meter):
    """The number of a meter's access point, as a part of a query."""
    return sa.select(placements.c.point).where(placements.c.meter == meter).scalar_subquery()


def meters_at(meter):
    """The meters that hang or hung where a meter does, as a part of a query."""
    return sa.select(placements.c.meter).where(placements.c.point == point_at(meter))


def history(connection, meter):
    """The periods of the access point of a meter, oldest first, as rows."""
    query = sa.select(periods).where(periods.c.point == point_at(meter))
    return connection.execute(query.order_by(periods.c.since_s, periods.c.period)).all()


def _since(office, connection, meter, at_s):
    """The time of a change: now, or one that no later change has overtaken."""
    if contract(connection, meter) is None:
        raise InputError(f"no meter {meter} in the books; office add-meter {meter}")
    if office.known(connection, meter)["retired_s"] is not None:
        raise InputError(f"meter {meter} is retired")  # another may hang at its access point
    at_s = office.now_s if at_s is None else at_s
    last = connection.execute(
        sa.select(sa.func.max(periods.c.since_s)).where(periods.c.point == point_at(meter))
    ).scalar()
    if last is not None and at_s < last:
        raise InputError("a later period has begun already")
    return at_s


def _open(connection, meter, customer, kind, since_s):
    values = {"point": point_at(meter), "customer": customer, "kind": kind, "since_s": since_s}
    connection.execute(periods.insert().values(values))


def _close(connection, meter, kind, at_s):
    open_now = sa.and_(periods.c.point == point_at(meter), periods.c.until_s.is_(None))
    if kind is not None:
        open_now = sa.and_(open_now, periods.c.kind == kind)
    connection.execute(periods.update().where(open_now).values(until_s=at_s))
