"""The customer's card, the terminal and the office of one emulated meter."""

from datetime import timedelta

from meterfw.tokens.memory import USED
from meterproto import tokens
from meterproto.codes import CardType, Event

from budgetmeter import units
from budgetmeter.emulator.world import METER, VENDING_KEY
from budgetmeter.office import books
from budgetmeter.office.office import EPOCH, Office
from budgetmeter.office.tables import meters
from budgetmeter.office.terminal import Terminal
from budgetmeter.orders import Order


class EmulatedKeys:
    """The vending key of emulated meters, as a `budgetmeter.office.keys.KeyFile`."""

    latest = 1

    def fingerprint(self, revision):
        """What tells this vending key from others."""
        return f"emulated {revision}"

    def meter_key(self, meter, revision):
        return tokens.meter_key(VENDING_KEY, meter, revision)


class Counter:
    """An office in memory that keeps the books of an emulator's meter, and the customer's card.

    From now on the office issues all tokens of the emulator.

    :param contract: as `Office.add_meter` takes it
    """

    def __init__(self, world, **contract):
        self.world = world
        self.office = Office(
            "sqlite://",
            EmulatedKeys(),
            actor="emulator",
            now=lambda: EPOCH + timedelta(seconds=world.now_s),
            load_profile=lambda name: world.profile,
        )
        self.office.add_meter(METER, world.profile.name, **{"since_s": 0, **contract})
        self.office.transaction(
            lambda c: c.execute(meters.update().values(last_number=world.issuer.number))
        )
        self.terminal = Terminal(self.office)
        self.pending = self.terminal.pending
        self.card = self.terminal.new_card(METER)
        self.receipt = None  # of the last exchange
        self.outcome = None  # of the last insertion
        self._credited = self._booked()
        self._named = {}  # orders that a scenario gave a number
        world.issuer = self

    def token(self, kind, value=0, extra=0, order=0):
        """A token by network or typed, as `budgetmeter.issue.Issuer` makes it."""

        def work(connection):
            return books.hand_out(
                connection,
                self.office,
                METER,
                Order(kind, value, extra),
                on_card=False,
                order_id=self._named.get(order),
            )

        token = self.office.transaction(work)
        if order:
            self._named[order] = token.order
        return token.token

    def insert(self, card=None):
        """A card goes into the meter; the customer's if none is given."""
        self.outcome = self.world.insert(card or self.card)
        return self.outcome

    def visit(self, pay=0):
        """The customer's card goes into the terminal."""
        self.receipt = self.terminal.exchange(self.card, pay)
        return self.receipt

    def send(self, number):
        """A pending item goes to the meter by network; answers status and reason."""
        return self.world.meter.enter(self.pending.send(number).token)

    def one_shot(self, kind, number):
        """A card that carries one pending item."""
        return self.terminal.new_card(METER, CardType(kind), number)

    # What must be equal

    def _booked(self):
        m = self.world.meter.state
        return m.credited_eur * units.EUR + m.credited_mc

    def balanced(self):
        """Money the office handed out, and as the meter knows it: not taken yet, and booked; mc.

        None after a change of the payment mode, which books an initial reserve.
        """
        if self.world.trace.count(Event.MODE_CHANGED):
            return None
        taken = self.world.meter.memory.orders
        handed = self.office.transaction(lambda c: books.credit_orders(c, METER))
        waiting = sum(value for order, value in handed if taken.state(order) != USED)
        return sum(value for _, value in handed), waiting + self._booked() - self._credited
