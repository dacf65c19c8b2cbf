"""Timing that several benchmarks share."""

import json
import time
from statistics import median


def timed(work):
    """Seconds `work()` takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def report(name, **figures):
    """Print one figure as a JSON line."""
    rounded = {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in figures.items()}
    print(json.dumps({"bench": name, **rounded}), flush=True)


def spread(values):
    """Median, least and greatest of several runs."""
    return {"median": median(values), "min": min(values), "max": max(values)}
