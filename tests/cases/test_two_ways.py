"""A rule that the office checks for what it queues and not for a token that is typed.

`token issue` refuses what `office queue` refuses: once only, for protected customers only, winter,
and aid for gas.
"""

import pytest

from tests.host.test_cards_cli import METER, one_line, told

END = "2098-12-31"


def options(given):
    """Options of `token issue` of the values that `office queue` takes."""
    return [part for value in given for part in ("--" + value).split("=", 1)]


def issue(cli, kind, meter, *given):
    return cli("token", "issue", kind, "--meter", meter, *options(given))


def issued(cli, meter):
    rows = told(cli("office", "log", "--meter", meter, "--json"))
    return [row["told"] for row in rows if row["action"] == "issue"]


@pytest.mark.parametrize(
    ("kind", "given", "contract"),
    [
        ("aid", ["amount=50"], ["--protected"]),  # of electricity
        ("limiter-enable", [], []),
        ("minimum-supply-disable", [], ["--protected", "--judge", "2098-01-01"]),
    ],
    ids=["aid", "limiter", "guarantee"],
)
def test_what_is_not_queued_is_not_issued(cli, kind, given, contract):
    assert cli("office", "add-meter", "7", "--since", "2020-01-01", *contract).returncode == 0
    one_line(cli("office", "queue", kind, *given, "--meter", "7"))
    done = issue(cli, kind, "7", *given)
    assert issued(cli, "7") == []
    one_line(done)


@pytest.mark.parametrize("first", ["queue", "issue"])
def test_a_negative_limit_is_granted_once_by_either_way(cli, first):
    grant = ("amount=50", f"until={END}")
    if first == "queue":
        assert cli("office", "queue", "overdraft", *grant, "--meter", METER).returncode == 0
    else:
        assert issue(cli, "overdraft", METER, *grant).returncode == 0
    before = issued(cli, METER)
    done = issue(cli, "overdraft", METER, *grant)
    assert issued(cli, METER) == before
    one_line(done)
