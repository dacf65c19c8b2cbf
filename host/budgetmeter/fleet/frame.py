"""A finished run as pandas or polars frames: EUR, kWh (m3), hours and Belgian timestamps."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from budgetmeter import units
from budgetmeter.errors import InputError
from budgetmeter.fleet import table
from budgetmeter.fleet.results import HOUR_S, Results

ZONE = "Europe/Brussels"
_EPOCH = np.datetime64(units.EPOCH, "s") - np.timedelta64(1, "h")  # of the clock, in UTC
# Unit of a column: what it becomes, divided by how much.
_UNITS = {
    "mc": ("eur", units.EUR), "Wh": ("kwh", 1000), "l": ("m3", 1000), "s": ("h", HOUR_S),
    "min": ("days", 1440),
}  # fmt: skip
_ENDINGS = ("_wh", "_l", "_s", "_min")


def load(folder: Path | str, library: str = "pandas") -> Any:
    """A row for each meter: money in `…_eur`, energy in `…_kwh` (gas `…_m3`), times in `…_h`.

    :param library: whose frame, `pandas` (its index is the meter) or `polars`
    :raises InputError: no finished run there, or the library is missing
    """
    framed = _library(library)
    found = framed(pa.concat_tables(_meters(Results(folder))))
    return found.set_index("meter") if library == "pandas" else found


def spells(folder: Path | str, library: str = "pandas") -> Any:
    """A row for each self-disconnection: meter, begin (Belgian time), hours.

    :raises InputError: no finished run there, or the library is missing
    """
    framed, results = _library(library), Results(folder)
    meters, count = results.columns("meter", "spells")
    hours = results.values("spells_s") / HOUR_S
    columns = {"meter": meters.repeat(count), "begin": _times(results.values("spells_begin"))}
    return framed(pa.table({**columns, "hours": hours}))


def months(folder: Path | str, library: str = "pandas") -> Any:
    """A row for each meter and month: its end (Belgian time), arrears and all that is owed, EUR.

    :raises InputError: no finished run there, or the library is missing
    """
    framed, results = _library(library), Results(folder)
    (meters,) = results.columns("meter")
    ends = np.array(results.about["months"])
    columns = {
        "meter": meters.repeat(len(ends)),
        "end": _times(np.tile(ends, len(meters))),
        "arrears_eur": results.values("months_arrears") / units.EUR,
        "owed_eur": results.values("months_owed") / units.EUR,
    }
    return framed(pa.table(columns))


def write_csv(folder: Path | str, path: Path) -> None:
    """The rows of `load` as CSV, chunk after chunk.

    :raises InputError: no finished run there
    :raises OSError: when the file cannot be written
    """
    options = pacsv.WriteOptions(include_header=False)
    rows = _meters(Results(folder))
    first = next(rows)
    with path.open("wb") as file:
        file.write((",".join(first.column_names) + "\n").encode())
        with pacsv.CSVWriter(file, first.schema, write_options=options) as writer:
            for part in (first, *rows):
                writer.write_table(part)


def _library(name: str) -> Callable[[pa.Table], Any]:
    """How a library makes a frame of an Arrow table."""
    if name not in ("pandas", "polars"):
        raise InputError(f"frames of {name}: pandas or polars")
    try:
        library = import_module(name)
    except ImportError:
        extra = "'budgetmeter[fleet]'" if name == "pandas" else name
        raise InputError(f"frames need {name}: pip install {extra}") from None
    return library.from_arrow if name == "polars" else pa.Table.to_pandas


def _meters(results: Results) -> Iterator[pa.Table]:
    """The rows of `load`, chunk by chunk."""
    names = [field.name for field in table.schema() if field.name not in table.LISTS]
    for chunk in results.chunks(names):
        made = {}
        for name in names:
            new, factor = _unit(name, results.gas)
            made[new] = chunk[name].to_numpy() / factor if factor else chunk[name]
        yield pa.table(made)


def _unit(name: str, gas: bool) -> tuple[str, float]:
    """What a column is called in a frame, and by what it is divided; 0 for not at all."""
    unit = (table.schema().field(name).metadata or {}).get(b"unit", b"").decode()
    if unit == "Wh or l":
        unit = "l" if gas else "Wh"
    if unit not in _UNITS:
        return name, 0.0
    new, factor = _UNITS[unit]
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return f"{name}_{new}", float(factor)


def _times(clocks: np.ndarray) -> pa.Array:
    """Clock values, minutes since 2000-01-01 00:00 UTC+1, as Belgian timestamps."""
    moments = _EPOCH + clocks.astype("timedelta64[m]")
    return pa.array(moments.astype("datetime64[us]"), pa.timestamp("us", ZONE))
