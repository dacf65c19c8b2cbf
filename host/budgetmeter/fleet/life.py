"""The life of one meter: load, people, the operator's orders, and the rules between them.

Portable, as the rules are, and like them run in CPython and under Numba. A stretch in which the
rules say that nothing can happen (`quiet_s`, `quiet_pulses`) is one step, however many samples of
the load it spans; else `stride` says how far a step may go within a sample.
"""

from meterfw.account.calendar import local, same_local
from meterfw.account.orders import apply, install
from meterfw.account.record import Profile, State
from meterfw.account.rules import (
    STEP_S,
    advance,
    judge,
    over_limit,
    press,
    quiet_pulses,
    quiet_s,
    stride,
    supply_on,
)
from meterfw.layouts import (
    CONTROL_STATE_CONNECTED,
    ENERGY_GAS,
    EUR,
    EVENT_EMERGENCY_IN_USE,
    EVENT_LIMITER_ENGAGED,
    EVENT_OVERLOAD,
    KIND_ARREARS_PAID,
    KIND_TOP_UP,
    REASON_CREDIT,
    REASON_LEAK_TEST,
    RESULT_DONE,
    RESULT_NO_EFFECT,
)

from budgetmeter.fleet.draws import ORDER, chance, draw
from budgetmeter.fleet.homes import build, fill_day
from budgetmeter.fleet.people import (
    BUTTON,
    NOTHING,
    move_in,
    next_action,
    next_plan,
    notice,
    restrained,
)
from budgetmeter.fleet.rows import (
    Config,
    Household,
    Numbers,
    Outcome,
    Position,
    Rows,
    Tables,
)
from budgetmeter.report.phases import phase_number
from budgetmeter.units import DAY_S, HOUR_S, NOMINAL_V

REAL = 10 * EUR  # above it a top-up counts against minimum supply (WE-36)


def milliamps(p: Profile, rate: int) -> int:
    """Current of a rate on one phase; gas has none."""
    if p.energy == ENERGY_GAS:
        return 0
    return rate * 1000 // NOMINAL_V


def watts(p: Profile, rate: int) -> int:
    """Power of a rate; gas has none."""
    if p.energy == ENERGY_GAS:
        return 0
    return rate


def concerned(household: Household, config: Config, share: int) -> int:
    """1 when an order to so many in a hundred goes to this meter; those of a share are the same."""
    return chance(draw(config, household.meter, ORDER, 0), share)


def enter(
    m: State, p: Profile, outcome: Outcome, kind: int, value: int, extra: int, order: int
) -> None:
    """One order, judged; what it did to the books of the outcome."""
    result = apply(m, p, kind, value, extra, order)
    judge(m, p)
    if result > RESULT_NO_EFFECT:
        outcome.refused += 1
    elif result == RESULT_DONE and kind == KIND_TOP_UP:
        outcome.top_ups += 1
        outcome.topped_up += value
        if value > REAL:
            outcome.real_at = m.clock
            outcome.real = value
    elif result == RESULT_DONE and kind == KIND_ARREARS_PAID:
        outcome.bills_paid += value


def take_note(m: State, outcome: Outcome, now: int, spells: Rows, log: Rows) -> int:
    """Put down the events since last asked; answers their mask."""
    events = m.events
    m.events = 0
    if events & EVENT_OVERLOAD:
        outcome.trips += 1
    if events & EVENT_EMERGENCY_IN_USE:
        outcome.emergency_starts += 1
    if events & EVENT_LIMITER_ENGAGED:
        outcome.limiter_starts += 1
    if m.control_state == CONTROL_STATE_CONNECTED:
        if outcome.off_since > 0:
            close_spell(outcome, now, spells)
    elif outcome.off_since == 0 and m.reasons & REASON_CREDIT:
        outcome.off_since = now
    for code in range(32):
        if events >> code & 1:
            if outcome.events < len(log):
                row = log[outcome.events]
                row[0] = m.clock
                row[1] = m.second
                row[2] = code
                row[3] = m.reasons
                row[4] = m.credit - m.emergency_used
            outcome.events += 1
    return events


def close_spell(outcome: Outcome, now: int, spells: Rows) -> None:
    """A self-disconnection is over."""
    lasted = now - outcome.off_since
    if outcome.spells < len(spells):
        spells[outcome.spells][0] = outcome.off_since // 60
        spells[outcome.spells][1] = lasted
    outcome.spells += 1
    outcome.off_s += lasted
    outcome.longest_off_s = max(outcome.longest_off_s, lasted)
    outcome.off_since = 0


