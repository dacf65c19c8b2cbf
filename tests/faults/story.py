"""A meter's story on recorded flash: charging, tokens, emergency, limiter, modes, keys, lock-out.

Recorded once: every flash operation, what each commit stored, and when each answer left.
"""

from dataclasses import dataclass
from unittest import mock

from budgetmeter import profiles
from budgetmeter.emulator import VirtualBoard
from budgetmeter.emulator.nor import BOARDS, Geometry, LittleFiles, Nor
from budgetmeter.identity import flashed
from budgetmeter.issue import Issuer
from budgetmeter.loads import Draw
from meterfw import layouts
from meterfw import meter as meters
from meterfw.account import record
from meterproto.codes import Kind, PaymentMode, TokenStatus

from tests.firmware.support import EUR, clock

METER = 77
VENDING_KEY = b"the vending key of a tested tale"
START = "2020-12-08 12:00"  # a Tuesday, outside friendly hours
SECTORS = 24


@dataclass(frozen=True)
class Commit:
    """One commit: operations done when it returned, and what it kept of ledger and log."""

    end: int
    kept: bytes


@dataclass(frozen=True)
class Entered:
    """One token: operations done before it and when its answer left, and the books after it."""

    begin: int
    end: int
    token: bytes
    credited: int


@dataclass
class Story:
    """A recorded story, ready to be cut."""

    geometry: Geometry
    start: bytes
    operations: list
    commits: list
    entered: list
    now_s: int


def kept(ledger):
    """What a commit keeps of a ledger."""
    return (
        record.pack(ledger.state, layouts.STATE_FORMAT, layouts.STATE_FIELDS)
        + ledger.memory.pack()
        + record.pack(ledger.profile, layouts.PROFILE_FORMAT, layouts.PROFILE_FIELDS)
    )


def credited(m):
    """Lifetime total of credit booked, mc."""
    return m.credited_eur * EUR + m.credited_mc


class Teller:
    """Plays the story."""

    def __init__(self, board_name, profile="wallonia-card"):
        board = BOARDS[board_name]
        self.geometry = Geometry(SECTORS, board.prog_size)
        self.flash = Nor(SECTORS)
        files = LittleFiles(self.flash, self.geometry, format=True)
        self.office = Issuer(METER, VENDING_KEY, derive=True)
        for name, data in flashed(METER, 1, self.office.key, profiles.load(profile)).items():
            files[name] = data
        self.board = VirtualBoard(clock(START), files)
        self.commits, self.entered = [], []

    def tell(self):
        """The story, from the very first start on."""
        start = bytes(self.flash.image)
        self.flash.operations = []
        self._begin()
        self._charging_and_top_ups()
        self._emergency_and_limiter()
        self._grants_and_modes()
        self._keys_and_forgeries()
        return Story(
            self.geometry,
            start,
            self.flash.operations,
            self.commits,
            self.entered,
            self.board.now_s,
        )

    def _begin(self):
        """Start the meter; what every commit stores is noted from its first on."""
        commits, operations = self.commits, self.flash.operations

        class Watched(meters.Journal):
            def commit(self, ledger):
                done = super().commit(ledger)
                assert done
                commits.append(Commit(len(operations), kept(ledger) + bytes(self.log.pack())))
                return done

        with mock.patch.object(meters, "Journal", Watched):
            self.meter = meters.Meter(self.board)

    def use(self, wh):
        """Consume energy in a second and one poll, at most 500 Wh."""
        self.board.draw = Draw(wh * 3600, 1000, 230, 1 << 40, wh * 3600)
        self.board.pass_time(1)
        self.meter.poll()
        self.board.draw = self.board.draw._replace(rate=0)

    def enter(self, kind, value=0, extra=0, **more):
        """Enter a token that is taken."""
        self._enter(self.office.token(kind, value, extra, **more))

    def _enter(self, token):
        begin = len(self.flash.operations)
        status, _ = self.meter.enter(token)
        assert status == TokenStatus.EXECUTED
        end = len(self.flash.operations)
        self.entered.append(Entered(begin, end, token, credited(self.meter.state)))

    def press(self):
        self.board.press(0)
        self.meter.poll()

    def _charging_and_top_ups(self):
        for _ in range(4):
            self.use(260)
        self.enter(Kind.TOP_UP, 5 * EUR, order_id=1)
        self.enter(Kind.SUPPORT, 3 * EUR, order_id=2)
        self.enter(Kind.EMERGENCY_PRESET, EUR)
        self.enter(Kind.PRICE, 200_000)
        self.use(400)

    def _emergency_and_limiter(self):
        m = self.meter.state
        self.enter(Kind.LIMITER_ENABLE)
        while m.control_state == layouts.CONTROL_STATE_CONNECTED:
            self.use(500)
            m = self.meter.state
        self.press()  # emergency credit
        self.press()
        while self.meter.state.emergency_status == layouts.EMERGENCY_STATUS_IN_USE:
            self.use(240)
        self.press()  # the limiter
        self.press()
        assert self.meter.state.limiter_engaged
        self.use(300)
        self.board.draw = Draw(12_000, 52_000, 12_000, 1 << 40, 12_000)
        self.board.pass_time(60)
        self.meter.poll()  # overload
        assert self.meter.state.reasons & layouts.REASON_OVERLOAD
        self.board.draw = self.board.draw._replace(rate=0, ma=0, w=0)
        self.board.pass_time(60)
        self.meter.poll()
        self.press()
        self.enter(Kind.TOP_UP, 20 * EUR, order_id=3)
        self.enter(Kind.ARREARS_PAID, self.meter.state.arrears, order_id=4)

    def _grants_and_modes(self):
        now = self.meter.state.clock
        self.enter(Kind.OVERDRAFT, 50 * EUR, now + 10_000, order_id=5)
        self.enter(Kind.HOLD, now + 5000, order_id=6)
        self.enter(Kind.PAYMENT_MODE, PaymentMode.CREDIT, order_id=7)
        self.use(300)
        self.enter(Kind.PAYMENT_MODE, PaymentMode.PREPAYMENT, 1, order_id=8)
        self.enter(Kind.PARAMETER, layouts.PROFILE_FIELDS.index("low_credit"), 2 * EUR, order_id=9)

    def _keys_and_forgeries(self):
        forged = bytearray(self.office.token(Kind.TOP_UP, EUR))
        forged[-1] ^= 1
        for _ in range(6):
            self.meter.enter(bytes(forged))
        self.board.pass_time(60)
        self.meter.poll()
        self.meter.enter(bytes(forged))
        self.board.pass_time(120)
        self.meter.poll()
        self._enter(self.office.change_key(bytes(range(1, 33))))
        self.enter(Kind.TOP_UP, 10 * EUR, order_id=10)
        self.use(270)
