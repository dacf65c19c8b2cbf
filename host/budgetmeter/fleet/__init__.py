"""A fleet: many meters through a year, by the firmware's own rules compiled.

| module | what lives there |
| --- | --- |
| `study` | a TOML file: population and policy, every parameter with its default and range |
| `profiles` | days of consumption from measured data |
| `draws`, `homes`, `people`, `life` | portable: chances, consumption, behaviour, one meter's life |
| `engine` | these and the rules compiled; a chunk of meters as an Arrow table |
| `run` | chunks over processes or a cluster, one Parquet file each, resumed |
| `results`, `totals` | what a run came to; the figures of its report, chunk by chunk |
| `compare`, `plot` | two policies on the same households |
| `frame` | a run as pandas or polars frames: `load(folder)`, `spells`, `months` |
| `assumptions` | a comparison again with other values of what is assumed |
| `single` | one meter of a fleet in the emulator |
"""

from pathlib import Path
from typing import Any


def load(folder: Path | str, library: str = "pandas") -> Any:
    """A finished run as a frame, a row for each meter (`budgetmeter.fleet.frame.load`).

    :param library: whose frame, `pandas` or `polars`
    :raises InputError: no finished run there, or the library is missing
    """
    from budgetmeter.fleet import frame  # noqa: PLC0415  # Arrow is an extra

    return frame.load(folder, library)