def act(
    position: Position,
    m: State,
    p: Profile,
    household: Household,
    config: Config,
    outcome: Outcome,
    tables: Tables,
    spells: Rows,
    log: Rows,
) -> None:
    """All that is due now: the operator first, then the people."""
    while position.order < len(tables.program) and tables.program[position.order][0] <= m.clock:
        line = tables.program[position.order]
        position.order += 1
        if concerned(household, config, int(line[5])) == 1:
            enter(m, p, outcome, int(line[1]), int(line[2]), int(line[3]), int(line[4]))
            notice(household, config, m, take_note(m, outcome, position.now, spells, log))
    action = next_action(household, config, m, p)
    while action != NOTHING:
        if action == BUTTON:
            press(m, p, p.reopen_hold_s)
        else:
            enter(m, p, outcome, action, household.value, 0, 0)
        notice(household, config, m, take_note(m, outcome, position.now, spells, log))
        action = next_action(household, config, m, p)


def mark_down(m: State, row: Numbers) -> None:
    """A month has ended: arrears, and all that is owed to the operator."""
    row[0] = m.arrears
    row[1] = m.arrears + m.emergency_used - min(m.credit, 0)


def close_books(m: State, outcome: Outcome, wanted: int) -> None:
    """The account at the end, as totals of millicents."""
    outcome.wanted = wanted // HOUR_S
    outcome.energy_wh = m.energy_wh
    outcome.limited_wh = m.limited_wh
    outcome.unbilled_wh = m.unbilled_wh
    outcome.volume_l = m.volume_l
    outcome.credit = m.credit
    outcome.emergency_used = m.emergency_used
    outcome.arrears = m.arrears
    outcome.credited = m.credited_eur * EUR + m.credited_mc
    outcome.charged = m.charged_eur * EUR + m.charged_mc
    outcome.settled = m.settled_eur * EUR + m.settled_mc


def do_planned(
    position: Position,
    m: State,
    p: Profile,
    household: Household,
    config: Config,
    outcome: Outcome,
    tables: Tables,
    months: Rows,
    spells: Rows,
    log: Rows,
) -> None:
    """The end of a month, and what operator and people do now; then when something is due again."""
    while position.mark < len(tables.months) and tables.months[position.mark] <= m.clock:
        mark_down(m, months[position.mark])
        position.mark += 1
    act(position, m, p, household, config, outcome, tables, spells, log)
    position.wake = next_wake(position, household, config, tables)


def next_wake(position: Position, household: Household, config: Config, tables: Tables) -> int:
    """Second at which something is planned, at the latest the end."""
    at = min(config.end, position.until)
    if position.order < len(tables.program):
        at = min(at, int(tables.program[position.order][0]))
    if position.mark < len(tables.months):
        at = min(at, int(tables.months[position.mark]))
    return next_plan(household, at) * 60


def look_up_day(
    position: Position,
    m: State,
    p: Profile,
    household: Household,
    config: Config,
    tables: Tables,
    rates: Numbers,
) -> None:
    """The samples of the local day, and until when they and the local time hold."""
    here = local(m.clock)
    position.offset = (here - m.clock) * 60
    if here // 1440 != position.day:
        position.day = here // 1440
        fill_day(household, config, p, tables, position.day, rates)
    position.day_end = (m.clock + same_local(m.clock, here)) * 60


def wait(
    rates: Numbers, slot: int, now: int, sample_end: int, step_s: int, reach: int
) -> tuple[int, int]:
    """Whole samples while nothing flows: how far they go, and what was wanted."""
    then, wanted = now, 0
    while sample_end <= reach:
        wanted += rates[slot] * (sample_end - then)
        then = sample_end
        sample_end += step_s
        slot += 1
    return then, wanted


def flow(
    rates: Numbers, slot: int, now: int, sample_end: int, step_s: int, reach: int, room: int
) -> tuple[int, int]:
    """Whole samples until `room` pulse-seconds are used: how far they go, and what flows."""
    then, flowed = now, 0
    if sample_end > reach:
        return then, flowed
    more = (reach - sample_end) // step_s
    later = rates[slot + 1 :]  # pyright: ignore[reportArgumentType]
    total = 0
    for i in range(more):  # added up without a look at the room: processors do four at once
        total += later[i]
    total = rates[slot] * (sample_end - now) + total * step_s
    if total <= room:
        return sample_end + more * step_s, total
    while sample_end <= reach:
        more = rates[slot] * (sample_end - then)
        if flowed + more > room:
            return then, flowed
        flowed += more
        then = sample_end
        sample_end += step_s
        slot += 1
    return then, flowed


def flow_limited(
    m: State,
    p: Profile,
    household: Household,
    rates: Numbers,
    slot: int,
    now: int,
    sample_end: int,
    step_s: int,
    reach: int,
    room: int,
) -> tuple[int, int, int]:
    """The same while each is below the limit; and what was wanted."""
    then, flowed, wanted = now, 0, 0
    while sample_end <= reach:
        rate = restrained(household, m, rates[slot], milliamps(p, rates[slot]))
        more = rate * (sample_end - then)
        if flowed + more > room or over_limit(m, milliamps(p, rate), rate) == 1:
            return then, flowed, wanted
        wanted += rates[slot] * (sample_end - then)
        flowed += more
        then = sample_end
        sample_end += step_s
        slot += 1
    return then, flowed, wanted


