"""The recharge terminal: one exchange with a card, and the minimum payment.

It authenticates the card, not who holds it (OC-03). The books come first: what an exchange hands
out is recorded, then written on the card; a card pulled out too early gets the same again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from meterfw import layouts
from meterfw.account import orders as meter_orders
from meterfw.account import record
from meterfw.account import rules as meter_rules
from meterproto import cards as layout
from meterproto.codes import CardType, Kind, PaymentMode
from meterproto.records import Profile, State

from budgetmeter import units
from budgetmeter.card import MemoryCard, head_of, personalise, write_inward
from budgetmeter.errors import InputError
from budgetmeter.office import books
from budgetmeter.office.office import Office
from budgetmeter.office.pending import Item, Pending
from budgetmeter.office.tables import cards
from budgetmeter.orders import Order

LEAST, MOST = 5 * units.EUR, 250 * units.EUR  # one payment (B-8)
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
    :ivar written: False when the card was pulled out too early; put in again it gets the same
    """

    meter: int
    card: int
    paid: int
    reading: books.Reading | None
    doubt: str
    needed: int | None
    lacking: int
    given: list = field(default_factory=list)
    withheld: list = field(default_factory=list)
    carried: int = 0
    tokens: int = 0
    written: bool = False


class Terminal:
    """A recharge terminal, and the counter where the office makes cards.

    :param office: a `budgetmeter.office.office.Office`
    """

    def __init__(self, office: Office) -> None:
        self.office = office
        self.pending = Pending(office)

    # Making cards

    def new_card(
        self, meter: int, kind: CardType = CardType.CUSTOMER, item: int | None = None
    ) -> MemoryCard:
        """A card for a meter; a customer's card replaces the one before and what was on it.

        :param item: for a one-shot card, the number of the pending item it carries
        :raises InputError: an unknown meter, or an item this card does not carry
        """
        office = self.office

        def work(connection: sa.Connection) -> Any:
            row = office.row(connection, meter)
            if row is None:
                raise InputError(f"no meter {meter} in the books; office add-meter {meter}")
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
            number = connection.execute(cards.insert().values(values)).inserted_primary_key[0]  # pyright: ignore
            office.note_in(connection, "card", meter, detail=f"{kind.name.lower()} card {number}")
            return number, row["key_revision"], tokens

        number, revision, tokens = office.transaction(work)
        key = office.keys.meter_key(meter, revision)
        made = personalise(key, type=int(kind), meter=meter, card=number, key_revision=revision)
        write_inward(made, 0, tokens)
        return made

    def _one_shot(
        self, connection: sa.Connection, meter: int, kind: CardType, number: int | None
    ) -> Any:
        if number is None:
            raise InputError(f"a {kind.name.lower()} card carries a pending item; office queue")
        item = self.pending.deliverable(connection, number)
        wrong_mode = kind == CardType.DEACTIVATION and item.order.value != PaymentMode.CREDIT
        if item.meter != meter or item.order.kind not in CARRIES[kind] or wrong_mode:
            raise InputError(
                f"item {number} is not for a {kind.name.lower()} card of meter {meter}"
            )
        if kind == CardType.REPAIR:
            end = self.office.now_s // 60 + ONE_SHOT_DAYS * 1440
            item = _until(item, end)
        return self.pending.hand_out(connection, item, on_card=False)

    # The exchange

    def exchange(self, card: MemoryCard, pay: int = 0) -> Receipt:
        """One visit of a card: read the report, take a payment, write what is on its way.

        :param card: a `budgetmeter.card.MemoryCard`; with `pull_after` it may be gone half-way
        :param pay: mc, whole cents from 5 to 250 EUR; 0 for an exchange without payment
        :raises InputError: not a genuine customer's card, or a payment that cannot be taken; then
            nothing was booked
        """
        head = self._authenticate(card)
        if pay and (not LEAST <= pay <= MOST or pay % 1000):
            raise InputError(
                f"a payment is from {units.euros(LEAST)} to {units.euros(MOST)} EUR, in cents"
            )
        image = bytes(card.data)
        receipt, next_event, batch = self.office.transaction(
            lambda connection: self._exchange(connection, head, image, pay)
        )
        written = write_inward(card, next_event, batch)
        return Receipt(**{**receipt.__dict__, "written": written})

    def _authenticate(self, card: MemoryCard) -> Any:
        """The head of a customer's card that is genuine and not replaced."""
        head = head_of(card)
        office = self.office
        office.meter(head.meter)
        key = office.keys.meter_key(head.meter, head.key_revision)
        if not layout.head_genuine(bytes(card.data[: layout.Head.sizeof()]), key):
            raise InputError("the card is not genuine")
        if head.type != CardType.CUSTOMER:
            raise InputError(
                f"a {CardType(head.type).name.lower()} card goes straight into the meter"
            )
        replaced = office.transaction(
            lambda c: c.execute(
                sa.select(cards.c.replaced).where(
                    cards.c.card == head.card, cards.c.meter == head.meter
                )
            ).scalar()
        )
        if replaced is None or replaced:
            raise InputError(f"card {head.card} was replaced; use the newer one")
        return head

    def _exchange(
        self, connection: sa.Connection, head: Any, image: bytes, pay: int
    ) -> tuple[Receipt, int, list[bytes]]:
        office, meter = self.office, head.meter
        reading, doubt = books.accept(connection, office, meter, image)
        known = books.latest(connection, office, meter)
        before, _ = books.for_the_card(connection, meter)
        room = layout.MOST_TOKENS - len(before)
        if pay:
            if room == 0:
                raise InputError("the card is full: put it in the meter first")
            self._check_payment(connection, meter, known)
            books.hand_out(connection, office, meter, Order(Kind.TOP_UP, pay), on_card=True)
            room -= 1
        given, withheld = self.pending.give(connection, meter, reading, doubt, room)
        tokens, orders = books.for_the_card(connection, meter)
        needed = lacking = None
        if known is not None:
            others = [o for o in orders if o.kind != Kind.TOP_UP]
            paid = sum(o.value for o in orders if o.kind == Kind.TOP_UP)
            total = required(known, others, office.now_s)
            needed = max(LEAST, total - (paid - pay))
            lacking = max(0, total - paid)
        next_event = known.head.first_event + len(known.events) if known else 0
        receipt = Receipt(
            meter,
            head.card,
            pay,
            reading,
            doubt,
            needed,
            lacking or 0,
            given,
            withheld,
            sum(o.value for o in orders if o.kind in books.CREDIT),
            len(tokens),
        )
        return receipt, next_event, [token.token for token in tokens[: layout.MOST_TOKENS]]

    def _check_payment(
        self, connection: sa.Connection, meter: int, known: books.Reading | None
    ) -> None:
        """A meter out of prepayment would refuse the money."""
        if known is None or known.state.payment_mode == PaymentMode.PREPAYMENT:
            return
        _, orders = books.for_the_card(connection, meter)
        if Order(Kind.PAYMENT_MODE, PaymentMode.PREPAYMENT) not in [
            Order(o.kind, o.value) for o in orders
        ]:
            raise InputError(f"meter {meter} is not in prepayment: it takes no top-up")


