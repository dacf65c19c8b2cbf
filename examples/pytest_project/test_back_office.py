"""The back office against a meter on a real TCP port."""

from back_office import to_warn


def test_a_full_meter_is_not_warned(meter_url):
    assert to_warn([meter_url]) == []


def test_a_nearly_empty_one_is(nearly_empty, meter_url):
    assert to_warn([meter_url]) == [nearly_empty.client.identify().meter]


def test_a_top_up_ends_the_warning(nearly_empty, meter_url, vending):
    nearly_empty.enter(vending.top_up("20.00"))
    assert to_warn([meter_url]) == []
