"""Planted defects of the books: each is put into a copy of the sources, and a test must notice it.

`python -m tests.cards.planted [N]` plants them all, or the one of that number. It exits 1 when a
defect goes unnoticed, or when its place is not there any more.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
OFFICE = "host/budgetmeter/office/"
PARTS = ("host", "protocol", "firmware", "tests", "boards", "examples", "pyproject.toml")

# What is wrong, where, what stands there, what is planted, and the tests that notice it.
DEFECTS = [
    ("the same reference is sold twice", OFFICE + "office.py",
     "                if paid is not None:", "                if paid is None:",
     "tests/host/test_withdraw.py"),
    ("what lapsed is settled for good", OFFICE + "settle.py",
     "deliveries.c.state.in_([OUT, LAPSED])", "deliveries.c.state.in_([OUT])",
     "tests/host/test_read_port.py"),
    ("a report of before a request is fresh", OFFICE + "reports.py",
     "if same is None or same.at_s == reading.at_s:", "if False:",
     "tests/cases/test_freshness.py"),
    ("after a restore nobody waits", OFFICE + "office.py",
     "if taken.restored_s is not None and order.kind != Kind.CLOCK:", "if False:",
     "tests/host/test_withdraw.py tests/host/test_read_port.py"),
    ("counters do not rise to what a report proves", OFFICE + "restore.py",
     "{\"last_number\": number, ", "{",
     "tests/cases/test_restore.py tests/cards/test_office_lives.py"),
    ("an older request is sealed after a later one", OFFICE + "later.py",
     "connection.execute(items.update().where(there).values(cancelled=True, **values))", "pass",
     "tests/cases/test_settings.py"),
    ("a right is the meter's, not the customer's", OFFICE + "judge.py",
     "return contract[\"customer\"] if contract else", "return",
     "tests/host/test_withdraw.py"),
    ("who moves in gets the rights of who left", OFFICE + "later.py",
     "row.kind in RIGHTS and", "False and",
     "tests/host/test_clerks.py"),
    ("a replaced meter leaves its hold behind", OFFICE + "rights.py",
     "if m.hold_until > now:", "if False:",
     "tests/host/test_replaced.py"),
    ("the key of a meter is lost with the books", OFFICE + "restore.py",
     "\"key_revision\": revision}", "}",
     "tests/host/test_replaced.py"),
    ("a second office ends the locks of the first", OFFICE + "database.py",
     "os.O_RDWR | os.O_CREAT | os.O_EXCL", "os.O_RDWR | os.O_CREAT",
     "tests/host/test_clerks.py"),
    ("a superseded order counts as taken", OFFICE + "settle.py",
     "state = SUPERSEDED if reading.came_late(order.order_id) else TAKEN", "state = TAKEN",
     "tests/cases/test_settings.py"),
    ("no place is kept for what is not money", OFFICE + "books.py",
     "MOST_MONEY = layout.MOST_TOKENS - 2", "MOST_MONEY = layout.MOST_TOKENS",
     "tests/cards/test_slot.py tests/cases/test_limits.py"),
    ("reading keeps writers out", OFFICE + "database.py",
     "if not connection.get_execution_options().get(_WRITES):", "if False:",
     "tests/host/test_books.py"),
    ("PostgreSQL's transactions see each other half", OFFICE + "database.py",
     "{\"isolation_level\": \"SERIALIZABLE\"}", "{\"isolation_level\": \"READ COMMITTED\"}",
     "tests/cases/test_two_clerks.py"),
    ("a new key is added to an old copy of the file", OFFICE + "keys.py",
     "            self.refresh()\n            yield", "            yield",
     "tests/cases/test_keys.py"),
    ("a report without its tag settles", OFFICE + "reports.py",
     "if not layout.report_genuine(held, key):", "if False:",
     "tests/host/test_read_port.py"),
    ("two processes write into one meter", "host/budgetmeter/emulator/folder.py",
     "        lock.acquire(blocking=False)\n", "        pass\n",
     "tests/cases/test_two_writers.py"),
    ("what expired is taken while the clock is uncertain", "firmware/meterfw/tokens/gateway.py",
     "if self._expiry > 0 and uncertain and", "if False and",
     "tests/cases/test_expiry.py tests/firmware/unit/store"),
    ("a void payment that was taken counts as refunded", OFFICE + "settle.py",
     "state=TAKEN if i in counted else VOID", "state=VOID",
     "tests/host/test_withdraw.py tests/cards/test_office_lives.py"),
    ("a campaign stops at a bad row", OFFICE + "pending.py",
     "                batch.skipped.append((row[\"meter\"], str(error)))", "                raise",
     "tests/host/test_bad_rows.py"),
    ("a report of before its token settles an order", OFFICE + "settle.py",
     "            continue  # it was made before the token", "            pass",
     "tests/host/test_read_port.py"),
    ("of two tokens of an order only the last counts", OFFICE + "settle.py",
     "    own, closing = _numbers(connection, order)",
     "    own, closing = {order.number}, {order.closing}",
     "tests/host/test_withdraw.py"),
    ("a kind waits no longer for fresh data", OFFICE + "pending.py",
     "        *(Kind.SUPPORT, Kind.AID),", "        *(Kind.SUPPORT,),",
     "tests/cards/test_terminal.py"),
    ("paid arrears are not money of the meter", "protocol/meterproto/kinds.py",
     "if row.effect is Effect.ADDS)", "if row.setting == \"credit\")",
     "tests/host/test_orders.py"),
]  # fmt: skip


def plant(defect, folder):
    """Put one defect into a copy; whether a test notices it.

    :raises ValueError: what it replaces does not stand there
    """
    _, name, old, new, tests = defect
    path = folder / name
    whole = path.read_text("utf-8")
    if whole.count(old) != 1:
        raise ValueError(f"{name}: {old!r} stands there {whole.count(old)} times")
    path.write_text(whole.replace(old, new), "utf-8")
    roots = os.pathsep.join(str(folder / part) for part in ("host", "protocol", "firmware", ""))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:xdist", "-p", "no:cacheprovider",
             *tests.split()],
            cwd=folder, env={**os.environ, "PYTHONPATH": roots}, check=False,
            capture_output=True, text=True,
        )  # fmt: skip
    finally:
        path.write_text(whole, "utf-8")
    return done.returncode == 1, done.stdout


def main():
    chosen = [DEFECTS[int(sys.argv[1])]] if len(sys.argv) > 1 else DEFECTS
    missed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                ignored = shutil.ignore_patterns("node_modules", "__pycache__")
                shutil.copytree(source, folder / part, ignore=ignored)
            else:
                shutil.copy(source, folder / part)
        for defect in chosen:
            noticed, told = plant(defect, folder)
            failed = [line for line in told.splitlines() if line.startswith(("FAILED", "ERROR"))]
            by = failed[0].split()[1] if failed else told[-300:]
            print(f"{'noticed' if noticed else 'MISSED'}: {defect[0]}: {by}", flush=True)
            missed += not noticed
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
