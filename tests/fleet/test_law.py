"""The fleet meets the law: cases of who falls behind, beside meters that stay compiled."""

from collections import Counter

import pytest
from budgetmeter.casebook import Case
from budgetmeter.errors import InputError
from budgetmeter.fleet import compare, engine, law, run, single, study, table
from budgetmeter.fleet.results import Results, summary
from budgetmeter.fleet.rows import Household, Outcome, fields_of
from budgetmeter.units import DAY_S
from meterproto.codes import Event

from tests.command import run as budgetmeter
from tests.fleet.support import events

MUCH = (  # so many fall behind and stay there that in a year everything happens
    "behind_pct=60", "pay_days=60,900,2000", "protected_pct=70", "cover_pct=5,20,60",
    "skip_pct=90", "errand_h=500,2000,4000", "limited_h=8000",
    "bill_paid_pct=20", "withdraws_pct=70", "bad_will_pct=60", "mends_days=2,40",
)  # fmt: skip
STARTS = {"wallonia-electricity": "2023-01-01", "wallonia-gas": "2023-01-01",
          "flanders-2003": "2004-01-01"}  # fmt: skip
PROFILES = {"wallonia-electricity": "wallonia-card", "wallonia-gas": "wallonia-gas",
            "flanders-2003": "flanders-2003"}  # fmt: skip


def with_law(tmp_path, rules="wallonia-electricity", more="", meters=30, days=730, changes=MUCH):
    """A study whose policy names a rule file."""
    path = tmp_path / f"{rules}{len(more)}.toml"
    path.write_text(
        f"start = {STARTS[rules]}\n[policy]\nprofile = '{PROFILES[rules]}'\n"
        f"[policy.law]\nrules = '{rules}'\n{more}",
        encoding="utf-8",
    )
    return study.load(str(path), [f"meters={meters}", f"days={days}", *changes])


@pytest.fixture(scope="module", params=sorted(STARTS))
def lived(request, tmp_path_factory):
    """A study ready to run, and the lives of its meters."""
    chosen = with_law(tmp_path_factory.mktemp("law"), request.param)
    ready = engine.world(chosen)
    return chosen, ready, engine.simulate(ready, 0, 30, 6000)


def names(chunk):
    return Counter(fact.name for case in chunk.cases.values() for fact in case.facts)


def test_every_step_of_every_case_was_allowed_on_its_day(lived):
    """Asked again of the facts that were there before it."""
    chunk = lived[2]
    assert 8 < len(chunk.cases) < 28
    asked = 0
    for case in chunk.cases.values():
        for index, fact in enumerate(case.facts):
            if fact.name in case.book.steps:
                earlier = Case(case.book, case.facts[:index])
                assert earlier.why_not(fact.name, fact.day, fact.given) == [], fact
                asked += 1
    assert asked > 40


@pytest.mark.rule("WE-20", "WE-36", "WE-39", "FE-30")
def test_what_a_case_does_reaches_the_meter(lived):
    chunk = lived[2]
    seen, o = names(chunk), chunk.outcomes
    assert o["refused"].sum() == 0  # the meter's own bars agree with the case book
    for place, case in chunk.cases.items():
        done = {fact.name for fact in case.facts}
        told = [code for _, _, code, _, _ in events(chunk, place)]
        assert ("activation" in done) == (Event.MODE_CHANGED in told)
        changed = {"withdrawal", "limiter-again"} & done
        assert told.count(Event.MINIMUM_SUPPLY_CHANGED) == len(changed)
    others = [i for i in range(30) if i not in chunk.cases]
    assert not o["top_ups"][others].any()  # without a case nobody has prepayment
    assert seen["activation"] > 3
    if "settlement" in next(iter(chunk.cases.values())).book.steps:
        assert seen["minimum-bill"]
        assert seen["withdrawal"]
    if "lac" in seen:
        assert seen["cut-bad-will"] + seen["withdrawal"]


def test_the_ledger_is_what_the_meters_say(lived):
    """Minimum supply: what was billed and not paid is on the meter, and what was paid is not."""
    _, ready, chunk = lived
    for place, case in chunk.cases.items():
        paid = sum(fact.amount for fact in case.facts if fact.name == "minimum-payment")
        assert chunk.outcomes[place]["bills_paid"] == paid * 1000
        owed = case.owes("minimum", engine.last_day(ready))
        assert 0 <= owed * 1000 <= chunk.outcomes[place]["arrears"]


