"""The journal on littlefs: commits per second, bytes, wear, what a cut loses, faults per second."""

from datetime import datetime

from budgetmeter import profiles, scenario
from budgetmeter.emulator import Emulator, Household
from budgetmeter.emulator.board import VirtualBoard
from budgetmeter.emulator.nor import BOARDS, LittleFiles, Nor
from budgetmeter.emulator.world import start_of
from budgetmeter.identity import flashed
from budgetmeter.units import DAY_S
from meterfw.meter import Meter

from tests.bench.measure import report, spread, timed
from tests.faults import campaign

COMMITS = 2000
DAYS = 120


def main():
    """Figures of both boards."""
    for board in BOARDS:
        _rate(board)
        _wear(board)
        _faults(board)


def _rate(board):
    """Commits per second of a meter on an emulated flash of the board's size."""
    flash = Nor(BOARDS[board].sectors)
    files = LittleFiles(flash, BOARDS[board], format=True)
    for name, data in flashed(1, 1, bytes(32), profiles.load("wallonia-card")).items():
        files[name] = data
    meter = Meter(VirtualBoard(0, files))
    rates, done = [], []
    for _ in range(3):
        rates.append(COMMITS / timed(lambda: done.extend(meter.commit() for _ in range(COMMITS))))
    assert all(done)
    report(f"journal_commits_{board}", unit="commits/s", **spread(rates))


def _wear(board):
    """The main job on the board's flash: operations are counted, not assumed.

    The loss is the energy a commit makes safe, up to and with the pass that makes it.
    """
    flash = Nor(BOARDS[board].sectors)
    profile = profiles.load("wallonia-card")
    load = scenario.default_load(profile, datetime(2007, 1, 1), DAYS)
    files = LittleFiles(flash, BOARDS[board], format=True)
    world = Emulator(profile, start_of(load), load, Household(), files=files)
    start = world.meter.till.sequence()
    flash.programmed = 0
    flash.erases = [0] * flash.sectors
    worst, store = 0, world.board.store

    def before_storing(name, data):
        nonlocal worst
        worst = max(worst, world.meter.state.energy_wh - kept[0])
        kept[0] = world.meter.state.energy_wh
        store(name, data)

    kept = [world.meter.state.energy_wh]
    world.board.store = before_storing
    world.run(world.now_s + DAYS * DAY_S)
    commits = world.meter.till.sequence() - start
    erases = sum(flash.erases)
    report(f"journal_bytes_{board}", unit="bytes/commit", value=flash.programmed / commits)
    report(
        f"journal_wear_{board}",
        unit="years",
        target=20,
        value=flash.years(DAYS),
        commits_per_day=commits / DAYS,
        erases_per_commit=erases / commits,
        most_erased=max(flash.erases),
        least_erased=min(flash.erases),
    )
    report(f"journal_worst_loss_{board}", unit="Wh", value=worst)


def _faults(board):
    """Faults built, mounted, recovered and judged per second on one core."""
    rates = []
    for first in range(3):
        tally = campaign.Tally()
        seconds = timed(lambda f=first, t=tally: t.add(campaign.campaign(board, f, 50, 0.05)))
        assert not tally.lost
        rates.append(tally.tried / seconds)
    report(f"journal_faults_{board}", unit="faults/s", **spread(rates))
