"""Trains of pulses and spikes: a slice of `make pulses`, and that it notices a faulty counter."""

import random
from pathlib import Path

import pytest

from tests.boards import peripherals, trains
from tests.boards.support import NAMES, Bench

SLICE = range(0, 10_000, 41)
INSTRUCTIONS = 32  # of a PIO


def started(name: str, patch: pytest.MonkeyPatch, folder: Path) -> Bench:
    bench = Bench(name, patch, folder)
    bench.flash()
    bench.start()
    return bench


@pytest.mark.parametrize("name", NAMES)
def test_no_train_is_counted_wrong(name, monkeypatch, tmp_path):
    assert trains.wrong(started(name, monkeypatch, tmp_path), name, SLICE) == []


def test_a_program_that_does_not_look_is_noticed(monkeypatch, tmp_path):
    """The first look at a falling line is left out: the level need no longer stand."""
    bench = started("rp2040", monkeypatch, tmp_path)
    program = bench.board.counter.machine.program
    program.steps[program.labels["falling"]] = peripherals._Step("mov", ("isr", "isr"))
    assert len(trains.wrong(bench, "rp2040", SLICE)) > len(SLICE) // 10


def test_a_counter_that_believes_every_change_is_noticed(monkeypatch, tmp_path):
    bench = started("esp32", monkeypatch, tmp_path)
    monkeypatch.setattr(bench.module, "_HOLD_MS", -1)
    assert len(trains.wrong(bench, "esp32", SLICE[:50])) > 5


def test_the_program_fits(monkeypatch, tmp_path):
    program = started("rp2040", monkeypatch, tmp_path).board.counter.machine.program
    assert len(program.steps) <= INSTRUCTIONS


def test_a_loop_gone_through_at_once_ends_as_step_by_step(monkeypatch, tmp_path):
    bench = started("rp2040", monkeypatch, tmp_path)
    made = bench.board.counter.machine
    fast, slow = (
        peripherals.StateMachine(number, made.program, made.freq, made.in_base, made.jmp_pin)
        for number in (1, 2)
    )
    chance = random.Random(3)
    for _ in range(60):
        bench.world.levels[bench.pins["s0"]] = chance.randint(0, 1)
        steps = chance.choice([1, 2, 3, 7, 500, 16_000])
        fast.steps(steps)
        slow.steps(steps, one_by_one=True)
        assert (fast.at, fast.registers, fast.fifo) == (slow.at, slow.registers, slow.fifo)
        if chance.random() < 0.3 and fast.rx_fifo():
            assert fast.get() == slow.get()
