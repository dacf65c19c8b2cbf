"""The database of an office: how it is opened, and how a transaction is run on it.

What reads begins plain and never waits for a writer. What writes is one whole: on SQLite it has the
file for itself (`BEGIN IMMEDIATE`), on other databases it is serializable and tried again when it
met another.
"""

import os
import random
import sqlite3
import time
from contextlib import suppress

import sqlalchemy as sa
from sqlalchemy import event, exc

from budgetmeter.errors import InputError

PATIENCE_S = 60  # how long a transaction waits for, or is tried against, others
LONGEST_PAUSE_S = 0.25
LONGEST_NAP_S = 0.005  # between two looks at whether an SQLite file is free
MET_ANOTHER = {"40001", "40P01"}  # serialization failure, deadlock
DUPLICATE = "23505"  # may be the same in disguise: tried again a few times
_DUPLICATE_TRIES = 3
_WRITES = "budgetmeter_writes"  # execution option of a connection


class Database:
    """An engine and its two kinds of transaction.

    :param url: as SQLAlchemy writes it
    :raises InputError: an unusable URL
    """

    def __init__(self, url):
        self.url = url
        self.engine = _engine(url)
        self.sqlite = self.engine.dialect.name == "sqlite"

    @property
    def name(self):
        """The URL without its password."""
        return shown(self.engine.url)

    @property
    def file(self):
        """The file of an SQLite database; "" for one in memory, None for another database."""
        if not self.sqlite:
            return None
        file = self.engine.url.database or ""
        return "" if file == ":memory:" or file.startswith("file:") else file

    def guard(self, work):
        """Run database work, its failures as one line.

        :raises InputError: when the database fails
        """
        try:
            return work()
        except exc.SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise InputError(f"database: {self._without_password(reason)}") from None

    def _without_password(self, text):
        password = self.engine.url.password
        return text.replace(password, "***") if password else text

    def read(self, work):
        """Run `work(connection)` on the books as they are now; writers go on meanwhile."""
        level = {} if self.sqlite else {"isolation_level": "REPEATABLE READ"}

        def whole():
            with self.engine.connect().execution_options(**level) as connection:
                return work(connection)

        return self.guard(whole)

    def write(self, work):
        """Run `work(connection)` as one transaction; it may run again when it met another."""
        level = {_WRITES: True} if self.sqlite else {"isolation_level": "SERIALIZABLE"}

        def whole():
            with (
                self.engine.connect().execution_options(**level) as connection,
                connection.begin(),
            ):
                return work(connection)

        return self.guard(lambda: self._again(whole))

    def _again(self, whole):
        end, tries, duplicates = time.monotonic() + PATIENCE_S, 0, 0
        while True:
            try:
                return whole()
            except exc.DBAPIError as error:
                code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
                duplicates += code == DUPLICATE
                met = code in MET_ANOTHER or (code == DUPLICATE and duplicates < _DUPLICATE_TRIES)
                if not met or time.monotonic() > end:
                    raise
            time.sleep(random.uniform(0, min(0.002 * 2**tries, LONGEST_PAUSE_S)))
            tries = min(tries + 1, 16)


def shown(url):
    """A database URL as it may be printed: neither its password nor its query.

    :param url: text, or a URL of SQLAlchemy
    """
    try:
        parsed = sa.make_url(url)
    except (exc.ArgumentError, ValueError):
        return _behind_the_password(str(url))
    if _misread(parsed):
        return _behind_the_password(str(url))
    plain = parsed.set(query={})
    return plain.render_as_string(hide_password=True)


def _misread(parsed):
    """Whether part of a password was read as host or database."""
    return bool(parsed.host) and "@" in f"{parsed.host}{parsed.database}"


def _behind_the_password(text):
    """Of what is no URL: its scheme, and what stands after the last @, where a password ends."""
    scheme, mark, rest = text.partition("://")
    if not mark:
        scheme, rest = "", text
    return f"{scheme}{mark}{rest.rpartition('@')[2].partition('?')[0]}"


def _engine(url):
    try:
        if _misread(sa.make_url(url)):
            hint = "write @ and / of a password as %40 and %2F"
            raise InputError(f"{shown(url)}: not a database URL: {hint}")
        engine = sa.create_engine(url)
    except ImportError as error:
        needs = f"needs the Python package {error.name}, which is not installed"
        raise InputError(f"{shown(url)}: {needs}") from None
    except exc.NoSuchModuleError as error:
        raise InputError(f"{shown(url)}: {str(error).splitlines()[0]}") from None
    except (exc.ArgumentError, ValueError):
        raise InputError(f"{shown(url)}: not a database URL") from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _begin_sqlite(connection):
    if not connection.get_execution_options().get(_WRITES):
        connection.exec_driver_sql("BEGIN")
        return
    # SQLite's own waiting sleeps ever longer, and who sells would find the file taken again.
    end = time.monotonic() + PATIENCE_S
    connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    while True:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            break
        except exc.OperationalError as error:
            busy = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > end:
                raise
        time.sleep(random.uniform(0, LONGEST_NAP_S))
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {PATIENCE_S * 1000}")


def _prepare_sqlite(connection, _record):
    connection.isolation_level = None  # transactions begin by our own BEGIN
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {PATIENCE_S * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def keep_private(file):
    """Make a database file for its owner alone, before anything is in it; SQLite's own files
    beside it take its mode.

    :param file: "" or None: there is none
    """
    if not file:
        return
    with suppress(OSError):  # what cannot be made is said by the database
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
        if os.stat(file).st_mode & 0o077:
            os.chmod(file, 0o600)
            for more in ("-wal", "-shm"):
                with suppress(FileNotFoundError):
                    os.chmod(file + more, 0o600)
