"""The rules against an independent model (`account_model`), over random lives of every profile."""

import os
import random

import pytest
from budgetmeter import profiles
from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from meterfw import layouts
from meterfw.account import orders, record, rules
from meterproto.codes import Kind

from tests.firmware import events_due, histories, replay
from tests.firmware.account_model import AccountModel
from tests.firmware.support import conserved, fields, mc, out_of_range

LIVES = int(os.environ.get("LIVES", "120"))
AMOUNTS = st.one_of(
    st.sampled_from([1, mc("0.49"), mc("0.50"), mc(5), mc(20), mc(50), mc(80), mc(250)]),
    st.integers(-5, mc(260)),
)
LATER = st.one_of(st.integers(-5, 10), st.integers(0, 20_000), st.integers(0, 300_000))


class Lives(RuleBasedStateMachine):
    """The same life for both; after every action all fields agree and the promises hold."""

    @initialize(
        name=st.sampled_from(profiles.names()),
        start=st.integers(100_000, 50_000_000),
        changes=st.fixed_dictionaries(
            {},
            optional={
                "window_holidays": st.integers(0, 1),
                "overdraft_ends_on_top_up": st.integers(0, 1),
                "close_auto": st.integers(0, 1),
                "emergency_auto": st.integers(0, 1),
                "limiter_auto": st.integers(0, 1),
                "limiter_repay": st.integers(0, 2),
                "initial_reserve": st.sampled_from([0, 1, mc("0.30"), mc(1)]),
                "phases": st.sampled_from([1, 3]),
            },
        ),
    )
    def install(self, name, start, changes):
        self.values = {**profiles.load(name).values, **changes}
        names = layouts.PROFILE_FIELDS
        self.p = replay.filled(record.Profile(), names, [self.values[field] for field in names])
        self.m = record.State()
        orders.install(self.m, self.p, start)
        self.model = AccountModel(self.values, start)
        self.before = self.reasons()
        self.last = fields(self.m)

    def reasons(self):
        return self.m.reasons, self.m.control_state

    def advance(self, seconds, pulses, ma, w):
        m = self.m
        self.before = self.reasons()
        protected = rules.kept_on(m)
        rules.advance(m, self.p, seconds, pulses, ma, w)
        self.model.advance(seconds, pulses, ma, w)
        opened = m.reasons & ~self.before[0] & layouts.REASON_CREDIT
        assert not (opened and protected and rules.kept_on(m)), "opened in a window or hold"

    @rule(
        seconds=st.sampled_from([0, 1, 59, 60, 300, 720, 3600]),
        wh=st.one_of(st.integers(0, 60), st.integers(0, 5000)),
        ma=st.sampled_from([0, 6000, 10_000, 10_001, 40_000]),
        w=st.sampled_from([0, 1380, 1381, 2300, 2301, 9000]),
    )
    def use(self, seconds, wh, ma, w):
        if self.p.wh_per_m3:
            wh = wh * 1000 // self.p.wh_per_m3
        self.advance(seconds, wh, ma, w)

    @rule(short=st.integers(-1, 2))
    def use_up_to_the_next_boundary(self, short):
        m = self.m
        assume(m.price > 0)
        left = max(m.credit + m.overdraft, 0) or max(rules.emergency_left(m), 0)
        wh = min(max(left * 1000 // m.price + short, 0), rules.STEP_WH)
        if self.p.wh_per_m3:
            wh = wh * 1000 // self.p.wh_per_m3
        self.advance(60, wh, 1000, 230)

    @rule()
    def wait_for_the_next_window(self):
        m = self.m
        for _ in range(30):
            left = (m.calendar_until - m.clock) * 60 - m.second
            if left <= 0:
                break
            self.advance(min(left, rules.STEP_S), 0, 0, 0)
            if left <= rules.STEP_S:
                break

    @rule(pressed_s=st.sampled_from([0, 4, 5, 60]))
    def press(self, pressed_s):
        assert rules.press(self.m, self.p, pressed_s) == int(self.model.press(pressed_s))

    @rule(minutes=st.sampled_from([None, 0, 15, 1440]))
    def cut_power(self, minutes):
        if minutes is not None:  # without a battery clock
            rules.resume(self.m, self.p, minutes)
            self.model.resume(minutes)
        rules.power_up(self.m, self.p)
        self.model.power_up()

    def order(self, kind, value=0, extra=0, number=0, judge=True):
        before = fields(self.m)
        result = orders.apply(self.m, self.p, kind, value, extra, number)
        assert result == self.model.order(kind, value, extra, number), Kind(kind).name
        if result != layouts.RESULT_DONE:
            assert fields(self.m) == before, "a refused order changed something"
        if judge:
            rules.judge(self.m, self.p)
            self.model.judge()

    @rule(
        kind=st.sampled_from([Kind.TOP_UP, Kind.SUPPORT, Kind.AID, Kind.ARREARS_PAID]),
        amount=AMOUNTS,
        last=st.booleans(),
    )
    def pay(self, kind, amount, last):
        self.order(kind, amount, judge=last)
        if not last:
            self.order(Kind.TOP_UP, amount)

    @rule(amount=AMOUNTS, later=LATER, number=st.integers(0, 3))
    def overdraft(self, amount, later, number):
        self.order(Kind.OVERDRAFT, amount, self.m.clock + later, number)

    @rule(later=LATER, end=st.booleans())
    def hold(self, later, end):
        self.order(Kind.HOLD, 0 if end else self.m.clock + later)

    @rule(
        kind=st.sampled_from(
            [
                Kind.LIMITER_ENABLE,
                Kind.LIMITER_RELEASE,
                Kind.MINIMUM_SUPPLY_DISABLE,
                Kind.MINIMUM_SUPPLY_ENABLE,
                Kind.RECONNECT,
                Kind.CLEAR_TAMPER,
            ]
        )
    )
    def command(self, kind):
        self.order(kind)

    @rule(later=LATER, connection_w=st.sampled_from([0, 3000, 9200, 100_001]))
    def limit(self, later, connection_w):
        self.order(Kind.LIMIT, self.m.clock + later, connection_w)

    @rule(price=st.sampled_from([0, 1, 25_000, 27_183, 200_000, 200_001]), later=LATER)
    def price(self, price, later):
        self.order(Kind.PRICE, price, self.m.clock + later if later > 0 else 0)

    @rule(value=AMOUNTS, as_energy=st.integers(0, 1))
    def preset(self, value, as_energy):
        self.order(Kind.EMERGENCY_PRESET, value, as_energy)

    @rule(mode=st.sampled_from([0, 1, 2, 2, 3]), protected=st.integers(0, 1))
    def mode(self, mode, protected):
        self.order(Kind.PAYMENT_MODE, mode, protected)

    @rule(cause=st.integers(0, 4))
    def disconnect(self, cause):
        self.order(Kind.DISCONNECT, cause)

    @precondition(lambda self: self.m.clock < 50_000_000)
    @rule(step=st.integers(-3000, 3000))
    def clock_step(self, step):
        self.order(Kind.CLOCK, self.m.clock + step)

    @invariant()
    def events_tell_what_changed(self):
        now = fields(self.m)
        assert events_due.missing(self.last, now) == []
        self.m.events = 0
        self.last = fields(self.m)

    @invariant()
    def agree(self):
        m = self.m
        seen = self.model.seen()
        assert {name: getattr(m, name) for name in seen} == seen
        assert rules.supply_on(m) == int(self.model.supply_on())

    @invariant()
    def keep_the_promises(self):
        m = self.m
        assert conserved(m)
        assert out_of_range(m) is None

    @invariant()
    def judging_twice_is_judging_once(self):
        m = self.m
        twin = record.State()
        record.copy(twin, m, layouts.STATE_FIELDS)
        rules.judge(twin, self.p)
        assert fields(twin) == fields(m)


Lives.TestCase.settings = settings(max_examples=LIVES, stateful_step_count=60, deadline=None)
TestLives = pytest.mark.rule("AMB-05")(Lives.TestCase)


@pytest.mark.parametrize("name", profiles.names())
def test_seeded_lives_agree(name):
    """Long seeded lives, with the boundaries in them that `histories` aims at."""
    values = profiles.load(name).values
    row = [values[field] for field in layouts.PROFILE_FIELDS]
    for seed in range(12):
        rng = random.Random(f"model {name} {seed}")
        start = 500_000 + seed * 4_000_000
        p = replay.filled(record.Profile(), layouts.PROFILE_FIELDS, row)
        m = record.State()
        orders.install(m, p, start)
        model = AccountModel(values, start)
        for operation in histories.life(rng, row, start, 150):
            m.events = 0
            before = fields(m)
            answer = replay.apply(m, p, operation)
            kind, *arguments = operation
            if kind == histories.STEP:
                model.advance(*arguments)
            elif kind == histories.PRESS:
                assert int(model.press(*arguments)) == answer
            elif kind == histories.RESTART:
                if arguments:
                    model.resume(*arguments)
                model.power_up()
            else:
                assert model.order(*arguments) == answer
                if kind == histories.ORDER:
                    model.judge()
            seen = model.seen()
            assert {field: getattr(m, field) for field in seen} == seen, operation
            assert events_due.missing(before, fields(m)) == [], operation
