"""A header of no known shape: which column is what, told by words of four languages and by units.

What stays open is refused, never guessed.
"""

from collections.abc import Sequence
from dataclasses import replace

from budgetmeter.loads import terms, wide
from budgetmeter.loads.numbers import ENERGY, POWER, UNITS, VOLUME
from budgetmeter.loads.shapes import INDEX, Layout, Shape, Words
from budgetmeter.loads.terms import unit_of, words
from budgetmeter.loads.times import METER_ZONE

PLAIN = {"watts": POWER, "kwh": ENERGY, "index": INDEX, "litres": ENERGY}
_UNIT_OF_PLAIN = {"watts": "w", "kwh": "kwh", "index": "kwh", "litres": "l"}
MOST_SHOWN = 12
REMEDY = "name the columns in a file for --load-shape"


class Unclear(ValueError):
    """A header in which the column of the load, or what it means, stays open."""


def shown(header: Sequence[str]) -> str:
    """The names of a header, as far as they fit into a line."""
    names = [name.strip() for name in header if name.strip()]
    more = f", … ({len(names)} in all)" if len(names) > MOST_SHOWN else ""
    return ", ".join(names[:MOST_SHOWN]) + more


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
    if wide.clocks(header):
        return _wide(header, named, gas, outside)
    time, until, stamp = _times(named, plain)
    if not time:
        raise Unclear(f"no column time; found {shown(header)}: {REMEDY}")
    taken = {*time, *until}
    unit = next((i for i, n in enumerate(named) if _of_units(n) and i not in taken), None)
    values, kind, in_unit, notes = _values(header, named, plain, taken, gas, unit, outside)
    if not values:
        raise Unclear(f"no column {wanted}; found {shown(header)}: {REMEDY}")
    register = _first(named, terms.REGISTER)
    household = _first(named, terms.HOUSEHOLD)
    shape = Shape(
        title="columns " + ", ".join(header[i].strip() for i in (*time, *values)),
        time=tuple(header[i] for i in time),
        value=tuple(header[i] for i in values),
        kind=kind,
        stamp=stamp,
        zone="UTC" if any(terms.UTC & set(named[i]) for i in time) else METER_ZONE,
        left="injection",
        leave=_leaves(header, named),
    )
    quantity, factor = (None, 1) if in_unit is None else UNITS[in_unit]
    return Layout(
        shape, tuple(header), time, values, until,
        plain.index("amps") if "amps" in plain else None,
        unit if in_unit is None else None, household, register, quantity, factor, notes,
    )  # fmt: skip


def _wide(header: Sequence[str], named: list[list[str]], gas: bool, outside: str | None) -> Layout:
    """The layout of a row a day."""
    clocks = wide.clocks(header)
    dates = [i for i, n in enumerate(named) if i not in clocks and set(n) & terms.DATE]
    unit = next((i for i, n in enumerate(named) if _of_units(n)), None)
    if len(dates) != 1:
        raise Unclear(f"no column date beside {header[clocks[0]].strip()}, …: {REMEDY}")
    if unit is None and outside is None:
        first, last = header[clocks[0]].strip(), header[clocks[-1]].strip()
        raise Unclear(f"no column {'litres' if gas else 'watts'}; in which unit are the columns "
                      f"{first} to {last}? a --load-shape says it")  # fmt: skip
    quantity, factor = (None, 1) if outside is None else UNITS[outside]
    shape = Shape(
        title=f"a row a day, {len(clocks)} columns",
        time=(header[dates[0]],),
        kind=POWER if quantity == POWER else ENERGY,
        left="injection",
        leave=_leaves(header, named),
        wide=True,
    )
    return wide.found(Layout(
        shape, tuple(header), (dates[0],), clocks, (), None, unit if outside is None else None,
        _first(named, terms.HOUSEHOLD), _first(named, terms.REGISTER), quantity, factor,
    ))  # fmt: skip


def _of_units(name: list[str]) -> bool:
    """Whether a column says the unit of each row: `unit`, or `consumption unit`."""
    if len(name) == 2:
        return name[1] in terms.UNIT
    return bool(name) and name[0] in terms.UNIT and (len(name) == 1 or name[1] in ("of", "de"))


def _leaves(header: Sequence[str], named: list[list[str]]) -> Words | None:
    """The rows of what is fed in, where a column tells them apart."""
    place = _first(named, terms.REGISTER | terms.DIRECTION)
    return None if place is None else {header[place]: terms.OUT_IN_CELLS}


def _first(named: list[list[str]], known: frozenset[str]) -> int | None:
    return next((i for i, n in enumerate(named) if n and n[0] in known and len(n) <= 2), None)