def _until(item: Item, end: int) -> Item:
    """An item that expires at `end` at the latest."""
    expiry = min(item.expiry, end) if item.expiry else end
    return type(item)(**{**item.__dict__, "expiry": expiry})


# ---- The minimum payment -------------------------------------------------------------------------


def required(reading: books.Reading, orders: Sequence[Order], at_s: int) -> int:
    """Least top-up (mc) after which a meter supplies outside friendly hours; 0 if it does anyhow.

    The firmware's own rules answer: they are applied to the state that the meter reported, so that
    shares, emergency credit, negative limits and parameters count as they will (AMB-08).
    """
    low, high = 0, 2 * 10_000 * 100  # cents
    if supplies(reading, orders, 0, at_s):
        # A payment ends a negative limit, and may so open a supply that is on (OC-16, AMB-06).
        low = LEAST // 1000 - 1
        if supplies(reading, orders, LEAST, at_s):
            return 0
    if not supplies(reading, orders, high * 1000, at_s):
        return 0  # no payment would help: another reason keeps it open
    while high - low > 1:
        middle = (low + high) // 2
        if supplies(reading, orders, middle * 1000, at_s):
            high = middle
        else:
            low = middle
    return high * 1000


def supplies(reading: books.Reading, orders: Sequence[Order], pay: int, at_s: int) -> bool:
    """Whether a meter is closed, or can be, as far as credit goes, after orders and a payment."""
    m, p = record.State(), record.Profile()
    record.unpack(m, State.build(reading.state), layouts.STATE_FORMAT, layouts.STATE_FIELDS)
    record.unpack(p, Profile.build(reading.profile), layouts.PROFILE_FORMAT, layouts.PROFILE_FIELDS)
    meter_rules.set_time(m, p, max(at_s // 60, m.clock), 0)
    m.window, m.hold_until = 0, 0
    for order in _with_payment(orders, pay):
        meter_orders.apply(m, p, order.kind, order.value, order.extra, 1)
    m.window, m.hold_until = 0, 0
    meter_rules.judge(m, p)
    return not m.reasons & layouts.REASON_CREDIT


def _with_payment(orders: Sequence[Order], pay: int) -> list[Order]:
    """Orders as the meter takes them: the payment, in tokens of at most 250 EUR, with the money."""
    parts = [min(MOST, pay - paid) for paid in range(0, pay, MOST)]
    money = [Order(Kind.TOP_UP, part) for part in parts]
    first = [o for o in orders if o.kind == Kind.PAYMENT_MODE and o.value == PaymentMode.PREPAYMENT]
    return [*first, *money, *(o for o in orders if o not in first)]
