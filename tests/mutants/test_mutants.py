"""A slice of the mutants in every run: lines that could once be deleted without a test noticing."""

import pytest

from tests.mutants import trial
from tests.mutants.change import Mutant, mutants

UNIT = "tests/firmware/unit"
CRC = 'if struct.unpack("<L", data[-4:])[0] != crc(data[:-4]):'
# module, function, the piece, what stands there instead, and the suite that has to notice.
PLANTED = [
    ("tokens.memory", "TokenMemory.close", "self.orders.close(order_id)", "pass", "tokens"),
    ("tokens.memory", "TokenMemory.close", "self.numbers.close(number)", "pass", "tokens"),
    ("tokens.gateway", "Gateway.restart", "self._failures = _FREE_FAILURES - 1", "pass", "tokens"),
    ("account.orders", "overdraft", "m.granted |= GRANT_OVERDRAFT", "pass", "account"),
    ("account.orders", "hold", "m.granted |= GRANT_HOLD", "pass", "account"),
    ("account.rules", "set_time", "m.uncertain = 0", "pass", "account"),
    ("account.rules", "set_time", "m.uncertain_min = 0", "pass", "account"),
    ("account.orders", "top_up", "m.charge_stopped = 0", "pass", "account"),
    ("account.orders", "arrears_paid", "m.charge_stopped = 0", "pass", "account"),
    ("account.orders", "activate", "m.charge_stopped = 0", "pass", "account"),
    ("account.orders", "set_emergency_preset", "1_000_000", "1_000_001", "account"),
    ("account.orders", "set_emergency_preset", "> 1_000_000", ">= 1_000_000", "account"),
    ("store.journal", "Journal._pack", "raise ValueError(wrong)", "pass", "store"),
    ("store.journal", "Journal._whole", CRC, "if False:", "store"),
    ("card.slot", "Slot._tokens", "after > end", "after > end + 1", "card"),
    ("card.slot", "Slot._tokens", "min(count, layouts.CARD_TOKENS)", "count", "card"),
]
SUITES = {"card": "tests/cards/test_slot.py"}


def planted(module, function, old, new):
    """The mutant of a piece that stands once in a function, or first in it."""
    name = f"meterfw.{module}"
    text = trial.source(name).read_text("utf-8")
    start = text.index(old, text.index(f"def {function.rpartition('.')[2]}("))
    return Mutant(name, function, text.count("\n", 0, start) + 1, start, old, new)


@pytest.mark.parametrize(
    ("module", "function", "old", "new", "suite"),
    PLANTED,
    ids=[f"{function}-{i}" for i, (_, function, *_) in enumerate(PLANTED)],
)
def test_a_planted_defect_is_noticed(module, function, old, new, suite):
    suite = SUITES.get(suite, f"{UNIT}/{suite}")
    assert trial.noticed(planted(module, function, old, new), [suite])


def test_a_mutant_that_changes_nothing_is_not_noticed():
    same = planted(
        "account.rules", "balance", "m.credit - m.emergency_used", "m.credit - m.emergency_used"
    )
    assert not trial.noticed(same, [f"{UNIT}/tokens/test_tokens.py"])


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
