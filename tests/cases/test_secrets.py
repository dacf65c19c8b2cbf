"""Secrets that anybody at the machine, or whoever reads an error message, gets to see.

No message repeats the password of a database. Books and meters, which hold keys and tokens, are
for their owner alone. A key-change token, from which whoever has the old key reads the new one, is
not shown once the meter has reported that it has it.
"""

import os
import stat

import pytest
from budgetmeter import orders
from budgetmeter.errors import InputError
from budgetmeter.office import database
from budgetmeter.office.office import Office

from tests.cards.counter import METER, Counter
from tests.command import installed as budgetmeter
from tests.emulate.process import Emulated
from tests.firmware.bench import executed

SECRET = "s3cret"


@pytest.mark.parametrize(
    "url",
    [
        f"nosuch://clerk:{SECRET}@db.example/vending",
        f"mysql://clerk:{SECRET}@db.example/vending",
        f"postgresql://clerk:{SECRET}@db.example:port/vending",
        f"sqlite:////nowhere/x.db?password={SECRET}",
        f"postgresql+psycopg://clerk:{SECRET}@127.0.0.1:1/vending",
    ],
    ids=["dialect", "driver", "port", "query", "nobody-there"],
)
@pytest.mark.filterwarnings("ignore:Query string argument")
def test_no_message_repeats_a_password(cli, url):
    done = cli("office", "log", "--db", url)
    assert done.returncode == 2
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "url",
    [
        f"clerk:{SECRET}@db.example/vending",
        f"postgresql:clerk:{SECRET}@db.example/vending",
        f"postgresql://clerk:12/{SECRET}@db.example/vending",
        f"postgresql://clerk:s3/{SECRET}@db.example/vending",
        f"postgresql+psycopg://clerk:@{SECRET}@127.0.0.1:1/vending",
        f"postgresql+psycopg://127.0.0.1:1/vending?password={SECRET}",
    ],
)
def test_no_misspelt_url_is_shown_with_its_password(url):
    assert SECRET not in database.shown(url)
    with pytest.raises(InputError) as refused:
        Office(url, create=False)
    assert SECRET not in str(refused.value)


def test_a_database_without_books_is_named_without_its_password(tmp_path, postgres_url):
    """This server lets in its own user whatever password comes with the name."""
    url = postgres_url.replace("postgres:@", f"postgres:{SECRET}@")
    assert SECRET in url
    done = budgetmeter("office", "log", "--db", url, cwd=tmp_path)
    assert "no vending office there" in done.error
    assert SECRET not in done.said + done.error


# ---- Files -------------------------------------------------------------------------------------


@pytest.fixture
def umask():
    """The usual one, which lets everybody read."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def open_to_others(path):
    """What at a path others can reach, with its mode."""
    found = [path, *path.rglob("*")]
    modes = {str(one.relative_to(path.parent)): one.stat().st_mode for one in found}
    return {name: stat.filemode(mode) for name, mode in modes.items() if mode & 0o077}


@pytest.mark.parametrize("name", ["vending.db", "m", "st"])
def test_books_and_meters_are_for_their_owner_alone(umask, cli, tmp_path, name):
    if name == "m":
        assert cli("card", "insert", "a.card", "--meter-dir", "m").returncode == 0
    if name == "st":
        with Emulated("--state", "st", "--key", "vending.key"):
            pass
    assert open_to_others(tmp_path / name) == {}


# ---- Keys --------------------------------------------------------------------------------------


def test_a_key_change_is_not_shown_once_the_meter_has_the_key():
    counter = Counter().enrol()
    counter.keys.add_revision()
    change = counter.office.issue(METER, orders.read("key-change", {}))
    assert counter.office.show(METER, change.number) == change  # lost on its way: shown again
    assert executed(counter.meter.enter(change.token))
    counter.insert()
    assert counter.pay().reading.head.key_revision == 2
    with pytest.raises(InputError):
        counter.office.show(METER, change.number)
