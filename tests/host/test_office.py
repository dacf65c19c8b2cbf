"""What must not lock an office out of its meters: lost tokens, foreign keys, missing books."""

import shutil

import pytest
from budgetmeter import orders
from budgetmeter.errors import InputError
from budgetmeter.office.keys import KeyFile
from budgetmeter.office.office import Office
from meterfw.tokens import till
from meterproto import tokens
from meterproto.codes import TokenReason

from tests.command import run as budgetmeter
from tests.firmware.bench import Bench, executed
from tests.firmware.support import mc

METER = 123_456_789
TOP_UP = orders.read("top-up", {"amount": "20.00"})
KEY_CHANGE = orders.read("key-change", {})


@pytest.fixture
def office(tmp_path):
    made = Office(f"sqlite:///{tmp_path}/vending.db", KeyFile.create(tmp_path / "vending.key"))
    made.begin()
    made.add_meter(METER, "wallonia-card")
    yield made
    made.engine.dispose()


@pytest.fixture
def bench(office):
    """A meter with the first key the office derives for it."""
    return Bench(key=office.keys.meter_key(METER, 1))


# ---- Lost key changes ----------------------------------------------------------------------------


def test_a_lost_key_change_is_printed_again(office, bench):
    office.new_key()
    lost = office.issue(METER, KEY_CHANGE)
    top_up = office.issue(METER, TOP_UP)
    assert bench.enter(top_up.token)[1] == TokenReason.KEY_REVISION
    with pytest.raises(InputError, match=f"token show {METER} {lost.number} prints its key change"):
        office.issue(METER, KEY_CHANGE)
    shown = office.show(METER, lost.number)
    assert shown == lost
    assert executed(bench.enter(shown.token))
    assert executed(bench.enter(top_up.token))
    assert bench.state.credit == mc(35)
    assert [row["action"] for row in office.log(METER)][-1] == "show"


def test_key_changes_lost_one_after_the_other_are_issued_again_under_their_old_keys(office, bench):
    lost = []
    for _ in range(3):
        office.new_key()
        lost.append(office.issue(METER, KEY_CHANGE))
    for change in lost:
        again = office.issue(METER, KEY_CHANGE, order_id=change.order_id)
        assert again.number > lost[-1].number
        assert executed(bench.enter(again.token))
        assert not executed(bench.enter(change.token))
    assert bench.meter.memory.key_revision == 4
    assert executed(bench.enter(office.issue(METER, TOP_UP).token))
    assert office.meter(METER)["key_revision"] == 4


def test_a_key_change_issued_again_needless_changes_nothing(office, bench):
    office.new_key()
    change = office.issue(METER, KEY_CHANGE)
    assert executed(bench.enter(change.token))
    again = office.issue(METER, KEY_CHANGE, order_id=change.order_id)
    assert bench.enter(again.token)[1] == TokenReason.KEY_REVISION
    assert bench.meter.gateway.locked_ms == 0
    assert executed(bench.enter(office.issue(METER, TOP_UP).token))


def test_a_meter_back_at_its_first_key_is_led_up_again_and_takes_nothing_twice(office, bench):
    """Journal and key file lost: the meter has the key it was flashed with."""
    office.new_key()
    change = office.issue(METER, KEY_CHANGE)
    bench.enter(change.token)
    spent = office.issue(METER, TOP_UP)
    assert executed(bench.enter(spent.token))
    bench.lose_store()
    bench.board.files["key"] = b"damaged"
    bench.restart()
    assert bench.enter(office.issue(METER, TOP_UP).token)[1] == TokenReason.KEY_REVISION
    again = office.issue(METER, KEY_CHANGE, order_id=change.order_id)
    assert executed(bench.enter(again.token))
    assert bench.enter(spent.token)[1] == TokenReason.USED
    repeated = office.issue(METER, TOP_UP, order_id=spent.order_id)
    bench.enter(repeated.token)
    assert bench.state.credit == 0
    assert executed(bench.enter(office.issue(METER, TOP_UP).token))
    assert bench.state.credit == mc(20)


