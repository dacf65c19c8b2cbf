"""Stories: TOML files with a load, dated actions and expectations, run on the emulator."""

from budgetmeter.scenario.actions import ACTIONS
from budgetmeter.scenario.expectations import EXPECTATIONS
from budgetmeter.scenario.model import Failure, Scenario, Step
from budgetmeter.scenario.play import run, start
from budgetmeter.scenario.reader import load, names
from budgetmeter.scenario.span import default_load
from budgetmeter.scenario.story import Story

DEFAULT = "main-job"  # what `budgetmeter run` plays when nobody names a scenario

__all__ = [
    "ACTIONS",
    "DEFAULT",
    "EXPECTATIONS",
    "Failure",
    "Scenario",
    "Step",
    "Story",
    "default_load",
    "load",
    "names",
    "run",
    "start",
]
