"""`python -m tests.cards.campaign [N]`: N lives of `test_lives`, 2000 if left out."""

import sys

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.cards.test_lives import Ways

if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    chosen = settings(max_examples=count, stateful_step_count=40, deadline=None, database=None)
    run_state_machine_as_test(Ways, settings=chosen)
    print(f"{count} lives of 40 steps: nothing lost, nothing doubled")
