"""Vending: keys, numbering, the audit log, many issuers at once, SQLite and PostgreSQL."""

import json
import multiprocessing
import os
import re
import shutil
import signal
import stat
import time
from collections import Counter

import pytest
from budgetmeter import orders
from budgetmeter.errors import InputError
from budgetmeter.office.keys import KeyFile
from budgetmeter.office.office import Office
from meterproto import tokens
from meterproto.codes import Kind, TokenReason

from tests.command import run as budgetmeter
from tests.firmware.bench import Bench, executed
from tests.firmware.support import clock, mc

METER = 123_456_789
TOP_UP = orders.read("top-up", {"amount": "20.00"})


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/vending.db"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def keys(tmp_path):
    return KeyFile.create(tmp_path / "vending.key")


@pytest.fixture
def office(url, keys):
    made = Office(url, keys, actor="tester")
    made.add_meter(METER, "wallonia-card")
    yield made
    made.engine.dispose()


def bench_of(office):
    """A meter with the key that the office derives for it."""
    return Bench(key=office.keys.meter_key(METER, 1))


# ---- Keys --------------------------------------------------------------------------------------


def test_the_key_file_is_for_its_owner_alone(tmp_path):
    path = tmp_path / "vending.key"
    keys = KeyFile.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.add_revision() == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = KeyFile(path)
    assert again.latest == 2
    assert again.meter_key(1, 1) == keys.meter_key(1, 1) != keys.meter_key(1, 2)
    assert keys.meter_key(1, 1) != keys.meter_key(2, 1)
    assert sorted(os.listdir(tmp_path)) == ["vending.key", "vending.key.lock", "vending.key.old"]
    assert KeyFile(keys.kept).revisions == [1]
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())


def test_an_older_copy_of_the_key_file_makes_no_key(tmp_path):
    """Neither the file nor the books change: the key in force is elsewhere, and is named."""
    KeyFile.create(tmp_path / "vending.key")
    shutil.copy(tmp_path / "vending.key", tmp_path / "copy.key")
    office = Office(f"sqlite:///{tmp_path}/vending.db", KeyFile(tmp_path / "vending.key"))
    office.begin()
    office.new_key()
    before = (tmp_path / "copy.key").read_bytes()
    behind = Office(str(office.engine.url), KeyFile(tmp_path / "copy.key"))
    with pytest.raises(InputError, match=r"copy\.key: its key of revision 2 is missing: .* older"):
        behind.new_key()
    assert (tmp_path / "copy.key").read_bytes() == before
    for one in (office, behind):
        one.engine.dispose()


def test_a_key_file_that_lost_a_key_is_not_added_to(tmp_path):
    keys = KeyFile.create(tmp_path / "vending.key")
    first = (tmp_path / "vending.key").read_text()
    keys.add_revision()
    (tmp_path / "vending.key").write_text(first)
    with pytest.raises(InputError, match=r"revision 2 is lost .*vending\.key\.old may have it"):
        keys.add_revision()
    assert (tmp_path / "vending.key").read_text() == first


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620])
def test_a_key_file_others_can_reach_is_refused(tmp_path, mode):
    path = tmp_path / "vending.key"
    KeyFile.create(path)
    path.chmod(mode)
    with pytest.raises(InputError, match="chmod 600"):
        KeyFile(path)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"vending_keys": {}}', '{"vending_keys": {"1": "00"}}', "\xff"]
)
def test_files_that_hold_no_keys(tmp_path, text):
    path = tmp_path / "vending.key"
    path.write_bytes(text.encode("latin-1"))
    path.chmod(0o600)
    with pytest.raises(InputError, match="not a file of vending keys"):
        KeyFile(path)


