"""`python -m tests.mutants [SHARE] [MODULE …]`: try mutants, and list those no test notices.

SHARE is a part such as 1/20: every twentieth mutant. What is known to change nothing stands in
`equivalent.toml` with its reason, and is not counted.
"""

import sys
import time
from fractions import Fraction
from pathlib import Path

import meterfw

from tests.mutants import known, trial
from tests.mutants.change import mutants
from tests.mutants.reach import Reach

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


def main(share: Fraction, modules: tuple[str, ...]) -> int:
    """Try them; 1 if fewer than TARGET_PCT are noticed."""
    reach = Reach(Path(meterfw.__file__).parent)
    print(f"{len(reach.seconds)} tests")
    tried = lived = 0
    for name in modules:
        module = f"meterfw.{name}"
        path = trial.source(module)
        every = mutants(module, path.read_text("utf-8"))
        chosen = [every[int(i / share)] for i in range(int(len(every) * share))]
        chosen = [mutant for mutant in chosen if not known.equivalent(mutant)]
        begun = time.monotonic()
        survivors = [each for each in chosen if not _noticed(each, path, reach)]
        tried, lived = tried + len(chosen), lived + len(survivors)
        print(
            f"{name}: {len(chosen) - len(survivors)} of {len(chosen)} noticed, "
            f"{time.monotonic() - begun:.0f} s",
            flush=True,
        )
        for mutant in survivors:
            print(f"  not noticed: {mutant}", flush=True)
    pct = 100 * (tried - lived) / max(tried, 1)
    print(f"{tried - lived:,} of {tried:,} mutants noticed, {pct:.1f} %")
    return int(pct < TARGET_PCT)


def _noticed(mutant, path: Path, reach: Reach) -> bool:
    tests, left = [], trial.MOST_S
    for test in reach.tests(path, mutant.line):
        left -= reach.seconds[test]
        if left < 0 and tests:
            break
        tests.append(test)
    return bool(tests) and trial.noticed(mutant, tests)


if __name__ == "__main__":
    given = sys.argv[1:]
    part = Fraction(given.pop(0)) if given and "/" in given[0] else Fraction(1)
    sys.exit(main(part, tuple(given) or MODULES))
