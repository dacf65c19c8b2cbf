"""One meter of a fleet in the emulator: the same home, people and orders, with everything to see.

The firmware runs whole here, on a virtual board and with tokens; only consumption and decisions are
the fleet's, from the same source, interpreted. Event for event it is what the compiled meter did.
"""

from typing import Any

from meterfw import layouts
from meterfw.account.calendar import local

from budgetmeter.emulator import Emulator
from budgetmeter.errors import InputError
from budgetmeter.fleet import engine, homes, life, people
from budgetmeter.fleet.rows import Household, Position, Tables
from budgetmeter.fleet.study import Study
from budgetmeter.loads import FOREVER, Draw


class Home:
    """The load of a home, as the emulator asks for it."""

    start = None

    def __init__(self, world: engine.World, meter: int) -> None:
        self.profile = engine.profile_of(world)
        self.config = engine.config_of(world)
        self.tables = engine.interpreted_tables(world)
        self.household = Household()
        self.household.meter = meter
        self.tables = self.tables._replace(program=_program(world, self.tables, meter))
        homes.build(self.household, self.config, self.profile, self.tables)
        self._day = -1
        self._rates = [0] * self.config.slots
        self.label = f"meter {meter} of a fleet"

    def at(self, second: int) -> Draw:
        """What is drawn from a second since the start on, until the sample ends."""
        minute = self.config.start + second // 60
        if minute >= self.config.end:
            return Draw(0, 0, 0, FOREVER, 0)
        here = local(minute)
        if here // 1440 != self._day:
            self._day = here // 1440
            homes.fill_day(
                self.household, self.config, self.profile, self.tables, self._day, self._rates
            )
        rate = self._rates[here % 1440 // self.config.step_min]
        until = (
            minute - here % self.config.step_min + self.config.step_min - self.config.start
        ) * 60
        ma, w = life.milliamps(self.profile, rate), life.watts(self.profile, rate)
        return Draw(rate, ma, w, until, rate)


def _program(world: engine.World, tables: Tables, meter: int) -> Any:
    """The operator's orders, and before them those that the household's case brings."""
    program = [list(line) for line in tables.program]
    if not world.falls_behind(engine.config_of(world), meter):
        return program
    lines = engine.simulate(world, meter, 1).orders[0]
    return sorted([[*line, 0, 100] for line in lines] + program, key=lambda line: line[0])


class Resident:
    """The people of a home on an `Emulator`, and the operator's orders to it."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._position = Position()
        self._position.mark = len(home.tables.months)
        self._position.until = home.config.end
        self._planned: set[int] = set()

    def move_in(self, world: Emulator) -> None:
        """The first plans."""
        home = self.home
        self._world = world
        people.move_in(home.household, home.config, world.meter.state, home.profile, home.tables)
        self._act()

    def notice(self, events: int) -> None:
        """Something happened at the meter (a mask of layouts.EVENT_…)."""
        people.notice(self.home.household, self.home.config, self._world.meter.state, events)
        self._plan()

    def use(self, draw: Draw) -> Draw:
        """What is drawn of a load: nothing during a leak test, less after an overload."""
        m, household = self._world.meter.state, self.home.household
        if m.reasons & layouts.REASON_LEAK_TEST:
            return draw.part(0, 1, draw.until)
        rate = people.restrained(household, m, draw.rate, draw.ma)
        if rate == draw.rate:
            return draw
        until = household.careful_until * 60 - self._world.start_s
        return draw._replace(
            rate=rate,
            ma=life.milliamps(self.home.profile, rate),
            w=life.watts(self.home.profile, rate),
            until=min(draw.until, until),
        )

    def _plan(self) -> None:
        home = self.home
        at = life.next_wake(self._position, home.household, home.config, home.tables)
        if at not in self._planned and at < home.config.end * 60:
            self._planned.add(at)
            self._world.plan_at(at, self._act)

    def _act(self) -> None:
        """All that is due: the operator first, then the people."""
        world, home = self._world, self.home
        self._planned = {at for at in self._planned if at > world.now_s}
        program = home.tables.program
        position = self._position
        while (
            position.order < len(program) and program[position.order][0] <= world.meter.state.clock
        ):
            _, kind, value, extra, order, share = program[position.order]
            position.order += 1
            if life.concerned(home.household, home.config, share):
                world.order(kind, value, extra, order)
        while True:
            m = world.meter.state
            action = people.next_action(home.household, home.config, m, home.profile)
            if action == people.NOTHING:
                break
            if action == people.BUTTON:
                world.press(home.profile.reopen_hold_s)
            elif action == layouts.KIND_TOP_UP:
                world.top_up(home.household.value)
            else:
                world.order(action, home.household.value)
        world.load_changed()
        self._plan()


def emulator(study: Study, meter: int) -> tuple[Emulator, int]:
    """The emulator at the start of a study with one of its meters, and its end in seconds.

    :raises InputError: no such meter
    """
    if not 0 <= meter < study.values["meters"]:
        raise InputError(f"no meter {meter}: they are numbered 0 to {study.values['meters'] - 1}")
    home = Home(engine.world(study), meter)
    return Emulator(study.profile, study.start, home, Resident(home)), study.end * 60
