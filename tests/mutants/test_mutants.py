"""A slice of the mutants in every run: lines that could once be deleted without a test noticing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants import known, trial
from tests.mutants.__main__ import MODULES
from tests.mutants.change import Mutant, mutants
from tests.mutants.reach import within

ROOT = Path(__file__).parents[2]
FILES = {
    "tokens": "tests/firmware/unit/tokens/test_tokens.py",
    "account": "tests/firmware/unit/account/test_account.py",
    "store": "tests/firmware/unit/store/test_journal.py",
    "card": "tests/cards/test_slot.py",
}
CRC = 'if struct.unpack("<L", data[-4:])[0] != crc(data[:-4]):'
LOST = "tokens::Keys::test_a_meter_whose_memory_is_lost_takes_only_a_newer_key"
FREE = "tokens::LockOut::test_a_restart_leaves_one_wrong_tag_without_a_delay_and_not_five"
GRANTED = "account::Grants::test_the_covid_campaign_on_every_walloon_profile"
HELD = "account::Grants::test_a_hold_makes_ready_bars_cuts_for_debt_and_ends_by_order"
OVER = "account::Grants::test_a_limit_granted_before_supply_opened_does_not_close_it"
SURE = "account::Charging::test_a_clock_that_is_set_is_sure_again"
GOES_ON = "account::Charging::test_whatever_pays_or_begins_anew_lets_charging_go_on"
EDGE = "account::Modes::test_values_at_the_very_edge_are_taken"
BEYOND = "account::Modes::test_orders_out_of_range_change_nothing"
RANGE = "store::OutOfRange::test_a_field_out_of_its_range_is_not_stored"
DAMAGE = "store::Found::test_the_newest_whole_record_wins"
AREA = "card::test_a_token_ends_within_its_area_and_a_card_has_no_more_than_twenty"
PRESET = "set_emergency_preset"
# module, function, the piece, what stands there instead, and the test that has to notice.
PLANTED = [
    ("tokens.memory", "TokenMemory.close", "self.orders.close(order_id)", "pass", LOST),
    ("tokens.memory", "TokenMemory.close", "self.numbers.close(number)", "pass", LOST),
    ("tokens.gateway", "Gateway.restart", "self._failures = _FREE_FAILURES - 1", "pass", FREE),
    ("account.orders", "overdraft", "m.granted |= GRANT_OVERDRAFT", "pass", GRANTED),
    ("account.orders", "hold", "m.granted |= GRANT_HOLD", "pass", HELD),
    ("account.rules", "judge_restore", "m.granted = 0", "pass", OVER),
    ("account.rules", "set_time", "m.uncertain = 0", "pass", SURE),
    ("account.rules", "set_time", "m.uncertain_min = 0", "pass", SURE),
    ("account.orders", "top_up", "m.charge_stopped = 0", "pass", GOES_ON),
    ("account.orders", "arrears_paid", "m.charge_stopped = 0", "pass", GOES_ON),
    ("account.orders", "activate", "m.charge_stopped = 0", "pass", GOES_ON),
    ("account.orders", PRESET, "1_000_000", "1_000_001", BEYOND),
    ("account.orders", PRESET, "> 1_000_000", ">= 1_000_000", EDGE),
    ("store.journal", "Journal._pack", "raise ValueError(wrong)", "pass", RANGE),
    ("store.journal", "Journal._whole", CRC, "if False:", DAMAGE),
    ("card.slot", "Slot._tokens", "after > end", "after > end + 1", AREA),
    ("card.slot", "Slot._tokens", "min(count, layouts.CARD_TOKENS)", "count", AREA),
    # and one that changes nothing
    ("account.rules", "balance", "m.credit - m.emergency_used", "m.credit-m.emergency_used", SURE),
]


def planted(module: str, function: str, old: str, new: str) -> Mutant:
    """The mutant of a piece that stands once in a function, or first in it."""
    name = f"meterfw.{module}"
    text = trial.source(name).read_text("utf-8")
    start = text.index(old, text.index(f"def {function.rpartition('.')[2]}("))
    return Mutant.of(name, function, text, (start, start + len(old)), new)


def judge() -> None:
    """Print of each planted mutant the test that notices it; for a process of its own."""
    tests = []
    for *_, test in PLANTED:
        file, rest = test.split("::", 1)
        tests.append(f"{FILES[file]}::{rest}")

    def work(suite):
        found = [
            trial.noticed(planted(*mutant), suite, [test])
            for (*mutant, _), test in zip(PLANTED, tests, strict=True)
        ]
        print("\n" + json.dumps(found))

    within(sorted(set(tests)), work)


@pytest.fixture(scope="module")
def noticed() -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", "from tests.mutants import test_mutants as t; t.judge()"],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
        cwd=ROOT,
    )
    return next(json.loads(line) for line in done.stdout.splitlines() if line.startswith("["))


@pytest.mark.parametrize(
    "number",
    range(len(PLANTED) - 1),
    ids=[f"{function}-{i}" for i, (_, function, *_) in enumerate(PLANTED[:-1])],
)
def test_a_planted_defect_is_noticed(number, noticed):
    assert noticed[number].endswith(PLANTED[number][-1].split("::", 1)[1])


def test_a_mutant_that_changes_nothing_is_not_noticed(noticed):
    assert len(noticed) == len(PLANTED)
    assert noticed[-1] == ""


def test_what_is_listed_as_equivalent_is_a_mutant_and_has_a_reason():
    made = set()
    for name in MODULES:
        module = f"meterfw.{name}"
        made |= {known.key(m) for m in mutants(module, trial.source(module).read_text("utf-8"))}
    for entry, because in known.listed().items():
        assert entry in made, entry
        assert because


def test_the_changes_of_a_function():
    text = 'def f(a, b):\n    """No."""\n    if a < 1 and b:\n        b = a\n    return b\n'
    found = {(each.old, each.new) for each in mutants("m", text)}
    assert found == {
        ("<", "<="),
        ("<", ">="),
        ("1", "2"),
        ("and", "or"),
        ("b = a", "pass"),
        ("return b", "pass"),
    }
    changed = {each.source(text) for each in mutants("m", text)}
    assert len(changed) == len(found)
    for source in changed:
        compile(source, "m", "exec")
