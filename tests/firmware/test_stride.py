"""The stride: stepping as far as nothing can happen ends as stepping every second."""

import random

import pytest
from budgetmeter import profiles
from hypothesis import given, settings
from hypothesis import strategies as st
from meterfw import layouts
from meterfw.account import orders, record, rules

from tests.firmware import histories, replay
from tests.firmware.support import fields


class Clockwork:
    """A state under a constant load, stepped by strides or by seconds; notes when things happen."""

    def __init__(self, m, p, load, fraction):
        self.m, self.p = m, p
        self.rate, self.ma, self.w = load
        self.counted = fraction
        self.happened = []
        self.steps = 0

    def run(self, seconds, adaptive):
        m, p, left = self.m, self.p, seconds
        while left > 0:
            flows = rules.supply_on(m)
            rate, ma, w = (self.rate, self.ma, self.w) if flows else (0, 0, 0)
            step = rules.stride(m, p, left, rate, ma, w) if adaptive else 1
            before = self.counted // 3600
            self.counted += rate * step
            rules.advance(m, p, step, self.counted // 3600 - before, ma, w)
            left -= step
            self.steps += 1
            if m.events:
                self.happened.append((m.clock, m.second, m.events))
                m.events = 0
        return self


def a_life(name, seed, length):
    """A profile, and what makes the state at the end of a random life under it, each time anew."""
    values = profiles.load(name).values
    profile = [values[field] for field in layouts.PROFILE_FIELDS]
    p = replay.filled(record.Profile(), layouts.PROFILE_FIELDS, profile)
    start = 6_000_000 + seed % 500_000
    life = histories.life(random.Random(seed), profile, start, length)

    def lived():
        m = record.State()
        orders.install(m, p, start)
        for operation in life:
            replay.apply(m, p, operation)
        rules.judge(m, p)  # which the last order of a life may have been left without
        m.events = 0
        return m

    return p, lived


@settings(max_examples=120, deadline=None)
@given(
    name=st.sampled_from(profiles.names()),
    seed=st.integers(0, 10**6),
    length=st.integers(0, 40),
    watts=st.integers(0, 12_000),
    seconds=st.integers(1, 5000),
    fraction=st.integers(0, 3599),
)
def test_strides_end_as_seconds_do(name, seed, length, watts, seconds, fraction):
    p, lived = a_life(name, seed, length)
    twins = []
    for adaptive in (True, False):
        m = lived()
        load = (watts, watts * 1000 // 230, watts)
        twins.append(Clockwork(m, p, load, fraction).run(seconds, adaptive))
    strides, every_second = twins
    assert strides.happened == every_second.happened
    assert fields(strides.m) == fields(every_second.m)


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(profiles.names()),
    seed=st.integers(0, 10**6),
    length=st.integers(0, 40),
    part=st.floats(0, 1),
)
def test_a_quiet_stretch_is_one_step_even_of_a_day(name, seed, length, part):
    """The fleet takes all of `quiet_s` and `quiet_pulses` at once; minutes end the same."""
    p, lived = a_life(name, seed, length)
    twins = []
    for at_once in (True, False):
        m = lived()
        seconds = rules.quiet_s(m, p, 0, 0)
        assert 1 <= seconds <= rules.QUIET_S
        pulses = int(rules.quiet_pulses(m, p) * part) if rules.supply_on(m) else 0
        happened = []
        if at_once:
            rules.advance(m, p, seconds, pulses, 0, 0)
        else:
            for begin in range(0, seconds, 60):
                end = min(begin + 60, seconds)
                due = pulses * end // seconds - pulses * begin // seconds
                rules.advance(m, p, end - begin, due, 0, 0)
                if m.events and end < seconds:
                    happened.append((m.clock, m.events))
        assert not happened
        twins.append(fields(m))
    assert twins[0] == twins[1]


@pytest.mark.parametrize("name", profiles.names())
def test_a_quiet_day_takes_few_strides(name):
    """The stride is worth having: a day without events is not stepped through by seconds."""
    values = profiles.load(name).values
    profile = [values[field] for field in layouts.PROFILE_FIELDS]
    p = replay.filled(record.Profile(), layouts.PROFILE_FIELDS, profile)
    m = record.State()
    orders.install(m, p, 6_000_000)
    if m.payment_mode == layouts.PAYMENT_MODE_PREPAYMENT:
        orders.apply(m, p, layouts.KIND_TOP_UP, min(p.top_up_max, 20_000_000), 0, 0)
    rules.judge(m, p)
    assert Clockwork(m, p, (300, 1300, 300), 0).run(86_400, True).steps < 40


def test_a_stride_is_at_least_a_second_and_at_most_what_is_asked():
    p = profiles.load("wallonia-card").record()
    m = record.State()
    orders.install(m, p, 6_000_000)
    assert rules.stride(m, p, 7, 100, 400, 100) == 7
    assert rules.stride(m, p, 100_000, 0, 0, 0) <= rules.STEP_S
    m.credit = 1
    assert rules.stride(m, p, 100, 50_000, 0, 50_000) == 1
