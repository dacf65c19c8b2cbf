"""The customer's card, the terminal and the office of one emulated meter."""

from datetime import timedelta
from typing import Any

from meterfw.tokens.memory import USED
from meterproto import tokens
from meterproto.codes import CardOutcome, CardType, Event, Kind

from budgetmeter import units
from budgetmeter.card import MemoryCard
from budgetmeter.emulator.world import METER, VENDING_KEY, Emulator
from budgetmeter.issue import Issuer
from budgetmeter.office import books
from budgetmeter.office.office import EPOCH, Issued, Office
from budgetmeter.office.tables import meters
from budgetmeter.office.terminal import Receipt, Terminal
from budgetmeter.orders import Order

BOOKED = (*books.CREDIT, Kind.ARREARS_PAID)  # what a meter adds to its credit booked


class EmulatedKeys:
    """The vending key of emulated meters, as a `budgetmeter.office.keys.KeyFile`."""

    latest = 1

    def fingerprint(self, revision: int) -> str:
        """What tells this vending key from others."""
        return f"emulated {revision}"

    def meter_key(self, meter: int, revision: int) -> bytes:
        """The key of one meter."""
        return tokens.meter_key(VENDING_KEY, meter, revision)


class Counter:
    """An office in memory that keeps the books of an emulator's meter, and the customer's card.

    From now on the office issues all tokens of the emulator.

    :param contract: as `Office.add_meter` takes it
    """

    def __init__(self, world: Emulator, **contract: Any) -> None:
        self.world = world
        issuer = world.issuer
        assert isinstance(issuer, Issuer), "another counter issues its tokens already"
        self.office = Office(
            "sqlite://",
            EmulatedKeys(),
            actor="emulator",
            now=lambda: EPOCH + timedelta(seconds=world.now_s),
            load_profile=lambda name: world.profile,
        )
        self.office.add_meter(METER, world.profile.name, **{"since_s": 0, **contract})
        self.office.transaction(
            lambda c: c.execute(meters.update().values(last_number=issuer.number))
        )
        self.terminal = Terminal(self.office)
        self.pending = self.terminal.pending
        self.card = self.terminal.new_card(METER)
        self.receipt: Receipt | None = None  # of the last exchange
        self.outcome: CardOutcome | None = None  # of the last insertion
        self._credited = self._booked()
        self._named: dict[int, int] = {}  # the office's id of an order id in the scenario
        world.issuer = self

    def token(
        self, kind: int, value: int = 0, extra: int = 0, order_id: int = 0, expiry: int = 0
    ) -> bytes:
        """A token by network or typed, as `budgetmeter.issue.Issuer` makes it."""

        def work(connection: Any) -> Issued:
            return books.hand_out(
                connection,
                self.office,
                METER,
                Order(Kind(kind), value, extra),
                on_card=False,
                expiry=expiry,
                order_id=self._named.get(order_id),
            )

        issued = self.office.transaction(work)
        if order_id:
            self._named[order_id] = issued.order_id
        return issued.token

    def insert(self, card: MemoryCard | None = None) -> CardOutcome | None:
        """A card goes into the meter; the customer's if none is given."""
        self.outcome = self.world.insert(card or self.card)
        return self.outcome

    def visit(self, pay: int = 0) -> Receipt:
        """The customer's card goes into the terminal."""
        receipt = self.receipt = self.terminal.exchange(self.card, pay)
        return receipt

    def send(self, number: int) -> tuple[int, int]:
        """A pending item goes to the meter by network; answers status and reason."""
        return self.world.enter(self.pending.send(number).token)

    def one_shot(self, kind: int, number: int) -> MemoryCard:
        """A card that carries one pending item."""
        return self.terminal.new_card(METER, CardType(kind), number)

    # What must be equal

    def _booked(self) -> int:
        m = self.world.meter.state
        return m.credited_eur * units.EUR + m.credited_mc

    def balanced(self) -> tuple[int, int] | None:
        """Money the office handed out, and as the meter knows it: not taken yet, and booked; mc.

        None after a change of the payment mode that books an initial reserve.
        """
        changed = self.world.trace.count(Event.MODE_CHANGED)
        if changed and self.world.profile.record().initial_reserve:
            return None
        taken = self.world.meter.memory.orders
        handed = self.office.transaction(lambda c: books.credit_orders(c, METER, BOOKED))
        waiting = sum(value for order, value in handed if taken.state(order) != USED)
        return sum(value for _, value in handed), waiting + self._booked() - self._credited
