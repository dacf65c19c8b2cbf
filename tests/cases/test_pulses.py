"""The S0 line of an RP2040: pulses are what the line held, not what a sample happened to see.

A contactor that switches puts spikes on the line, and a worn opto-coupler drops out within a pulse.
A level counts once the line has held it for 15 ms; every change begins that time anew. `held` says
so in a second way, and the virtual state machine runs the board's program on the same line.
"""

import random

import pytest

from tests.boards.support import Bench

HOLD_MS = 15


@pytest.fixture
def bench(monkeypatch, tmp_path):
    made = Bench("rp2040", monkeypatch, tmp_path)
    made.flash()
    made.start()
    return made


def counted(bench, line):
    """Pulses that the board counts on a line of (level, ms), which was up and ends up."""
    seen = 0
    for level, ms in [(1, 50), *line, (1, 60)]:
        bench.world.levels[bench.pins["s0"]] = level
        bench.world.pass_time(ms)
        seen += bench.board.pulses()  # no more wait than the state machine has room for
    return seen


def held(line):
    """The same as the rule has it: a pulse is 15 ms down, then 15 ms up."""
    state, run, last, pulses = 1, 0, 1, 0
    for level, ms in [(1, 50), *line, (1, 60)]:
        run = run + ms if level == last else ms
        last = level
        if run >= HOLD_MS and level != state:
            state = level
            pulses += level
    return pulses


def check(bench, line, right):
    assert held(line) == right
    assert counted(bench, line) == right


@pytest.mark.parametrize(
    ("down", "up"),
    [
        *[(1, 13), (1, 15), (1, 29), (3, 7), (5, 5), (10, 10)],
        *[(1, 14), (2, 13), (3, 12), (5, 10), (7, 8)],  # in step with samples of 15 ms
    ],
)
def test_a_train_of_spikes_is_no_pulse(bench, down, up):
    check(bench, [(0, down), (1, up)] * 200, right=0)


@pytest.mark.parametrize("seed", range(6))
def test_a_contactor_that_switches_is_no_pulse(bench, seed):
    """Fifty bursts of twelve spikes of 1 to 3 ms."""
    chance = random.Random(seed)
    line = []
    for _ in range(50):
        for _ in range(12):
            line += [(0, chance.randint(1, 3)), (1, chance.randint(1, 12))]
        line.append((1, 500))
    check(bench, line, right=0)


@pytest.mark.parametrize("seed", range(3))
def test_a_pulse_that_drops_out_counts_once(bench, seed):
    """Fifty pulses of 90 ms with dropouts of 1 ms; in each the line holds once for 20 ms."""
    chance = random.Random(seed)
    line = []
    for _ in range(50):
        spells = [20, *(chance.randint(2, 12) for _ in range(9))]
        chance.shuffle(spells)
        for down in spells:
            line += [(0, down), (1, 1)]
        line.append((1, 400))
    check(bench, line, right=50)


@pytest.mark.parametrize(
    ("down", "up", "right"),
    [
        *[(30, 30, 60), (20, 20, 60), (16, 16, 60)],
        *[(10, 90, 0), (14, 30, 0)],  # never down
        *[(90, 10, 1), (30, 14, 1)],  # never up until the end
    ],
)
def test_lengths_around_the_limit(bench, down, up, right):
    check(bench, [(0, down), (1, up)] * 60, right)