def test_tokens_of_before_a_key_change_die_with_it_and_their_orders_do_not(office, bench):
    before = office.issue(METER, TOP_UP)
    office.new_key()
    bench.enter(office.issue(METER, KEY_CHANGE).token)
    assert bench.enter(before.token)[1] == TokenReason.KEY_REVISION
    assert executed(bench.enter(office.issue(METER, TOP_UP, order_id=before.order_id).token))


def test_only_what_was_issued_is_shown(office):
    with pytest.raises(InputError, match="no token 1 was issued"):
        office.show(METER, 1)
    with pytest.raises(InputError, match="no token 1 was issued"):
        office.show(5, 1)


# ---- Orders issued again -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "given"),
    [("top-up", {"amount": "50"}), ("support", {"amount": "20"}), ("key-change", {}), ("test", {})],
)
def test_an_order_issued_again_is_the_same_order(office, kind, given):
    first = office.issue(METER, TOP_UP)
    said = r"order 1 was another one: kind top-up, amount 20\.00000 EUR"
    with pytest.raises(InputError, match=said):
        office.issue(METER, orders.read(kind, given), order_id=first.order_id)
    assert office.issue(METER, TOP_UP, order_id=first.order_id).number == 2


# ---- Keys of another office ----------------------------------------------------------------------


def test_the_key_of_another_office_is_refused(office, tmp_path):
    KeyFile.create(tmp_path / "foreign.key")
    foreign = KeyFile(tmp_path / "foreign.key")
    wrong = Office(str(office.engine.url), foreign)
    doings = (
        lambda: wrong.issue(METER, TOP_UP),
        lambda: wrong.add_meter(5, "wallonia-card"),
        wrong.new_key,
        wrong.begin,
    )
    for work in doings:
        with pytest.raises(InputError, match=r"foreign\.key: its key of revision 1 is not this"):
            work()
    assert office.tokens(METER) == []
    assert KeyFile(tmp_path / "foreign.key").latest == 1
    assert foreign.fingerprint(1) != office.keys.fingerprint(1)
    wrong.engine.dispose()


def test_a_later_key_of_another_office_is_refused_too(office, tmp_path):
    office.new_key()
    office.issue(METER, KEY_CHANGE)
    shutil.copy(tmp_path / "vending.key", tmp_path / "copy.key")
    mixed = KeyFile(tmp_path / "copy.key")
    mixed._keys[2] = bytes(32)
    wrong = Office(str(office.engine.url), mixed)
    with pytest.raises(InputError, match="its key of revision 2 is not this office's"):
        wrong.issue(METER, TOP_UP)
    wrong.engine.dispose()


def test_books_of_before_fingerprints_take_the_key_they_are_used_with(office):
    with office.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE vending_keys")
    url = str(office.engine.url)
    for _ in range(2):
        again = Office(url, office.keys, create=False)
        assert again.issue(METER, TOP_UP)
        again.engine.dispose()


