"""The program under test: which customers should be warned?"""

from budgetmeter.client import Meter

WARN_BELOW = 5  # EUR


def to_warn(urls):
    """Serial numbers of the meters at these URLs with little credit left."""
    numbers = []
    for url in urls:
        with Meter(url) as meter:
            if meter.status().balance < WARN_BELOW:
                numbers.append(meter.identify().meter)
    return numbers
