"""kill -9 under load, again and again on the same state: no money lost, none doubled.

`python -m tests.emulate.killed [ROUNDS [SEED]]`. Meters consume at many times real time while
tokens are entered as fast as they are answered; the process is killed at a random moment and
started again on what it left. Every token that was answered is there, once; the one that was under
way counts once, whether it is entered again or not; the books are equal, registers do not run back
by more than a commit interval.
"""

import random
import signal
import sys
import tempfile
import threading
import time
from decimal import Decimal

from budgetmeter.client import Meter, MeterError, TokenUsed
from budgetmeter.emulator import VirtualBoard
from budgetmeter.emulator.folder import Folder
from budgetmeter.emulator.world import METER, VENDING_KEY
from budgetmeter.issue import Issuer
from budgetmeter.testing import Vending
from meterfw.store.journal import NEW, WHOLE, Journal, Ledger
from meterfw.tokens.till import COMMIT_WH

from tests.emulate.process import Emulated
from tests.firmware.support import conserved

METERS = 3
LONGEST_S = 0.5  # of a life under load
PASS_WH = 5  # used in one pass of a second at 9 kW, rounded up
ARGUMENTS = ("--count", METERS, "--watts", 9000, "--speed", 600, "--start", "2020-06-02T12:00")


class Account:
    """What one meter must hold, from outside."""

    def __init__(self, number):
        self.number = number
        self.vending = Vending(Issuer(number, VENDING_KEY, derive=True))
        self.credited = Decimal(15)  # the reserve of its profile
        self.under_way = None  # entered, and no answer seen
        self.last = None  # token that was answered last
        self.energy_wh = 0  # seen last
        self.taken = 0

    def load(self, url):
        """Enter tokens until the meter is gone."""
        try:
            with Meter(url, timeout=10, tries=1) as meter:
                while True:
                    self.under_way = self.vending.top_up("0.10")
                    meter.enter(self.under_way.octets)
                    self._count()
                    self.energy_wh = meter.registers().energy_wh
        except MeterError:
            pass

    def _count(self):
        self.credited += Decimal("0.10")
        self.last, self.under_way = self.under_way, None
        self.taken += 1

    def check(self, url):
        """After a restart."""
        with Meter(url, timeout=10) as meter:
            registers = meter.registers()
            found = registers.credited - self.credited
            allowed = (0, Decimal("0.10")) if self.under_way else (0,)
            assert found in allowed, f"{found} EUR lost or doubled"
            back = self.energy_wh - registers.energy_wh
            assert back <= COMMIT_WH + PASS_WH, f"the register ran back by {back} Wh"
            if self.last is not None:
                self._must_be_used(meter, self.last)
            if self.under_way is not None:
                try:
                    meter.enter(self.under_way.octets)
                    assert found == 0, "a token was booked and taken again"
                except TokenUsed:
                    assert found != 0, "a token is spent and not booked"
                self._count()
                self._must_be_used(meter, self.last)
            registers = meter.registers()
            assert registers.credited == self.credited
            self.energy_wh = registers.energy_wh

    def audit(self, state):
        """The books as the killed process left them on disk."""
        ledger = Ledger()
        board = VirtualBoard(0, Folder(f"{state}/{self.number:09d}"))
        found = Journal(board).load(self.number, ledger)
        if found == NEW:
            assert self.taken == 0, "nothing is stored, and tokens were taken"
            return
        assert found == WHOLE, "a record is damaged"
        assert conserved(ledger.state), "the books are not equal"

    def _must_be_used(self, meter, token):
        try:
            meter.enter(token.octets)
        except TokenUsed:
            return
        raise AssertionError("a token was taken twice")


def run(rounds, seed, progress=None):
    """So many lives on one state; returns how many tokens were taken.

    :raises AssertionError: money lost or doubled, naming seed and round
    """
    rng = random.Random(seed)
    accounts = [Account(METER + i) for i in range(METERS)]
    with tempfile.TemporaryDirectory() as state:
        for life in range(rounds + 1):
            with Emulated(*ARGUMENTS, "--state", state) as emulated:
                for account in accounts:
                    account.check(emulated.urls[account.number])
                if life == rounds:
                    return sum(account.taken for account in accounts)
                threads = [
                    threading.Thread(target=a.load, args=(emulated.urls[a.number],))
                    for a in accounts
                ]
                for thread in threads:
                    thread.start()
                time.sleep(rng.uniform(0, LONGEST_S))
                emulated.end(signal.SIGKILL)
                for thread in threads:
                    thread.join()
            for account in accounts:
                account.audit(state)
            if progress is not None:
                progress(life + 1)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    print(f"killing {METERS} meters {rounds} times, seed {seed}", flush=True)

    def progress(done):
        print(f"\r{done}", end="", file=sys.stderr, flush=True)

    taken = run(rounds, seed, progress if sys.stderr.isatty() else None)
    print(f"{rounds} times killed, {taken} tokens taken: none lost, none doubled")


if __name__ == "__main__":
    main()
