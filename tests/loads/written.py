"""Files of every shape, written by pandas from one series, and the sum as pandas has it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from budgetmeter import loads


@dataclass(frozen=True)
class Writer:
    """How a shape is written.

    :ivar write: the text of a series of W (UTC times; NaN missing) with its usual step
    :ivar quantity: what its rows hold: "power", "energy" or "index"
    :ivar offset: whether its times have one
    """

    write: Callable[[pd.Series, pd.Timedelta], str]
    quantity: str
    exact: bool = False
    zone: str = "UTC"


def _local(index: pd.DatetimeIndex, zone: str, layout: str) -> list[str]:
    return list(index.tz_convert(zone).strftime(layout))


def _energy(watts: pd.Series, step: pd.Timedelta) -> pd.Series:
    """kWh of each row, to a thousandth as the meter has it."""
    return (watts * (step / pd.Timedelta("1h")) / 1000).round(3)


def fluvius(watts: pd.Series, step: pd.Timedelta) -> str:
    date, clock = "%d-%m-%Y", "%H:%M:%S"
    begin, end = watts.index, watts.index + step
    columns = [
        _local(begin, "Europe/Brussels", date), _local(begin, "Europe/Brussels", clock),
        _local(end, "Europe/Brussels", date), _local(end, "Europe/Brussels", clock),
        _energy(watts, step),
    ]  # fmt: skip
    lines = [
        "Van (datum);Van (tijdstip);Tot (datum);Tot (tijdstip);EAN-code;Meter;Metertype;Register;"
        "Volume;Eenheid;Validatiestatus;Omschrijving"
    ]
    for from_date, from_clock, to_date, to_clock, kwh in zip(*columns, strict=True):
        shown = "" if pd.isna(kwh) else f"{kwh:.3f}".replace(".", ",")
        head = f'{from_date};{from_clock};{to_date};{to_clock};="541448";1SAG;Digitale meter'
        lines.append(f"{head};Afname Dag;{shown};kWh;Uitgelezen;")
        lines.append(f"{head};Injectie Dag;0,123;kWh;Uitgelezen;")
    return "\ufeff" + "\n".join(lines) + "\n"


def enedis(watts: pd.Series, step: pd.Timedelta) -> str:
    ends = (watts.index + step).tz_convert("Europe/Paris")
    rows = [
        f"{end.isoformat()};{'' if pd.isna(w) else w}" for end, w in zip(ends, watts, strict=True)
    ]
    above = ["Identifiant PRM;Unite;Pas en minutes", "00000000000000;W;"]
    return "\n".join([*above, "Horodate;Valeur", *rows]) + "\n"


def london(watts: pd.Series, step: pd.Timedelta) -> str:
    times = _local(watts.index, "UTC", "%Y-%m-%d %H:%M:%S.0000000")
    rows = [
        f"MAC000002,Std,{time}, {'Null' if pd.isna(kwh) else kwh} "
        for time, kwh in zip(times, _energy(watts, step), strict=True)
    ]
    return "\n".join(["LCLid,stdorToU,DateTime,KWH/hh (per half hour) ", *rows]) + "\n"


def _register(watts: pd.Series, step: pd.Timedelta) -> pd.Series:
    return (5000 + _energy(watts, step).cumsum().shift(fill_value=0)).round(3)


def homewizard(watts: pd.Series, step: pd.Timedelta) -> str:
    times = _local(watts.index, "Europe/Brussels", "%Y-%m-%d %H:%M")
    rows = [
        f"{time},{'' if pd.isna(kwh) else kwh},17.5,0.015"
        for time, kwh in zip(times, _register(watts, step), strict=True)
    ]
    return "\n".join(["time,Import T1 kWh,Import T2 kWh,Export T1 kWh", *rows]) + "\n"


def history(watts: pd.Series, step: pd.Timedelta) -> str:
    times = _local(watts.index, "UTC", "%Y-%m-%dT%H:%M:%S.000Z")
    rows = [
        f"sensor.power,{'unavailable' if pd.isna(w) else w},{time}"
        for time, w in zip(times, watts, strict=True)
    ]
    return "\n".join(["entity_id,state,last_changed", *rows]) + "\n"


def history_of_energy(watts: pd.Series, step: pd.Timedelta) -> str:
    times = _local(watts.index, "UTC", "%Y-%m-%dT%H:%M:%S.000Z")
    rows = [
        f"sensor.energy_import,{'unknown' if pd.isna(kwh) else kwh},{time}"
        for time, kwh in zip(times, _register(watts, step), strict=True)
    ]
    return "\n".join(["entity_id,state,last_changed", *rows]) + "\n"


def dashboard(watts: pd.Series, step: pd.Timedelta) -> str:
    times = _local(watts.index, "UTC", "%Y-%m-%dT%H:%M:%S.000Z")
    cells = ["" if pd.isna(kwh) else str(kwh) for kwh in _energy(watts, step)]
    rows = [
        ["entity_id", "type", "unit", *times],
        ["sensor.grid", "grid_consumption", "kWh", *cells],
        ["sensor.pv", "solar_production", "kWh", *["9.9"] * len(cells)],
        ["sensor.cost", "grid_consumption_cost", "EUR", *["0.3"] * len(cells)],
    ]
    return "\n".join(",".join(row) for row in rows) + "\n"


def uci(watts: pd.Series, step: pd.Timedelta) -> str:
    times = _local(watts.index, "Etc/GMT-1", "%d/%m/%Y;%H:%M:%S")
    rows = [
        f"{time};?;?;?;?" if pd.isna(w) else f"{time};{w / 1000:.4f};0.418;234.84;5.0"
        for time, w in zip(times, watts, strict=True)
    ]
    head = "Date;Time;Global_active_power;Global_reactive_power;Voltage;Global_intensity"
    return "\n".join([head, *rows]) + "\n"


def refit(watts: pd.Series, step: pd.Timedelta) -> str:
    times = _local(watts.index, "Europe/London", "%Y-%m-%d %H:%M:%S")
    seconds = watts.index.as_unit("s").asi8
    rows = [
        f"{time},{unix},{'' if pd.isna(w) else w},0,0,0"
        for time, unix, w in zip(times, seconds, watts, strict=True)
    ]
    return "\n".join(["Time,Unix,Aggregate,Appliance1,Appliance2,Issues", *rows]) + "\n"


def plain(watts: pd.Series, step: pd.Timedelta) -> str:
    times = _local(watts.index, "Etc/GMT-1", "%Y-%m-%dT%H:%M:%S")
    rows = [f"{t},{'' if pd.isna(w) else w}" for t, w in zip(times, watts, strict=True)]
    return "\n".join(["time,watts", *rows]) + "\n"


def german(watts: pd.Series, step: pd.Timedelta) -> str:
    """A portal's table: day first, semicolons, decimal commas, the end of each interval beside."""
    begin = _local(watts.index, "Europe/Berlin", "%d.%m.%Y %H:%M")
    end = _local(watts.index + step, "Europe/Berlin", "%d.%m.%Y %H:%M")
    rows = [
        f"{a};{b};{'' if pd.isna(kwh) else f'{kwh:.3f}'.replace('.', ',')}"
        for a, b, kwh in zip(begin, end, _energy(watts, step), strict=True)
    ]
    return "\n".join(["Von;Bis;Verbrauch [kWh]", *rows]) + "\n"


