"""The report as a person reads it: numbers that add up, nothing cut at any width."""

import json
import os
import re

import pytest
from budgetmeter import texts
from budgetmeter.report import rows

from tests.command import run as budgetmeter


@pytest.fixture
def wide(monkeypatch):
    """Sets the width of the terminal."""
    return lambda columns: monkeypatch.setitem(os.environ, "COLUMNS", str(columns))


def test_emergency_credit_in_use_from_the_start_is_counted():
    run = ("run", "--profile", "flanders-2003", "--days")
    month = json.loads(budgetmeter(*run, 30, "--json").said)
    named = [event["event"] for event in month["events"]]
    ended = named.count("emergency-consumed") + named.count("emergency-restored")
    assert named.index("emergency-consumed") < named.index("emergency-in-use")
    assert month["supply"]["emergency_starts"] == named.count("emergency-in-use") + 1 == 6
    assert ended >= 6
    assert re.search(r"emergency credit +1 time *\n", budgetmeter(*run, 1).said)


def test_disconnections_and_days_with_supply_off_are_told_apart():
    figures = json.loads(budgetmeter("run", "negative-limit", "--json").said)["supply"]
    assert (figures["disconnections"], figures["off_days"]) == (4, 12)
    shown = budgetmeter("run", "negative-limit").said
    assert re.search(r"disconnections +4  supply off for a time on 12 days *\n", shown)


@pytest.mark.parametrize(("number", "text"), [(0, "0 days"), (1, "1 day"), (2, "2 days")])
def test_one_is_one(number, text):
    assert rows.counted(number, "day", texts.of()) == text


@pytest.mark.parametrize("columns", [20, 40, 80])
@pytest.mark.parametrize(
    "arguments", ["run --days 9", "run cards-2020", "profiles", "profiles flanders-2003"]
)
def test_a_narrow_terminal_cuts_and_breaks_no_word(wide, arguments, columns):
    wide(1000)
    whole = budgetmeter(*arguments.split()).said
    wide(columns)
    assert sorted(budgetmeter(*arguments.split()).said.split()) == sorted(whole.split())


def test_times_and_amounts_stay_on_their_line(wide):
    shown = budgetmeter("run", "--days", 9).said
    events = re.findall(r"^20\S+ \S+ +[A-Z][a-z, ]+[a-z] +-?\d+\.\d\d", shown, re.M)
    assert len(events) > 9
    wide(20)
    narrow = budgetmeter("run", "--days", 9).said
    assert all(event in narrow for event in events)
    assert re.search(r"^credit +\d d \d+ h \d\d min ", narrow, re.M)


def test_at_80_columns_a_line_is_a_line(wide):
    wide(80)
    shown = budgetmeter("run", "--profile", "flanders-2003", "--days", 30).said
    assert re.search(r"conservation +exact  held -32.97475 = booked -32.97475 *\n", shown)
    assert max(map(len, shown.splitlines())) <= 80
    shown = budgetmeter("profiles", "wallonia-card").said
    assert max(map(len, shown.splitlines())) <= 80
    rules = shown.split("\nrules\n")[1].split("\n\n")[0]
    assert all(re.match(r"  (\S+ +|        )\S", line) for line in rules.splitlines())


def test_a_load_of_seconds_is_told_in_seconds(tmp_path):
    load = tmp_path / "short.csv"
    load.write_text("time,watts\n2021-07-01T00:00:00,1000\n2021-07-01T00:00:10,1000\n")
    assert "; 2021-07-01 01:00 to 2021-07-01 01:00:20\n" in budgetmeter("run", "--load", load).said
