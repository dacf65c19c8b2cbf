"""One meter of a fleet in the emulator: the same home, people and orders, with everything to see.

The firmware runs whole here, on a virtual board and with tokens; only consumption and decisions are
the fleet's, from the same source, interpreted. Event for event it is what the compiled meter did.
"""

from types import SimpleNamespace

from meterfw import layouts
from meterfw.account.calendar import local

from budgetmeter.emulator import Emulator
from budgetmeter.errors import InputError
from budgetmeter.fleet import engine, homes, life, people
from budgetmeter.loads import FOREVER, Draw


class Home:
    """The load of a home, as the emulator asks for it."""

    start = None

    def __init__(self, world, meter):
        self.p = SimpleNamespace(
            **{name: int(world.profile[name][0]) for name in layouts.PROFILE_FIELDS}
        )
        self.c = SimpleNamespace(
            **{name: int(world.config[name][0]) for name in engine.CONFIG_FIELDS}
        )
        self.t = engine.Tables(*(table.tolist() for table in world.tables))
        self.h = SimpleNamespace(**dict.fromkeys(engine.HOUSEHOLD_FIELDS, 0))
        self.h.meter = meter
        homes.build(self.h, self.c, self.p, self.t)
        self._day = -1
        self._rates = [0] * self.c.slots
        self.label = f"meter {meter} of a fleet"

    def at(self, second):
        """What is drawn from a second since the start on, until the sample ends."""
        minute = self.c.start + second // 60
        if minute >= self.c.end:
            return Draw(0, 0, 0, FOREVER, 0)
        here = local(minute)
        if here // 1440 != self._day:
            self._day = here // 1440
            homes.fill_day(self.h, self.c, self.p, self.t, self._day, self._rates)
        rate = self._rates[here % 1440 // self.c.step_min]
        until = (minute - here % self.c.step_min + self.c.step_min - self.c.start) * 60
        ma, w = life.milliamps(self.p, rate), life.watts(self.p, rate)
        return Draw(rate, ma, w, until, rate)


class Resident:
    """The people of a home on an `Emulator`, and the operator's orders to it."""

    def __init__(self, home):
        self.home = home
        self._position = SimpleNamespace(order=0, mark=len(home.t.months))
        self._planned = set()

    def move_in(self, world):
        """The first plans."""
        home = self.home
        self._world = world
        people.move_in(home.h, home.c, world.meter.state, home.p, home.t)
        self._act()

    def notice(self, events):
        """Something happened at the meter (a mask of layouts.EVENT_…)."""
        people.notice(self.home.h, self.home.c, self._world.meter.state, events)
        self._plan()

    def use(self, draw):
        """What is drawn of a load: nothing during a leak test, less after an overload."""
        m, h = self._world.meter.state, self.home.h
        if m.reasons & layouts.REASON_LEAK_TEST:
            return draw.part(0, 1, draw.until)
        rate = people.restrained(h, m, draw.rate, draw.ma)
        if rate == draw.rate:
            return draw
        until = h.careful_until * 60 - self._world.start_s
        return draw._replace(
            rate=rate,
            ma=life.milliamps(self.home.p, rate),
            w=life.watts(self.home.p, rate),
            until=min(draw.until, until),
        )

    def _plan(self):
        home = self.home
        at = life.next_wake(self._position, home.h, home.c, home.t)
        if at not in self._planned and at < home.c.end * 60:
            self._planned.add(at)
            self._world.plan_at(at, self._act)

    def _act(self):
        """All that is due: the operator first, then the people."""
        world, home = self._world, self.home
        self._planned = {at for at in self._planned if at > world.now_s}
        program = home.t.program
        k = self._position
        while k.order < len(program) and program[k.order][0] <= world.meter.state.clock:
            _, kind, value, extra, order, share = program[k.order]
            k.order += 1
            if life.concerned(home.h, home.c, share):
                world.order(kind, value, extra, order)
        while True:
            m = world.meter.state
            action = people.next_action(home.h, home.c, m, home.p)
            if action == people.NOTHING:
                break
            if action == people.BUTTON:
                world.press(home.p.reopen_hold_s)
            elif action == layouts.KIND_TOP_UP:
                world.top_up(home.h.value)
            else:
                world.order(action, home.h.value)
        world.load_changed()
        self._plan()


def emulator(study, meter):
    """The emulator at the start of a study with one of its meters, and its end in seconds.

    :raises InputError: no such meter
    """
    if not 0 <= meter < study.values["meters"]:
        raise InputError(f"no meter {meter}: they are numbered 0 to {study.values['meters'] - 1}")
    home = Home(engine.world(study), meter)
    return Emulator(study.profile, study.start, home, Resident(home)), study.end * 60
