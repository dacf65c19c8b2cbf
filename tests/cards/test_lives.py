"""Any interleaving of meter, terminal, network, removals and power cuts: the money is all there.

The meter's files are on littlefs on a simulated flash, so that a power cut can fall into any of its
operations. The account that all is compared with is one number: what people paid and were given.
"""

from budgetmeter.card import SPOILS, MemoryCard
from budgetmeter.emulator.nor import BOARDS, Geometry, LittleFiles, Nor
from budgetmeter.loads import NOTHING
from budgetmeter.office import books
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from meterfw.meter import Meter
from meterfw.tokens.memory import USED
from meterproto import cards as layout
from meterproto.codes import CardOutcome, TokenReason, TokenStatus

from tests.cards.counter import METER, Counter
from tests.faults.images import images
from tests.faults.story import SECTORS, credited
from tests.firmware.support import EUR, conserved

PULL = st.none() | st.tuples(st.integers(0, 4000), st.sampled_from(SPOILS))
CUT = st.none() | st.integers(0, 500)
MOST_EUR = 3000  # in all: the account stays below its limit


class Ways(RuleBasedStateMachine):
    """Cards, copies of cards, a terminal, a network and a meter that loses power."""

    @initialize(
        board=st.sampled_from(sorted(BOARDS)),
        name=st.sampled_from(["wallonia-card", "flanders-2003"]),
    )
    def install(self, board, name):
        self.geometry = Geometry(SECTORS, BOARDS[board].prog_size)
        self.flash = Nor(SECTORS)
        files = LittleFiles(self.flash, self.geometry, format=True)
        self.counter = Counter(name, files=files).enrol(protected=True)
        self.cards = [self.counter.card]
        self.network = []  # tokens on their way by network
        self.first = credited(self.counter.state)
        self.paid = 0  # mc, paid or given
        self.items = []

    def teardown(self):
        """In the end everything arrives, once."""
        if not hasattr(self, "counter"):
            return
        counter = self.counter
        counter.card = counter.terminal.new_card(METER)
        for token in self.network:
            counter.meter.enter(token)
        for _ in range(3):
            counter.wait(1)
            assert counter.insert() in (CardOutcome.GOOD, CardOutcome.REFUSED)
            assert counter.pay().written
        assert credited(counter.state) - self.first == self.paid
        assert counter.money() == (0, self.paid, 0)

    def _restart(self, image):
        self.flash.image = bytearray(image)
        self.counter.board.files = LittleFiles(self.flash, self.geometry)
        self.counter.board.elapsed_ms()
        self.counter.meter = Meter(self.counter.board)

    def _acting(self, action, cut):
        """Do something; with `cut` a number, the power fails in the middle of storing it."""
        before = bytes(self.flash.image)
        self.flash.operations = []
        answer = action()
        operations, self.flash.operations = self.flash.operations, None
        if cut is None or not operations:
            return answer, False
        choices = [image for _, image in images(before, operations)]
        self._restart(choices[cut % len(choices)])
        return answer, True

    def _card(self, which, pull=None):
        card = self.cards[which % len(self.cards)]
        card.push()
        if pull is not None:
            card.pull_at(*pull)
        return card

    # The terminal

    @rule(which=st.integers(0, 3), euros=st.sampled_from([0, 5, 20, 250]), pull=PULL)
    def visit(self, which, euros, pull):
        counter = self.counter
        if self.paid // EUR + euros > MOST_EUR:
            euros = 0
        card = self._card(which, pull)
        on_card = len(counter.office.transaction(lambda c: books.for_the_card(c, METER))[0])
        if euros and on_card >= books.MOST_MONEY:
            euros = 0
        receipt = counter.terminal.exchange(card, euros * EUR)
        self.paid += euros * EUR
        assert receipt.tokens <= layout.MOST_TOKENS

    @precondition(lambda self: self.paid < MOST_EUR * EUR)
    @rule(euros=st.integers(1, 100))
    def give(self, euros):
        self.items.append(self.counter.queue("support", amount=str(euros)))
        self.paid += euros * EUR

    @precondition(lambda self: self.items)
    @rule(which=st.integers(0, 5))
    def send(self, which):
        item = self.counter.pending.item(self.items[which % len(self.items)].item)
        if item.state in ("queued", books.OUT):
            self.network.append(self.counter.pending.send(item.item).token)

    # The meter

    @rule(which=st.integers(0, 3), pull=PULL, cut=CUT)
    def insert(self, which, pull, cut):
        card = self._card(which, pull)
        before = bytes(card.data)
        _, failed = self._acting(lambda: self.counter.insert(card), cut)
        if failed:  # in the commit, which comes before anything is written on the card
            card.data[:] = before

    @precondition(lambda self: self.network)
    @rule(which=st.integers(0, 5), cut=CUT)
    def arrive(self, which, cut):
        token = self.network[which % len(self.network)]
        (status, why), failed = self._acting(lambda: self.counter.meter.enter(token), cut)
        if not failed:
            assert status == TokenStatus.EXECUTED or why == TokenReason.USED

    @rule(wh=st.integers(0, 400), minutes=st.integers(0, 30), cut=CUT)
    def use(self, wh, minutes, cut):
        board = self.counter.board

        def action():
            board.draw = NOTHING._replace(rate=wh * 60, wanted=wh * 60, ma=1000, w=230)
            self.counter.wait(minutes)
            board.draw = NOTHING

        self._acting(action, cut)

    @rule()
    def cut_while_idle(self):
        self._restart(self.flash.image)

    # Copies and lost cards

    @precondition(lambda self: len(self.cards) < 4)
    @rule(which=st.integers(0, 3))
    def copy(self, which):
        self.cards.append(MemoryCard(bytes(self._card(which).data)))

    @rule(which=st.integers(0, 3), at=st.integers(32, layout.SIZE - 1), change=st.integers(1, 255))
    def edit(self, which, at, change):
        self._card(which).data[at] ^= change

    # What always holds

    @invariant()
    def all_the_money_is_there(self):
        if not hasattr(self, "counter"):
            return
        counter = self.counter
        taken = counter.meter.memory.orders
        handed = counter.office.transaction(lambda c: books.credit_orders(c, METER))
        waiting = sum(value for order, value in handed if taken.state(order) != USED)
        queued = sum(item.order.value for item in counter.pending.items() if item.state == "queued")
        # Paid and given = still in the office's queue + on its way + taken by the meter.
        assert self.paid == queued + waiting + credited(counter.state) - self.first
        # The office never believes more delivered than was, whatever cards it is shown.
        _, known, lapsed = counter.money()
        assert known <= credited(counter.state) - self.first
        assert lapsed == 0
        assert conserved(counter.state)


TestWays = Ways.TestCase
TestWays.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
