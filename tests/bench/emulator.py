"""Four months of measured minutes through the whole emulator, from reading the file on."""

from budgetmeter import scenario

from tests.bench.measure import report, spread, timed

RUNS = 3


def main():
    """Seconds for the main job: meter, virtual board, household, trace."""
    seconds = [timed(lambda: scenario.run(scenario.load(scenario.DEFAULT))) for _ in range(RUNS)]
    report("emulator_four_months", unit="s", target=10, **spread(seconds))
