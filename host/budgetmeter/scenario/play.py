"""Playing a scenario on the emulator, from its start to its end."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from budgetmeter import units
from budgetmeter.emulator import Emulator, Household
from budgetmeter.errors import InputError
from budgetmeter.scenario.expectations import check
from budgetmeter.scenario.model import Failure, Scenario
from budgetmeter.scenario.span import check_span
from budgetmeter.scenario.stage import Stage
from budgetmeter.units import DAY_S


def start(scenario: Scenario, files: Any = None) -> tuple[Emulator, int]:
    """An emulator at the start of a scenario, and its end in seconds since 2000 UTC+1.

    :raises InputError: start or days outside the load
    """
    load = scenario.load
    if scenario.start is not None and (load.start is None or scenario.profile.gas):
        clock = units.to_clock(scenario.start)
    else:
        if scenario.start is not None:
            load.skip_to(units.EPOCH + timedelta(minutes=units.to_clock(scenario.start)))
        clock = int((load.begin - units.EPOCH).total_seconds() // 60)
    length = scenario.days * DAY_S if scenario.days is not None else load.seconds
    if load.start is not None and length > load.seconds:
        raise InputError(f"{load.label} has {load.seconds // DAY_S} days left, not {scenario.days}")
    check_span(units.EPOCH + timedelta(minutes=clock), length)
    household = Household(scenario.habits) if scenario.habits is not None else None
    world = Emulator(scenario.profile, clock, load, household, files=files)
    return world, world.now_s + length


def run(
    scenario: Scenario, progress: Callable[[int, int], None] | None = None, files: Any = None
) -> tuple[Emulator, list[Failure]]:
    """Run a scenario to its end; returns the emulator and the expectations that failed.

    :param progress: `progress(now_s, end_s)` is called for every day that has passed
    :param files: where the meter keeps its files (`Emulator`)
    :raises InputError: a step outside the scenario, or one that cannot be done
    """
    world, end_s = start(scenario, files)
    stage = Stage(world, scenario.contract, scenario.case)
    failures: list[Failure] = []

    def pass_on(now_s: int) -> None:
        if progress is not None:
            progress(now_s, end_s)

    pass_on(world.now_s)
    for step in scenario.steps:
        at_s = units.to_clock(step.time) * 60 + step.time.second
        if not world.start_s <= at_s <= end_s:
            raise InputError(f"{step.where}: {step.time} is outside the scenario")
        world.run(at_s, pass_on)
        stage.forget_refusal()
        result = step.act(stage) if step.act is not None else None
        failures.extend(check(stage, step, result))
    world.run(end_s, pass_on)
    return world, failures
