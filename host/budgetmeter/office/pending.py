"""What the office has pending for a meter, and how it gets there: by card, or by network instead.

An item takes its order id when its first token is sealed. Whatever way its tokens go, the meter
carries an order out once.
"""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import NoReturn

import sqlalchemy as sa
from meterproto import cards as layout
from meterproto.codes import Energy, Kind, PaymentMode
from meterproto.kinds import CREDIT

from budgetmeter import orders, resources, units
from budgetmeter.errors import InputError
from budgetmeter.office import books, cases, judge, later, reports
from budgetmeter.office.tables import contracts, deliveries, items, meters
from budgetmeter.orders import Order

BATCH = 200  # meters of a campaign in one transaction
PAUSE_S = 0.01  # after it, in which those who sell get their turn
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
    """A queued item.

    :ivar order_id: 0 until a token of it is sealed
    :ivar state: queued, expired, cancelled, or that of its order
    """

    item: int
    meter: int
    order_id: int
    order: Order
    expiry: int
    campaign: str | None
    queued_s: int
    state: str


@dataclass
class Batch:
    """What a campaign did with some meters.

    :ivar last: the last of them, None where no more follow
    :ivar made: the new items
    :ivar left_out: how many got nothing, by reason
    :ivar skipped: (meter, why) of those whose row cannot be used
    """

    last: int | None = None
    made: list = field(default_factory=list)
    left_out: Counter = field(default_factory=Counter)
    skipped: list = field(default_factory=list)


