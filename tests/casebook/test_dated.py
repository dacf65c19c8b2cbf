"""A case that lives through an amendment follows the text in force on each day.

The sources hold one edition of each text, so the amendment here is made up.
"""

from datetime import date

from budgetmeter import resources
from budgetmeter.casebook import Case
from budgetmeter.casebook.rulebook import parse


def amended():
    """The Walloon file, with a dearer reminder and a longer notice from 1 July 2024 on."""
    document, where = resources.read("rules", "wallonia-electricity")
    document = {**document, "values": dict(document["values"])}
    for key, value in (("reminder_cost", 9), ("notice_term", 30)):
        old = document["values"][key]
        document["values"][key] = [old, {**old, "value": value, "from": date(2024, 7, 1)}]
    return parse(document, where, "amended")


def test_costs_and_terms_are_those_of_the_day():
    case = Case(amended())
    case.record("invoice", date(2024, 5, 20), amount="240.00")
    assert case.cost("reminder", date(2024, 6, 30)) == 750
    assert case.cost("reminder", date(2024, 7, 1)) == 900
    case.record("reminder", date(2024, 6, 10))
    case.record("notice", date(2024, 6, 25))
    # Fifteen days end on 10 July; the amendment of 1 July makes them thirty.
    assert case.why_not("default-letter", date(2024, 7, 11)) != []
    assert case.why_not("default-letter", date(2024, 7, 25)) != []
    assert case.allowed_from("default-letter", date(2024, 6, 25)) == date(2024, 7, 26)
    assert case.owes("supplier", date(2024, 8, 1)) == 24000 + 750 + 1500
