"""Homes: what a meter of the fleet measures, day by day.

Portable. A home's day is one of the measured days, scaled to the home, with the season, heating and
a charging car on top. Rates are pulses per hour: W, or litres per hour of gas.
"""

from meterfw.account.calendar import day_of, weekday, year_of
from meterfw.layouts import ENERGY_GAS

from budgetmeter.fleet.draws import (
    BASE,
    CHARGE,
    DAY,
    ELECTRIC_CAR,
    HEATED,
    HEATING,
    METERS,
    SHIFT,
    SOURCE,
    WEATHER,
    below,
    between,
    chance,
    draw,
)

SCALE = 1024  # one, in `h.scale`
NOBODY = METERS - 1  # whose draws are the weather, common to all homes


def build(h, c, p, t):
    """What the home consumes in a year, and how that scales the measured days."""
    h.source = below(draw(c, h.meter, SOURCE, 0), c.sources)
    h.base_wh = between(t.quantiles, t.spans[0], draw(c, h.meter, BASE, 0)) * 1000
    h.scale = h.base_wh * SCALE // int(t.year_wh[h.source])
    h.heating_wh = 0
    if p.energy == ENERGY_GAS or chance(draw(c, h.meter, HEATED, 0), c.heated_pct) == 1:
        h.heating_wh = between(t.quantiles, t.spans[1], draw(c, h.meter, HEATING, 0)) * 1000
    h.car = chance(draw(c, h.meter, ELECTRIC_CAR, 0), c.car_pct)
    if p.energy == ENERGY_GAS:
        h.car = 0


def month_of(day):
    """1 to 12, of a day number."""
    year = year_of(day)
    month = 1
    while month < 12 and day >= day_of(year, month + 1, 1):
        month += 1
    return month


def rate_of(p, w):
    """Pulses per hour of a power."""
    if p.energy == ENERGY_GAS:
        return w * 1000 // p.wh_per_m3
    return w


def heating_w(h, c, t, day, month):
    """Mean heating power of a day; the weather of the day is the same for all homes."""
    weather = 100 - c.weather_pct + below(draw(c, NOBODY, WEATHER, day), 2 * c.weather_pct + 1)
    return h.heating_wh * int(t.cold[month - 1]) * weather // (30 * 24 * 1000 * 100)


def fill_day(h, c, p, t, day, rates):
    """The samples of one local day, into `rates`."""
    kind = 0
    if weekday(day) >= 5:
        kind = 1
    group = t.groups[h.source * 2 + kind]
    source = t.days[group[0] + below(draw(c, h.meter, DAY, day), int(group[1]))]
    month = month_of(day)
    factor = h.scale * int(t.season[month - 1])
    slots = c.slots
    shift = below(draw(c, h.meter, SHIFT, day), 2 * c.shift_min // c.step_min + 1)
    shift = (shift - c.shift_min // c.step_min) % slots
    for i in range(slots - shift):
        rates[i + shift] = source[i] * factor // (SCALE * 1000)
    for i in range(shift):
        rates[i] = source[i + slots - shift] * factor // (SCALE * 1000)
    if h.heating_wh > 0:
        mean = heating_w(h, c, t, day, month)
        for hour in range(24):
            more = rate_of(p, mean * int(t.hours[hour]) // 1000)
            for i in range(hour * slots // 24, (hour + 1) * slots // 24):
                rates[i] += more
    if h.car == 1 and chance(draw(c, h.meter, CHARGE, day), c.charge_pct) == 1:
        for i in range(c.charge_from * slots // 24, c.charge_to * slots // 24):
            rates[i] += c.charge_w
