"""The life of one meter: load, people, the operator's orders, and the rules between them.

Portable, as the rules are, and like them run in CPython and under Numba. A stretch in which the
rules say that nothing can happen (`quiet_s`, `quiet_pulses`) is one step, however many samples of
the load it spans; else `stride` says how far a step may go within a sample.
"""

from meterfw.account.calendar import local, minutes_to
from meterfw.account.orders import apply, install
from meterfw.account.rules import (
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
from budgetmeter.report.phases import phase_number

NOMINAL_V = 230
HOUR = 3600


def milliamps(p, rate):
    """Current of a rate on one phase; gas has none."""
    if p.energy == ENERGY_GAS:
        return 0
    return rate * 1000 // NOMINAL_V


def watts(p, rate):
    """Power of a rate; gas has none."""
    if p.energy == ENERGY_GAS:
        return 0
    return rate


def concerned(h, c, share):
    """1 when an order to so many in a hundred goes to this meter; those of a share are the same."""
    return chance(draw(c, h.meter, ORDER, 0), share)


def enter(m, p, o, kind, value, extra, order):
    """One order, judged; what it did to the books of the outcome."""
    result = apply(m, p, kind, value, extra, order)
    judge(m, p)
    if result > RESULT_NO_EFFECT:
        o.refused += 1
    elif result == RESULT_DONE and kind == KIND_TOP_UP:
        o.top_ups += 1
        o.topped_up += value
    elif result == RESULT_DONE and kind == KIND_ARREARS_PAID:
        o.bills_paid += value


def take_note(m, o, now, spells, log):
    """Put down the events since last asked; answers their mask."""
    events = m.events
    m.events = 0
    if events & EVENT_OVERLOAD:
        o.trips += 1
    if events & EVENT_EMERGENCY_IN_USE:
        o.emergency_starts += 1
    if events & EVENT_LIMITER_ENGAGED:
        o.limiter_starts += 1
    if m.control_state == CONTROL_STATE_CONNECTED:
        if o.off_since > 0:
            close_spell(o, now, spells)
    elif o.off_since == 0 and m.reasons & REASON_CREDIT:
        o.off_since = now
    for code in range(32):
        if events >> code & 1:
            if o.events < len(log):
                row = log[o.events]
                row[0] = m.clock
                row[1] = m.second
                row[2] = code
                row[3] = m.reasons
                row[4] = m.credit - m.emergency_used
            o.events += 1
    return events


def close_spell(o, now, spells):
    """A self-disconnection is over."""
    lasted = now - o.off_since
    if o.spells < len(spells):
        spells[o.spells][0] = o.off_since // 60
        spells[o.spells][1] = lasted
    o.spells += 1
    o.off_s += lasted
    o.longest_off_s = max(o.longest_off_s, lasted)
    o.off_since = 0


def act(k, m, p, h, c, o, t, spells, log):
    """All that is due now: the operator first, then the people."""
    while k.order < len(t.program) and t.program[k.order][0] <= m.clock:
        line = t.program[k.order]
        k.order += 1
        if concerned(h, c, int(line[5])) == 1:
            enter(m, p, o, int(line[1]), int(line[2]), int(line[3]), int(line[4]))
            notice(h, c, m, take_note(m, o, k.now, spells, log))
    action = next_action(h, c, m, p)
    while action != NOTHING:
        if action == BUTTON:
            press(m, p, p.reopen_hold_s)
        else:
            enter(m, p, o, action, h.value, 0, 0)
        notice(h, c, m, take_note(m, o, k.now, spells, log))
        action = next_action(h, c, m, p)


def mark_down(m, row):
    """A month has ended: arrears, and all that is owed to the operator."""
    row[0] = m.arrears
    row[1] = m.arrears + m.emergency_used - min(m.credit, 0)


def close_books(m, o, wanted):
    """The account at the end, as totals of millicents."""
    o.wanted = wanted // HOUR
    o.energy_wh = m.energy_wh
    o.limited_wh = m.limited_wh
    o.unbilled_wh = m.unbilled_wh
    o.volume_l = m.volume_l
    o.credit = m.credit
    o.emergency_used = m.emergency_used
    o.arrears = m.arrears
    o.credited = m.credited_eur * EUR + m.credited_mc
    o.charged = m.charged_eur * EUR + m.charged_mc
    o.settled = m.settled_eur * EUR + m.settled_mc


def do_planned(k, m, p, h, c, o, t, months, spells, log):
    """The end of a month, and what operator and people do now; then when something is due again."""
    while k.mark < len(t.months) and t.months[k.mark] <= m.clock:
        mark_down(m, months[k.mark])
        k.mark += 1
    act(k, m, p, h, c, o, t, spells, log)
    k.wake = next_wake(k, h, c, t)


def next_wake(k, h, c, t):
    """Second at which something is planned, at the latest the end."""
    at = c.end
    if k.order < len(t.program):
        at = min(at, int(t.program[k.order][0]))
    if k.mark < len(t.months):
        at = min(at, int(t.months[k.mark]))
    return next_plan(h, at) * 60


def look_up_day(k, m, p, h, c, t, rates):
    """The samples of the local day, and until when they and the local time hold."""
    here = local(m.clock)
    k.offset = (here - m.clock) * 60
    if here // 1440 != k.day:
        k.day = here // 1440
        fill_day(h, c, p, t, k.day, rates)
    k.day_end = (m.clock + min(minutes_to(here, 0), minutes_to(m.clock, 120))) * 60


def wait(rates, slot, now, sample_end, step_s, reach):
    """Whole samples while nothing flows: how far they go, and what was wanted."""
    then, wanted = now, 0
    while sample_end <= reach:
        wanted += rates[slot] * (sample_end - then)
        then = sample_end
        sample_end += step_s
        slot += 1
    return then, wanted


def flow(rates, slot, now, sample_end, step_s, reach, room):
    """Whole samples until `room` pulse-seconds are used: how far they go, and what flows."""
    then, flowed = now, 0
    while sample_end <= reach:
        more = rates[slot] * (sample_end - then)
        if flowed + more > room:
            return then, flowed
        flowed += more
        then = sample_end
        sample_end += step_s
        slot += 1
    return then, flowed


def flow_limited(m, p, h, rates, slot, now, sample_end, step_s, reach, room):
    """The same while each is below the limit; and what was wanted."""
    then, flowed, wanted = now, 0, 0
    while sample_end <= reach:
        rate = restrained(h, m, rates[slot], milliamps(p, rates[slot]))
        more = rate * (sample_end - then)
        if flowed + more > room or over_limit(m, milliamps(p, rate), rate) == 1:
            return then, flowed, wanted
        wanted += rates[slot] * (sample_end - then)
        flowed += more
        then = sample_end
        sample_end += step_s
        slot += 1
    return then, flowed, wanted


def go_on(k, m, p, h, c, o, rates):
    """One step of the rules: as many whole samples as are quiet, else a stride within one."""
    stop = min(c.end * 60, k.wake, k.day_end)
    step_s = c.step_min * 60
    at = k.now + k.offset - k.day * 86400
    slot = at // step_s
    sample_end = k.now + step_s - at % step_s
    reach = k.now + min(stop - k.now, quiet_s(m, p, 0, 0))
    flows = supply_on(m) == 1 and m.reasons & REASON_LEAK_TEST == 0  # nobody draws during a test
    rate, flowed, wanted = 0, 0, 0
    if not flows:
        then, wanted = wait(rates, slot, k.now, sample_end, step_s, reach)
    else:
        room = (k.counted + quiet_pulses(m, p) + 1) * HOUR - 1 - k.drawn
        if m.limiter_engaged == 0:
            then, flowed = flow(rates, slot, k.now, sample_end, step_s, reach, room)
            wanted = flowed
        else:
            then, flowed, wanted = flow_limited(
                m, p, h, rates, slot, k.now, sample_end, step_s, reach, room
            )
    if then == k.now:  # something may happen within the sample
        if flows:
            rate = restrained(h, m, rates[slot], milliamps(p, rates[slot]))
        limit = min(sample_end, stop) - k.now
        then = k.now + stride(m, p, limit, rate, milliamps(p, rate), watts(p, rate))
        flowed = rate * (then - k.now)
        wanted = rates[slot] * (then - k.now)
    k.wanted += wanted
    k.drawn += flowed
    pulses = k.drawn // HOUR - k.counted
    k.counted += pulses
    o.phase_s[phase_number(m)] += then - k.now
    advance(m, p, then - k.now, pulses, milliamps(p, rate), watts(p, rate))
    k.now = then


def live(k, m, p, h, c, o, t, rates, months, spells, log):
    """One meter from the start of the run to its end.

    :param k, m, p, h, c, o: position, state, profile, household, habits and run, outcome
    :param t: tables (`engine.Tables`)
    :param rates: room for a day's samples
    :param months: a row for each of `t.months`
    :param spells, log: self-disconnections and events are put down as far as the rows reach
    """
    install(m, p, c.start)
    build(h, c, p, t)
    move_in(h, c, m, p, t)
    k.now = k.wake = k.day_end = c.start * 60
    k.day = -1
    k.offset = k.drawn = k.counted = k.wanted = k.order = k.mark = 0
    while k.now < c.end * 60:
        if k.now >= k.wake:
            do_planned(k, m, p, h, c, o, t, months, spells, log)
        if k.now >= k.day_end:
            look_up_day(k, m, p, h, c, t, rates)
        go_on(k, m, p, h, c, o, rates)
        if m.events:
            notice(h, c, m, take_note(m, o, k.now, spells, log))
            k.wake = next_wake(k, h, c, t)
    mark_down(m, months[k.mark])  # the last month ends with the run
    if o.off_since > 0:
        close_spell(o, k.now, spells)
        o.still_off = 1
    close_books(m, o, k.wanted)