def test_compiled_is_interpreted(lived):
    _, ready, chunk = lived
    for place in [place for place in chunk.cases if chunk.orders[place]][:3]:
        one = engine.interpreted(ready, place, chunk.log.shape[1])
        assert [tuple(row) for row in one.log] == events(chunk, place)
        for field in fields_of(Household):
            assert chunk.households[place][field] == getattr(one.household, field), field
        for field in fields_of(Outcome):
            assert chunk.outcomes[place][field] == getattr(one.outcome, field), field
        assert chunk.months[place].tolist() == one.months


def test_the_emulators_meter_with_a_case_is_the_fleets(lived):
    chosen, _, chunk = lived
    place = max(chunk.cases, key=lambda one: (len(chunk.orders[one]), -one))
    world, end_s = single.emulator(chosen, place)
    if chosen.profile.gas:  # its steps are many
        end_s = world.start_s + 300 * DAY_S
    world.run(end_s)
    entries = [e for e in world.trace.entries if isinstance(e.code, Event)]
    happened = [(e.clock, e.second, int(e.code), e.reasons, e.balance) for e in entries]
    assert happened
    assert happened == [one for one in events(chunk, place) if one[0] * 60 + one[1] < end_s]
    assert world.conservation()[0] == world.conservation()[1]


def test_chunks_workers_and_a_resume_are_not_seen(tmp_path):
    chosen = with_law(tmp_path, days=300, meters=25)
    ready = engine.world(chosen)
    whole = table.build(engine.simulate(ready, 0, 25), engine.last_day(ready))
    one = run.open_folder(chosen, ready, tmp_path / "one", 7)
    run.finish(one, ready, workers=2)
    found = Results(tmp_path / "one")
    assert found.table().equals(whole)
    one.path(7).unlink()
    run.finish(one, ready, workers=1)
    assert Results(tmp_path / "one").table().equals(whole)
    assert found.conservation()[0] == found.conservation()[1]


@pytest.mark.rule("WE-12")
def test_a_longer_notice_brings_less_prepayment_to_the_same_households(tmp_path):
    folders = []
    for more in ("", "[policy.law.change]\nnotice_term = { value = 60, unit = 'days' }\n"):
        chosen = with_law(tmp_path, more=more, meters=200, days=365, changes=("behind_pct=50",))
        ready = engine.world(chosen)
        opened = run.open_folder(chosen, ready, tmp_path / chosen.name, 100)
        run.finish(opened, ready, workers=1)
        folders.append(Results(opened.folder))
    before, after = (one.columns("activated")[0] for one in folders)
    assert before.sum() > after.sum() > 0
    assert not ((after == 1) & (before == 0)).any()
    measures = compare.compare(*folders)["measures"]
    assert measures["activated"]["difference"] < 0
    assert measures["prepaid_h"]["less_pct"] > 0
    assert summary(folders[0])["law"]["activated_pct"] == 100 * before.mean()


# ---- Article 23 ----------------------------------------------------------------------------------


@pytest.mark.rule("FE-40")
def test_article_23_counts_limiters_and_operator_cuts_and_no_self_disconnection(tmp_path):
    chosen = with_law(tmp_path, "flanders-2003", meters=60, days=366)
    ready = engine.world(chosen)
    opened = run.open_folder(chosen, ready, tmp_path / "out", 60)
    run.finish(opened, ready, workers=1)
    found = Results(opened.folder)
    counts = Counter()
    for line in found.fe_40(2004):
        counts.update(line.counts)
    plain = Counter(fact.name for case in found.cases() for fact in case.facts)
    assert counts["2a placed or on again"] == plain["activation"]
    assert counts["2c limiters off"] == plain["withdrawal"] > 0
    assert counts["2e cut"] == plain["cut-bad-will"] > 0
    assert counts["2e cut"] == found.columns("cut")[0].sum()
    again = {key: n for key, n in counts.items() if key.startswith("2d")}
    assert sum(again.values()) == plain["limiter-again"] > 0
    assert sum(n for key, n in counts.items() if key.startswith("2f")) == plain["reconnection"]
    # A cut is the operator's switch, and a self-disconnection never is one.
    cut = found.columns("cut")[0] == 1
    off = found.columns("off_operator_s")[0]
    assert (off[cut] > 0).all()
    assert not off[~cut].any()
    done = budgetmeter("fleet", "report", opened.folder, "--fe-40", 2004)
    assert done.said.startswith("municipality,protected,1a reminders")
    assert len(done.said.splitlines()) == 3  # protected and others


