"""Random lives of a meter on flash, cut at random points, beside a list of what was answered."""

from budgetmeter import profiles
from budgetmeter.emulator import VirtualBoard
from budgetmeter.emulator.nor import BOARDS, Geometry, LittleFiles, Nor
from budgetmeter.identity import flashed
from budgetmeter.issue import Issuer
from budgetmeter.loads import NOTHING
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from meterfw.meter import Meter
from meterfw.store.journal import REPAIRED, WHOLE
from meterfw.tokens.till import COMMIT_WH
from meterproto.codes import Kind, TokenReason, TokenStatus

from tests.faults.images import images
from tests.faults.story import SECTORS, credited
from tests.firmware.support import EUR, clock, conserved

METER = 79
PREPAYING = [name for name in profiles.names() if name != "brussels-limiter"]


class Lives(RuleBasedStateMachine):
    """Each action may be cut: it is played to its end, then the flash is put back to the cut."""

    @initialize(
        board=st.sampled_from(sorted(BOARDS)),
        name=st.sampled_from(PREPAYING),
        has_clock=st.booleans(),
    )
    def install(self, board, name, has_clock):
        self.geometry = Geometry(SECTORS, BOARDS[board].prog_size)
        self.flash = Nor(SECTORS)
        files = LittleFiles(self.flash, self.geometry, format=True)
        self.office = Issuer(METER, bytes(32), derive=True)
        profile = profiles.load(name)
        for file, data in flashed(METER, 1, self.office.key, profile).items():
            files[file] = data
        self.board = VirtualBoard(clock("2020-12-08 12:00"), files)
        self.board.has_clock = has_clock
        self.meter = Meter(self.board)
        self.taken = []  # tokens answered as executed
        self.order = 0
        self.booked = credited(self.meter.state)

    def _acting(self, action, cut):
        """Do something; with `cut` a number, cut the power in the middle of storing it."""
        before = bytes(self.flash.image)
        self.flash.operations = []
        energy = self.meter.state.energy_wh
        kept = energy - self.meter.till.uncommitted_wh()
        answer = action()
        operations, self.flash.operations = self.flash.operations, None
        if cut is None or not operations:
            return answer
        choices = [image for _, image in images(before, operations)]
        self._restart(choices[cut % len(choices)])
        assert self.meter.found in (WHOLE, REPAIRED)
        assert self.meter.state.energy_wh >= kept
        return None

    def _restart(self, image):
        self.flash.image = bytearray(image)
        self.board.files = LittleFiles(self.flash, self.geometry)
        self.board.elapsed_ms()
        self.meter = Meter(self.board)

    @rule(wh=st.integers(0, 500), cut=st.none() | st.integers(0, 500))
    def use(self, wh, cut):
        def action():
            self.board.draw = NOTHING._replace(rate=wh * 3600, wanted=wh * 3600, ma=1000, w=230)
            self.board.pass_time(1)
            self.meter.poll()
            self.board.draw = NOTHING

        self._acting(action, cut)

    @rule(
        kind=st.sampled_from([Kind.TOP_UP, Kind.SUPPORT]),
        euros=st.integers(1, 50),
        cut=st.none() | st.integers(0, 500),
    )
    def top_up(self, kind, euros, cut):
        self.order += 1
        token = self.office.token(kind, euros * EUR, order_id=self.order)
        answer = self._acting(lambda: self.meter.enter(token), cut)
        if answer is None:  # cut before the answer: the customer enters it again
            status, why = self.meter.enter(token)
            assert status == TokenStatus.EXECUTED or why == TokenReason.USED
        else:
            assert answer[0] == TokenStatus.EXECUTED
        self.taken.append(token)
        self.booked += euros * EUR

    @rule(cut=st.none() | st.integers(0, 500))
    def change_key(self, cut):
        revision = self.office.revision + 1
        token = self.office.change_key(revision.to_bytes(32, "little"))
        answer = self._acting(lambda: self.meter.enter(token), cut)
        if answer is None:
            status, why = self.meter.enter(token)
            assert status == TokenStatus.EXECUTED or why == TokenReason.KEY_REVISION
        assert self.meter.memory.key_revision == revision
        self.taken.clear()  # sealed with a key that is dead now

    @rule(pressed_s=st.sampled_from([0, 5]), cut=st.none() | st.integers(0, 500))
    def press(self, pressed_s, cut):
        self.board.press(pressed_s)
        self._acting(self.meter.poll, cut)

    @rule(minutes=st.sampled_from([1, 14, 60]), cut=st.none() | st.integers(0, 500))
    def wait(self, minutes, cut):
        self.board.pass_time(minutes * 60)
        self._acting(self.meter.poll, cut)

    @rule()
    def cut_while_idle(self):
        energy = self.meter.state.energy_wh
        self._restart(self.flash.image)
        assert self.meter.found == WHOLE
        assert 0 <= energy - self.meter.state.energy_wh < COMMIT_WH

    @rule(which=st.integers(0, 1000))
    def enter_again(self, which):
        if self.taken:
            status, why = self.meter.enter(self.taken[which % len(self.taken)])
            assert status == TokenStatus.VALIDATION_FAILURE
            assert why in (TokenReason.USED, TokenReason.TOO_OLD)

    @invariant()
    def nothing_is_lost_or_doubled(self):
        assert credited(self.meter.state) == self.booked
        assert conserved(self.meter.state)


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
