"""The case book: the law around a budget meter, from the first unpaid bill to the last repaid cent.

A case is a list of dated facts. A rule file of its region says which steps they allow.
"""

from budgetmeter.casebook.case import EDITION, Case, Overdue, Refusal, read_fact
from budgetmeter.casebook.facts import Fact
from budgetmeter.casebook.rulebook import Rulebook, load, names

__all__ = [
    "EDITION",
    "Case",
    "Fact",
    "Overdue",
    "Refusal",
    "Rulebook",
    "load",
    "names",
    "read_fact",
]
