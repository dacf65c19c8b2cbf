"""What an office does at the end of its numbers, and with text that is meant to be SQL.

The last number is sold; after it the office refuses in one line and counts no further. Text is
text.
"""

import pytest
from budgetmeter import orders
from budgetmeter.errors import InputError
from budgetmeter.office.office import Office
from meterproto.tokens import NUMBER_LIMIT

from tests.cards.counter import METER, Counter

TOP_UP = orders.read("top-up", {"amount": "20.00"})


def test_after_the_last_number_nothing_is_sold_and_nothing_counted():
    counter = Counter().enrol()
    with counter.office.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE meters SET last_number = {NUMBER_LIMIT - 1}")
    assert counter.office.issue(METER, TOP_UP).number == NUMBER_LIMIT
    for _ in range(2):
        with pytest.raises(InputError) as refused:
            counter.office.issue(METER, TOP_UP)
        assert "\n" not in str(refused.value)
    assert counter.office.meter(METER)["last_number"] == NUMBER_LIMIT
    assert len(counter.office.tokens(METER)) == 1


def test_text_is_no_sql(tmp_path):
    nasty = "x'); DROP TABLE meters; --"
    counter = Counter(url=f"sqlite:///{tmp_path}/vending.db")
    counter.enrol(customer=nasty)
    office = Office(str(counter.office.engine.url), counter.keys, actor=nasty)
    office.note("a'; --", nasty)
    row = office.log()[-1]
    assert (row["actor"], row["action"], row["detail"]) == (nasty, "a'; --", nasty)
    assert office.meter(METER)["profile"] == "wallonia-card"
    for one in (office, counter.office):
        one.engine.dispose()
