"""A meter, its customer's card, a terminal and an office, for tests of the way between them."""

from datetime import timedelta

from budgetmeter import orders as asked
from budgetmeter import profiles
from budgetmeter.emulator import VirtualBoard
from budgetmeter.emulator.world import insert
from budgetmeter.errors import InputError
from budgetmeter.identity import flashed
from budgetmeter.office import books
from budgetmeter.office.office import EPOCH, Office
from budgetmeter.office.terminal import Terminal
from meterfw import layouts
from meterfw.account import orders, rules
from meterfw.meter import Meter
from meterproto import cards as layout
from meterproto import tokens
from meterproto.codes import CardOutcome

from tests.firmware.support import clock, mc

METER = 123_456_789
NOON = "2020-12-08 12:00"  # a Tuesday, outside friendly hours
GOOD, REFUSED = CardOutcome.GOOD, CardOutcome.REFUSED


class Keys:
    """Vending keys in memory."""

    def __init__(self):
        self.keys = {1: bytes(range(32))}

    @property
    def latest(self):
        return max(self.keys)

    def add_revision(self):
        self.keys[self.latest + 1] = bytes(32 - self.latest for _ in range(32))

    def fingerprint(self, revision):
        return self.keys[revision][:8].hex()

    def meter_key(self, meter, revision):
        if revision not in self.keys:
            raise InputError(f"no key of revision {revision}")
        return tokens.meter_key(self.keys[revision], meter, revision)


class Counter:
    """One meter with its office; time is that of the meter's board."""

    def __init__(self, name="wallonia-card", at=NOON, changes=None, files=None, url="sqlite://"):
        self.profile = profiles.load(name)
        if changes:
            self.profile = self.profile.changed(changes, "test")
        self.keys = Keys()
        files = {} if files is None else files
        key = self.keys.meter_key(METER, 1)
        for file, data in flashed(METER, 1, key, self.profile).items():
            files[file] = data
        self.board = VirtualBoard(clock(at), files)
        self.meter = Meter(self.board)
        self.office = Office(
            url,
            self.keys,
            actor="tester",
            now=lambda: EPOCH + timedelta(seconds=self.board.now_s),
            load_profile=lambda name: self.profile,
        )
        self.terminal = Terminal(self.office)
        self.pending = self.terminal.pending
        self.card = None

    def enrol(self, **contract):
        """Take the meter into the books and make the customer's card."""
        self.office.add_meter(METER, self.profile.name, **{"since_s": 0, **contract})
        self.card = self.terminal.new_card(METER)
        return self

    @property
    def state(self):
        return self.meter.state

    @property
    def balance(self):
        return self.state.credit - self.state.emergency_used

    def put(self, **values):
        """Bring the account to a state, booked, judged and committed, friendly hours aside."""
        m, p = self.state, self.meter.profile
        held = m.credit - m.emergency_used - m.arrears
        for name, value in values.items():
            setattr(m, name, value)
        orders.book_settled(m, m.credit - m.emergency_used - m.arrears - held)
        rules.judge(m, p)
        self.meter.poll()
        assert self.meter.commit()

    def wait(self, minutes):
        for _ in range(minutes):
            self.board.pass_time(60)
            self.meter.poll()

    def at(self, text):
        """Let the time come, without consumption."""
        while self.board.now_s < clock(text) * 60:
            self.board.pass_time(min(3600, clock(text) * 60 - self.board.now_s))
            self.meter.poll()

    def insert(self, card=None):
        """A card goes into the meter, the customer's by default; its outcome."""
        return insert(self.meter, card or self.card)

    def pay(self, euros=0, card=None):
        """An exchange at the terminal."""
        return self.terminal.exchange(card or self.card, mc(euros))

    def top_up(self, *amounts):
        """Payments at the terminal, then the card into the meter."""
        for euros in amounts:
            assert self.pay(euros).written
        return self.insert()

    def queue(self, kind, **given):
        """Something for the office to deliver."""
        return self.pending.queue(METER, asked.read(kind, given, mark=""))

    def deliver(self):
        """Meter, terminal, meter: what is pending arrives."""
        self.insert()
        receipt = self.pay()
        self.insert()
        return receipt

    def money(self):
        """On the way, taken, lapsed: as the office's books know it; they add up."""
        account = self.account()
        return account.on_the_way, account.taken, account.dead

    def account(self):
        """What became of all the money that was issued; every cent is in one place."""
        account = self.office.reading(lambda c: books.account(c, METER))
        assert account.adds_up, account
        return account

    def report(self, card=None):
        """The parts of the newest report on a card."""
        found = layout.newest(bytes((card or self.card).data), layout.OUTWARD, layout.OUTWARD_SIZE)
        return layout.report(found[2])

    def cut_power(self):
        """The meter restarts from its files."""
        self.board.elapsed_ms()
        self.meter = Meter(self.board)

    @property
    def off(self):
        return rules.supply_on(self.state) == 0

    @property
    def ready(self):
        return self.state.control_state == layouts.CONTROL_STATE_READY
