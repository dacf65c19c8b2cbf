"""Two processes on the files of one meter: the one that writes last forgets what the other took.

One process at a time has a meter. The second one is told in one line who has it; what a meter has
taken is never lost.
"""

import signal

import pytest
from budgetmeter.client import Meter as Client
from meterfw.tokens.till import Till

from tests.command import installed as budgetmeter
from tests.emulate.process import Emulated
from tests.host.test_cards_cli import METER, one_line, told

FOLDER = f"st/{METER}"
EMULATED = ("--meter", METER, "--key", "vending.key", "--state", "st", "--watts", "0")


@pytest.fixture
def paid(cli):
    """The command, in a folder where 30 EUR are on the card."""
    assert cli("terminal", "exchange", "a.card", "--pay", "30").returncode == 0
    return cli


def test_a_meter_that_runs_takes_no_card_beside_it(paid, tmp_path):
    before = (tmp_path / "a.card").read_bytes()
    with Emulated(*EMULATED):
        line = one_line(paid("card", "insert", "a.card", "--meter-dir", FOLDER))
    assert "has it" in line
    assert (tmp_path / "a.card").read_bytes() == before


def test_what_a_card_brought_to_a_meter_that_runs_outlives_a_restart(paid):
    with Emulated(*EMULATED) as emulated:
        done = paid("card", "insert", "a.card", "--meter-dir", FOLDER, "--json")
        taken = 30 if done.returncode == 0 else 0
        paid("terminal", "exchange", "a.card")  # the office learns of it
        issued = paid("token", "issue", "top-up", "--meter", METER, "--amount", "20", "--json")
        with Client(emulated.url) as meter:
            meter.enter(told(issued)["text"])
        assert emulated.end(signal.SIGTERM)[0] == 0
    with Emulated(*EMULATED) as emulated, Client(emulated.url) as meter:
        assert meter.status().balance == 15 + 20 + taken


def test_two_cards_put_into_one_meter_at_once_lose_nothing(cli, tmp_path, monkeypatch):
    """A technical card goes in while the customer's is read."""
    customers = ("card", "insert", "a.card", "--meter-dir", "m")
    assert cli(*customers).returncode == 0  # makes the meter
    assert cli("terminal", "exchange", "a.card", "--pay", "30").returncode == 0
    item = told(cli("office", "queue", "price", "price=0.20", "--meter", METER, "--json"))
    technical = ("--type", "technical", "--item", item["item"])
    assert cli("card", "new", "t.card", "--meter", METER, *technical).returncode == 0
    enter_all, waiting = Till.enter_all, [("card", "insert", "t.card", "--meter-dir", "m")]

    def beside(self, tokens):
        if waiting:
            budgetmeter(*waiting.pop(), cwd=tmp_path)
        return enter_all(self, tokens)

    with monkeypatch.context() as patch:
        patch.setattr(Till, "enter_all", beside)
        assert cli(*customers).returncode == 0
    assert waiting == []
    cli("terminal", "exchange", "a.card")  # the office learns of it
    assert told(cli(*customers, "--json"))["balance"] == "45.00000"
