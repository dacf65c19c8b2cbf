"""The fleet compiled before any test: what commands under a time limit find in the cache."""

import pytest
from budgetmeter.fleet import engine, study


@pytest.fixture(scope="session", autouse=True)
def _compiled():
    engine.warm(engine.world(study.load("flanders-10a")))
