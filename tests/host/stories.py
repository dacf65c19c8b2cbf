"""What each shipped scenario came to: it runs once in a process, for all tests that look at it."""

from functools import cache
from typing import Any

from budgetmeter import scenario


@cache
def told(name: str) -> tuple[Any, Any, Any]:
    """A shipped scenario as it was loaded, its world, and the expectations that failed."""
    loaded = scenario.load(name)
    return loaded, *scenario.run(loaded)
