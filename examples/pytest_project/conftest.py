"""Fixtures of this project, made from those that budgetmeter brings."""

import pytest


@pytest.fixture
def nearly_empty(meter):
    """A meter that has used 12 of its 15 EUR."""
    meter.use(watts=2000, hours=24)
    return meter
