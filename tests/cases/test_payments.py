"""A process killed between the booking of a payment and the handing out of what was paid for.

The payment is in the books and on its way; whoever comes next finds it and hands it out, without
paying again.
"""

import json
import signal
import subprocess
import sys

import pytest

from tests.host.test_cards_cli import METER, on_the_way, told

# The command, killed as soon as the transaction that issues a token is committed.
KILLED = """
import os, signal, sys
from budgetmeter.__main__ import main
from budgetmeter.office.office import Office

issue_in, transaction, issued = Office.issue_in, Office.transaction, []

def noted(*arguments, **named):
    issued.append(1)
    return issue_in(*arguments, **named)

def cut(*arguments):
    answer = transaction(*arguments)
    if issued:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer

Office.issue_in, Office.transaction = noted, cut
sys.argv[0] = "budgetmeter"
main()
"""


@pytest.fixture
def killed(cli, tmp_path):
    """Runs the command in the folder of `cli` until it is killed after its booking."""

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-c", KILLED, *arguments],
            cwd=tmp_path,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")

    return run


def test_a_terminal_killed_after_its_booking_writes_the_card_at_the_next_visit(cli, killed):
    killed("terminal", "exchange", "a.card", "--pay", "20")
    assert on_the_way(cli) == "20.00000"
    again = told(cli("terminal", "exchange", "a.card", "--json"))
    assert (again["carried"], again["tokens"]) == ("20.00000", 1)
    seen = told(cli("card", "insert", "a.card", "--meter-dir", "m", "--json"))
    assert seen["balance"] == "35.00000"


def test_a_token_whose_printing_was_killed_is_in_the_log_and_can_be_shown(cli, killed):
    killed("token", "issue", "top-up", "--meter", METER, "--amount", "50")
    assert on_the_way(cli) == "50.00000"
    row = told(cli("office", "log", "--json"))[-1]
    assert (row["action"], row["told"]) == ("issue", "top-up 50.00 EUR")
    shown = told(cli("token", "show", METER, row["number"], "--json"))
    fields = json.loads(cli("token", "decode", shown["text"], "--json").stdout)
    assert fields["amount"] == "50.00000 EUR"
