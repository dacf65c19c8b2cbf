"""Two processes that add a vending key to one file, and a key in force that is lost so.

The key file is read again, checked and replaced under a lock. A key that the books know is never
lost, so many calls make so many revisions, and an office that was open all the time goes on.
"""

import json
import multiprocessing
from contextlib import suppress

import pytest
from budgetmeter import orders
from budgetmeter.errors import InputError
from budgetmeter.office.keys import KeyFile
from budgetmeter.office.office import Office
from meterproto import tokens

METER = 123_456_789
TOP_UP = orders.read("top-up", {"amount": "20.00"})
KEY_CHANGE = orders.read("key-change", {})


@pytest.fixture
def opened(tmp_path):
    """Opens the office: each call reads key file and books as another process does."""
    path = tmp_path / "vending.key"
    KeyFile.create(path)
    made = []

    def another():
        made.append(Office(f"sqlite:///{tmp_path}/vending.db", KeyFile(path)))
        return made[-1]

    first = another()
    first.begin()
    first.add_meter(METER, "wallonia-card")
    yield another
    for office in made:
        office.engine.dispose()


def kept(path):
    """The keys in the file, by revision as text."""
    return json.loads(path.read_text())["vending_keys"]


def test_a_key_in_force_outlives_a_new_key_made_with_an_older_copy(opened, tmp_path):
    one, other = opened(), opened()
    one.new_key()
    one.issue(METER, KEY_CHANGE)
    before = kept(tmp_path / "vending.key")
    try:
        other.new_key()
    except InputError:
        assert kept(tmp_path / "vending.key") == before
    assert kept(tmp_path / "vending.key")["2"] == before["2"]


def test_after_two_new_keys_at_once_the_meter_can_still_be_sold_to(opened):
    one, other = opened(), opened()
    one.new_key()
    one.issue(METER, KEY_CHANGE)
    with suppress(InputError):
        other.new_key()
    try:
        token = opened().issue(METER, TOP_UP)
    except InputError as error:
        pytest.fail(f"nothing can be sold any more: {error}")
    assert tokens.genuine(token.token, opened().keys.meter_key(METER, 2))


def _new_key(url, path, barrier, results):
    office = Office(url, KeyFile(path))
    barrier.wait()  # all have read the file before one replaces it
    try:
        results.put(office.new_key())
    except InputError as error:
        results.put(str(error))


def test_so_many_processes_make_so_many_revisions(opened, tmp_path):
    count = 3
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(count), context.Queue()
    url, path = str(opened().engine.url), tmp_path / "vending.key"
    workers = [
        context.Process(target=_new_key, args=(url, path, barrier, results)) for _ in range(count)
    ]
    for worker in workers:
        worker.start()
    made = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert sorted(map(str, made)) == ["2", "3", "4"]
    assert sorted(kept(path)) == ["1", "2", "3", "4"]


def test_an_open_office_goes_on_with_a_key_made_beside_it(opened):
    running, beside = opened(), opened()
    assert running.issue(METER, TOP_UP).number == 1
    beside.new_key()
    beside.issue(METER, KEY_CHANGE)
    try:
        token = running.issue(METER, TOP_UP)
    except InputError as error:
        pytest.fail(f"the open office sells nothing any more: {error}")
    assert tokens.genuine(token.token, beside.keys.meter_key(METER, 2))
    assert running.new_key() == 3


def test_a_key_file_that_others_added_to_is_read_again_before_a_key_is_added(tmp_path):
    first = KeyFile.create(tmp_path / "vending.key")
    second = KeyFile(tmp_path / "vending.key")
    assert first.add_revision() == 2
    assert second.add_revision() == 3
    assert KeyFile(tmp_path / "vending.key").fingerprint(2) == first.fingerprint(2)
