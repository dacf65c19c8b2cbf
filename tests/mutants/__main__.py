"""`python -m tests.mutants [SHARE] [MODULE …]`: try mutants, and list those no test notices.

SHARE is a part such as 1/20: every twentieth mutant. What is known to change nothing stands in
`equivalent.toml` with its reason, and is not counted.
"""

import sys
import time
from fractions import Fraction
from pathlib import Path

from tests.mutants import known, trial
from tests.mutants.change import Mutant, mutants
from tests.mutants.reach import SUITES, Reach, Suite, within

MODULES = (
    "account.rules",
    "account.orders",
    "tokens.gateway",
    "tokens.memory",
    "tokens.settings",
    "tokens.till",
    "card.slot",
    "card.report",
    "store.journal",
    "store.captures",
    "store.log",
    "meter",
    "start",
    "timekeeper",
)
TARGET_PCT = 97
MOST_S = 10  # of tests for one mutant; more tests than that are not asked


class Campaign:
    """Tries the mutants of modules on the tests of a suite.

    :ivar tried: mutants
    :ivar lived: those that no test has noticed
    """

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._reach = Reach(suite)
        self._killers: dict[str, list[str]] = {}  # by function, the latest first
        self.tried = self.lived = 0
        print(f"{len(self._reach.seconds)} tests")

    def module(self, name: str, share: Fraction) -> None:
        """Try a share of the mutants of a module, and say what came of it."""
        path = trial.source(f"meterfw.{name}")
        every = mutants(f"meterfw.{name}", path.read_text("utf-8"))
        chosen = [every[int(i / share)] for i in range(int(len(every) * share))]
        counted = [mutant for mutant in chosen if not known.equivalent(mutant)]
        begun = time.monotonic()
        survivors = [mutant for mutant in counted if not self._noticed(mutant, path)]
        self.tried, self.lived = self.tried + len(counted), self.lived + len(survivors)
        print(
            f"{name}: {len(counted) - len(survivors)} of {len(counted)} noticed, "
            f"{len(chosen) - len(counted)} change nothing, {time.monotonic() - begun:.0f} s",
            flush=True,
        )
        for mutant in survivors:
            print(f"  not noticed: {mutant}", flush=True)

    def _noticed(self, mutant: Mutant, path: Path) -> bool:
        """Whether a test notices it; those that noticed another one of its function come first."""
        killers = self._killers.setdefault(mutant.function, [])
        reaching = self._reach.tests(path, mutant.line)
        first = [test for test in killers if test in reaching]
        tests, seconds = [], 0.0
        for test in [*first, *(test for test in reaching if test not in first)]:
            seconds += self._reach.seconds[test]
            if seconds > MOST_S and tests:
                break
            tests.append(test)
        name = tests and trial.noticed(mutant, self._suite, tests, seconds)
        if name in reaching:
            killers[:] = [name, *(test for test in killers if test != name)]
        return bool(name)


def main(share: Fraction, modules: tuple[str, ...]) -> int:
    """Try them; 1 if fewer than TARGET_PCT are noticed."""
    status = []

    def work(suite: Suite) -> None:
        campaign = Campaign(suite)
        for name in modules:
            campaign.module(name, share)
        noticed = campaign.tried - campaign.lived
        pct = 100 * noticed / max(campaign.tried, 1)
        print(f"{noticed:,} of {campaign.tried:,} mutants noticed, {pct:.1f} %")
        status.append(int(pct < TARGET_PCT))

    within(SUITES, work)
    return status[0]


if __name__ == "__main__":
    given = sys.argv[1:]
    part = Fraction(given.pop(0)) if given and "/" in given[0] else Fraction(1)
    sys.exit(main(part, tuple(given) or MODULES))
