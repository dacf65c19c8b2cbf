"""One payment, one token: a payment's own reference, and the token that was issued for it."""

from dataclasses import dataclass

import sqlalchemy as sa
from meterproto import tokens
from meterproto.codes import Kind

from budgetmeter import orders
from budgetmeter.errors import InputError
from budgetmeter.office import identifiers, settle
from budgetmeter.office.tables import deliveries, issued

LONGEST = 64  # characters of a reference


@dataclass(frozen=True)
class Issued:
    """A token as handed out."""

    meter: int
    number: int
    order_id: int
    kind: int
    token: bytes

    @property
    def text(self):
        """As groups of characters to type."""
        return tokens.to_text(self.token)


def find(connection, reference, meter, order):
    """The order that was issued for a payment, a row of `deliveries`; None if there is none.

    :raises InputError: the reference was another payment's, or its order was taken back
    """
    identifiers.check("--reference", reference, LONGEST)
    query = sa.select(deliveries).where(deliveries.c.reference == reference)
    found = connection.execute(query).first()
    if found is None:
        return None
    was = orders.Order(Kind(found.kind), found.value, found.extra)
    if found.meter != meter or was != order:
        raise InputError(
            f"reference {reference} was another payment's: {orders.text(was)} "
            f"for meter {found.meter:09d}"
        )
    if found.state == settle.VOID or found.closing is not None:
        raise InputError(f"reference {reference}: its order {found.order_id} was taken back")
    return found


def token_of(connection, order):
    """The newest token of an order, an `Issued`."""
    where = sa.and_(issued.c.meter == order.meter, issued.c.number == order.number)
    row = connection.execute(sa.select(issued).where(where)).first()
    return Issued(row.meter, row.number, row.order_id, row.kind, bytes(row.token))
