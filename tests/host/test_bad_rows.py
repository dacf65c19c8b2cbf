"""One bad row of the books is named and skipped; a campaign and a report go on with the others."""

from importlib.resources import files

import pytest
from budgetmeter import profiles
from budgetmeter.office import overview
from budgetmeter.office.pending import BATCH, read_campaign
from budgetmeter.office.tables import meters

from tests.cards.counter import METER, Counter
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
