"""The verbs `case …`: one screen for a person, JSON for a program, one line for a mistake."""

import csv
import io

import pytest

from tests.command import run


@pytest.fixture
def db(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path}/cases.db"
    monkeypatch.setenv("BUDGETMETER_DB", url)
    return url


@pytest.fixture
def case(db):
    done = run("case", "open", "--customer", "4711", "--rules", "wallonia-electricity+ores-covid",
               "--on", "2020-07-01", "--json")  # fmt: skip
    assert done.data["case"] == 1
    for words in (
        ("invoice", "amount=150.00", "--on", "2020-09-01"),
        ("reminder", "--on", "2020-09-17"),
        ("notice", "--on", "2020-09-28"),
    ):
        assert run("case", "fact", *words).status == 0
    return 1


@pytest.mark.rule("WE-39", "OC-01")
def test_why_not_says_by_which_clause_and_from_when(case):
    for words in (
        ("minimum-bill", "amount=20.00", "--on", "2020-10-01"),
        ("commission", "--on", "2020-11-20"),
        ("cle-withdraws", "--on", "2020-12-01"),
    ):
        assert run("case", "fact", *words).status == 0
    done = run("case", "why-not", "withdraw", "--customer", "4711", "--on", "2021-01-12")
    assert done.said.splitlines() == [
        "step     withdrawal: end minimum supply",
        "on       2021-01-12: not allowed",
        "against  WE-39: not before the winter is over, until 2021-03-16",
        "against  OC-01, AMB-31: no cut but for safety, for all customers whatever their payment "
        "mode, until 2021-04-01",
        "from     2021-04-01",
    ]
    data = run("case", "why-not", "withdrawal", "--on", "2021-04-01", "--json").data
    assert data["allowed"] is True
    assert data["from"] == "2021-04-01"


def test_next_names_the_day_and_what_it_opens(case):
    data = run("case", "next", "--on", "2020-10-01", "--json").data
    assert data == {
        "on": "2020-10-01", "next": "2020-10-14", "allowed": ["default-letter"], "forbidden": []
    }  # fmt: skip


def test_a_step_against_the_rules_is_written_and_named(case):
    data = run("case", "fact", "default-letter", "--on", "2020-10-13", "--json").data
    assert [one["rule"] for one in data["against"]] == ["WE-12, WE-22"]


@pytest.mark.rule("WE-08", "WE-12", "WE-16")
def test_letters_name_what_the_source_demands(case):
    first, second = run("case", "letters", "--on", "2020-12-01", "--json").data
    assert (first["step"], first["due"], first["cost"]) == ("reminder", "2020-09-27", "7.50")
    assert "free budget meter" in first["names"]
    assert (second["owed"], second["source"]) == ("172.50", "W-elec 30:402")
    assert "reminder" in run("case", "letters", "--on", "2020-12-01").said
    french = run("case", "letters", "--on", "2020-12-01", "--lang", "fr").said
    assert "fournisseur: envoyer la lettre de rappel (WE-07, WE-08" in french
    assert "- compteur à budget gratuit" in french
    assert "dû 172.50 EUR, dont 15.00 EUR pour cette lettre" in french


def test_overdue_names_the_actor(case):
    run("case", "fact", "status-request", "--on", "2020-10-01")
    done = run("case", "overdue", "--on", "2020-12-01")
    assert done.said == "supplier  acknowledge the proof of status, since 2020-10-09 (WE-04)\n"
    assert run("case", "overdue", "--on", "2020-10-08").said == "overdue  nothing\n"


