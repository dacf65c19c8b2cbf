"""Cutting everywhere: every fault of a story, judged, and every fault of its recovery.

`python -m tests.faults.campaign` tries all of depth 1 and 2 on all cores and prints how many faults
were tried and how many lost anything. A loss names the board, the cut and, at depth 2, the second
cut; the same three replay it: `python -m tests.faults.campaign rp2040 17:half 3:whole`.
"""

import itertools
import multiprocessing
import random
import sys
import time
from dataclasses import dataclass, field
from functools import cache

from budgetmeter.emulator import VirtualBoard
from budgetmeter.emulator.nor import BOARDS, LittleFiles, Nor
from meterfw import layouts
from meterfw.account import record
from meterfw.meter import Meter
from meterfw.store.journal import NEW, REPAIRED, WHOLE, Journal, Ledger
from meterproto.codes import TokenReason, TokenStatus
from rich.console import Console
from rich.progress import Progress

from tests.faults.images import Fault, image_of, images
from tests.faults.story import METER, SECTORS, Teller, credited, kept
from tests.firmware.support import conserved

SLICES = 200  # of each board, the unit of work of `make faults`
SPENT = (TokenReason.USED, TokenReason.KEY_REVISION)
_STATE = len(record.pack(record.State(), layouts.STATE_FORMAT, layouts.STATE_FIELDS))
_ACCOUNT = len(kept(Ledger()))
BOOKS = (
    *("credit", "emergency_used", "arrears", "remainder"),
    *("credited_eur", "credited_mc", "charged_eur", "charged_mc", "settled_eur", "settled_mc"),
    *("energy_wh", "limited_wh", "unbilled_wh"),
)


class Lost(AssertionError):
    """A fault that lost or doubled something, or from which the meter does not come up."""


@dataclass
class Tally:
    """Faults tried, and what was lost."""

    tried: int = 0
    lost: list = field(default_factory=list)

    def add(self, other):
        """Count another tally's too."""
        self.tried += other.tried
        self.lost += other.lost

    def attempt(self, name, judge, *arguments):
        """Judge one fault; what `judge` returns, None after a loss."""
        self.tried += 1
        try:
            return judge(*arguments)
        except Lost as error:
            self.lost.append(f"{name}: {error}")
            return None

    def __str__(self):
        return f"{self.tried:,} faults tried, {len(self.lost)} lost"


@cache
def story(board):
    """The story on a board's geometry."""
    return Teller(board).tell()


# Judging one image


def judge(tale, cut, image):
    """Start a meter from what a cut in operation `cut` left, and check every promise.

    Returns what recovery did to the flash, as operations.

    :raises Lost: naming what is wrong
    """
    how, found, log, meter, flash = _start(tale, image)
    recovery, flash.operations = flash.operations, None
    allowed = [commit.kept for commit in _around(tale, cut)]
    if how == NEW:
        if tale.commits[0].end <= cut:
            raise Lost("a commit is forgotten: starts as new")
        return recovery
    if kept(found) + log.pack() not in allowed:
        raise Lost("neither the last commit nor the one that was cut")
    m = meter.state
    if not conserved(m):
        raise Lost("the books do not add up")
    if m.energy_wh < found.state.energy_wh:
        raise Lost("a register ran back")
    if found.memory.lock_level and meter.gateway.locked_ms < 60_000:
        raise Lost("the lock-out is looser")
    if m.limiter_engaged < found.state.limiter_engaged:
        raise Lost("the limiter is looser")
    _judge_tokens(tale, cut, meter)
    return recovery


def judge_again(tale, cut, image):
    """The same after a second cut, in the recovery from one in operation `cut`.

    :raises Lost: naming what is wrong
    """
    how, found, _, meter, _ = _start(tale, image)
    if how == NEW and tale.commits[0].end > cut:
        return
    if not conserved(found.state) or not conserved(meter.state):
        raise Lost("the books do not add up")
    if not any(_continues(commit.kept, found) for commit in _around(tale, cut)):
        raise Lost("not the account that was recovered")
    _judge_tokens(tale, cut, meter)


