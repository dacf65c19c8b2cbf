"""Homes: what a meter of the fleet measures, day by day.

Portable. A home's day is one of the measured days, scaled to the home, with the season, heating and
a charging car on top. Rates are pulses per hour: W, or litres per hour of gas.
"""

from meterfw.account.calendar import day_of, weekday, year_of
from meterfw.account.record import Profile
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
from budgetmeter.fleet.rows import Config, Household, Numbers, Tables

SCALE = 1024  # one, in `household.scale`
NOBODY = METERS - 1  # whose draws are the weather, common to all homes


def build(household: Household, config: Config, p: Profile, tables: Tables) -> None:
    """What the home consumes in a year, and how that scales the measured days."""
    household.source = below(draw(config, household.meter, SOURCE, 0), config.sources)
    household.base_wh = (
        between(tables.quantiles, tables.spans[0], draw(config, household.meter, BASE, 0)) * 1000
    )
    household.scale = household.base_wh * SCALE // int(tables.year_wh[household.source])
    household.heating_wh = 0
    if (
        p.energy == ENERGY_GAS
        or chance(draw(config, household.meter, HEATED, 0), config.heated_pct) == 1
    ):
        household.heating_wh = (
            between(tables.quantiles, tables.spans[1], draw(config, household.meter, HEATING, 0))
            * 1000
        )
    household.car = chance(draw(config, household.meter, ELECTRIC_CAR, 0), config.car_pct)
    if p.energy == ENERGY_GAS:
        household.car = 0


def month_of(day: int) -> int:
    """1 to 12, of a day number."""
    year = year_of(day)
    month = 1
    while month < 12 and day >= day_of(year, month + 1, 1):
        month += 1
    return month


def rate_of(p: Profile, power: int) -> int:
    """Pulses per hour of a power."""
    if p.energy == ENERGY_GAS:
        return power * 1000 // p.wh_per_m3
    return power


def heating_w(household: Household, config: Config, tables: Tables, day: int, month: int) -> int:
    """Mean heating power of a day; the weather of the day is the same for all homes."""
    weather = (
        100
        - config.weather_pct
        + below(draw(config, NOBODY, WEATHER, day), 2 * config.weather_pct + 1)
    )
    return household.heating_wh * int(tables.cold[month - 1]) * weather // (30 * 24 * 1000 * 100)


def fill_day(
    household: Household, config: Config, p: Profile, tables: Tables, day: int, rates: Numbers
) -> None:
    """The samples of one local day, into `rates`."""
    kind = 0
    if weekday(day) >= 5:
        kind = 1
    group = tables.groups[household.source * 2 + kind]
    source = tables.days[group[0] + below(draw(config, household.meter, DAY, day), int(group[1]))]
    month = month_of(day)
    factor = household.scale * int(tables.season[month - 1])
    slots = config.slots
    shift = below(
        draw(config, household.meter, SHIFT, day), 2 * config.shift_min // config.step_min + 1
    )
    shift = (shift - config.shift_min // config.step_min) % slots
    for i in range(slots - shift):
        rates[i + shift] = source[i] * factor // (SCALE * 1000)
    for i in range(shift):
        rates[i] = source[i + slots - shift] * factor // (SCALE * 1000)
    if household.heating_wh > 0:
        mean = heating_w(household, config, tables, day, month)
        for hour in range(24):
            more = rate_of(p, mean * int(tables.hours[hour]) // 1000)
            for i in range(hour * slots // 24, (hour + 1) * slots // 24):
                rates[i] += more
    if (
        household.car == 1
        and chance(draw(config, household.meter, CHARGE, day), config.charge_pct) == 1
    ):
        for i in range(config.charge_from * slots // 24, config.charge_to * slots // 24):
            rates[i] += config.charge_w
