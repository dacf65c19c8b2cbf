"""What the office has pending for a meter, and how it gets there: by card, or by network instead.

An item takes its order id when it is queued. Whatever way its tokens go, the meter carries an order
out once.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

import sqlalchemy as sa
from meterfw.account import calendar
from meterproto.codes import Energy, Kind, PaymentMode, WinterBar

from budgetmeter import orders, profiles, resources, units
from budgetmeter.errors import InputError
from budgetmeter.office import books
from budgetmeter.office.office import Issued, Office
from budgetmeter.office.tables import deliveries, items, meters
from budgetmeter.orders import Order
from budgetmeter.profiles import Profile

GUARANTEE_MONTHS = 6  # the limiter after a judge's order (WE-34)
_CAMPAIGN = ("id", "title", "rules", "kind", "reference", "amounts", "until", "expiry")

# Delivered to a card only after the meter has told where it stands since the item was queued
# (OC-05). Money that was paid, prices, clocks, keys and parameters do not depend on that.
NEEDS_FRESH = frozenset(
    {
        *(Kind.SUPPORT, Kind.AID),
        *(Kind.OVERDRAFT, Kind.HOLD, Kind.LIMIT, Kind.LIMITER_ENABLE, Kind.LIMITER_RELEASE),
        *(Kind.MINIMUM_SUPPLY_DISABLE, Kind.MINIMUM_SUPPLY_ENABLE, Kind.ARREARS_PAID),
        *(Kind.PAYMENT_MODE, Kind.DISCONNECT),
    }
)


@dataclass(frozen=True)
class Item:
    """A queued item; `state` is queued, expired, out, taken, lapsed or cancelled."""

    item: int
    meter: int
    order_id: int
    order: Order
    expiry: int
    campaign: str | None
    queued_s: int
    state: str


def add_months(at_s: int, count: int) -> int:
    """A time (s since 2000 UTC+1) some calendar months later; the 31st becomes the last day."""
    day = units.from_clock(at_s // 60)
    month = day.month - 1 + count
    first = datetime(day.year + month // 12, month % 12 + 1, 1, day.hour, day.minute)
    last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return units.to_clock(first.replace(day=min(day.day, last.day))) * 60 + at_s % 60


def earliest_withdrawal(profile: Profile, contract: Any, at_s: int) -> int:
    """When minimum supply may end: not before the judge's guarantee is over, nor in winter.

    The later of the ends counts (WE-34, WE-39, AMB-16).
    """
    earliest = at_s
    if contract is not None and contract["judge_s"] is not None:
        earliest = max(earliest, add_months(contract["judge_s"], GUARANTEE_MONTHS))
        earliest = max(earliest, contract["judge_until_s"] or 0)
    if profile.values["winter_bars"] & WinterBar.MINIMUM_SUPPLY:
        record, day = profile.record(), calendar.local(earliest // 60) // 1440
        winter = False
        while calendar.winter_at(record, day):
            winter, day = True, day + 1
        if winter:
            earliest = max(earliest, units.to_clock(units.EPOCH + timedelta(days=day)) * 60)
    return earliest


class Pending:
    """The pending work of an office.

    :param office: a `budgetmeter.office.office.Office`
    """

    def __init__(self, office: Office) -> None:
        self.office = office

    # Queue

    def queue(self, meter: int, order: Order, expiry: int = 0) -> Item:
        """Queue an order for a meter; returns the `Item`.

        :param expiry: clock value from which on the meter refuses it; 0 never
        :raises InputError: a rule refuses it now: winter, guarantee, once only, not eligible
        """
        return self.office.transaction(lambda c: self._queue(c, meter, order, expiry))

    def _queue(
        self,
        connection: sa.Connection,
        meter: int,
        order: Order,
        expiry: int,
        campaign: str | None = None,
    ) -> Item:
        office = self.office
        profile = office.profile_in(connection, meter)
        contract = books.contract(connection, meter)
        expiry = self._judge(connection, meter, order, expiry, profile, contract)
        values = {
            "meter": meter,
            "order_id": office.reserve_order(connection, meter),
            "kind": int(order.kind),
            "value": order.value,
            "extra": order.extra,
            "expiry": expiry,
            "campaign": campaign,
            "customer": contract["customer"] if contract else f"{meter:09d}",
            "energy": profile.values["energy"],
            "queued_s": office.now_s,
            "cancelled": False,
            "actor": office.actor[:64],
        }
        number = connection.execute(items.insert().values(values)).inserted_primary_key[0]  # pyright: ignore
        office.note_in(connection, "queue", meter, detail=orders.note(order))
        return self._item(connection, number)

    def _judge(
        self,
        connection: sa.Connection,
        meter: int,
        order: Order,
        expiry: int,
        profile: Profile,
        contract: Any,
    ) -> int:
        """Whether an order may be queued now; answers its expiry."""
        now_s = self.office.now_s
        if 0 < expiry <= now_s // 60:
            raise InputError(f"expiry {orders.moment(expiry)} is past")
        if order.kind == Kind.MINIMUM_SUPPLY_DISABLE:
            earliest = earliest_withdrawal(profile, contract, now_s)
            if earliest > now_s:
                raise InputError(f"minimum supply may not end before {_local(earliest)}")
        if order.kind == Kind.LIMITER_ENABLE and not (contract and contract["protected"]):
            raise InputError("the limiter is for protected customers")  # OC-18
        if order.kind == Kind.OVERDRAFT:
            self._once(connection, meter, contract, profile)
        if order.kind == Kind.AID:
            return self._aid(profile, contract, expiry, now_s)
        return expiry

    def _once(self, connection: sa.Connection, meter: int, contract: Any, profile: Profile) -> None:
        """A negative credit limit is activated once (OC-12, AMB-22)."""
        customer = contract["customer"] if contract else f"{meter:09d}"
        rows = connection.execute(
            sa.select(items.c.item).where(
                items.c.kind == int(Kind.OVERDRAFT),
                items.c.customer == customer,
                items.c.energy == profile.values["energy"],
                items.c.cancelled.is_(False),
            )
        ).scalars()
        for item in [self._item(connection, number) for number in rows]:
            spent = item.state == books.LAPSED
            over = item.order.extra * 60 <= self.office.now_s and item.state != books.TAKEN
            if not (spent or over):
                raise InputError(f"a negative credit limit was granted before: item {item.item}")

    def _aid(self, profile: Profile, contract: Any, expiry: int, now_s: int) -> int:
        """Aid is for gas, for protected customers, within the winter of the profile (WG-30)."""
        if not profile.gas:
            raise InputError("winter aid is for gas")
        if not (contract and contract["protected"]):
            raise InputError("winter aid is for protected customers")
        record, day = profile.record(), calendar.local(now_s // 60) // 1440
        if not calendar.winter_at(record, day):
            raise InputError(
                f"winter aid is given from {profiles.shown('winter_from', record.winter_from)} "
                f"to {profiles.shown('winter_to', record.winter_to)}"
            )
        while calendar.winter_at(record, day):
            day += 1
        end = units.to_clock(units.EPOCH + timedelta(days=day))
        return min(expiry or end, end)

    def cancel(self, number: int) -> None:
        """Take back an item no token of which was handed out.

        :raises InputError: too late, or no such item
        """

        def work(connection: sa.Connection) -> Any:
            item = self._item(connection, number)
            if item.state != "queued":
                raise InputError(f"item {number} is {item.state}")
            connection.execute(items.update().where(items.c.item == number).values(cancelled=True))
            self.office.note_in(connection, "cancel", item.meter, detail=f"item {number}")

        self.office.transaction(work)

    # Campaigns

    def campaign(self, name: str) -> Any:
        """Queue a campaign's order for every eligible meter that has not had it.

        Eligible is who had an active budget meter on the reference date (OC-04); once per customer,
        energy and campaign (AMB-22). Returns the new items.

        :param name: of a shipped campaign, or a TOML file
        :raises InputError: a campaign that cannot be read
        """
        plan = read_campaign(name)
        return self.office.transaction(lambda c: self._campaign(c, plan))

    def _campaign(self, connection: sa.Connection, plan: "Campaign") -> Any:
        made = []
        for row in connection.execute(sa.select(meters).order_by(meters.c.meter)).mappings().all():
            order, why = self._eligible(connection, plan, row["meter"])
            if not why:
                made.append(self._queue(connection, row["meter"], order, plan.expiry, plan.id))
        self.office.note_in(connection, "campaign", detail=f"{plan.id}: {len(made)} meters")
        return made

    def _eligible(self, connection: sa.Connection, plan: "Campaign", meter: int) -> Any:
        """A campaign's order for a meter, and why it does not get it, "" if it does."""
        energy = self.office.profile_in(connection, meter).values["energy"]
        order = plan.order(energy)
        contract = books.contract(connection, meter)
        if order is None:
            return order, f"nothing for {Energy(energy).name.lower()}"
        if contract is None:
            return order, "no customer in the books"
        if books.mode_at(connection, meter, plan.reference_s) != PaymentMode.PREPAYMENT:
            day = _local(plan.reference_s)[:10]
            says = "add-meter --since says since when"
            return order, f"no active budget meter on {day} ({says})"
        had = sa.select(items.c.item).where(
            items.c.campaign == plan.id,
            items.c.customer == contract["customer"],
            items.c.energy == energy,
        )
        return order, "had it before" if connection.execute(had).first() is not None else ""

    def left_out(self, name: str) -> Any:
        """How many meters a campaign leaves out now, by reason.

        :raises InputError: a campaign that cannot be read
        """
        plan = read_campaign(name)

        def work(connection: sa.Connection) -> Any:
            known = connection.execute(sa.select(meters.c.meter)).scalars().all()
            return Counter(self._eligible(connection, plan, meter)[1] for meter in known)

        reasons = self.office.transaction(work)
        del reasons[""]
        return reasons

    # Delivery

    def send(self, number: int) -> Issued:
        """Deliver an item by network instead: a token under its order id.

        :raises InputError: no such item, or nothing left to deliver
        """

        def work(connection: sa.Connection) -> Any:
            item = self.deliverable(connection, number)
            return self.hand_out(connection, item, on_card=False)

        return self.office.transaction(work)

    def deliverable(self, connection: sa.Connection, number: int) -> Item:
        """An item that is not yet done with."""
        item = self._item(connection, number)
        if item.state not in ("queued", books.OUT):
            raise InputError(f"item {number} is {item.state}")
        return item

    def hand_out(self, connection: sa.Connection, item: Item, on_card: bool) -> Issued:
        """Issue a token of an item."""
        self._check_now(connection, item)
        return books.hand_out(
            connection, self.office, item.meter, item.order, on_card, item.expiry, item.order_id
        )

    def _check_now(self, connection: sa.Connection, item: Item) -> None:
        """What was right when it was queued may be wrong in winter (WE-39)."""
        if item.order.kind == Kind.MINIMUM_SUPPLY_DISABLE:
            profile = self.office.profile_in(connection, item.meter)
            contract = books.contract(connection, item.meter)
            earliest = earliest_withdrawal(profile, contract, self.office.now_s)
            if earliest > self.office.now_s:
                raise InputError(f"minimum supply may not end before {_local(earliest)}")

    def give(
        self,
        connection: sa.Connection,
        meter: int,
        reading: books.Reading | None,
        doubt: str,
        room: int,
    ) -> tuple[list[Item], list[tuple[Item, str]]]:
        """Hand out for the card what is due: items given and (item, why not) of the others.

        :param reading: the card's report, or None
        :param doubt: why it is not fresh data, "" if it is
        :param room: how many tokens the card has room for
        """
        given, withheld = [], []
        for item in self._items(connection, items.c.meter == meter):
            if item.state != "queued":
                continue
            why = ""
            if item.order.kind in NEEDS_FRESH:
                why = doubt
                if not why and reading.at_s < item.queued_s:  # pyright: ignore
                    why = "the card has to go into the meter first"
            if not why and len(given) >= room:
                why = "the card is full"
            if not why:
                try:
                    self.hand_out(connection, item, on_card=True)
                except InputError as error:
                    why = str(error)
            if why:
                withheld.append((item, why))
            else:
                given.append(item)
        return given, withheld

    # Looking

    def items(self, meter: int | None = None) -> list[Item]:
        """What is and was pending, oldest first."""
        return self.office.transaction(lambda c: self.items_in(c, meter))

    def items_in(self, connection: sa.Connection, meter: int | None = None) -> list[Item]:
        """The same, in a transaction."""
        return self._items(connection, sa.true() if meter is None else items.c.meter == meter)

    def item(self, number: int) -> Item:
        """One item.

        :raises InputError: no such item
        """
        return self.office.transaction(lambda c: self._item(c, number))

    def _item(self, connection: sa.Connection, number: int) -> Item:
        found = self._items(connection, items.c.item == number)
        if not found:
            raise InputError(f"no item {number} in the queue")
        return found[0]

    def _items(self, connection: sa.Connection, where: Any) -> list[Item]:
        same = sa.and_(
            deliveries.c.meter == items.c.meter, deliveries.c.order_id == items.c.order_id
        )
        rows = connection.execute(
            sa.select(items, deliveries.c.state)
            .select_from(items.join(deliveries, same, isouter=True))
            .where(where)
            .order_by(items.c.item)
        ).mappings()
        return [
            Item(
                row["item"],
                row["meter"],
                row["order_id"],
                Order(Kind(row["kind"]), row["value"], row["extra"]),
                row["expiry"],
                row["campaign"],
                row["queued_s"],
                row["state"] or self._waiting(row),
            )
            for row in rows
        ]

    def _waiting(self, row: Any) -> str:
        """The state of an item of which no token was handed out."""
        if row["cancelled"]:
            return "cancelled"
        return "expired" if 0 < row["expiry"] <= self.office.now_s // 60 else "queued"


