"""A header of no known shape: which column is what, told by words of four languages and by units.

What stays open is refused, never guessed.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from budgetmeter.loads.numbers import ENERGY, POWER, UNITS, VOLUME
from budgetmeter.loads.shapes import INDEX, Layout, Shape
from budgetmeter.loads.times import METER_ZONE

PLAIN = {"watts": POWER, "kwh": ENERGY, "index": INDEX, "litres": ENERGY}
_UNIT_OF_PLAIN = {"watts": "w", "kwh": "kwh", "index": "kwh", "litres": "l"}


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TIME = _set(
    "time timestamp datetime date datum tijd tijdstip uur hour heure horodate horodatage zeit "
    "zeitstempel zeitpunkt uhrzeit datumtijd dateheure when period periode interval moment unix "
    "epoch unixtime ts timestamputc utc"
)
_FROM = _set("from van de du von start begin begins debut beginn starttime startdate vanaf ab")
_TO = _set("to tot bis au until end einde fin ende endtime enddate stop")
_CLOCK = _set("time tijd tijdstip uur hour heure uhrzeit zeit")
_DATE = _set("date datum jour dag day tag")
_OUT = _set(
    "export exported injectie injection einspeisung teruglevering teruggeleverd retour return "
    "returned production produced productie opwek solar zon pv generation feedin geleverd "
    "lieferung out output yield"
)
_NOT = _set(
    "reactive reactief reaktiv reactive_power voltage volt spanning tension spannung current amps "
    "ampere stroomsterkte max maximum peak piek pointe spitze min minimum cost kosten cout price "
    "prijs prix preis eur euro gas water temperature temperatuur factor cosphi frequency hz "
    "capacity soc battery"
)
_INDEX = _set(
    "index meterstand stand zahlerstand total totaal cumulative cumul cumulatief teller reading "
    "releve tellerstand standen lifetime"
)
_PARTS = _set(
    "t1 t2 tarif1 tarif2 tariff1 tariff2 dag nacht day night jour nuit tag hp hc hph hch hpb hcb "
    "laag hoog low high normaal normal dal piekuren creuses pleines ht nt offpeak 1 2 t l1 l2 l3 "
    "phase1 phase2 phase3 heures tarief tarif tariff"
)
_ENERGY = _set(
    "energy energie energia verbruik consumption consommation verbrauch usage afname bezug "
    "prelevement soutirage consumed volume"
)
_POWER = _set("power vermogen puissance leistung wattage load")
_VALUE = _set("value waarde valeur wert amount quantity hoeveelheid quantite menge reading")
_UNIT = _set("unit units eenheid unite einheit uom")
_UTC = _set("utc timestamputc gmt")
_REGISTER = _set("register registre")
_HOUSEHOLD = _set("household lclid meterid customer")
_AMPS = _set("amps")


class Unclear(ValueError):
    """A header in which the column of the load, or what it means, stays open."""


def words(name: str) -> list[str]:
    """The words of a column's name: small, without accents, apart from their signs."""
    name = re.sub(r"(?<=[a-z]{2})(?=[A-Z][a-z])(?!Wh)", " ", name.strip().strip("\ufeff"))
    name = unicodedata.normalize("NFKD", name.casefold().replace("³", "3"))
    name = "".join(c for c in name if not unicodedata.combining(c))
    return [word for word in re.split(r"[^a-z0-9]+", name) if word]


def unit_of(name: str) -> str | None:
    """The unit in the name of a column; None without one."""
    found = [word for word in words(name) if word in UNITS]
    compact = re.sub(r"[^a-z]", "", name.casefold())
    if compact in UNITS:
        return compact
    return found[0] if found else None


def layout(header: Sequence[str], gas: bool, outside: str | None = None) -> Layout:
    """The layout of a header.

    :param gas: whether litres are wanted, not energy
    :param outside: unit that stands in the lines above the header
    :raises Unclear: with what is missing or open
    """
    named = [words(name) for name in header]
    plain = [n[0] if len(n) == 1 else "" for n in named]
    wanted = "litres" if gas else "watts"
    for name in {*PLAIN, "time"}:
        if plain.count(name) > 1:
            raise Unclear(f"{plain.count(name)} columns are called {name}")
    time, until, stamp = _times(named, plain)
    if not time:
        raise Unclear(f"no column time; found {', '.join(filter(None, map(str.strip, header)))}")
    taken = {*time, *until}
    unit = next((i for i, n in enumerate(named) if _of_units(n) and i not in taken), None)
    values, kind, in_unit, notes = _values(header, named, plain, taken, gas, unit, outside)
    if not values:
        shown = ", ".join(name.strip() for name in header if name.strip())
        raise Unclear(f"no column {wanted}; found {shown}")
    register = _first(named, _REGISTER)
    household = _first(named, _HOUSEHOLD)
    shape = Shape(
        title="columns " + ", ".join(header[i].strip() for i in (*time, *values)),
        time=tuple(header[i] for i in time),
        value=tuple(header[i] for i in values),
        kind=kind,
        stamp=stamp,
        zone="UTC" if any(_UTC & set(named[i]) for i in time) else METER_ZONE,
        left="injection",
        leave={
            header[register]: tuple(f"*{w}*" for w in ("inject", "export", "einspeis", "retour"))
        }
        if register is not None
        else None,
    )
    quantity, factor = (None, 1) if in_unit is None else UNITS[in_unit]
    return Layout(
        shape, tuple(header), time, values, until,
        plain.index("amps") if "amps" in plain else None,
        unit if in_unit is None else None, household, register, quantity, factor, notes,
    )  # fmt: skip