@pytest.mark.parametrize("mode", [0o600, 0o777])
def test_no_advice_is_given_on_what_is_no_key_file(tmp_path, mode):
    """`chmod 600` on a folder locks people out of it."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("hello")
    os.mkfifo(tmp_path / "pipe")
    said = {
        "folder": "Is a directory",
        "text": "not a file of vending keys",
        "pipe": "not a file of vending keys",
        "folder/": "Is a directory",
    }
    for name, words in said.items():
        (tmp_path / name).chmod(mode)
        with pytest.raises(InputError, match=f"^{re.escape(str(tmp_path / name))}: {words}$"):
            KeyFile(tmp_path / name)
    with pytest.raises(InputError, match=r"/dev/null: not a file of vending keys$"):
        KeyFile("/dev/null")


def test_key_files_there_already_or_missing(tmp_path):
    KeyFile.create(tmp_path / "a")
    with pytest.raises(InputError, match="File exists"):
        KeyFile.create(tmp_path / "a")
    with pytest.raises(
        InputError, match=r"No such file or directory; budgetmeter office init makes one$"
    ):
        KeyFile(tmp_path / "b")
    with pytest.raises(InputError, match="no key of revision 7"):
        KeyFile(tmp_path / "a").meter_key(1, 7)


# ---- Issuing -----------------------------------------------------------------------------------


def test_what_the_office_issues_the_meter_takes(office):
    bench = bench_of(office)
    first, second = (office.issue(METER, TOP_UP) for _ in range(2))
    assert (first.number, second.number) == (1, 2)
    assert (first.order_id, second.order_id) == (1, 2)
    assert executed(bench.enter(second.token))
    assert bench.type("token " + first.text)[-1] == "ok"
    assert bench.state.credit == mc(55)


def test_an_order_issued_again_takes_effect_once(office):
    bench = bench_of(office)
    first = office.issue(METER, TOP_UP)
    again = office.issue(METER, TOP_UP, order_id=first.order_id)
    assert (again.number, again.order_id) == (2, 1)
    assert executed(bench.enter(again.token))
    assert executed(bench.enter(first.token))
    assert bench.state.credit == mc(35)
    assert office.issue(METER, TOP_UP).order_id == 2


def test_a_new_key_reaches_the_meter_by_token(office):
    bench = bench_of(office)
    with pytest.raises(InputError, match="has the latest key"):
        office.issue(METER, orders.read("key-change", {}))
    assert office.issue(METER, TOP_UP).number == 1  # the refused one took no number
    office.keys.add_revision()
    old = office.issue(METER, TOP_UP)
    change = office.issue(METER, orders.read("key-change", {}))
    fresh = office.issue(METER, TOP_UP)
    assert executed(bench.enter(change.token))
    assert not executed(bench.enter(old.token))
    assert executed(bench.enter(fresh.token))


def test_the_audit_log_names_everything(office):
    token = office.issue(METER, TOP_UP, expiry=12_000_000)
    actions = [(row["action"], row["meter"], row["number"]) for row in office.log()]
    assert actions == [("add-meter", METER, None), ("issue", METER, token.number)]
    assert all(row["actor"] == "tester" and row["at"] for row in office.log(METER))
    (row,) = office.tokens(METER)
    assert row["token"] == token.token
    assert (row["kind"], row["value"], row["expiry"]) == (Kind.TOP_UP, mc(20), 12_000_000)
    assert tokens.parse(token.token).expiry == 12_000_000


def test_a_batch_is_one_transaction(office):
    bad = orders.Order(Kind.TOP_UP, 2**31)
    with pytest.raises(InputError, match="no token can hold that"):
        office.issue_all(METER, [TOP_UP, TOP_UP, bad])
    assert office.tokens(METER) == []
    assert [t.number for t in office.issue_all(METER, [TOP_UP] * 3)] == [1, 2, 3]


def test_books_of_meters(office):
    with pytest.raises(InputError, match="in the books already"):
        office.add_meter(METER, "wallonia-card")
    for number in (0, -1, 10**9):
        with pytest.raises(InputError, match="nine digits"):
            office.add_meter(number, "wallonia-card")
    for work in (office.issue, lambda meter, _: office.meter(meter)):
        with pytest.raises(InputError, match="no meter 5 in the books"):
            work(5, TOP_UP)
    with pytest.raises(InputError, match="no order 9"):
        office.issue(METER, TOP_UP, order_id=9)
    assert office.meter(METER)["profile"] == "wallonia-card"


@pytest.mark.parametrize("bad", ["nonsense", "sqlite:////nowhere/x.db", "mysql+no://x", "x:///"])
def test_unusable_databases_are_one_line(bad):
    with pytest.raises(InputError) as raised:
        Office(bad)
    assert "\n" not in str(raised.value)


def test_without_keys_nothing_is_sealed(office, url):
    blind = Office(url)
    assert blind.log()
    with pytest.raises(InputError, match="vending keys"):
        blind.issue(METER, TOP_UP)
    assert blind.tokens(METER) == []
    blind.engine.dispose()


def test_the_office_follows_a_board_that_was_flashed_anew(office, keys):
    """From then on its tokens are sealed with the new key; a new board comes into the books."""
    keys.add_revision()
    office.flashed(METER, 2, "wallonia-digital")
    bench = bench_of(office)
    token = office.issue(METER, TOP_UP)
    assert bench.enter(token.token)[1] == TokenReason.KEY_REVISION  # a meter still at the first
    assert tokens.genuine(token.token, keys.meter_key(METER, 2))
    assert token.number == 1
    row = office.meter(METER)
    assert (row["key_revision"], row["profile"]) == (2, "wallonia-digital")
    office.flashed(77, 1, "wallonia-gas")
    assert office.issue(77, TOP_UP).number == 1
    assert [r["action"] for r in office.log(77)] == ["flashed", "issue"]
    with pytest.raises(InputError, match="has key revision 2 in the books; no meter goes back"):
        office.flashed(METER, 1, "wallonia-card")
    with pytest.raises(InputError, match="no key of revision 3"):
        office.flashed(METER, 3, "wallonia-card")
    with pytest.raises(InputError, match="nine digits"):
        office.flashed(0, 1, "wallonia-card")
    assert office.meter(METER)["key_revision"] == 2


# ---- Many at once ------------------------------------------------------------------------------


def _issue_many(url, key_path, meters, count, results):
    office = Office(url, KeyFile(key_path))
    made = []
    for i in range(count):
        token = office.issue(meters[i % len(meters)], TOP_UP)
        made.append((token.meter, token.number))
    results.put(made)


TOTAL = 4_000
PROCESSES = 8


def test_eight_processes_issue_four_thousand_tokens(tmp_path, keys):
    """No number twice, none lost, and the log explains every one."""
    url = f"sqlite:///{tmp_path}/vending.db"
    office = Office(url, keys)
    meters = [METER, METER + 1, METER + 2]
    for meter in meters:
        office.add_meter(meter, "wallonia-card")
    office.engine.dispose()
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    arguments = (url, keys.path, meters, TOTAL // PROCESSES, results)
    workers = [context.Process(target=_issue_many, args=arguments) for _ in range(PROCESSES)]
    for worker in workers:
        worker.start()
    seen = [number for _ in workers for number in results.get(timeout=900)]
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert len(seen) == len(set(seen)) == TOTAL
    office = Office(url, keys)
    for meter in meters:
        numbers = sorted(number for m, number in seen if m == meter)
        assert numbers == list(range(1, len(numbers) + 1))
        assert [row["number"] for row in office.tokens(meter)] == numbers
        assert office.meter(meter)["last_number"] == len(numbers)
        logged = [row["number"] for row in office.log(meter) if row["action"] == "issue"]
        assert logged == numbers
    office.engine.dispose()


def _issue_for_ever(url, key_path):
    office = Office(url, KeyFile(key_path))
    while True:
        office.issue(METER, TOP_UP)


def test_a_killed_process_leaves_no_gap(url, keys, office):
    context = multiprocessing.get_context("spawn")
    for _ in range(3):
        worker = context.Process(target=_issue_for_ever, args=(url, keys.path))
        before = len(office.tokens(METER))
        worker.start()
        while len(office.tokens(METER)) < before + 20:
            time.sleep(0.01)
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        number = office.issue(METER, TOP_UP).number
        numbers = [row["number"] for row in office.tokens(METER)]
        assert numbers == list(range(1, number + 1))
        logged = Counter(row["number"] for row in office.log(METER) if row["action"] == "issue")
        assert logged == Counter(numbers)


# ---- Orders in human units -----------------------------------------------------------------------


NEW_YEAR = clock("2021-01-01 00:00")
GOOD = [
    ("top-up", {"amount": "20.00"}, (Kind.TOP_UP, 2_000_000, 0)),
    ("support", {"amount": "50"}, (Kind.SUPPORT, 5_000_000, 0)),
    ("aid", {"amount": "0.01"}, (Kind.AID, 1000, 0)),
    (
        "overdraft",
        {"amount": "50", "until": "2021-03-31"},
        (Kind.OVERDRAFT, 5_000_000, clock("2021-04-01 00:00")),
    ),
    ("hold", {"until": "2020-07-03T23:00"}, (Kind.HOLD, clock("2020-07-03 23:00"), 0)),
    ("end-hold", {}, (Kind.HOLD, 0, 0)),
    ("limiter-enable", {}, (Kind.LIMITER_ENABLE, 0, 0)),
    ("limiter-release", {}, (Kind.LIMITER_RELEASE, 0, 0)),
    (
        "limit",
        {"until": "2021-01-01T00:00", "power": "0"},
        (Kind.LIMIT, NEW_YEAR, 0),
    ),
    ("minimum-supply-disable", {}, (Kind.MINIMUM_SUPPLY_DISABLE, 0, 0)),
    ("minimum-supply-enable", {}, (Kind.MINIMUM_SUPPLY_ENABLE, 0, 0)),
    ("arrears-paid", {"amount": "300"}, (Kind.ARREARS_PAID, 30_000_000, 0)),
    ("price", {"price": "0.30"}, (Kind.PRICE, 30_000, 0)),
    (
        "price",
        {"price": "0.30", "from": "2021-01-01"},
        (Kind.PRICE, 30_000, NEW_YEAR),
    ),
    ("emergency-preset", {"kwh": "50"}, (Kind.EMERGENCY_PRESET, 50_000, 1)),
    ("emergency-preset", {"amount": "15"}, (Kind.EMERGENCY_PRESET, 1_500_000, 0)),
    ("payment-mode", {"mode": "credit"}, (Kind.PAYMENT_MODE, 1, 0)),
    ("payment-mode", {"mode": "prepayment", "protected": True}, (Kind.PAYMENT_MODE, 2, 1)),
    ("disconnect", {"cause": "bad-will"}, (Kind.DISCONNECT, 3, 0)),
    ("reconnect", {}, (Kind.RECONNECT, 0, 0)),
    ("clear-tamper", {}, (Kind.CLEAR_TAMPER, 0, 0)),
    ("clock", {"time": "2021-01-01T00:00"}, (Kind.CLOCK, NEW_YEAR, 0)),
    ("parameter", {"name": "topup_share_pct", "to": "20"}, (Kind.PARAMETER, 9, 20)),
    ("parameter", {"name": "window_days", "to": "Sat,Sun"}, (Kind.PARAMETER, 33, 96)),
    ("parameter", {"name": "close_auto", "to": "true"}, (Kind.PARAMETER, 26, 1)),
    ("parameter", {"name": "window_from", "to": "16:00"}, (Kind.PARAMETER, 31, 960)),
    ("key-change", {}, (Kind.KEY_CHANGE, 0, 0)),
    ("test", {}, (Kind.TEST, 0, 0)),
]


@pytest.mark.parametrize(
    ("name", "given", "wanted"), GOOD, ids=[f"{n}-{i}" for i, (n, *_) in enumerate(GOOD)]
)
def test_orders_in_human_units(name, given, wanted):
    order = orders.read(name, given)
    assert (order.kind, order.value, order.extra) == wanted


def test_every_kind_can_be_issued():
    assert {name for name, _, _ in GOOD} == set(orders.KINDS)
    assert {form.kind for form in orders.KINDS.values()} == set(Kind)


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("topup", {}, "no kind topup; one of top-up"),
        ("top-up", {}, "top-up needs --amount"),
        ("top-up", {"amount": "x"}, "--amount: 'x' is not a number"),
        ("top-up", {"amount": "0"}, "not above 0"),
        ("top-up", {"amount": "250.01"}, "at most 250.00 EUR"),
        ("top-up", {"amount": "1.000001"}, "finer than"),
        ("top-up", {"amount": "5", "kwh": "5"}, "top-up takes --amount, not --kwh"),
        ("test", {"amount": "5"}, "test takes no option of its own, not --amount"),
        ("overdraft", {"amount": "501", "until": "2021-01-01"}, "at most 500.00 EUR"),
        ("overdraft", {"amount": "5"}, "overdraft needs --until"),
        ("hold", {"until": "soon"}, "--until: 'soon' is not a time"),
        ("hold", {"until": "1999-01-01"}, "not within 2000 to 2099"),
        ("price", {"price": "2.01"}, "not from 0 to 2.00"),
        ("limit", {"until": "2021-01-01", "power": "-1"}, "not from 0 to 100000"),
        ("emergency-preset", {}, "either --amount or --kwh"),
        ("emergency-preset", {"amount": "5", "kwh": "5"}, "either --amount or --kwh"),
        ("emergency-preset", {"amount": "251"}, "from 0 to 250.00 EUR"),
        ("emergency-preset", {"kwh": "1001"}, "from 0 to 1000"),
        ("payment-mode", {"mode": "free"}, "'free' is not one of credit"),
        ("disconnect", {"cause": "spite"}, "'spite' is not one of safety"),
        ("parameter", {"name": "topup", "to": "5"}, "unknown key topup"),
        ("parameter", {"name": "phases", "to": "4"}, "out of range; 1 to 3"),
        ("parameter", {"name": "close_auto", "to": "5"}, "true or false"),
    ],
)
def test_orders_that_are_none(name, given, said):
    with pytest.raises(InputError) as raised:
        orders.read(name, given)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


# ---- The command line ----------------------------------------------------------------------------


@pytest.fixture
def cli(tmp_path):
    def run(*arguments):
        return budgetmeter(*arguments, cwd=tmp_path)

    assert run("office", "init").status == 0
    assert run("office", "add-meter", METER, "--customer", "K", "--protected").status == 0
    return run


def test_issue_and_decode(cli):
    done = cli("token", "issue", "top-up", "--meter", METER, "--amount", "20.00")
    head, text = done.said.strip().splitlines()
    assert head == "meter 123456789, number 1, order 1"
    shown = cli("token", "decode", text, "--key", "vending.key").said
    for words in ("top-up", "20.00000 EUR", "number        1", "tag           right"):
        assert words in shown
    data = json.loads(cli("token", "decode", *text.split("-"), "--json").said)
    assert data["amount"] == "20.00000 EUR"
    made = json.loads(
        cli("token", "issue", "hold", "--meter", METER, "--until", "2021-03-31", "--json").said
    )
    assert json.loads(cli("token", "decode", made["text"], "--json").said)["until"] == (
        "2021-04-01 00:00"
    )


def test_new_keys_and_the_log(cli):
    assert cli("office", "new-key").said == "revision 2\n"
    assert cli("token", "issue", "key-change", "--meter", METER).status == 0
    done = cli("office", "flashed", 7, "--revision", 2, "--profile", "wallonia-gas")
    assert done.said == "meter 000000007: key revision 2\n"
    log = json.loads(cli("office", "log", "--json").said)
    assert [row["action"] for row in log] == ["init", "add-meter", "new-key", "issue", "flashed"]
    assert "key-change" in cli("office", "log", "--meter", METER).said


def test_the_log_is_in_the_units_of_people(cli):
    issued = (
        (["top-up", "--amount", "20"], "top-up 20.00 EUR"),
        (["arrears-paid", "--amount", "0.01"], "arrears-paid 0.01 EUR"),
        (["hold", "--until", "2031-03-31"], "hold until 2031-04-01 00:00"),
        (["end-hold"], "end-hold"),
        (
            ["overdraft", "--amount", "50", "--until", "2031-03-31"],
            "overdraft 50.00 EUR until 2031-04-01 00:00",
        ),
        (["price", "--price", "0.30"], "price 0.30 EUR/kWh at once"),
        (
            ["price", "--price", "0.30", "--from", "2031-01-01"],
            "price 0.30 EUR/kWh from 2031-01-01 00:00",
        ),
        (
            ["payment-mode", "--mode", "prepayment", "--protected"],
            "payment-mode prepayment protected",
        ),
        (["disconnect", "--cause", "fraud"], "disconnect fraud"),
    )
    for arguments, _ in issued:
        assert cli("token", "issue", *arguments, "--meter", METER).status == 0
    assert cli("token", "show", METER, 1).status == 0
    assert cli("office", "queue", "limiter-release", "--meter", METER).status == 0
    rows = json.loads(cli("office", "log", "--json").said)
    words = [words for _, words in issued]
    assert [row["told"] for row in rows[2:]] == [*words, "top-up", "limiter-release"]
    assert [row["told"] for row in rows[:2]] == ["vending key revision 1", "wallonia-card"]
    assert rows[2]["detail"] == "TOP_UP 2000000"
    assert rows[6]["detail"].startswith("OVERDRAFT 5000000 ")
    assert cli("office", "flashed", 77, "--revision", 1, "--profile", "wallonia-gas").status == 0
    shown = cli("office", "log").said
    for text in (*words[:5], "000000077"):
        assert text in shown


def test_a_note_of_before_its_second_value_was_noted_stays_as_it_is():
    assert orders.in_words("OVERDRAFT 5000000") == "OVERDRAFT 5000000"
    assert orders.in_words("HOLD 11175780") == "hold until 2021-04-01 00:00"
    assert orders.in_words("of people") == "of people"


def test_tokens_that_no_meter_on_time_takes_are_warned_of(cli):
    past = (
        (["top-up", "--amount", "5", "--expiry", "2001-01-01"], "--expiry 2001-01-02 00:00"),
        (["hold", "--until", "2021-03-31"], "--until 2021-04-01 00:00"),
        (["overdraft", "--amount", "5", "--until", "2021-03-31"], "--until 2021-04-01 00:00"),
        (["limit", "--until", "2021-03-31", "--power", "0"], "--until 2021-04-01 00:00"),
    )
    for arguments, words in past:
        done = cli("token", "issue", *arguments, "--meter", METER)
        assert done.status == 0
        assert done.error == f"budgetmeter: warning: {words} is past\n"
    for arguments in (
        ["top-up", "--amount", "5", "--expiry", "2099-01-01"],
        ["hold", "--until", "2099-03-31"],
        ["end-hold"],
        ["price", "--price", "0.30", "--from", "2001-01-01"],
    ):
        assert cli("token", "issue", *arguments, "--meter", METER).error == ""


def test_a_forged_token_is_said_to_be_one(cli):
    forger = Bench().office
    text = tokens.to_text(forger.token(Kind.TOP_UP, mc(20)))
    done = cli("token", "decode", text, "--key", "vending.key")
    assert done.status == 1
    assert "WRONG" in done.said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["token", "issue", "top-up", "--meter", "5", "--amount", "5"], "no meter 5"),
        (["token", "issue", "top-up", "--meter", METER], "needs --amount"),
        (["token", "issue", "top-up"], "Missing option '--meter'"),
        (["token", "issue", "gold", "--meter", METER], "no kind gold"),
        (["token", "issue", "test", "--meter", METER, "--order", "9"], "has no order 9"),
        (["token", "issue", "test", "--meter", METER, "--expiry", "x"], "--expiry: 'x'"),
        (["token", "issue", "test", "--meter", METER, "--key", "none.key"], "No such file"),
        (["token", "issue", "test", "--meter", METER, "--db", "odd"], "odd: "),
        (["token", "issue", "top-up", "--meter", METER, "--amount", "٢٠"], "--amount: '٢٠' is not"),
        (["token", "issue", "top-up", "--meter", METER, "--amount", ""], "--amount: '' is not"),
        (
            ["token", "issue", "test", "--meter", METER, "--expiry", ""],
            "--expiry: '' is not a time",
        ),
        (
            ["token", "issue", "price", "--meter", METER, "--price", "1", "--from", "2000-01-01"],
            "--from: 2000-01-01 00:00 is too early: the meter's calendar begins at 01:00",
        ),
        (["office", "add-meter", "8", "--since", ""], "--since: '' is not a time"),
        (["token", "decode", "1234"], "no token: mistyped"),
        (["token", "decode", "Z" * 64], "no token: mistyped"),
        (["office", "init"], "File exists"),
        (["office", "add-meter", METER], "in the books already"),
        (["office", "add-meter", "0"], "nine digits"),
        (["office", "add-meter", "7", "--profile", "walonia"], "did you mean"),
        (["office", "log", "--db", "sqlite:////nowhere/x.db"], "no vending office there"),
        (["office", "flashed", METER, "--revision", 9, "--profile", "x"], "no key of revision 9"),
        (["office", "flashed", METER, "--profile", "x"], "Missing option '--revision'"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(cli, arguments, said):
    done = cli(*arguments)
    assert done.status == 2, done.said
    assert said in done.error
    assert len(done.error.strip().splitlines()) == 1
