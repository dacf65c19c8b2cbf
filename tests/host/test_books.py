"""The database under the books: reading beside writing, and books of an earlier version."""

import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from budgetmeter import orders
from budgetmeter.errors import InputError
from budgetmeter.office import books, schema
from budgetmeter.office.database import shown
from budgetmeter.office.keys import KeyFile
from budgetmeter.office.office import Office
from budgetmeter.office.tables import metadata

from tests.host.test_vending import METER, TOP_UP, keys, office, url

__all__ = ["keys", "office", "url"]
OLD = Path(__file__).parents[1] / "fixtures" / "version-0.1"
HOLD, EMERGENCY, CARD, STATE, GAS = range(200_000_001, 200_000_006)


# ---- Transactions --------------------------------------------------------------------------------


def test_who_reads_blocks_nobody_and_sees_one_moment(office, url, keys):
    """While one office reads the whole books another one sells."""
    other = Office(url, keys)
    if office.database.sqlite:
        with other.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout = 1")

    def read(connection):
        before = len(connection.execute(sa.text("SELECT * FROM tokens")).all())
        other.issue(METER, TOP_UP)
        return before, len(connection.execute(sa.text("SELECT * FROM tokens")).all())

    assert office.reading(read) == (0, 0)
    assert len(office.tokens(METER)) == 1
    other.engine.dispose()


def test_seconds_beyond_2068_are_kept(office):
    late = 2**31 + 5
    office.add_meter(7, "wallonia-card", since_s=late)
    assert office.reading(lambda c: books.mode_at(c, 7, late)) is not None
    assert office.reading(lambda c: books.mode_at(c, 7, late - 1)) is None


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://clerk:s3cret@db.example/vending",
        "sqlite:////nowhere/x.db?password=s3cret",
        "postgresql://clerk:s3cret@db.example:port/vending?sslpassword=s3cret",
    ],
)
def test_a_url_is_shown_without_its_secrets(text):
    assert "s3cret" not in shown(text)


# ---- Books of version 0.1 ------------------------------------------------------------------------


@pytest.fixture
def old(tmp_path):
    """A copy of the books that version 0.1 wrote, and of its keys."""
    for name in ("vending.db", "vending.key"):
        shutil.copy(OLD / name, tmp_path / name)
    (tmp_path / "vending.key").chmod(0o600)
    return tmp_path


COUNTED = {"audit": "id", "cards": "card", "items": "item"}  # what PostgreSQL counts itself


def opened(folder):
    return Office(f"sqlite:///{folder}/vending.db", KeyFile(folder / "vending.key"), create=False)


def rows(file, query):
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(query).fetchall()


def test_old_books_are_copied_then_migrated(old):
    before = rows(old / "vending.db", "SELECT meter, number, token FROM tokens")
    office = opened(old)
    assert office.reading(schema.version) == schema.VERSION
    kept = old / "vending.db.version-1"
    assert rows(kept, "SELECT meter, number, token FROM tokens") == before
    assert "schema" not in {name for (name,) in rows(kept, "SELECT name FROM sqlite_master")}
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE((old / "vending.db").stat().st_mode) == 0o600
    found = [(t["meter"], t["number"], t["token"]) for m in range(HOLD, GAS + 1)
             for t in office.tokens(m)]  # fmt: skip
    assert found == before
    assert office.issue(HOLD, TOP_UP).number == 5
    office.engine.dispose()


def test_migrated_books_are_like_new_ones(old, tmp_path):
    """The same tables, columns and indexes as books that begin today."""
    migrated = opened(old)
    fresh = Office(f"sqlite:///{tmp_path}/new.db")
    shapes = []
    for one in (migrated, fresh):
        inspector = sa.inspect(one.engine)
        shapes.append(
            {
                name: (
                    {column["name"] for column in inspector.get_columns(name)},
                    {index["name"] for index in inspector.get_indexes(name)},
                )
                for name in metadata.tables
            }
        )
        one.engine.dispose()
    assert shapes[0] == shapes[1]


def test_money_of_old_books_is_all_there(old):
    """Typed tokens, which no table had on its way, are on their way now."""
    office = opened(old)

    def money(meter):
        return office.reading(lambda c: books.money(c, meter))

    assert money(HOLD) == (3_000_000, 0, 0)  # 20 and 10 EUR; no report of that meter ever came
    assert money(EMERGENCY) == (6_500_000, 0, 0)
    assert sum(money(CARD)) == (20 + 5 + 50) * 100_000
    office.engine.dispose()


def test_a_migration_that_fails_leaves_the_books_as_they_were(old, monkeypatch):
    monkeypatch.setattr(schema, "_STEPS", [[*schema._STEPS[0], "UPDATE nowhere SET x = 1"]])
    with pytest.raises(InputError, match="no such table: nowhere"):
        opened(old)
    names = {name for (name,) in rows(old / "vending.db", "SELECT name FROM sqlite_master")}
    assert "schema" not in names
    assert "areas" not in names
    monkeypatch.undo()
    opened(old).engine.dispose()


def test_books_of_a_later_version_are_refused(old):
    office = opened(old)
    with office.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE schema SET version = 99")
    office.engine.dispose()
    with pytest.raises(InputError, match="books of version 99; known here is 2"):
        opened(old)


def test_old_books_on_postgresql_are_migrated_too(old, postgres_url):
    """The rows of version 0.1 in a database made by its statements."""
    engine = sa.create_engine(postgres_url)
    source = sqlite3.connect(old / "vending.db")
    source.row_factory = sqlite3.Row
    with engine.begin() as connection:
        for (text,) in source.execute("SELECT sql FROM sqlite_master WHERE sql LIKE 'CREATE TAB%'"):
            fitting = text.replace("DATETIME", "TIMESTAMPTZ").replace("BLOB", "BYTEA")
            for counted in COUNTED.values():
                fitting = fitting.replace(f"\t{counted} INTEGER NOT NULL", f"\t{counted} SERIAL")
            connection.exec_driver_sql(fitting)
        tables = [name for (name,) in source.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name = 'meters' DESC"
        )]  # fmt: skip
        for name in tables:
            for row in source.execute(f"SELECT * FROM {name}"):
                values = dict(row)
                for column in ("protected", "replaced", "cancelled", "on_card"):
                    if column in values:
                        values[column] = bool(values[column])
                names = ", ".join(values)
                marks = ", ".join(f":{key}" for key in values)
                connection.execute(
                    sa.text(f"INSERT INTO {name} ({names}) VALUES ({marks})"), values
                )
        for table, column in COUNTED.items():
            connection.exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), "
                f"greatest((SELECT max({column}) FROM {table}), 1))"
            )
    source.close()
    engine.dispose()
    office = Office(postgres_url, KeyFile(old / "vending.key"), create=False)
    assert office.reading(schema.version) == schema.VERSION
    assert office.reading(lambda c: books.money(c, HOLD)) == (3_000_000, 0, 0)
    assert office.issue(HOLD, TOP_UP).number == 5
    assert office.issue(GAS, orders.read("test", {})).order_id == 4  # three were reserved
    office.engine.dispose()
