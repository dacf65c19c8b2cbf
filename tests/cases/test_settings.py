"""An older setting that arrives after a newer one and undoes it.

What sets a value is the office's word, and its last word counts, in whatever order and by whatever
way the tokens arrive. The meter takes the older token as spent and changes nothing; the books call
it superseded.
"""

import pytest
from budgetmeter.client import TokenRefused
from budgetmeter.testing import MeterUnderTest
from meterproto.codes import CardType

from tests.cards.counter import GOOD, METER, Counter
from tests.firmware.bench import executed
from tests.firmware.support import clock, fields, mc

JUNE = "2020-06-02 12:00"

# An order, and the one issued after it: kind and options of each.
PAIRS = {
    "price": (("price", {"price": "0.30"}), ("price", {"price": "0.20"})),
    "announced-price": (
        ("price", {"price": "0.30", "from": "2020-07-01"}),
        ("price", {"price": "0.28", "from": "2020-07-01"}),
    ),
    "hold": (("hold", {"until": "2020-07-03T23:00"}), ("hold", {"until": "2020-08-31"})),
    "end-hold": (("hold", {"until": "2020-08-31"}), ("end-hold", {})),
    "preset": (
        ("emergency-preset", {"amount": "12"}),
        ("emergency-preset", {"amount": "15"}),
    ),
    "mode": (("payment-mode", {"mode": "credit"}), ("payment-mode", {"mode": "prepayment"})),
    "parameter": (
        ("parameter", {"name": "low_credit", "to": "3.00"}),
        ("parameter", {"name": "low_credit", "to": "5.00"}),
    ),
    "limit": (
        ("limit", {"until": "2020-07-01", "power": "9200"}),
        ("limit", {"until": "2020-06-15", "power": "4600"}),
    ),
    "minimum-supply": (("minimum-supply-disable", {}), ("minimum-supply-enable", {})),
    "disconnect": (("disconnect", {"cause": "fraud"}), ("reconnect", {})),
    "clock": (("clock", {"time": "2020-06-02T13:00"}), ("clock", {"time": "2020-06-02T12:05"})),
}
GRANT = (
    ("overdraft", {"amount": "50", "until": "2020-12-31"}),
    ("overdraft", {"amount": "20", "until": "2020-08-31"}),
)


def settings(meter):
    """All that a token can set."""
    firmware = meter.world.meter
    return {**fields(firmware.state), "parameter": firmware.profile.low_credit}


def changed(before, after):
    """What differs, by name: before and after."""
    return {name: (value, after[name]) for name, value in before.items() if after[name] != value}


def undone(pair, orders, profile="wallonia-card"):
    """What the older of two orders changes when it arrives after the newer one."""
    meter = MeterUnderTest(profile, JUNE)
    older, newer = (
        meter.vending.issue(kind, order=order, **options)
        for (kind, options), order in zip(pair, orders, strict=True)
    )
    meter.enter(newer)
    before = settings(meter)
    meter.enter(older)
    return changed(before, settings(meter))


@pytest.mark.parametrize("orders", [(1, 2), (0, 0)], ids=["order-ids", "numbers"])
@pytest.mark.parametrize("name", PAIRS)
def test_the_setting_issued_last_stays(name, orders):
    """Tokens without an order id compare by number."""
    profile = "brussels-limiter" if name == "limit" else "wallonia-card"
    assert undone(PAIRS[name], orders, profile) == {}


def test_the_negative_limit_issued_last_stays():
    """A negative limit always has an order id."""
    assert undone(GRANT, (1, 2)) == {}


def test_an_order_that_a_rule_refused_supersedes_nothing():
    meter = MeterUnderTest(start=JUNE)
    older = meter.vending.issue("hold", order=1, until="2020-07-03T23:00")
    with pytest.raises(TokenRefused):
        meter.enter(meter.vending.issue("hold", order=2, until="2020-01-31"))  # is past
    assert meter.enter(older).effect
    assert meter.world.meter.state.hold_until == clock("2020-07-03 23:00")


def test_a_change_of_mode_ends_what_was_granted_before_it():
    meter = MeterUnderTest(start=JUNE)
    hold = meter.vending.issue("hold", order=1, until="2020-08-31")
    for order, mode in ((2, "credit"), (3, "prepayment")):
        meter.enter(meter.vending.issue("payment-mode", order=order, mode=mode))
    before = settings(meter)
    meter.enter(hold)
    assert changed(before, settings(meter)) == {}


@pytest.mark.parametrize(
    "entered",
    [
        (0, 1),
        (1, 0),
    ],
    ids=["announced-first", "corrected-first"],
)
def test_an_announced_price_and_the_price_of_today_are_two_settings(entered):
    meter = MeterUnderTest(start=JUNE)
    announced = meter.vending.issue("price", order=1, price="0.30", **{"from": "2020-07-01"})
    corrected = meter.vending.issue("price", order=2, price="0.20")
    for which in entered:
        meter.enter((announced, corrected)[which])
    assert meter.world.meter.state.price == mc("0.20")
    meter.at("2020-07-01 00:01")
    assert meter.world.meter.state.price == mc("0.30")


# ---- Card and network --------------------------------------------------------------------------


def by_network(counter, kind, **options):
    """An order of the office that goes out by network at once."""
    item = counter.queue(kind, **options)
    assert executed(counter.meter.enter(counter.pending.send(item.item).token))


def counter_in_june():
    counter = Counter(at=JUNE).enrol()
    counter.insert()
    counter.pay()
    return counter


def overtaken(kind, older, newer):
    """A counter where an order waits on the card while a newer one has gone by network."""
    counter = counter_in_june()
    counter.queue(kind, **older)
    counter.wait(1)
    counter.insert()
    assert len(counter.pay().given) == 1
    by_network(counter, kind, **newer)
    return counter


def overtaken_hold():
    return overtaken("hold", {"until": "2020-07-03T23:00"}, {"until": "2020-08-31"})


def test_a_hold_extended_by_network_outlives_the_card():
    counter = overtaken_hold()
    assert counter.insert() == GOOD
    assert counter.state.hold_until == clock("2020-09-01 00:00")


def test_supply_stays_on_for_as_long_as_the_extension_says():
    counter = overtaken_hold()
    counter.insert()
    counter.put(credit=-1)
    counter.at("2020-07-06 09:00")  # the Monday after the first end
    counter.wait(1)
    assert not counter.off


def test_a_price_corrected_by_network_outlives_the_card():
    counter = overtaken("price", {"price": "0.30"}, {"price": "0.20"})
    assert counter.insert() == GOOD
    assert counter.state.price == mc("0.20")


def test_the_books_call_the_older_order_superseded():
    counter = overtaken_hold()
    assert counter.insert() == GOOD
    counter.pay()
    assert [item.state for item in counter.pending.items()] == ["superseded", "taken"]


def test_an_order_that_still_waits_in_the_queue_gives_way_to_a_later_one():
    counter = counter_in_june()
    counter.queue("hold", until="2020-07-03T23:00")
    by_network(counter, "hold", until="2020-08-31")
    counter.wait(1)
    counter.deliver()
    assert counter.state.hold_until == clock("2020-09-01 00:00")


def test_a_deactivation_card_gives_way_to_a_later_reactivation():
    counter = counter_in_june()
    item = counter.queue("payment-mode", mode="credit")
    card = counter.terminal.new_card(METER, CardType.DEACTIVATION, item.item)
    by_network(counter, "payment-mode", mode="prepayment")
    mode = counter.state.payment_mode
    assert counter.insert(card) == GOOD
    assert counter.state.payment_mode == mode
