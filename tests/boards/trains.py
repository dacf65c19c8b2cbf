"""Trains of S0 pulses and spikes, drawn by a seed, and what each board counts of them.

`python -m tests.boards.trains 10000` runs so many on each board (`make pulses`) and prints how many
were counted wrong. A train is a list of (level, microseconds); the line is high before it.
"""

import os
import random
import sys
import tempfile
from pathlib import Path

import pytest

from tests.boards.support import NAMES, Bench

HOLD_US = 15_000
NEAR_US = 10  # no level is drawn that near to the limit: a board looks at times of its own
QUIET_US = 60_000  # high, before and after a train
PASS_MS = 5  # longest pass of the ESP32's meter without an erase
ERASE_MS = 46  # and with one: a sector of its flash

Train = list[tuple[int, int]]


def held(train: Train) -> int:
    """Pulses of a train: a level counts that stands for HOLD_US; low, then high is a pulse."""
    pulses, counts = 0, 1
    for level, us in [*train, (1, QUIET_US)]:
        if us >= HOLD_US and level != counts:
            counts = level
            pulses += level
    return pulses


def _alternate(lengths: list[int]) -> Train:
    return [(number % 2, us) for number, us in enumerate(lengths)]


def fine(chance: random.Random, number: int) -> Train:
    """A train for a board that sees every change: of equal lengths, or of any."""
    count = 2 * chance.randint(1, 30)
    kind = number % 4
    if kind == 0:  # lengths that step through 1 to 31 ms, the limit among them
        low, high = 1000 + number * 37 % 30_000, 1000 + number * 53 % 30_000
        lengths = [low, high] * (count // 2)
    elif kind == 1:  # spikes of any length, and now and then a pulse
        most = chance.choice([20, 500, 3000, 14_900])
        lengths = [chance.randint(3, most) for _ in range(count)]
        for at in range(0, count, 6):
            lengths[at] = chance.randint(HOLD_US, 90_000)
    elif kind == 2:  # a hair's breadth above and below
        lengths = [HOLD_US + chance.choice([-1, 1]) * chance.randint(11, 300) for _ in range(count)]
    else:
        lengths = [round(10 ** chance.uniform(0.5, 5)) for _ in range(count)]
    return _alternate([us + 2 * NEAR_US if abs(us - HOLD_US) <= NEAR_US else us for us in lengths])


def on_the_pico(bench: Bench, train: Train) -> int:
    """What its state machine counts; nobody empties the FIFO before the end."""
    machine, pin, levels = bench.board.counter.machine, bench.pins["s0"], bench.world.levels
    before = bench.board.counter.total()
    at = done = 0
    for level, us in [(1, QUIET_US), *train, (1, QUIET_US)]:
        levels[pin] = level
        at += us
        steps = at * machine.freq // 1_000_000 - done
        machine.steps(steps)
        done += steps
    bench.board.counter.total()
    machine.steps(QUIET_US)
    return (bench.board.counter.total() - before) % bench.board.counter.WRAP


def coarse(chance: random.Random, number: int) -> Train:
    """A train for a board that looks in each pass: spikes as they come, pulses of 30 ms or more.

    In every third train the board also erases: then the spikes are what its RC filter leaves, none.
    """
    lengths = []
    for _ in range(chance.randint(1, 25)):
        lengths += [1000 * chance.randint(30, 90) for _ in range(2)]
        for _ in range(0 if number % 3 == 0 else chance.randint(0, 8)):
            lengths += [1000 * chance.randint(1, 14), 1000 * chance.randint(1, 14)]
            lengths[-1] = lengths[-1] if chance.random() < 0.8 else 40_000  # a spike alone
    return _alternate(lengths)


def on_the_esp32(bench: Bench, train: Train, chance: random.Random, erases: bool) -> int:
    """What its passes count, each as long as it happens to be."""
    bench.board.elapsed_ms()
    left = 0
    before = bench.board.counter.total()
    for level, us in [(1, QUIET_US), *train, (1, QUIET_US)]:
        bench.world.levels[bench.pins["s0"]] = level
        for _ in range(us // 1000):
            bench.world.pass_time(1)
            left -= 1
            if left <= 0:
                bench.board.elapsed_ms()
                long = erases and chance.random() < 0.1
                left = chance.randint(PASS_MS, ERASE_MS) if long else chance.randint(1, PASS_MS)
    bench.board.elapsed_ms()
    return (bench.board.counter.total() - before) % bench.board.counter.WRAP


def wrong(bench: Bench, name: str, numbers: range) -> list[str]:
    """Trains of these numbers that a board counts wrong, a line each."""
    found = []
    for number in numbers:
        chance = random.Random(f"{name} {number}")
        if name == "rp2040":
            train = fine(chance, number)
            counted = on_the_pico(bench, train)
        else:
            train = coarse(chance, number)
            counted = on_the_esp32(bench, train, chance, erases=number % 3 == 0)
        if counted != held(train):
            found.append(f"{name} {number}: {counted} counted, {held(train)} right: {train}")
    return found


def main() -> None:
    """So many trains on each board; exit status 1 when one was counted wrong."""
    count = int(sys.argv[1])
    failed = False
    here = os.getcwd()
    for name in NAMES:
        with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
            bench = Bench(name, patch, Path(folder))
            bench.flash()
            bench.start()
            found = wrong(bench, name, range(count))
            os.chdir(here)
        print(*found[:10], f"{name}: {len(found)} wrong of {count:,} trains", sep="\n")
        failed |= bool(found)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
