"""One bad row of the books is named and skipped; a campaign and a report go on with the others."""

from datetime import date
from importlib.resources import files

import pytest
from budgetmeter import profiles
from budgetmeter.office import cases, overview, tables
from budgetmeter.office.pending import BATCH, read_campaign
from budgetmeter.office.tables import meters, readings

from tests.cards.counter import METER, Counter
from tests.firmware.support import mc
from tests.host.test_cards_cli import cli, told

__all__ = ["cli"]


@pytest.fixture
def counter():
    """An office with a meter whose profile is gone, between two that are well."""
    counter = Counter().enrol()
    counter.office.add_meter(7, "wallonia-card", since_s=0)
    counter.office.add_meter(METER + 1, "wallonia-card", since_s=0)
    counter.office.transaction(
        lambda c: c.execute(meters.update().where(meters.c.meter == 7).values(profile="gone"))
    )
    good = counter.office._load_profile

    def load(name):
        return profiles.load(name) if name == "gone" else good(name)

    counter.office._load_profile = load
    return counter


def test_a_campaign_goes_on(counter):
    batches = list(counter.pending.campaigning(read_campaign("winter-2020")))
    assert [item.meter for batch in batches for item in batch.made] == [METER, METER + 1]
    ((meter, why),) = [row for batch in batches for row in batch.skipped]
    assert (meter, "gone" in why) == (7, True)


def test_a_report_goes_on(counter):
    found = overview.of_all(counter.office)
    assert [one.meter for one in found] == [7, METER, METER + 1]
    assert "its profile cannot be read" in found[0].notes[0]
    assert [one.notes for one in found[1:]] == [[], []]


def test_a_campaign_is_done_in_batches_and_goes_on_where_it_was_cut(counter):
    """A retired meter gets nothing, and what was queued before is not queued again."""
    office = counter.office
    for meter in range(1000, 1000 + BATCH):
        office.add_meter(meter, "wallonia-card", since_s=0)
    plan = read_campaign("winter-2020")
    first = next(counter.pending.campaigning(plan))
    assert 0 < len(first.made) < BATCH
    assert len(first.made) + len(counter.pending.campaign("winter-2020")) == BATCH + 2
    assert counter.pending.campaign("winter-2020") == []


def test_a_report_that_cannot_be_read_is_named(counter):
    """It is damaged, or its key is missing: others are shown, and this meter goes on selling."""
    counter.insert()
    counter.pay()
    counter.office.transaction(lambda c: c.execute(readings.update().values(report=b"\0")))
    (one,) = (one for one in overview.of_all(counter.office) if one.meter == METER)
    assert one.reading is None
    assert one.notes == ["its last report cannot be read: it is damaged, or its key is missing"]
    counter.queue("support", amount="5")
    counter.wait(1)
    counter.insert()
    assert len(counter.pay(20).given) == 1
    counter.insert()
    counter.pay()
    assert counter.money() == (0, mc(25), 0)


def test_a_campaign_names_a_case_whose_rules_are_gone(counter):
    cases.CaseBook(counter.office).open("K1", "wallonia-electricity", date(2020, 12, 1), METER)
    counter.office.transaction(lambda c: c.execute(tables.cases.update().values(rules="gone")))
    (batch,) = counter.pending.campaigning(read_campaign("winter-2020"))
    assert [item.meter for item in batch.made] == [METER + 1]
    assert sorted(meter for meter, _ in batch.skipped) == [7, METER]


def test_by_hand(cli, tmp_path):
    """A profile of the operator's own whose file was moved away."""
    source = tmp_path / "own.toml"
    shipped = files("budgetmeter.profiles") / "wallonia-card.toml"
    source.write_text(shipped.read_text("utf-8"), "utf-8")
    added = cli("office", "add-meter", "7", "--profile", "own.toml", "--since", "2020-01-01")
    assert added.returncode == 0, added.stderr
    source.unlink()
    done = cli("office", "campaign", "winter-2020", at="11:00")
    assert done.returncode == 0
    assert "meter 000000007 is skipped: own.toml" in done.stderr
    assert "queued for 1 meters" in done.stdout
    bad, good = told(cli("office", "report", "--json"))
    assert (bad["meter"], good["meter"]) == (7, 123_456_789)
    assert "its profile cannot be read: own.toml" in bad["notes"][0]
