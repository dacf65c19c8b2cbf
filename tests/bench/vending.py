"""Tokens issued by the office through SQLite, one transaction each, and in batches."""

import tempfile
from pathlib import Path

from budgetmeter import orders
from budgetmeter.office.keys import KeyFile
from budgetmeter.office.office import Office

from tests.bench.measure import report, spread, timed

RUNS = 3
COUNT = 300


def main():
    """Tokens per second, each on disk before it is handed out."""
    order = orders.read("top-up", {"amount": "20.00"})
    single, batched = [], []
    with tempfile.TemporaryDirectory() as folder:
        office = Office(f"sqlite:///{folder}/vending.db", KeyFile.create(Path(folder) / "key"))
        office.add_meter(1, "wallonia-card")
        for _ in range(RUNS):
            one_by_one = timed(lambda: [office.issue(1, order) for _ in range(COUNT)])
            single.append(COUNT / one_by_one)
            batched.append(COUNT / timed(lambda: office.issue_all(1, [order] * COUNT)))
        office.engine.dispose()
    report("tokens_issued_sqlite", unit="tokens/s", **spread(single))
    report("tokens_issued_sqlite_batch", unit="tokens/s", **spread(batched))
