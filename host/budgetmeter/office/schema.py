"""Books of an earlier version become books of this one: copied, then migrated in one transaction.

What the tables have got since (tables, columns, indexes) is added from their declaration. What it
means for old rows is said by one step for each version.
"""

import os
import sqlite3
from contextlib import closing

import sqlalchemy as sa

from budgetmeter.errors import InputError
from budgetmeter.office.tables import metadata, meters, schema

VERSION = 2  # 1: what release 0.1 wrote, without the table `schema`


def exists(database):
    """Whether there are books; looking does not make SQLite create a file."""
    if database.file and not os.path.exists(database.file):
        return False
    return sa.inspect(database.engine).has_table(meters.name)


def bring_up(database):
    """Make the tables, or bring those of an earlier version up to this one.

    :raises InputError: books of a later version
    """
    found = database.read(version) if database.guard(lambda: exists(database)) else None
    if found is not None and found > VERSION:
        raise InputError(
            f"{database.name}: books of version {found}; known here is {VERSION}: "
            "update budgetmeter"
        )
    if found is not None and found < VERSION and database.file:
        _copy(database.file, found)
    if found == VERSION:
        missing = database.guard(lambda: _missing(database.engine))
        if not missing:
            return
    database.write(_migrate)


def version(connection):
    """The version of the books; 0 where there are none."""
    inspector = sa.inspect(connection)
    if inspector.has_table(schema.name):
        return connection.execute(sa.select(schema.c.version)).scalar() or 1
    return 1 if inspector.has_table(meters.name) else 0


def _missing(engine):
    return set(metadata.tables) - set(sa.inspect(engine).get_table_names())


def copy_name(file, found):
    """Where the books of an earlier version are kept."""
    return f"{file}.version-{found}"


def _copy(file, found):
    """Keep a whole copy of the books, for their owner alone; an earlier copy stays."""
    target = copy_name(file, found)
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise InputError(f"{target}: {error.strerror}; the books are not migrated") from None
    with closing(sqlite3.connect(file)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def _migrate(connection):
    found = version(connection)
    if found in (0, VERSION):
        metadata.create_all(connection)
    if found == 0:
        connection.execute(schema.insert().values(version=VERSION))
    for step in _STEPS[found - 1 if found else len(_STEPS) :]:
        _add_missing(connection)
        for statement in step:
            only, text = statement if isinstance(statement, tuple) else (None, statement)
            if only in (None, connection.dialect.name):
                connection.exec_driver_sql(text)
    if 0 < found < VERSION:
        connection.execute(schema.delete())
        connection.execute(schema.insert().values(version=VERSION))


def _add_missing(connection):
    """Add the tables, columns and indexes that a database lacks."""
    metadata.create_all(connection)
    inspector = sa.inspect(connection)
    for table in metadata.sorted_tables:
        known = {column["name"] for column in inspector.get_columns(table.name)}
        for column in table.columns:
            if column.name not in known:
                text = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {text}")
        there = {index["name"] for index in inspector.get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in there:
                index.create(connection)


def _wider(table, column):
    """Seconds since 2000 pass 2^31 in 2068; SQLite's integers have 64 bits anyhow."""
    return ("postgresql", f"ALTER TABLE {table} ALTER COLUMN {column} TYPE BIGINT")


_FIRST = """(SELECT {0} FROM tokens t WHERE t.meter = deliveries.meter
  AND t.order_id = deliveries.order_id ORDER BY t.number LIMIT 1)"""

# What takes version 1 to 2, and so on. A pair is for one kind of database.
_STEPS = [
    [
        # Typed tokens were in no table of what is on its way.
        """INSERT INTO deliveries (meter, order_id, on_card, state, answer)
        SELECT DISTINCT t.meter, t.order_id, FALSE, 'out', 0 FROM tokens t
        WHERE NOT EXISTS (SELECT 1 FROM deliveries d
          WHERE d.meter = t.meter AND d.order_id = t.order_id)""",
        f"""UPDATE deliveries SET kind = {_FIRST.format("t.kind")},
        value = {_FIRST.format("t.value")}, second = {_FIRST.format("t.second")},
        expiry = {_FIRST.format("t.expiry")},
        number = (SELECT max(t.number) FROM tokens t WHERE t.meter = deliveries.meter
          AND t.order_id = deliveries.order_id)""",
        """UPDATE deliveries SET revision = (SELECT t.key_revision FROM tokens t
          WHERE t.meter = deliveries.meter AND t.number = deliveries.number)""",
        (
            "sqlite",
            f"""UPDATE deliveries SET at_s = CAST(strftime('%s', {_FIRST.format("t.at")})
            AS INTEGER) - 946681200""",
        ),
        (
            "postgresql",
            f"""UPDATE deliveries SET at_s =
            CAST(EXTRACT(EPOCH FROM {_FIRST.format("t.at")}) AS BIGINT) - 946681200""",
        ),
        # Who lives there and who is protected, since when is not known.
        "INSERT INTO points (point) SELECT meter FROM contracts",
        """INSERT INTO placements (meter, point, since_s)
        SELECT meter, meter, 0 FROM contracts""",
        """INSERT INTO periods (point, customer, kind, since_s)
        SELECT meter, customer, 'tenancy', 0 FROM contracts""",
        """INSERT INTO periods (point, customer, kind, since_s)
        SELECT meter, customer, 'protected', 0 FROM contracts WHERE protected""",
        # An order id is taken when the first token is sealed; what only waits has none.
        """UPDATE items SET order_id = 0 WHERE NOT EXISTS (SELECT 1 FROM tokens t
        WHERE t.meter = items.meter AND t.order_id = items.order_id)""",
        """UPDATE meters SET
        read_revision = coalesce((SELECT max(r.key_revision) FROM readings r
          WHERE r.meter = meters.meter), 0)""",
        """UPDATE meters SET
        read_sequence = coalesce((SELECT max(r.sequence) FROM readings r
          WHERE r.meter = meters.meter AND r.key_revision = meters.read_revision), 0)""",
        ("postgresql", "ALTER TABLE deliveries ALTER COLUMN state TYPE VARCHAR(12)"),
        *(
            _wider(*pair)
            for pair in (
                ("contracts", "judge_s"),
                ("contracts", "judge_until_s"),
                ("modes", "at_s"),
                ("items", "queued_s"),
                ("readings", "at_s"),
            )
        ),
    ],
]