def _local(at_s: int) -> str:
    return f"{units.from_clock(at_s // 60):%Y-%m-%d %H:%M}"


# ---- Campaign files ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Campaign:
    """A campaign as read: reference date, clock value it expires at, the order by energy."""

    id: str
    title: str
    reference_s: int
    expiry: int
    by_energy: dict[Energy, Order]

    def order(self, energy: int) -> Order | None:
        """What a meter of this energy gets, or None."""
        return self.by_energy.get(Energy(energy))


def read_campaign(name: str) -> Campaign:
    """A campaign by name or file.

    :raises InputError: one line naming file and key
    """
    document, where = resources.read("campaign", name)

    def fail(message: str) -> NoReturn:
        raise InputError(f"{where}: {message}")

    for key in document:
        if key not in _CAMPAIGN:
            fail(f"unknown key {key}; {resources.did_you_mean(key, _CAMPAIGN)}")
    for key in ("id", "kind", "reference"):
        if key not in document:
            fail(f"{key} is missing")
    if document["kind"] not in ("support", "hold"):
        fail("kind is support or hold")
    try:
        reference = units.end_clock(str(document["reference"])) * 60 - 1
        expiry = units.end_clock(str(document["expiry"])) if "expiry" in document else 0
    except ValueError as error:
        fail(str(error))
    energies = {energy.name.lower(): energy for energy in Energy}
    if document["kind"] == "hold":
        if "until" not in document:
            fail("until is missing")
        hold = orders.read("hold", {"until": str(document["until"])})
        chosen = dict.fromkeys(Energy, hold)
        expiry = expiry or hold.value
    else:
        amounts = document.get("amounts")
        if not isinstance(amounts, dict) or not amounts or set(amounts) - set(energies):
            fail(f"amounts is a table with {' and '.join(energies)}")
        chosen = {
            energies[key]: orders.read("support", {"amount": str(value)})
            for key, value in amounts.items()
        }
    title = str(document.get("title", document["id"]))
    return Campaign(str(document["id"])[:48], title, reference, expiry, chosen)
