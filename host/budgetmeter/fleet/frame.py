"""A finished run as pandas frames, for analysts: EUR, kWh (m3), hours and Belgian timestamps."""

from pathlib import Path
from typing import Any

from budgetmeter import units
from budgetmeter.errors import InputError
from budgetmeter.fleet import table
from budgetmeter.fleet.results import HOUR_S, Results

ZONE = "Europe/Brussels"
# Unit of a column: what it becomes, divided by how much.
_UNITS = {
    "mc": ("eur", units.EUR), "Wh": ("kwh", 1000), "l": ("m3", 1000), "s": ("h", HOUR_S),
    "min": ("days", 1440),
}  # fmt: skip


def _pandas() -> Any:
    try:
        import pandas  # noqa: PLC0415  # an extra
    except ImportError:
        raise InputError("frames need pandas: pip install 'budgetmeter[fleet]'") from None
    return pandas


def load(folder: Path | str) -> Any:
    """A row for each meter: money in `…_eur`, energy in `…_kwh` (gas `…_m3`), times in `…_h`.

    :raises InputError: no finished run there
    """
    pandas = _pandas()
    results = Results(folder)
    schema = table.schema()
    names = [field.name for field in schema if field.name not in table.LISTS]
    columns = dict(zip(names, results.columns(*names), strict=True))
    made = {}
    for name in names:
        unit = (schema.field(name).metadata or {}).get(b"unit", b"").decode()
        if unit == "Wh or l":
            unit = "l" if results.gas else "Wh"
        new, factor = _UNITS.get(unit, ("", 1))
        stem = name.removesuffix("_wh").removesuffix("_l").removesuffix("_s").removesuffix("_min")
        made[f"{stem}_{new}" if new else name] = columns[name] / factor if new else columns[name]
    return pandas.DataFrame(made).set_index("meter")


def spells(folder: Path | str) -> Any:
    """A row for each self-disconnection: meter, begin (Belgian time), hours.

    :raises InputError: no finished run there
    """
    pandas = _pandas()
    results = Results(folder)
    meters, count = results.columns("meter", "spells")
    return pandas.DataFrame(
        {
            "meter": meters.repeat(count),
            "begin": _times(pandas, results.values("spells_begin")),
            "hours": results.values("spells_s") / HOUR_S,
        }
    )


def months(folder: Path | str) -> Any:
    """A row for each meter and month: its end (Belgian time), arrears and all that is owed, EUR.

    :raises InputError: no finished run there
    """
    pandas = _pandas()
    results = Results(folder)
    (meters,) = results.columns("meter")
    ends = _times(pandas, pandas.Series(results.about["months"]).to_numpy())
    return pandas.DataFrame(
        {
            "meter": meters.repeat(len(ends)),
            "end": list(ends) * len(meters),
            "arrears_eur": results.values("months_arrears") / units.EUR,
            "owed_eur": results.values("months_owed") / units.EUR,
        }
    )


def _times(pandas: Any, clocks: Any) -> Any:
    """Clock values, minutes since 2000-01-01 00:00 UTC+1, as Belgian timestamps."""
    since = pandas.Timestamp(units.EPOCH, tz="Etc/GMT-1")
    return (since + pandas.to_timedelta(clocks, unit="min")).tz_convert(ZONE)