def kwh(watts: pd.Series, step: pd.Timedelta) -> str:
    times = [time.isoformat() for time in watts.index]
    rows = [
        f'"{t}"\t"{"" if pd.isna(e) else e}"'
        for t, e in zip(times, _energy(watts, step), strict=True)
    ]
    return "\n".join(["time\tkwh", *rows]) + "\n"


def index(watts: pd.Series, step: pd.Timedelta) -> str:
    seconds = watts.index.as_unit("s").asi8
    rows = [
        f"{t},{'' if pd.isna(e) else e}"
        for t, e in zip(seconds, _register(watts, step), strict=True)
    ]
    return "\n".join(["time,index", *rows]) + "\n"


WRITERS = {
    "fluvius": Writer(fluvius, "energy", zone="Europe/Brussels"),
    "enedis": Writer(enedis, "end", exact=True),
    "london": Writer(london, "energy"),
    "homewizard": Writer(homewizard, "index", zone="Europe/Brussels"),
    "history": Writer(history, "change"),
    "history-of-energy": Writer(history_of_energy, "index"),
    "dashboard": Writer(dashboard, "energy"),
    "uci": Writer(uci, "power"),
    "refit": Writer(refit, "power"),
    "plain": Writer(plain, "power"),
    "german": Writer(german, "energy", zone="Europe/Brussels"),
    "kwh": Writer(kwh, "energy"),
    "index": Writer(index, "index"),
}


def right(name: str, watts: pd.Series, step: pd.Timedelta) -> float:
    """Wh that a file of this series holds, without the reader's own steps."""
    quantity = WRITERS[name].quantity
    if quantity == "energy":
        return _energy(watts, step).sum() * 1000
    if quantity == "index":
        return (_register(watts, step).dropna().diff().clip(lower=0)).sum() * 1000
    gaps = watts.index.to_series().diff()  # from the row before
    if quantity != "end":
        gaps = gaps.shift(-1)  # to the row after
    if quantity == "change":
        held = gaps.fillna(pd.Timedelta(0))
    else:  # the first, or last, row has no such distance: the median, as far as a file can tell
        held = gaps.fillna(gaps.median()).clip(upper=3 * gaps.median())
    return float((watts * (held / pd.Timedelta("1h"))).sum())


def given(load: loads.SampledLoad) -> tuple[float, int]:
    """Wh that a load asks for, and seconds for which it has no value."""
    second, energy, missing = 0, 0, 0
    while second < load.seconds:
        draw = load.at(second)
        assert draw.until > second
        energy += draw.wanted * (draw.until - second)
        missing += (draw.until - second) * draw.missing
        second = draw.until
    return energy / 3600, missing


def read(folder: Path, name: str, text: str, encoding: str = "utf-8", **asked: str):
    """The load of a text."""
    path = folder / f"{name}.csv"
    path.write_bytes(text.encode(encoding))
    return loads.read(path, request=loads.Request(**asked))