class Pending:
    """The pending work of an office.

    :param office: a `budgetmeter.office.office.Office`
    """

    def __init__(self, office):
        self.office = office

    # Queue

    def queue(self, meter, order, expiry=0):
        """Queue an order for a meter; returns the `Item`.

        :param expiry: clock value from which on the meter refuses it; 0 never
        :raises InputError: a rule refuses it now: winter, guarantee, once only, not eligible
        """
        return self.office.transaction(lambda c: self._queue(c, meter, order, expiry))

    def _queue(self, connection, meter, order, expiry):
        row = self.office.known(connection, meter)
        return self._keep(connection, [self._wanted(connection, row, order, expiry)])[0]

    def _wanted(self, connection, row, order, expiry, campaign=None, customer=None, has_case=True):
        """The values of a new item, once the rules let it pass.

        :param row: of the table `meters`
        :param customer: whose rights count at the meter, where that is known
        :param has_case: False where the meter is known to have none
        """
        office, meter = self.office, row["meter"]
        if row["retired_s"] is not None:
            raise InputError(f"meter {meter} is retired")
        profile = office.profile_of(row)
        if 0 < expiry <= office.now_s // 60:
            raise InputError(f"expiry {orders.moment(expiry)} is past")
        expiry = judge.judge(connection, office, meter, order, expiry, profile, has_case)
        later.withdraw_older(connection, office, meter, order, expiry)
        return {
            "meter": meter,
            "order_id": 0,  # taken when the first token is sealed
            "kind": int(order.kind),
            "value": order.value,
            "extra": order.extra,
            "expiry": expiry,
            "campaign": campaign,
            "customer": judge.holder(connection, meter) if customer is None else customer,
            "energy": profile.values["energy"],
            "queued_s": office.now_s,
            "cancelled": False,
            "actor": office.actor[:64],
        }

    def _keep(self, connection, wanted):
        """Queue new items, in their order: the `Item` of each."""
        if not wanted:
            return []
        query = items.insert().returning(items.c.item, sort_by_parameter_order=True)
        numbers = connection.execute(query, wanted).scalars().all()
        made = [
            self._read(number, {**values, "state": None})
            for number, values in zip(numbers, wanted, strict=True)
        ]
        self.office.notes_in(
            connection, "queue", [(item.meter, orders.note(item.order)) for item in made]
        )
        return made

    def cancel(self, number):
        """Take back an item no token of which was handed out.

        :raises InputError: too late, or no such item
        """

        def work(connection):
            item = self._item(connection, number)
            if item.state != "queued":
                raise InputError(f"item {number} is {item.state}")
            connection.execute(items.update().where(items.c.item == number).values(cancelled=True))
            self.office.note_in(connection, "cancel", item.meter, detail=f"item {number}")

        self.office.transaction(work)

    # Campaigns

    def campaign(self, name):
        """Queue a campaign's order for every eligible meter that has not had it: the new items.

        Eligible is who had an active budget meter on the reference date (OC-04); once per customer,
        energy and campaign (AMB-22). It is done batch by batch, so that others sell meanwhile. What
        was cut short goes on when it is called again.

        :param name: of a shipped campaign, or a TOML file
        :raises InputError: a campaign that cannot be read
        """
        return [item for batch in self.campaigning(read_campaign(name)) for item in batch.made]

    def campaigning(self, plan):
        """The same as it goes: a `Batch` after each transaction.

        :param plan: a `Campaign`
        """
        after, count = 0, 0
        while True:
            batch = self.office.transaction(lambda c, after=after: self._queue_next(c, plan, after))
            count += len(batch.made)
            yield batch
            if batch.last is None:
                break
            after = batch.last
            time.sleep(PAUSE_S)
        self.office.note("campaign", detail=f"{plan.id}: {count} meters")

    def _queue_next(self, connection, plan, after):
        """Queue for the next meters of a campaign: a `Batch`."""
        batch, wanted = Batch(), []
        for row, order, customer, has_case in self._eligible(connection, plan, after, batch):
            try:
                wanted.append(
                    self._wanted(connection, row, order, plan.expiry, plan.id, customer, has_case)
                )
            except InputError as error:
                batch.skipped.append((row["meter"], str(error)))
        batch.made = self._keep(connection, wanted)
        return batch

    def _eligible(self, connection, plan, after, batch):
        """Of the next meters those who get a campaign's order: (row, order, customer, has a case).

        Bad rows are left for who uses them to trip over: they are skipped by name.

        :param batch: is filled with the last of these meters, and why others get nothing
        """
        query = _hanging(sa.select(meters)).where(meters.c.meter > after).limit(BATCH)
        rows = connection.execute(query).mappings().all()
        batch.last = rows[-1]["meter"] if len(rows) == BATCH else None
        numbers = [row["meter"] for row in rows]
        customer = dict(
            connection.execute(
                sa.select(contracts.c.meter, contracts.c.customer).where(
                    contracts.c.meter.in_(numbers)
                )
            ).all()
        )
        mode = reports.modes_at(connection, numbers, plan.reference_s)
        with_a_case = cases.with_a_case(connection, numbers)
        had = set(
            connection.execute(
                sa.select(items.c.customer, items.c.energy).where(
                    items.c.campaign == plan.id, items.c.customer.in_(list(customer.values()))
                )
            ).all()
        )
        for row in rows:
            meter = row["meter"]
            who, has_case = customer.get(meter), meter in with_a_case
            try:
                energy = self.office.profile_of(row).values["energy"]
            except InputError:
                yield row, None, who, has_case
                continue
            order, right = plan.order(energy), (who, energy)
            why = ""
            if order is None:
                why = f"nothing for {Energy(energy).word}"
            elif who is None:
                why = "no customer in the books"
            elif mode.get(meter) != PaymentMode.PREPAYMENT:
                day = judge.local(plan.reference_s)[:10]
                says = "add-meter --since says since when"
                why = f"no active budget meter on {day} ({says})"
            elif right in had:
                why = "had it before"
            elif has_case:
                try:
                    why = self._refused(connection, meter, order)
                except InputError as error:  # its rule file is missing
                    batch.skipped.append((meter, str(error)))
                    continue
            if why:
                batch.left_out[why] += 1
                continue
            had.add(right)
            yield row, order, who, has_case

    def _refused(self, connection, meter, order):
        """What the meter's case says against an order; "" for nothing, or despite it."""
        refused = cases.why_not(connection, self.office, meter, order)
        return cases.shown(refused) if refused and not self.office.despite else ""

    def left_out(self, name):
        """How many meters a campaign leaves out now, by reason.

        :raises InputError: a campaign that cannot be read
        """
        plan, after, reasons = read_campaign(name), 0, Counter()
        while after is not None:
            batch = self.office.reading(lambda c, after=after: self._look_at_next(c, plan, after))
            reasons += batch.left_out
            after = batch.last
        return reasons

    def _look_at_next(self, connection, plan, after):
        """The next meters of a campaign, and nothing is queued: a `Batch`."""
        batch = Batch()
        for _ in self._eligible(connection, plan, after, batch):
            pass
        return batch

    # Delivery

    def send(self, number):
        """Deliver an item by network instead: a token under its order id.

        :raises InputError: no such item, or nothing left to deliver
        """

        def work(connection):
            item = self.deliverable(connection, number)
            return self.hand_out(connection, item, on_card=False)

        return self.office.transaction(work)

    def deliverable(self, connection, number):
        """An item that is not yet done with."""
        item = self._item(connection, number)
        if item.state not in ("queued", books.OUT):
            raise InputError(f"item {number} is {item.state}")
        return item

    def hand_out(self, connection, item, on_card):
        """Issue a token of an item."""
        judge.check_now(connection, self.office, item.meter, item.order)
        if not item.order_id:  # what was right when it was queued may be wrong today
            judge.check_protected(connection, self.office, item.meter, item.order)
            cases.ask(connection, self.office, item.meter, item.order)
        token = books.hand_out(
            connection,
            self.office,
            item.meter,
            item.order,
            on_card,
            item.expiry,
            item.order_id or None,
        )
        connection.execute(
            items.update().where(items.c.item == item.item).values(order_id=token.order_id)
        )
        return token

    def give(self, connection, meter, taken, on_card):
        """Hand out for the card what is due: items given and (item, why not) of the others.

        :param taken: what the card brought, a `books.Taken`
        :param on_card: how many tokens the card has already
        """
        given, withheld = [], []
        for item in self._items(connection, items.c.meter == meter):
            if item.state != "queued":
                continue
            why = ""
            if item.order.kind in NEEDS_FRESH:
                why = self._not_fresh(connection, taken.reading, taken.doubt, item)
            most = books.MOST_MONEY if item.order.kind in CREDIT else layout.MOST_TOKENS
            if not why and on_card + len(given) >= most:
                why = "the card is full"
            if not why:
                try:
                    with connection.begin_nested():
                        self.hand_out(connection, item, on_card=True)
                except InputError as error:
                    why = str(error)
            if why:
                withheld.append((item, why))
            else:
                given.append(item)
        return given, withheld

    def _not_fresh(self, connection, reading, doubt, item):
        """Why a report tells nothing of the meter since an item was queued; "" if it does."""
        if reading is None:
            return doubt
        if reports.made_after(connection, self.office, reading, item.queued_s):
            return ""
        if doubt:
            return doubt
        day = judge.local(reading.at_s)[:10]
        late = (
            ""
            if day == judge.local(self.office.now_s)[:10]
            else (f": its report is of {day} by the meter's clock")
        )
        return f"the card has to go into the meter first{late}"

    # Looking

    def items(self, meter=None):
        """What is and was pending, oldest first."""
        return self.office.reading(lambda c: self.items_in(c, meter))

    def items_in(self, connection, meter=None):
        """The same, in a transaction."""
        return self._items(connection, sa.true() if meter is None else items.c.meter == meter)

    def items_where(self, connection, where):
        """What of it a condition on the table `items` fits, in a transaction."""
        return self._items(connection, where)

    def item(self, number):
        """One item.

        :raises InputError: no such item
        """
        return self.office.reading(lambda c: self._item(c, number))

    def _item(self, connection, number):
        found = self._items(connection, items.c.item == number)
        if not found:
            raise InputError(f"no item {number} in the queue")
        return found[0]

    def _items(self, connection, where):
        same = sa.and_(
            deliveries.c.meter == items.c.meter, deliveries.c.order_id == items.c.order_id
        )
        rows = connection.execute(
            sa.select(items, deliveries.c.state)
            .select_from(items.join(deliveries, same, isouter=True))
            .where(where)
            .order_by(items.c.item)
        ).mappings()
        return [self._read(row["item"], row) for row in rows]

    def _read(self, number, row):
        return Item(
            number,
            row["meter"],
            row["order_id"],
            Order(Kind(row["kind"]), row["value"], row["extra"]),
            row["expiry"],
            row["campaign"],
            row["queued_s"],
            row["state"] or self._waiting(row),
        )

    def _waiting(self, row):
        """The state of an item of which no token was handed out."""
        if row["cancelled"]:
            return "cancelled"
        return "expired" if 0 < row["expiry"] <= self.office.now_s // 60 else "queued"


def _hanging(query):
    """Of meters, those that are not retired, by number."""
    return query.where(meters.c.retired_s.is_(None)).order_by(meters.c.meter)


# ---- Campaign files ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Campaign:
    """A campaign as read: reference date, clock value it expires at, the order by energy."""

    id: str
    title: str
    reference_s: int
    expiry: int
    by_energy: dict

    def order(self, energy):
        """What a meter of this energy gets, or None."""
        return self.by_energy.get(Energy(energy))


def read_campaign(name):
    """A campaign by name or file.

    :raises InputError: one line naming file and key
    """
    document, where = resources.read("campaign", name)

    def fail(message) -> NoReturn:
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
    energies = {energy.word: energy for energy in Energy}
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