def _times(
    named: list[list[str]], plain: list[str]
) -> tuple[tuple[int, ...], tuple[int, ...], str]:
    """Columns of a row's time, of its end, and which of the two there is."""
    units = [any(word in UNITS for word in n) for n in named]
    starts, ends, neither = [], [], []
    for i, n in enumerate(named):
        if not n or units[i] or set(n) & (terms.VALUE | terms.PEAK | terms.NOT - {"max", "min"}):
            continue
        about_time = set(n) & (terms.TIME | terms.DATE) or (
            len(n) == 1 and n[0] in terms.FROM | terms.TO
        )
        if not about_time and not (len(n) <= 2 and set(n) & (terms.FROM | terms.TO)):
            continue
        if set(n) & terms.TO and not set(n) & terms.FROM:
            ends.append(i)
        elif set(n) & terms.FROM:
            starts.append(i)
        else:
            neither.append(i)
    exact = [i for i in neither if set(named[i]) & {"unix", "unixtime", "epoch"}]
    exact += [i for i in neither if set(named[i]) & terms.UTC]
    if exact and not starts:
        return (exact[0],), (), "start"
    if "time" in plain and not starts and "date" not in plain and "datum" not in plain:
        return (plain.index("time"),), (), "start"
    if not starts and not neither and ends:
        return _date_and_clock(ends, named), (), "end"
    if starts and not any(set(named[i]) & terms.DATE or named[i] == ["start"] for i in starts):
        dates = [i for i in neither if set(named[i]) & terms.DATE]  # a date beside both clocks
        if dates and set(named[starts[0]]) & terms.CLOCK:
            return (dates[0], starts[0]), (), "start"
    chosen = _date_and_clock(starts or neither, named)
    until = _date_and_clock(ends, named) if starts and ends else ()
    return chosen, until, "start"


def _date_and_clock(places: list[int], named: list[list[str]]) -> tuple[int, ...]:
    """One column, or a date and the clock beside it."""
    if not places:
        return ()
    dates = [i for i in places if set(named[i]) & terms.DATE and not set(named[i]) & terms.CLOCK]
    clocks = [i for i in places if set(named[i]) & terms.CLOCK and not set(named[i]) & terms.DATE]
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
        if not given and terms.PRICE.search(header[i]):
            continue
        if not given and not set(n) & (terms.ENERGY | terms.POWER | terms.VALUE | terms.INDEX):
            continue
        if gas != (quantity == VOLUME) and given:
            continue
        if terms.flows_out(header[i], n):
            left.append(i)
        elif not set(n) & _excluded(quantity, gas):
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
    of_index = terms.counts(header[first], named[first])
    quantity = UNITS[given][0] if given else (POWER if set(named[first]) & terms.POWER else ENERGY)
    kind = POWER if quantity == POWER else INDEX if of_index else ENERGY
    return tuple(found), kind, given, notes


def _excluded(quantity: str | None, gas: bool) -> frozenset[str]:
    """Words of columns that are no load."""
    if gas:
        return terms.NOT - {"gas"}
    return terms.NOT - {"water"} if quantity == ENERGY else terms.NOT | terms.PEAK


def _together(found: list[int], header: Sequence[str], named: list[list[str]]) -> list[int]:
    """Several columns that make one load: registers or phases in one unit; else one total.

    :raises Unclear: when nothing tells which is meant
    """
    tariffs = terms.PARTS | terms.PEAK
    if {word for i in found for word in named[i][-1:]} == {"a", "b", "c"}:
        tariffs |= {"a", "b", "c"}  # all three phases
    whole = [i for i in found if not set(named[i]) & tariffs]
    if len(whole) == 1 and set(named[whole[0]]) <= terms.TOTAL | set(UNITS):
        return whole
    parts = [i for i in found if set(named[i]) & tariffs]
    one_unit = len({unit_of(header[i]) for i in parts}) == 1
    if not whole and one_unit and len({tuple(named[i]) for i in parts}) == len(parts):
        return parts
    names = ", ".join(header[i].strip() for i in found)
    raise Unclear(f"which of these is the load: {names}? {REMEDY}")


def as_index(found: Layout) -> Layout:
    """The same layout, its values the readings of a register."""
    return replace(
        found.with_kind(INDEX), notes=(*found.notes, "values only grow: read as an index")
    )


def as_energy(found: Layout) -> Layout:
    """The same layout, its values the energy of each row."""
    note = "values fall: read as the energy of each row, no index"
    return replace(found.with_kind(ENERGY), notes=(*found.notes, note))
