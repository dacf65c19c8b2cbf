"""Cards on the command line: files that a person or a script passes around."""

import errno
import json
import os
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from budgetmeter import card as cards
from budgetmeter.cli.main import main
from meterproto import cards as layout

METER = "123456789"
DAY = "2020-12-08T"


class Done(NamedTuple):
    """A finished command."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys):
    """The command's entry point, in a folder with an office, one meter and its card."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, at=None):
        more = [] if at is None else ["--at", DAY + at]
        monkeypatch.setattr(sys, "argv", ["budgetmeter", *map(str, arguments), *more])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(ended.value.code or 0, *capsys.readouterr())

    assert run("office", "init").returncode == 0
    contract = ("--customer", "K", "--protected", "--since", "2020-01-01")
    assert run("office", "add-meter", METER, *contract).returncode == 0
    assert run("card", "new", "a.card", "--meter", METER).returncode == 0
    return run


def told(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.rule("OC-05", "OC-04", "B-8")
def test_meter_terminal_meter_by_hand(cli, tmp_path):
    assert (
        "20.00 EUR, tokens: 1"
        in cli("terminal", "exchange", "a.card", "--pay", "20.00", at="09:00").stdout
    )
    meter = ("--meter-dir", "m")
    seen = told(cli("card", "insert", "a.card", *meter, "--json", at="10:00"))
    assert seen == {"outcome": 9, "told": "good", "loaded": 1, "balance": "35.00000"}
    queued = told(cli("office", "campaign", "winter-2020", "--json", at="11:00"))
    assert [item["meter"] for item in queued] == [int(METER)]
    held = told(cli("terminal", "exchange", "a.card", "--json", at="12:00"))
    assert held["given"] == []
    assert held["withheld"][0]["why"] == "the card has to go into the meter first"
    pulled = told(cli("card", "pull", "a.card", *meter, "--after", "1300", "--json", at="13:00"))
    assert pulled["told"] == "pulled out"
    assert told(cli("card", "insert", "a.card", *meter, "--json", at="13:01"))["outcome"] == 9
    early = cli("terminal", "exchange", "a.card", "--pull-after", "9", at="14:00")
    assert early.returncode == 1
    assert "PULLED OUT" in early.stdout
    assert (
        told(cli("terminal", "exchange", "a.card", "--json", at="14:01"))["carried"] == "50.00000"
    )
    assert (
        told(cli("card", "insert", "a.card", *meter, "--json", at="15:00"))["balance"] == "85.00000"
    )
    cli("terminal", "exchange", "a.card", at="16:00")
    (one,) = told(cli("office", "report", "--json", at="17:00"))
    assert one["money"] == {
        "on_the_way": "0.00000",
        "taken": "70.00000",
        "lapsed": "0.00000",
        "void": "0.00000",
        "issued": "70.00000",
    }
    assert one["adds_up"] is True
    assert one["without_reference"] == [1]
    assert one["reading"]["balance"] == "85.00000"
    assert [item["state"] for item in one["items"]] == ["taken"]
    shown = cli("office", "report", "--meter", METER, at="17:00").stdout
    assert "winter-2020" in shown
    assert shown.splitlines()[0] == f"meter {METER}"
    card = told(cli("card", "show", "a.card", "--key", "vending.key", "--json"))
    assert card["genuine"] is card["report"]["genuine"] is True
    assert card["report"]["balance"] == "85.00000"
    text = cli("card", "show", "a.card", "--key", "vending.key").stdout
    for words in ("customer, for meter 123456789", "balance", "85.00000 EUR", "token-accepted"):
        assert words in text
    assert (tmp_path / "a.card").stat().st_size == layout.SIZE


def test_the_readme_shows_commands_that_work(cli, tmp_path):
    text = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    section = text.partition("### Cards")[2].partition("```sh")[2].partition("```")[0]
    lines = [line.partition("#")[0].split() for line in section.strip().splitlines()]
    assert all(line[0] == "budgetmeter" for line in lines)
    seen = []
    for line in lines:
        done = cli(*line[1:])
        assert done.returncode == 0, (line, done)
        seen.append(done.stdout)
    shown = seen[lines.index(["budgetmeter", "office", "report"])]
    assert "overdraft 50.00 EUR" in shown
    assert any("given" in text and "overdraft" in text for text in seen)
    assert any("pulled out" in text for text in seen)


@pytest.mark.rule("OC-13")
def test_a_technical_card_and_the_network_for_one_item(cli):
    item = told(
        cli(
            "office",
            "queue",
            "overdraft",
            "amount=50.00",
            "until=2021-03-31",
            "--meter",
            METER,
            "--json",
            at="09:00",
        )
    )
    made = cli(
        "card",
        "new",
        "t.card",
        "--meter",
        METER,
        "--type",
        "technical",
        "--item",
        item["item"],
        at="09:30",
    )
    assert made.returncode == 0, made.stderr
    token = told(cli("office", "send", item["item"], "--json", at="10:00"))
    (carried,) = told(cli("card", "show", "t.card", "--json"))["tokens"]
    assert (token["order"], token["number"]) == (carried["order"], carried["number"] + 1)
    shown = cli("card", "show", "t.card").stdout
    assert "technical, for meter 123456789" in shown
    assert "overdraft, 50.00000 EUR" in shown
    assert (
        told(cli("card", "insert", "t.card", "--meter-dir", "m", "--json", at="11:00"))["loaded"]
        == 1
    )
    other = told(cli("office", "queue", "price", "price=0.30", "--meter", METER, "--json"))
    assert cli("office", "cancel", other["item"]).stdout == f"item {other['item']} is cancelled\n"


def test_a_forged_card_is_said_to_be_one(cli, tmp_path):
    forged = bytearray((tmp_path / "a.card").read_bytes())
    page = layout.head(bytes(32), type=1, meter=int(METER), card=1, key_revision=1)
    forged[: len(page)] = page
    (tmp_path / "f.card").write_bytes(forged)
    done = cli("card", "show", "f.card", "--key", "vending.key")
    assert done.returncode == 1
    assert "WRONG" in done.stdout


def test_mistakes_are_one_line_and_exit_2(cli, tmp_path):
    (tmp_path / "short.card").write_bytes(b"x" * 100)
    (tmp_path / "blank.card").write_bytes(b"\xff" * layout.SIZE)
    before = (tmp_path / "a.card").read_bytes()
    pulled = ("--meter-dir", "m", "--after", "9")
    mistakes = [
        (["card", "show", "none.card"], "none.card: No such file"),
        (["card", "show", "short.card"], "100 octets, a card has 4096"),
        (["card", "show", "blank.card"], "the card is blank"),
        (["card", "new", "a.card", "--meter", METER], "is there already"),
        (["card", "new", "b.card", "--meter", "5"], "no meter 5"),
        (["card", "new", "b.card", "--meter", METER, "--type", "gold"], "--type gold"),
        (["card", "new", "b.card", "--meter", METER, "--type", "repair"], "carries a pending item"),
        (["card", "new", "nowhere/b.card", "--meter", METER], "No such file"),
        (["terminal", "exchange", "blank.card"], "the card is blank"),
        (["terminal", "exchange", "a.card", "--pay", "3"], "from 5.00 to 250.00 EUR"),
        (["terminal", "exchange", "a.card", "--pay", "x"], "--pay: 'x' is not a number"),
        (["terminal", "exchange", "a.card", "--pay", "-5"], "is no payment"),
        (["terminal", "exchange", "a.card", "--pay", ""], "--pay: '' is not a number"),
        (["terminal", "exchange", "a.card", "--pay", "٢٠"], "--pay: '٢٠' is not a number"),
        (["terminal", "exchange", "a.card", "--at", ""], "--at: '' is not a time"),
        (["terminal", "exchange", "a.card", "--at", "x"], "--at: 'x' is not a time"),
        (["terminal", "exchange", "a.card", "--key", "none.key"], "No such file"),
        (["card", "insert", "blank.card", "--meter-dir", "m"], "the card is blank"),
        (["card", "insert", "a.card", "--meter-dir", "vending.db"], "vending.db"),
        (["card", "insert", "a.card", "--meter-dir", "m", "--profile", "x"], "no profile x"),
        (["card", "pull", "a.card", *pulled, "--spoil", "x"], "--spoil x"),
        (["office", "queue", "hold", "--meter", METER], "hold needs --until"),
        (["office", "queue", "hold", "until", "--meter", METER], "until: write --NAME VALUE"),
        (["office", "queue", "hold", "until=x", "--meter", METER], "--until: 'x' is not a time"),
        (["office", "queue", "hold", "--until", "x", "--meter", METER], "--until: 'x' is not a"),
        (["office", "queue", "aid", "amount=5", "--meter", METER], "winter aid is for gas"),
        (
            ["office", "queue", "support", "amount=50", "amount=60", "--meter", METER],
            "amount is given twice",
        ),
        (
            ["office", "queue", "test", "--meter", METER, "--expiry", "2020-01-01"],
            "expiry 2020-01-02 00:00 is past",
        ),
        (["office", "campaign", "winter"], "no campaign winter; did you mean winter-2020?"),
        (["office", "send", "9"], "no item 9"),
        (["office", "report", "--meter", "5"], "no meter 5"),
        (["office", "add-meter", "7", "--since", "x"], "--since: 'x' is not a time"),
    ]  # fmt: skip
    for arguments, said in mistakes:
        done = cli(*arguments)
        assert done.returncode == 2, (arguments, done.stdout)
        assert said in done.stderr, (arguments, done.stderr)
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert (tmp_path / "a.card").read_bytes() == before
    assert not (tmp_path / "b.card").exists()


def failing(code):
    """A call of the system that fails."""

    def call(*_, **__):
        raise OSError(code, os.strerror(code))

    return call


def on_the_way(cli):
    (one,) = told(cli("office", "report", "--json"))
    return one["money"]["on_the_way"]


def test_a_card_that_cannot_be_written_is_found_out_before_anything_is_booked(
    cli, tmp_path, monkeypatch
):
    assert cli("terminal", "exchange", "a.card", "--pay", "20").returncode == 0
    before = (tmp_path / "a.card").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(cards.tempfile, "mkstemp", failing(errno.EACCES))
        for verb in (
            ["terminal", "exchange", "a.card", "--pay", "20"],
            ["card", "insert", "a.card", "--meter-dir", "m"],
        ):
            assert one_line(cli(*verb)) == "budgetmeter: a.card: Permission denied"
    assert on_the_way(cli) == "20.00000"
    assert (tmp_path / "a.card").read_bytes() == before
    assert not (tmp_path / "m").exists()
    seen = told(cli("card", "insert", "a.card", "--meter-dir", "m", "--json"))
    assert (seen["loaded"], seen["balance"]) == (1, "35.00000")


def test_a_payment_that_is_booked_and_not_on_the_card_is_said_to_be_so(cli, tmp_path, monkeypatch):
    before = sorted(path.name for path in tmp_path.iterdir())
    with monkeypatch.context() as patch:
        patch.setattr(cards.os, "replace", failing(errno.EIO))
        line = one_line(cli("terminal", "exchange", "a.card", "--pay", "20"))
    assert line == (
        "budgetmeter: a.card: Input/output error; the payment of 20.00 EUR is booked: put the card "
        "in again without --pay"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert on_the_way(cli) == "20.00000"
    again = told(cli("terminal", "exchange", "a.card", "--json"))
    assert (again["carried"], again["tokens"]) == ("20.00000", 1)


def test_what_a_meter_took_and_the_card_does_not_tell_is_said(cli, monkeypatch):
    assert cli("card", "insert", "a.card", "--meter-dir", "m").returncode == 0
    cli("terminal", "exchange", "a.card", "--pay", "20")
    with monkeypatch.context() as patch:
        patch.setattr(cards.os, "replace", failing(errno.EIO))
        line = one_line(cli("card", "insert", "a.card", "--meter-dir", "m"))
    assert line.endswith("a.card: Input/output error; the meter has read it: put it in again")
    assert told(cli("card", "insert", "a.card", "--meter-dir", "m", "--json"))["balance"] == (
        "35.00000"
    )


def one_line(done):
    """The one line of a refused command."""
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    assert done.stdout == ""
    return line


def test_a_new_meter_is_said_to_be_one_and_a_known_one_is_not(cli):
    first = cli("card", "insert", "a.card", "--meter-dir", "m", "--json", at="09:00")
    assert told(first)["outcome"] == 9
    assert first.stderr == f"budgetmeter: new meter {METER} in m\n"
    assert cli("card", "insert", "a.card", "--meter-dir", "m", at="10:00").stderr == ""


def test_a_queued_order_that_is_over_is_warned_of(cli):
    queue = ("office", "queue", "hold", "--meter", METER)
    done = cli(*queue, "until=2020-01-01")
    assert (done.returncode, done.stderr) == (
        0,
        "budgetmeter: warning: --until 2020-01-02 00:00 is past\n",
    )
    assert cli(*queue, "until=2020-12-31", at="12:00").stderr == ""


def test_a_campaign_for_nobody_says_why(cli):
    assert cli("office", "add-meter", "7").returncode == 0
    assert cli("office", "add-meter", "8").returncode == 0
    first = cli("office", "campaign", "winter-2020", at="12:00").stdout
    assert first.splitlines() == [
        "queued for 1 meters",
        f"  meter {METER}: support 50.00 EUR",
    ]
    assert cli("office", "campaign", "winter-2020", at="12:00").stdout.splitlines() == [
        "queued for 0 meters",
        "  1: had it before",
        "  2: no active budget meter on 2020-12-01 (add-meter --since says since when)",
    ]


def test_a_campaign_without_meters_says_so(cli):
    assert cli("office", "init", "--key", "k", "--db", "sqlite:///n.db").returncode == 0
    books = ("--key", "k", "--db", "sqlite:///n.db")
    said = cli("office", "campaign", "winter-2020", *books).stdout
    assert said == "queued for 0 meters\n  no meter is in the books\n"


def test_no_meter_is_made_among_other_files(cli, tmp_path):
    line = one_line(cli("card", "insert", "a.card", "--meter-dir", "."))
    assert (
        line == "budgetmeter: .: no meter, but other files; a new meter takes a folder of its own"
    )
    assert not (tmp_path / "identity").exists()
    (tmp_path / "empty").mkdir()
    assert cli("card", "insert", "a.card", "--meter-dir", "empty").returncode == 0


@pytest.mark.parametrize(
    "wrong", [("--profile", "nosuch"), ("--at", "x"), ("--key", "none.key"), ("--at", "1999-01-01")]
)
def test_a_meter_that_cannot_be_made_leaves_no_folder(cli, tmp_path, wrong):
    one_line(cli("card", "insert", "a.card", "--meter-dir", "two", *wrong))
    assert not (tmp_path / "two").exists()


def test_a_card_that_is_not_good_exits_1(cli, tmp_path):
    assert cli("office", "add-meter", "7").returncode == 0
    assert cli("card", "new", "b.card", "--meter", "7").returncode == 0
    (tmp_path / "blank.card").write_bytes(b"\xff" * layout.SIZE)
    meter = ("--meter-dir", "m", "--json")
    assert cli("card", "insert", "a.card", *meter).returncode == 0
    for card, outcome in (("blank.card", 1), ("b.card", 4)):
        for verb in (["insert", card], ["pull", card, "--after", "9999"]):
            done = cli("card", *verb, *meter)
            assert done.returncode == 1
            assert json.loads(done.stdout)["outcome"] == outcome
    assert cli("card", "pull", "a.card", *meter, "--after", "9").returncode == 0


@pytest.mark.parametrize("name", ["identity", "profile"])
@pytest.mark.parametrize("data", [b"", b"\x5a" * 61])
def test_a_damaged_meter_reads_no_card_and_is_said_to_be_damaged(cli, tmp_path, name, data):
    cli("terminal", "exchange", "a.card", "--pay", "20")
    assert cli("card", "insert", "a.card", "--meter-dir", "m").returncode == 0
    for file in (tmp_path / "m").iterdir():  # a profile counts where there is no journal
        if file.name not in ("identity", "profile"):
            file.unlink()
    (tmp_path / "m" / name).write_bytes(data)
    before = (tmp_path / "a.card").read_bytes()
    line = one_line(cli("card", "insert", "a.card", "--meter-dir", "m"))
    assert line == "budgetmeter: m: no meter: its identity or its profile is damaged"
    assert (tmp_path / "a.card").read_bytes() == before
    assert (tmp_path / "m" / name).read_bytes() == data