def _of_units(name: list[str]) -> bool:
    """Whether a column says the unit of each row: `unit`, or `consumption unit`."""
    if len(name) == 2:
        return name[1] in _UNIT
    return bool(name) and name[0] in _UNIT and (len(name) == 1 or name[1] in ("of", "de"))


def _first(named: list[list[str]], known: frozenset[str]) -> int | None:
    return next((i for i, n in enumerate(named) if n and n[0] in known and len(n) <= 2), None)


def _times(
    named: list[list[str]], plain: list[str]
) -> tuple[tuple[int, ...], tuple[int, ...], str]:
    """Columns of a row's time, of its end, and which of the two there is."""
    units = [any(word in UNITS for word in n) for n in named]
    starts, ends, neither = [], [], []
    for i, n in enumerate(named):
        if not n or units[i] or set(n) & (_VALUE | _NOT - {"max", "min"}):
            continue
        about_time = set(n) & (_TIME | _DATE) or (len(n) == 1 and n[0] in _FROM | _TO)
        if not about_time and not (len(n) <= 2 and set(n) & (_FROM | _TO)):
            continue
        if set(n) & _TO and not set(n) & _FROM:
            ends.append(i)
        elif set(n) & _FROM:
            starts.append(i)
        else:
            neither.append(i)
    exact = [i for i in neither if set(named[i]) & {"unix", "unixtime", "epoch"}]
    if exact and not starts:
        return (exact[0],), (), "start"
    if "time" in plain and not starts and "date" not in plain and "datum" not in plain:
        return (plain.index("time"),), (), "start"
    if not starts and not neither and ends:
        return _date_and_clock(ends, named), (), "end"
    if starts and not any(set(named[i]) & _DATE or named[i] == ["start"] for i in starts):
        dates = [i for i in neither if set(named[i]) & _DATE]  # a date beside both clocks
        if dates and set(named[starts[0]]) & _CLOCK:
            return (dates[0], starts[0]), (), "start"
    chosen = _date_and_clock(starts or neither, named)
    until = _date_and_clock(ends, named) if starts and ends else ()
    return chosen, until, "start"


def _date_and_clock(places: list[int], named: list[list[str]]) -> tuple[int, ...]:
    """One column, or a date and the clock beside it."""
    if not places:
        return ()
    dates = [i for i in places if set(named[i]) & _DATE and not set(named[i]) & _CLOCK]
    clocks = [i for i in places if set(named[i]) & _CLOCK and not set(named[i]) & _DATE]
    if dates and clocks:
        return dates[0], clocks[0]
    return (places[0],)


def _values(
    header: Sequence[str],
    named: list[list[str]],
    plain: list[str],
    taken: set[int],
    gas: bool,
    unit: int | None,
    outside: str | None,
) -> tuple[tuple[int, ...], str, str | None, tuple[str, ...]]:
    """Columns of the load, their kind, their unit (None: told in each row), and what is left."""
    for name, kind in PLAIN.items():
        if name in plain and (name == "litres") == gas:
            place = plain.index(name)
            in_unit = _UNIT_OF_PLAIN[name] if not (gas and name == "index") else "l"
            return (place,), kind, in_unit, ()
    left: list[int] = []
    found: list[int] = []
    for i, n in enumerate(named):
        if i in taken or i == unit or not n:
            continue
        given = unit_of(header[i])
        quantity = UNITS[given][0] if given else None
        if not given and not set(n) & (_ENERGY | _POWER | _VALUE | _INDEX):
            continue
        if gas != (quantity == VOLUME) and given:
            continue
        if set(n) & _OUT:
            left.append(i)
        elif not set(n) & (_NOT - ({"gas"} if gas else set())):
            found.append(i)
    notes = ("injection left out",) if left else ()
    if not found:
        return (), POWER, None, ()
    with_unit = [i for i in found if unit_of(header[i])]
    if with_unit:
        found = with_unit
    if len(found) > 1:
        found = _together(found, header, named)
    first = found[0]
    given = unit_of(header[first])
    if given is None and unit is None:
        given = outside
    if given is None and unit is None:
        names = header[first].strip()
        raise Unclear(f"no column {'litres' if gas else 'watts'}; in which unit is {names}? "
                      "name it in the header, such as kWh")  # fmt: skip
    of_index = bool(set(named[first]) & _INDEX)
    quantity = UNITS[given][0] if given else (POWER if set(named[first]) & _POWER else ENERGY)
    kind = POWER if quantity == POWER else INDEX if of_index else ENERGY
    return tuple(found), kind, given, notes


def _together(found: list[int], header: Sequence[str], named: list[list[str]]) -> list[int]:
    """Several columns that make one load: registers or phases in one unit; else one total.

    :raises Unclear: when nothing tells which is meant
    """
    whole = [i for i in found if not set(named[i]) & _PARTS]
    if len(whole) == 1:
        return whole
    parts = [i for i in found if set(named[i]) & _PARTS]
    one_unit = len({unit_of(header[i]) for i in parts}) == 1
    if not whole and one_unit and len({tuple(named[i]) for i in parts}) == len(parts):
        return parts
    names = ", ".join(header[i].strip() for i in found)
    raise Unclear(f"which of these is the load: {names}? say so with --load-shape")


def as_index(found: Layout) -> Layout:
    """The same layout, its values the readings of a register."""
    return replace(
        found.with_kind(INDEX), notes=(*found.notes, "values only grow: read as an index")
    )
