"""Cards in scenarios: the story of 2020 end to end, and mistakes in the files."""

import pytest
from budgetmeter import scenario
from budgetmeter.card import MemoryCard, personalise
from budgetmeter.emulator.world import METER
from budgetmeter.errors import InputError
from budgetmeter.office import books
from budgetmeter.scenario.counter import Counter
from meterproto import cards as layout

from tests.firmware.support import mc

BASE = """
start = 2020-12-08T09:00:00
days = 1
[load]
watts = 0
"""


def run(text, tmp_path):
    path = tmp_path / "s.toml"
    path.write_text(BASE + text)
    return scenario.run(scenario.load(str(path)))


def step(line, time="10:00:00"):
    return f"[[at]]\ntime = 2020-12-08T{time}\n{line}\n"


@pytest.mark.rule("B-7", "OC-05", "AMB-23", "AMB-25")
@pytest.mark.parametrize("name", ["cards-2020", "cards-2020-incident"])
def test_the_story_of_2020_adds_up_across_meter_card_and_office_at_every_step(name, monkeypatch):
    told, counters = [], []
    balanced = Counter.balanced

    def note(self):
        told.append(balanced(self))
        counters.append(self)
        return told[-1]

    monkeypatch.setattr(Counter, "balanced", note)
    chosen = scenario.load(name)
    world, failures = scenario.run(chosen)
    assert failures == []
    assert len(told) == len(chosen.steps)
    assert all(handed == known for handed, known in told)
    assert told[-1] == (mc(100), mc(100))  # the aid, once
    held, booked = world.conservation()
    assert held == booked
    on_way, taken, lapsed = counters[-1].office.transaction(
        lambda connection: books.money(connection, METER)
    )
    assert (on_way, taken, lapsed) == (0, mc(100), 0)


def test_money_that_went_missing_fails_a_scenario(tmp_path, monkeypatch):
    """The check of the books at each step finds what is planted."""
    monkeypatch.setattr(Counter, "_booked", lambda self: 0)
    _, failures = run(step('terminal = "20.00"') + step("card = true", "11:00:00"), tmp_path)
    assert [failure.key for failure in failures] == ["money handed out"]


def test_tokens_by_hand_and_by_card_share_one_office(tmp_path):
    text = step('order = { kind = "top-up", amount = "5.00" }') + step(
        'terminal = "20.00"', "10:01:00"
    )
    text += step('card = true\nexpect = { card = "good", balance = "40.00" }', "10:02:00")
    text += step(
        'order = { kind = "overdraft", amount = "5.00", until = 2021-01-01 }\n'
        'expect = { result = "done" }',
        "10:03:00",
    )
    text += step(
        'order = { kind = "overdraft", amount = "5.00", until = 2021-01-01 }\n'
        'expect = { result = "no-effect" }',
        "10:04:00",
    )
    _, failures = run(text, tmp_path)
    assert failures == []


def test_an_item_by_network_and_a_card_from_a_file(tmp_path):
    made = personalise(bytes(32), type=1, meter=METER, card=1, key_revision=1)
    made.save(tmp_path / "my.card")
    text = step('queue = { kind = "support", amount = "10.00" }')
    text += step('network = 1\nexpect = { balance = "25.00" }', "10:01:00")
    text += step('card = { file = "my.card" }\nexpect = { card = "good" }', "10:02:00")
    _, failures = run(text, tmp_path)
    assert failures == []
    image = bytes(MemoryCard.load(tmp_path / "my.card").data)
    _, _, held = layout.newest(image, layout.OUTWARD, layout.OUTWARD_SIZE)
    assert layout.report(held)["state"].credit == mc(25)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('card = { type = "gold", item = 1 }', "type is one of"),
        ('card = { type = "repair" }', "type and item go together"),
        ('card = { pull = 9, spoil = "x" }', "spoil is one of"),
        ('card = { colour = "x" }', "unknown key colour"),
        ('card = { file = "none.card" }', "No such file"),
        ('terminal = "x"', "'x' is not a number"),
        ('terminal = "3.00"', "from 5.00 to 250.00"),
        ('queue = { amount = "5.00" }', "kind is missing"),
        ('queue = { kind = "gold" }', "no kind gold"),
        ('queue = { kind = "hold" }', "hold needs until"),
        ('queue = { kind = "aid", amount = "5.00" }', "winter aid is for gas"),
        ('campaign = "winter"', "no campaign winter"),
        ("network = 9", "no item 9"),
        ('card = true\nexpect = { card = "fine" }', "'fine' is not one of"),
    ],
)
def test_mistakes_in_a_scenario_are_one_line(line, said, tmp_path):
    with pytest.raises(InputError) as raised:
        run(step(line), tmp_path)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_contract_that_is_wrong(tmp_path):
    with pytest.raises(InputError, match="contract: since"):
        run('[contract]\nsince = "x"\n', tmp_path)
    with pytest.raises(InputError, match="unknown key owner"):
        run('[contract]\nowner = "x"\n', tmp_path)
