"""An audit log that says what whoever is logged in wants it to say.

Beside the time that `--at` sets and the name that the environment gives, the log carries the real
time and the real user.
"""

import os
import pwd
from datetime import UTC, datetime

from tests.host.test_cards_cli import METER, told


def last_row(cli):
    """What the log says of the last deed, as text."""
    return [str(value) for value in told(cli("office", "log", "--json"))[-1].values()]


def test_the_log_carries_the_real_time_beside_that_of_the_command_line(cli):
    before = datetime.now(UTC).date()
    queue = ("office", "queue", "support", "amount=100", "--meter", METER)
    assert cli(*queue, at="03:00").returncode == 0
    row = last_row(cli)
    days = {str(before), str(datetime.now(UTC).date())}
    assert any(value[:10] in days for value in row), row


def test_the_log_carries_the_real_user_beside_the_name_in_the_environment(cli, monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "alice")
    assert cli("token", "issue", "test", "--meter", METER).returncode == 0
    row = last_row(cli)
    real = pwd.getpwuid(os.getuid()).pw_name
    assert any(real in value for value in row), row