@pytest.mark.rule("WE-12")
def test_the_cases_of_a_run_are_read_with_the_numbers_of_its_policy(tmp_path):
    """Else every default letter of a shorter notice would stand against the rule file."""
    change = """[policy.law.change]
notice_term = { value = 5, unit = "days" }
notice_debt = { value = 80.50, unit = "EUR" }
cap_year = { value = "rolling" }
status_term = { value = 2, unit = "years", from = 2023-06-01 }
"""
    chosen = with_law(tmp_path, more=change, meters=20, days=150)
    ready = engine.world(chosen)
    opened = run.open_folder(chosen, ready, tmp_path / "out", 20)
    run.finish(opened, ready, workers=1)
    cases = list(Results(opened.folder).cases())
    book = cases[0].book
    assert (book.values["notice_term"], book.values["notice_debt"]) == (
        chosen.law.book.values["notice_term"], chosen.law.book.values["notice_debt"])  # fmt: skip
    assert book == chosen.law.book
    letters = [(case, fact) for case in cases for fact in case.facts
               if fact.name == "default-letter"]  # fmt: skip
    assert letters
    for case, fact in letters:
        earlier = Case(book, [one for one in case.facts if one.number < fact.number])
        assert earlier.why_not("default-letter", fact.day) == []


def test_a_run_without_a_law_has_no_article_23(tmp_path):
    path = tmp_path / "plain.toml"
    path.write_text("[policy]\nprofile = 'wallonia-card'\n")
    chosen = study.load(str(path), ["meters=2", "days=2"])
    ready = engine.world(chosen)
    opened = run.open_folder(chosen, ready, tmp_path / "out")
    run.finish(opened, ready, workers=1)
    with pytest.raises(InputError, match="names no law"):
        Results(opened.folder).fe_40(2021)
    assert list(Results(opened.folder).cases()) == []
    assert not Results(opened.folder).prepaid_s().any()


def test_a_case_is_read_again_as_it_was_written(lived):
    for case in lived[2].cases.values():
        again = law.case_of(case.book, law.written(case.facts))
        assert [str(fact) for fact in again.facts] == [str(fact) for fact in case.facts]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("law = 3", "law is a table"),
        ("law = { rules = 'wallonia' }", "no rules wallonia"),
        ("law = { rules = 'wallonia-gas' }", "is for gas"),
        ("law = { rules = 'brussels-2011' }", "knows no prepayment"),
        ("law = { rules = 'wallonia-electricity', colour = 1 }", "unknown key colour"),
        ("law = { rules = 'wallonia-electricity', change = 1 }", "law.change is a table"),
        ("law = { rules = 'wallonia-electricity', change = { notice = {} } }", "no value notice"),
        (
            "law = { rules = 'wallonia-electricity', change = { notice_term = 3 } }",
            "notice_term: write",
        ),
        (
            "law = { rules = 'wallonia-electricity', "
            "change = { notice_term = { value = 1, unit = 'EUR' } } }",
            "its unit is days",
        ),
    ],
)
def test_mistakes_are_one_line(text, said, tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text(f"start = 2023-01-01\n[policy]\nprofile = 'wallonia-card'\n{text}\n")
    with pytest.raises(InputError) as raised:
        study.load(str(path))
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_start_before_the_edition_is_refused(tmp_path):
    path = tmp_path / "early.toml"
    path.write_text(
        "start = 2022-01-01\n[policy]\nprofile = 'wallonia-card'\n"
        "law = { rules = 'wallonia-electricity' }\n"
    )
    with pytest.raises(InputError, match="start is before 2023-01-01"):
        study.load(str(path))