def _start(tale, image):
    """A meter started from an image, with the ledger and log it found, on recording flash."""
    try:
        flash = Nor(SECTORS, image)
        board = VirtualBoard(tale.now_s // 60, LittleFiles(flash, tale.geometry))
        found, journal = Ledger(), Journal(board)
        how = journal.load(METER, found)
        flash.operations = []
        meter = Meter(board)
    except OSError as error:
        raise Lost(f"does not come up: {error}") from error
    if how not in (NEW, WHOLE, REPAIRED):
        raise Lost("the account is lost")
    return how, found, journal.log, meter, flash


def _around(tale, cut):
    """The last commit before a cut and the one that was cut, where there is one."""
    done = sum(commit.end <= cut for commit in tale.commits)
    return tale.commits[max(done - 1, 0) : done + 1]


def _judge_tokens(tale, cut, meter):
    """What was answered is there once; what was not can be entered, and counts once in all."""
    meter.gateway.locked_ms = 0
    answered = [entered for entered in tale.entered if entered.end <= cut]
    if answered:
        _enter_again(meter, answered[-1], False)
    for entered in tale.entered:
        if entered.begin <= cut < entered.end:
            _enter_again(meter, entered, True)
            if credited(meter.state) != entered.credited:
                raise Lost("a token entered again does not count exactly once")


def _enter_again(meter, entered, may_execute):
    status, why = meter.enter(entered.token)
    if why not in SPENT and not (may_execute and status == TokenStatus.EXECUTED):
        raise Lost(f"a token entered again answers {TokenStatus(status).name}, {why}")


@cache
def _books(commit):
    """The books and token memory of what a commit kept."""
    state = record.State()
    record.unpack(state, commit[:_STATE], layouts.STATE_FORMAT, layouts.STATE_FIELDS)
    return _of(state), commit[_STATE:_ACCOUNT]


def _of(m):
    return [getattr(m, name) for name in BOOKS]


def _continues(commit, found):
    """Whether a ledger has the books, token memory and profile of a commit."""
    return _books(commit) == (_of(found.state), kept(found)[_STATE:])


# Campaigns


def campaign(board, first=0, step=1, share=1.0, tale=None):
    """Judge every `step`-th fault from `first` on, and of each recovery a seeded share of faults.

    :param share: 0 for depth 1 only, 1 for all of depth 2
    :param tale: another story than the board's own
    :returns: a `Tally`
    """
    tale = tale or story(board)
    tally = Tally()
    number = itertools.count()
    part = share**0.5  # of the recoveries, and of the faults in each

    def chosen(fault):
        return next(number) % step == first

    for fault, image in images(tale.start, tale.operations, chosen):
        name = f"{board} {fault}"
        begun = bytes(image)
        recovery = tally.attempt(name, judge, tale, fault.cut, image)
        chance = random.Random(name).random
        if recovery is None or chance() >= part:
            continue
        for again, second in images(begun, recovery, lambda _, chance=chance: chance() < part):
            tally.attempt(f"{name} {again}", judge_again, tale, fault.cut, second)
    return tally


def replay(board, first, second=None):
    """What a fault, and a second one in its recovery, does; both as printed."""
    tale, fault = story(board), Fault.parse(first)
    image = image_of(tale.start, tale.operations, fault)
    begun = bytes(image)
    tally = Tally()
    recovery = tally.attempt("cut", judge, tale, fault.cut, image)
    if second is not None and recovery is not None:
        again = image_of(begun, recovery, Fault.parse(second))
        tally.attempt("cut again", judge_again, tale, fault.cut, again)
    return tally


def _slice(task):
    return campaign(*task)


def main():
    """All of depth 1 and 2, or one replayed."""
    if len(sys.argv) > 2:
        try:
            tally = replay(*sys.argv[1:])
        except (LookupError, ValueError, TypeError) as error:
            sys.exit(f"not a fault of this story: {' '.join(sys.argv[1:])} ({error})")
        print(*tally.lost, tally, sep="\n")
        sys.exit(1 if tally.lost else 0)
    tasks = [(board, first, SLICES) for first in range(SLICES) for board in BOARDS]
    total, begin = Tally(), time.monotonic()
    with (
        multiprocessing.Pool() as pool,
        Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress,
    ):
        bar = progress.add_task("cutting", total=len(tasks))
        for tally in pool.imap_unordered(_slice, tasks):
            total.add(tally)
            for loss in tally.lost:
                print(f"LOST {loss}", flush=True)
            progress.update(bar, advance=1, description=str(total))
    print(f"{total}, {total.tried / (time.monotonic() - begin):.0f} a second")
    sys.exit(1 if total.lost else 0)


if __name__ == "__main__":
    main()
