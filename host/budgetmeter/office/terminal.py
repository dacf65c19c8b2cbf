"""The recharge terminal: one exchange with a card, and the minimum payment.

It authenticates the card, not who holds it (OC-03). The books come first: what an exchange hands
out is recorded, then written on the card; a card pulled out too early gets the same again.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from meterproto import cards as layout
from meterproto.codes import CardType, Kind, PaymentMode
from meterproto.kinds import CREDIT

from budgetmeter import units
from budgetmeter.card import head_of, inward_writes, personalise, put, write_inward
from budgetmeter.errors import InputError
from budgetmeter.office import books, forecast, judge, payments, reports
from budgetmeter.office.forecast import LEAST, MOST
from budgetmeter.office.pending import Pending
from budgetmeter.office.tables import cards
from budgetmeter.orders import Order

ONE_SHOT_DAYS = 15  # how long a repair card is valid (B-7)

# What a one-shot card may carry.
CARRIES = {
    CardType.TECHNICAL: set(Kind),
    CardType.DEACTIVATION: {Kind.PAYMENT_MODE},
    CardType.SUPPLY: {Kind.AID},
    CardType.REPAIR: {Kind.HOLD, Kind.OVERDRAFT, Kind.LIMITER_ENABLE},
}


@dataclass(frozen=True)
class Receipt:
    """What an exchange did. Money in mc.

    :ivar reading: the card's report as a `books.Reading`, None where it was not taken
    :ivar doubt: why the report is no fresh data, "" if it is
    :ivar needed: least payment after which supply is restored or kept; None without a reading
    :ivar lacking: what this payment lacks of that; 0 if it suffices or nothing is known
    :ivar given: items handed out now
    :ivar withheld: (item, why not)
    :ivar carried: money on the card now
    :ivar tokens: how many tokens are on the card now
    :ivar repeated: the payment was booked before, under the same reference
    :ivar said: what else the person at the terminal is to know
    :ivar written: False when the card was pulled out too early; put in again it gets the same
    """

    meter: int
    card: int
    paid: int
    reading: Any
    doubt: str
    needed: int | None
    lacking: int
    given: list = field(default_factory=list)
    withheld: list = field(default_factory=list)
    carried: int = 0
    tokens: int = 0
    repeated: bool = False
    said: list = field(default_factory=list)
    written: bool = False


class Terminal:
    """A recharge terminal, and the counter where the office makes cards.

    :param office: a `budgetmeter.office.office.Office`
    """

    def __init__(self, office):
        self.office = office
        self.pending = Pending(office)

    # Making cards

    def new_card(self, meter, kind=CardType.CUSTOMER, item=None):
        """A card for a meter; a customer's card replaces the one before and what was on it.

        :param item: for a one-shot card, the number of the pending item it carries
        :raises InputError: an unknown meter, or an item this card does not carry
        """
        office = self.office

        def work(connection):
            row = office.known(connection, meter)
            if row["retired_s"] is not None:
                raise InputError(f"meter {meter} is retired")
            if kind == CardType.CUSTOMER:
                mine = sa.and_(cards.c.meter == meter, cards.c.type == int(kind))
                connection.execute(cards.update().where(mine).values(replaced=True))
                tokens = [token.token for token in books.for_the_card(connection, meter)[0]]
                tokens = tokens[: layout.MOST_TOKENS]
            else:
                tokens = [self._one_shot(connection, meter, kind, item).token]
            values = {
                "meter": meter,
                "type": int(kind),
                "replaced": False,
                "at": office.now(),
                "actor": office.actor[:64],
            }
            number = connection.execute(cards.insert(), values).inserted_primary_key[0]
            office.note_in(connection, "card", meter, detail=f"{kind.word} card {number}")
            return number, row["key_revision"], tokens

        number, revision, tokens = office.transaction(work)
        key = office.keys.meter_key(meter, revision)
        made = personalise(key, type=int(kind), meter=meter, card=number, key_revision=revision)
        write_inward(made, 0, tokens)
        return made

    def read(self, card):
        """Take a card's report into the books, and write nothing on it: a `books.Taken`.

        :raises InputError: not a genuine card of a meter in the books
        """
        head, image = self._authenticate(card), bytes(card.data)
        return self.office.transaction(
            lambda c: books.accept_card(c, self.office, head.meter, image)
        )

    def _one_shot(self, connection, meter, kind, number):
        if number is None:
            raise InputError(f"a {kind.word} card carries a pending item; office queue")
        item = self.pending.deliverable(connection, number)
        wrong_mode = kind == CardType.DEACTIVATION and item.order.value != PaymentMode.CREDIT
        if item.meter != meter or item.order.kind not in CARRIES[kind] or wrong_mode:
            raise InputError(f"item {number} is not for a {kind.word} card of meter {meter}")
        if kind == CardType.REPAIR:
            end = self.office.now_s // 60 + ONE_SHOT_DAYS * 1440
            item = _until(item, end)
        return self.pending.hand_out(connection, item, on_card=False)

    # The exchange

    def exchange(self, card, pay=0, reference=None):
        """One visit of a card: read the report, take a payment, write what is on its way.

        :param card: a `budgetmeter.card.MemoryCard`; with `pull_after` it may be gone half-way
        :param pay: mc, whole cents from 5 to 250 EUR; 0 for an exchange without payment
        :param reference: the payment's own: the same again is booked once
        :raises InputError: not a genuine customer's card, or a payment that cannot be taken; then
            nothing was booked
        """
        head = self._authenticate(card)
        if pay and (not LEAST <= pay <= MOST or pay % 1000):
            raise InputError(
                f"a payment is from {units.euros(LEAST)} to {units.euros(MOST)} EUR, in cents"
            )
        if reference is not None and not pay:
            raise InputError("a reference is of a payment; there is none")
        image = bytes(card.data)
        receipt, writes = self.office.transaction(
            lambda connection: self._exchange(connection, head, image, pay, reference)
        )
        return replace(receipt, written=put(card, writes))

    def _authenticate(self, card):
        """The head of a customer's card that is genuine and not replaced."""
        head = head_of(card)
        office = self.office
        office.meter(head.meter)
        key = office.keys.meter_key(head.meter, head.key_revision)
        if not layout.head_genuine(bytes(card.data[: layout.Head.sizeof()]), key):
            raise InputError("the card is not genuine")
        if head.type != CardType.CUSTOMER:
            raise InputError(f"a {CardType(head.type).word} card goes straight into the meter")
        replaced = office.reading(
            lambda c: c.execute(
                sa.select(cards.c.replaced).where(
                    cards.c.card == head.card, cards.c.meter == head.meter
                )
            ).scalar()
        )
        if replaced is None or replaced:
            raise InputError(f"card {head.card} was replaced; use the newer one")
        return head

    def _exchange(self, connection, head, image, pay, reference):
        """The books' side: the receipt, and what is to be written on the card."""
        office, meter = self.office, head.meter
        taken = books.accept_card(connection, office, meter, image)
        known = books.latest(connection, office, meter)
        repeated = False
        if pay:
            repeated = self._take_payment(connection, meter, known, pay, reference)
        on_card, _ = books.for_the_card(connection, meter)
        given, withheld = self.pending.give(connection, meter, taken, len(on_card))
        tokens, orders = books.for_the_card(connection, meter)
        batch = [token.token for token in tokens[: layout.MOST_TOKENS]]
        next_event = known.head.first_event + len(known.events) if known else 0
        writes, sequence = inward_writes(image, next_event, batch)
        reports.note_area(connection, office, head.card, sequence)
        needed = lacking = None
        if known is not None:
            needed, lacking = forecast.still_needed(known, orders, pay, office.now_s)
        receipt = Receipt(
            meter=meter,
            card=head.card,
            paid=pay,
            reading=taken.reading,
            doubt=taken.doubt,
            needed=needed,
            lacking=lacking or 0,
            given=given,
            withheld=withheld,
            carried=sum(o.value for o in orders if o.kind in CREDIT),
            tokens=len(tokens),
            repeated=repeated,
            said=taken.said + self._clock_advice(taken),
        )
        return receipt, writes

    def _take_payment(self, connection, meter, known, pay, reference):
        """Book a payment; whether it was booked before."""
        order = Order(Kind.TOP_UP, pay)
        if reference is not None and payments.find(connection, reference, meter, order):
            return True
        tokens, orders = books.for_the_card(connection, meter)
        if len(tokens) >= books.MOST_MONEY:
            raise InputError("the card is full: put it in the meter first")
        if known is not None:
            forecast.check_payment(meter, known, orders, pay)
        books.hand_out(connection, self.office, meter, order, on_card=True, reference=reference)
        return False

    def _clock_advice(self, taken):
        """What mends a clock that is wrong."""
        if taken.reading is None or not reports.doubt_of(self.office, taken.reading):
            return []
        meter, now = taken.reading.head.meter, judge.local(self.office.now_s).replace(" ", "T")
        return [f"a clock order mends it: office queue clock --meter {meter} --time {now}"]


def _until(item, end):
    """An item that expires at `end` at the latest."""
    expiry = min(item.expiry, end) if item.expiry else end
    return replace(item, expiry=expiry)