def go_on(
    position: Position,
    m: State,
    p: Profile,
    household: Household,
    config: Config,
    outcome: Outcome,
    rates: Numbers,
) -> None:
    """One step of the rules: as many whole samples as are quiet, else a stride within one."""
    stop = min(config.end * 60, position.wake, position.day_end)
    step_s = config.step_min * 60
    at = position.now + position.offset - position.day * DAY_S
    slot = at // step_s
    sample_end = position.now + step_s - at % step_s
    reach = position.now + min(stop - position.now, quiet_s(m, p, 0, 0))
    if m.overdraft > 0:  # credit passes 0 without an event: the phases part at a step's end
        reach = min(reach, position.now + STEP_S)
    flows = supply_on(m) == 1 and m.reasons & REASON_LEAK_TEST == 0  # nobody draws during a test
    rate, flowed, wanted = 0, 0, 0
    if not flows:
        then, wanted = wait(rates, slot, position.now, sample_end, step_s, reach)
    else:
        room = (position.counted + quiet_pulses(m, p) + 1) * HOUR_S - 1 - position.drawn
        if m.limiter_engaged == 0:
            then, flowed = flow(rates, slot, position.now, sample_end, step_s, reach, room)
            wanted = flowed
        else:
            then, flowed, wanted = flow_limited(
                m, p, household, rates, slot, position.now, sample_end, step_s, reach, room
            )
    if then == position.now:  # something may happen within the sample
        if flows:
            rate = restrained(household, m, rates[slot], milliamps(p, rates[slot]))
        limit = min(sample_end, stop) - position.now
        then = position.now + stride(m, p, limit, rate, milliamps(p, rate), watts(p, rate))
        flowed = rate * (then - position.now)
        wanted = rates[slot] * (then - position.now)
    position.wanted += wanted
    position.drawn += flowed
    pulses = position.drawn // HOUR_S - position.counted
    position.counted += pulses
    outcome.phase_s[phase_number(m)] += then - position.now
    advance(m, p, then - position.now, pulses, milliamps(p, rate), watts(p, rate))
    position.now = then


def begin(
    position: Position, m: State, p: Profile, household: Household, config: Config, tables: Tables
) -> None:
    """A meter at the start of the run, and the people who move in."""
    install(m, p, config.start)
    build(household, config, p, tables)
    move_in(household, config, m, p, tables)
    position.now = position.wake = position.day_end = config.start * 60
    position.day = -1
    position.offset = position.drawn = position.counted = position.wanted = position.order = (
        position.mark
    ) = 0


def go_until(
    position: Position,
    m: State,
    p: Profile,
    household: Household,
    config: Config,
    outcome: Outcome,
    tables: Tables,
    rates: Numbers,
    months: Rows,
    spells: Rows,
    log: Rows,
    until: int,
) -> None:
    """One meter to a clock value, which is not yet acted on.

    :param rates: room for a day's samples
    :param months: a row for each of `tables.months`
    :param spells, log: self-disconnections and events are put down as far as the rows reach
    """
    position.until = until
    while position.now < until * 60:
        if position.now >= position.wake:
            do_planned(position, m, p, household, config, outcome, tables, months, spells, log)
        if position.now >= position.day_end:
            look_up_day(position, m, p, household, config, tables, rates)
        go_on(position, m, p, household, config, outcome, rates)
        if m.events:
            notice(household, config, m, take_note(m, outcome, position.now, spells, log))
            position.wake = next_wake(position, household, config, tables)


def intervene(
    position: Position,
    m: State,
    p: Profile,
    household: Household,
    config: Config,
    outcome: Outcome,
    kind: int,
    value: int,
    extra: int,
    spells: Rows,
    log: Rows,
) -> None:
    """An order that a case brings, between two stretches of a life."""
    enter(m, p, outcome, kind, value, extra, 0)
    notice(household, config, m, take_note(m, outcome, position.now, spells, log))
    position.wake = position.now


def finish(position: Position, m: State, outcome: Outcome, months: Rows, spells: Rows) -> None:
    """The end of the run: the last month, a self-disconnection that lasts, the books."""
    mark_down(m, months[position.mark])  # the last month ends with the run
    if outcome.off_since > 0:
        close_spell(outcome, position.now, spells)
        outcome.still_off = 1
    close_books(m, outcome, position.wanted)


def live(
    position: Position,
    m: State,
    p: Profile,
    household: Household,
    config: Config,
    outcome: Outcome,
    tables: Tables,
    rates: Numbers,
    months: Rows,
    spells: Rows,
    log: Rows,
) -> None:
    """One meter from the start of the run to its end; arguments as `go_until`."""
    begin(position, m, p, household, config, tables)
    go_until(
        position, m, p, household, config, outcome, tables, rates, months, spells, log, config.end
    )
    finish(position, m, outcome, months, spells)
