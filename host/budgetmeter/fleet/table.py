"""A chunk of meters as an Arrow table: the columns of the Parquet files, with unit and meaning."""

from datetime import date
from typing import Any

import pyarrow as pa

from budgetmeter.fleet import law
from budgetmeter.fleet.engine import Chunk
from budgetmeter.report.phases import PHASES

_MONEY = ("mc", pa.int64())
_SECONDS = ("s", pa.int64())
_COUNT = ("", pa.int32())


def phase_column(phase: str) -> str:
    """Name of the column with the seconds in a phase."""
    return phase.replace(": ", "_").replace(" ", "_") + "_s"


# Column: unit and type, meaning. Money in mc (1/100,000 EUR).
HOME = {
    "source": (_COUNT, "which measured load the home's days are drawn from"),
    "base_wh": (("Wh", pa.int64()), "use in a year without heating and car"),
    "heating_wh": (("Wh", pa.int64()), "heating in a year"),
    "car": (_COUNT, "1: charges a car"),
    "rhythm_min": (("min", pa.int32()), "time between regular top-ups"),
    "amount": (_MONEY, "regular top-up"),
    "errand_h": (("h", pa.int32()), "how fast credit is bought when off"),
    "limited_h": (("h", pa.int32()), "and when limited"),
}
OUTCOME = {
    "wanted": (("Wh or l", pa.int64()), "what the home would have used; gas in litres"),
    "energy_wh": (("Wh", pa.int64()), "energy register"),
    "volume_l": (("l", pa.int64()), "gas: volume register"),
    "limited_wh": (("Wh", pa.int64()), "of the energy, under the limiter"),
    "unbilled_wh": (("Wh", pa.int64()), "of the energy, not charged"),
    "credit": (_MONEY, "credit at the end"),
    "emergency_used": (_MONEY, "emergency credit owed at the end"),
    "arrears": (_MONEY, "owed for minimum supply at the end"),
    "credited": (_MONEY, "all credit booked"),
    "charged": (_MONEY, "all energy charged"),
    "settled": (_MONEY, "balances taken out of the account"),
    "top_ups": (_COUNT, "top-ups booked"),
    "topped_up": (_MONEY, "their sum"),
    "real_at": (("clock", pa.int32()), "the last top-up above 10 EUR; 0 none"),
    "real": (_MONEY, "what it was"),
    "bills_paid": (_MONEY, "minimum supply paid by invoice"),
    "refused": (_COUNT, "orders the meter did not take"),
    "trips": (_COUNT, "supply opened by the limiter for overload"),
    "emergency_starts": (_COUNT, "emergency credit came in use"),
    "limiter_starts": (_COUNT, "minimum supply began"),
    "events": (_COUNT, "events of the meter in all"),
    "spells": (_COUNT, "self-disconnections: off for lack of credit"),
    "off_s": (_SECONDS, "time in them, until supply was closed again"),
    "longest_off_s": (_SECONDS, "the longest"),
    "still_off": (_COUNT, "1: the last one lasted at the end"),
}
LAW = {
    "behind": (_COUNT, "1: left a bill of the supplier unpaid, and has a case"),
    "activated": (_COUNT, "1: prepayment was activated by the procedure"),
    "withdrawn": (_COUNT, "1: the operator ended minimum supply"),
    "cut": (_COUNT, "1: the operator cut supply"),
    "procedure_costs": (_MONEY, "costs of reminder and notice"),
    "owed_supplier": (_MONEY, "owed to the supplier at the end"),
}
LISTS = {
    "months_arrears": ("mc", "owed for minimum supply at the end of each month"),
    "months_owed": ("mc", "the same with emergency credit and negative balance"),
    "spells_begin": ("clock", "self-disconnections: minutes since 2000-01-01 00:00 UTC+1"),
    "spells_s": ("s", "self-disconnections: how long"),
}


def schema() -> pa.Schema:
    """The schema of a chunk; unit and meaning are in the fields' metadata."""
    fields = [_field("meter", pa.int32(), "", "number of the meter in the fleet")]
    for name, ((unit, kind), meaning) in {**HOME, **OUTCOME, **LAW}.items():
        fields.append(_field(name, kind, unit, meaning))
    for phase in PHASES[:-1]:
        fields.append(_field(phase_column(phase), pa.int64(), "s", f"time in the phase: {phase}"))
    fields.append(_field("case", pa.string(), "", "the facts of its case as JSON; empty without"))
    for name, (unit, meaning) in LISTS.items():
        fields.append(_field(name, pa.list_(pa.int32()), unit, meaning))
    return pa.schema(fields)


def _field(name: str, kind: pa.DataType, unit: str, meaning: str) -> pa.Field:
    return pa.field(name, kind, nullable=False, metadata={"unit": unit, "meaning": meaning})


def build(chunk: Chunk, end: date) -> pa.Table:
    """The Arrow table of an `engine.Chunk`.

    :param end: the day of the end of the run
    """
    wanted = schema()
    columns: dict[str, Any] = {"meter": chunk.households["meter"]}
    columns |= {name: chunk.households[name] for name in HOME}
    columns |= {name: chunk.outcomes[name] for name in OUTCOME}
    for i, phase in enumerate(PHASES[:-1]):
        columns[phase_column(phase)] = chunk.outcomes["phase_s"][:, i]
    places = range(len(chunk.states))
    of_cases = [law.figures(chunk.cases.get(place), end) for place in places]
    columns |= {name: [one[name] for one in of_cases] for name in LAW}
    columns["case"] = [
        law.written(chunk.cases[place].facts) if place in chunk.cases else "" for place in places
    ]
    arrays = [
        pa.array(columns[field.name], field.type) for field in wanted if field.name in columns
    ]
    months = [range(0, chunk.months[:, :, 0].size + 1, chunk.months.shape[1])] * 2
    ends = [0, *chunk.outcomes["spells"].cumsum().tolist()]
    values = [chunk.months[:, :, 0].ravel(), chunk.months[:, :, 1].ravel(), *chunk.spells.T]
    for offsets, value in zip([*months, ends, ends], values, strict=True):
        items = pa.array(value, pa.int32())
        arrays.append(pa.ListArray.from_arrays(pa.array(list(offsets), pa.int32()), items))
    return pa.Table.from_arrays(arrays, schema=wanted)
