"""Power cuts everywhere: nothing is lost, and the campaign would notice if something were."""

import pytest
from budgetmeter.emulator.nor import BOARDS, SYNC
from meterfw.store.journal import Journal
from meterfw.tokens.gateway import Gateway
from meterfw.tokens.memory import TokenMemory, Window
from meterfw.tokens.till import Till
from meterproto.codes import Kind
from meterproto.tokens import parse

from tests.faults import campaign
from tests.faults.story import Teller

PARTS = 4
SHARE = {"rp2040": 0.5, "esp32": 0.004}  # of depth 2; `make faults` tries all
LEAST = {"rp2040": 4000, "esp32": 5000}  # faults in a part, so that all parts exceed 30,000


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("board", BOARDS)
def test_no_cut_loses_or_doubles_anything(board, part, record_property):
    tally = campaign.campaign(board, part, PARTS, SHARE[board])
    record_property("power cuts tried", tally.tried)
    record_property("power cuts that lost anything", len(tally.lost))
    assert not tally.lost, "\n".join(tally.lost[:20])
    assert tally.tried >= LEAST[board]


def test_the_story_is_worth_cutting():
    tale = campaign.story("rp2040")
    kinds = {parse(entered.token).kind for entered in tale.entered}
    assert {Kind.TOP_UP, Kind.SUPPORT, Kind.LIMITER_ENABLE, Kind.PAYMENT_MODE} <= kinds
    assert {Kind.KEY_CHANGE, Kind.OVERDRAFT, Kind.HOLD, Kind.PARAMETER} <= kinds
    assert len(tale.commits) > len(tale.entered) + 20
    assert sum(operation == SYNC for operation in tale.operations) > len(tale.commits)


# Planted defects: each must be noticed


def _no_second_file(monkeypatch):
    """Recovery takes the older of the two records."""
    whole = Journal._whole

    def backwards(self, data):
        shape, sequence = whole(self, data)
        return shape, 2**30 - sequence

    monkeypatch.setattr(Journal, "_whole", backwards)


def _answers_before_the_commit(monkeypatch):
    """The answer leaves with the account in memory only; stored at the next occasion."""
    commit = Journal.commit
    held = []

    def late(self, ledger):
        if not held:
            held.append(1)
            return True
        held.clear()
        return commit(self, ledger)

    monkeypatch.setattr(Journal, "commit", late)


def _forgets_numbers(monkeypatch):
    """Taken token numbers are not stored."""
    pack = TokenMemory.pack

    def blank(self):
        empty = TokenMemory()
        empty.key_revision, empty.key = self.key_revision, self.key
        return pack(empty)

    monkeypatch.setattr(TokenMemory, "pack", blank)


def _lock_out_opens(monkeypatch):
    """A restart ends the lock-out."""

    def start(self, memory):
        self.locked_ms = 0

    monkeypatch.setattr(Gateway, "start", start)


def _books_a_token_twice(monkeypatch):
    """A token is put down as taken by a commit of its own, after the one that booked it."""
    enter_all = Till.enter_all

    def twice(self, batch, port=False):
        answers = enter_all(self, batch, port)
        memory = self.ledger.memory
        numbers, orders = memory.numbers, memory.orders
        memory.numbers, memory.orders = Window(), Window()
        self.commit()
        memory.numbers, memory.orders = numbers, orders
        self.commit()
        return answers

    monkeypatch.setattr(Till, "enter_all", twice)


@pytest.mark.parametrize(
    "plant",
    [
        _no_second_file,
        _answers_before_the_commit,
        _forgets_numbers,
        _lock_out_opens,
        _books_a_token_twice,
    ],
)
def test_planted_defects_are_noticed(plant, monkeypatch):
    plant(monkeypatch)
    try:
        tale = Teller("rp2040").tell()
    except AssertionError:
        pytest.fail("the story itself does not get through")
    assert campaign.campaign("rp2040", share=0, tale=tale).lost