def test_a_key_file_that_cannot_be_replaced_gets_no_new_key(office, tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    shutil.copy(tmp_path / "vending.key", folder / "vending.key")
    office._keys = KeyFile(folder / "vending.key")
    shutil.rmtree(folder)
    with pytest.raises(InputError, match="no new key can be written: No such file"):
        office.new_key()
    assert [row["action"] for row in office.log()] == ["init", "add-meter"]


@pytest.mark.parametrize("text", ["[" * 100_000, '{"vending_keys":{"1":5}}', '{"vending_keys":[]}'])
def test_odd_key_files(tmp_path, text):
    path = tmp_path / "odd.key"
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    with pytest.raises(InputError, match="not a file of vending keys"):
        KeyFile(path)


def test_values_fixed_in_a_meter_get_no_token(office):
    assert list(orders.FIXED) == till.FIXED.split()
    for name, to in (("energy", "gas"), ("payment_mode", "credit")):
        with pytest.raises(InputError, match=f"--name: {name} is fixed"):
            orders.read("parameter", {"name": name, "to": to})


def test_what_is_no_token_says_so():
    for size in (80, 144):
        with pytest.raises(ValueError, match="mistyped: not all of it is hexadecimal digits"):
            tokens.from_text("G" * size)


# ---- The command line ----------------------------------------------------------------------------


@pytest.fixture
def cli(tmp_path):
    def run(*arguments):
        return budgetmeter(*arguments, cwd=tmp_path)

    return run


def one_line(done):
    """The one line of a refused command."""
    assert done.status == 2, done.said + done.error
    (line,) = done.error.splitlines()
    assert done.said == ""
    return line


def test_no_books_are_made_but_by_init(cli, tmp_path):
    KeyFile.create(tmp_path / "vending.key")
    for verb in (
        ["office", "log"],
        ["office", "new-key"],
        ["office", "add-meter", METER],
        ["token", "issue", "test", "--meter", METER],
        ["token", "show", METER, 1],
    ):
        assert "no vending office there; budgetmeter office init" in one_line(cli(*verb))
    assert [path.name for path in tmp_path.iterdir()] == ["vending.key"]
    (tmp_path / "empty.db").touch()
    assert "no vending office there" in one_line(cli("office", "log", "--db", "sqlite:///empty.db"))


def test_before_the_first_init_every_verb_names_it(cli, tmp_path):
    for verb in (
        ["office", "add-meter", METER],
        ["office", "queue", "hold", "until=2030-01-01", "--meter", METER],
        ["office", "report"],
        ["token", "issue", "test", "--meter", METER],
        ["card", "new", "a.card", "--meter", METER],
    ):
        line = one_line(cli(*verb))
        assert line == (
            "budgetmeter: vending.key: No such file or directory; budgetmeter office init makes one"
        )
    assert list(tmp_path.iterdir()) == []


def test_a_failed_init_leaves_no_key(cli, tmp_path):
    assert "database: " in one_line(cli("office", "init", "--db", "sqlite:////nowhere/x.db"))
    assert list(tmp_path.iterdir()) == []
    assert cli("office", "init").status == 0
    assert "is not this office's" in one_line(cli("office", "init", "--key", "second.key"))
    assert not (tmp_path / "second.key").exists()


def test_a_key_change_is_shown_and_issued_again(cli):
    for verb in (["init"], ["add-meter", METER], ["new-key"]):
        assert cli("office", *verb).status == 0
    first = cli("token", "issue", "key-change", "--meter", METER).said
    assert cli("token", "show", METER, 1).said == first
    again = cli("token", "issue", "key-change", "--meter", METER, "--order", 1).said
    assert again.startswith("meter 123456789, number 2, order 2\n")
    text = again.splitlines()[1]
    shown = cli("token", "decode", text, "--key", "vending.key").said
    assert "key revision  1" in shown
    assert "new revision  2" in shown
    assert "tag           right" in shown
    refused = cli("token", "issue", "top-up", "--meter", METER, "--amount", 5, "--order", 1)
    assert "order 1 was another one: kind key-change" in one_line(refused)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["issue", "top-up", "--amount", "1e999999999"], "--amount: '1e999999999' is not a number"),
        (["issue", "top-up", "--amount", "1e9999999999999999999"], "is not a number"),
        (["issue", "hold", "--until", "9999-12-31"], "--until: 9999-12-31 is not within"),
        (["issue", "hold", "--until", "2100-01-01"], "--until: 2100-01-01 is not within"),
        (["issue", "test", "--expiry", "9999-12-31"], "--expiry: 9999-12-31 is not within"),
        (["issue", "test", "--order", "9" * 23], "'--order'"),
        (["issue", "test", "--meter", "9" * 40], "'--meter'"),
        (["issue", "test", "--db", "postgresql://h:port/x"], "postgresql://h:port/x: "),
        (["issue", "test", "--db", "http://[::1"], "http://[::1: "),
        (
            ["issue", "test", "--db", "mysql://h/x"],
            "mysql://h/x: needs the Python package MySQLdb, which is not installed",
        ),
    ],
)
def test_numbers_and_names_beyond_all_bounds(cli, arguments, said):
    assert cli("office", "init").status == 0
    meter = [] if "--meter" in arguments else ["--meter", METER]
    assert said in one_line(cli("token", *arguments, *meter))