@pytest.mark.rule("OS-10")
def test_show_gives_a_copy_of_all_data(case):
    data = run("case", "show", "--on", "2020-12-01", "--json").data
    assert [fact["fact"] for fact in data["facts"]] == ["opened", "invoice", "reminder", "notice"]
    assert data["owes"] == {"supplier": "172.50"}
    assert [line["amount"] for line in data["ledger"]] == ["150.00", "7.50", "15.00"]
    assert "172.50 EUR on supplier" in run("case", "show", "--on", "2020-12-01").said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("case", "why-not", "notise"), "no step notise in wallonia"),
        (("case", "fact", "invoice"), "invoice needs amount"),
        (("case", "fact", "invoice", "amount=1,50"), "write 1.50"),
        (("case", "fact", "invoice", "amount"), "write NAME=VALUE"),
        (("case", "fact", "invoice", "amount=-3"), "no amount such as 20.00"),
        (("case", "fact", "invoice", "amount=1.001"), "finer than a cent"),
        (("case", "fact", "invoice", "amount=2", "colour=red"), "no field colour"),
        (("case", "fact", "invoice", "amount=2", "combined=perhaps"), "neither yes nor no"),
        (("case", "fact", "protected", "until=2021-02-30"), "is not a day"),
        (("case", "fact", "outage", "hours=7"), "no fact outage"),
        (("case", "show", "--on", "soon"), "--on: 'soon' is not a day"),
        (("case", "show", "--on", "1999-01-01"), "not within 2000 to 2098"),
        (("case", "show", "--customer", "5"), "no case of customer 5"),
        (("case", "report", "fe-41", "2003"), "no report fe-41"),
        (("case", "open", "--customer", "1", "--rules", "utopia"), "no rules utopia"),
        (("case", "open", "--customer", "1", "--rules", "ores-covid"), "give it as an overlay"),
        (("case", "open", "--customer", "1", "--rules", "flanders-2003+wallonia-gas"), "overlay"),
        (("case", "open", "--customer", "", "--rules", "flanders-2003"), "1 to 32 printable"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_status_2(case, words, said):
    done = run(*words)
    assert done.status == 2
    assert said in done.error
    assert done.error.count("\n") == 1
    assert done.said == ""


@pytest.mark.rule("FE-40")
def test_the_report_of_article_23(db):
    for number, (town, facts) in enumerate(
        [
            ("Gent", [
                "2003-09-05 invoice amount=80.00", "2003-10-01 reminder", "2003-10-02 reminder",
                "2003-10-17 notice", "2003-11-01 plan monthly=20.00", "2003-11-15 plan-broken",
                "2003-11-16 activation", "2003-11-20 bad-will", "2003-12-01 withdrawal",
                "2003-12-08 bad-will-ended", "2003-12-08 limiter-again"]),
            ("Gent", [
                "2003-08-01 protected", "2003-09-05 invoice amount=80.00", "2003-10-17 notice",
                "2003-11-01 plan monthly=30.00", "2003-11-02 plan monthly=31.00",
                "2003-11-02 file-cpas", "2003-11-03 file-mediator",
                "2003-11-16 activation removal=yes", "2003-11-18 deactivation removal=yes"]),
            ("Aalst", [
                "2003-08-01 cut-fraud", "2003-08-01 reconnection", "2003-08-02 cut-safety",
                "2003-08-03 reconnection", "2003-09-01 cut-bad-will", "2003-09-08 reconnection",
                "2003-09-09 operator-cut", "2003-10-09 reconnection", "2003-10-10 cut-fraud",
                "2003-11-10 reconnection", "2004-01-02 cut-fraud"]),
        ],
        1,
    ):  # fmt: skip
        run("case", "open", "--customer", str(number), "--rules", "flanders-2003",
            f"municipality={town}", "--on", "2003-07-01")  # fmt: skip
        for text in facts:
            day, *words = text.split()
            assert run("case", "fact", *words, "--on", day, "--case", number).status == 0
    done = run("case", "report", "fe-40", "2003")
    rows = list(csv.DictReader(io.StringIO(done.said)))
    assert [(row["municipality"], row["protected"]) for row in rows] == [
        ("Aalst", "no"), ("Gent", "no"), ("Gent", "yes"),
    ]  # fmt: skip
    aalst, other, protected = rows
    assert aalst["2e cut"] == "5"
    ages = [aalst[name] for name in aalst if name.startswith("2f")]
    assert ages == ["1", "2", "1", "1"]
    assert (other["1a reminders"], other["1b notices"], other["1d plans not kept"]) == (
        "1",
        "1",
        "1",
    )
    assert (other["2c limiters off"], other["2d limiters on again, 1 to 7 days"]) == ("1", "1")
    assert (other["2a placed or on again"], other["2a without removals"]) == ("1", "1")
    assert (protected["1c plans"], protected["1c mean per month"]) == ("2", "30.50")
    assert (protected["1e files to the CPAS"], protected["1f files to mediators"]) == ("1", "1")
    assert (protected["2a placed or on again"], protected["2a without removals"]) == ("1", "0")
    assert (protected["2b switched off"], protected["2b without removals"]) == ("1", "0")
    in_2004 = run("case", "report", "fe-40", "2004", "--json").data
    assert in_2004 == [{"municipality": "Aalst", "protected": False, "2e cut": 1}]


def test_rule_files_are_listed(db):
    assert run("case", "rules").said.split() == [
        "brussels-2011", "flanders-2003", "ores-charter", "ores-covid",
        "wallonia-electricity", "wallonia-gas",
    ]  # fmt: skip


def test_only_an_office_that_exists_is_read(db):
    done = run("case", "show")
    assert (done.status, "office init makes one" in done.error) == (2, True)
