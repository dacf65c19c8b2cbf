"""What a run came to: its columns, its books, and the figures of a report."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from budgetmeter import units
from budgetmeter.casebook import Case, report
from budgetmeter.casebook.report import Line
from budgetmeter.errors import InputError
from budgetmeter.fleet import law, table, totals
from budgetmeter.fleet.run import MANIFEST, Run
from budgetmeter.report.phases import PHASES
from budgetmeter.units import DAY_S, HOUR_S

_PHASES = {phase: table.phase_column(phase) for phase in PHASES[:-1]}
_ADDED = (
    *totals.BOOKS, *_PHASES.values(), "off_s", "spells", "top_ups", "topped_up", "trips",
    "emergency_starts", "limiter_starts", "wanted", *law.FIGURES,
)  # fmt: skip


class Results:
    """A finished run in a folder.

    :ivar about: the manifest
    :raises InputError: no run, not finished, or a file of it damaged
    """

    def __init__(self, folder: str | Path) -> None:
        folder = Path(folder)
        try:
            self.about = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            self.run = Run(folder, self.about["digest"], self.about["meters"], self.about["chunk"])
        except OSError:
            raise InputError(f"{folder}: no run there ({MANIFEST})") from None
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
            raise InputError(f"{folder / MANIFEST}: not the manifest of a run") from None
        missing = sum(not self.run.whole(first) for first in self.run.firsts)
        if missing:
            raise InputError(
                f"{folder}: {missing} of {len(self.run.firsts)} chunks are not there; "
                "run it again to go on"
            )

    @property
    def gas(self) -> bool:
        return self.about["gas"]

    def population(self) -> dict[str, Any]:
        """What two runs of the same households have in common, as `Study.population` has it."""
        return self.about["population"]

    @property
    def meters(self) -> int:
        return self.run.meters

    def chunks(self, columns: Iterable[str]) -> Iterator[pa.Table]:
        """Tables of the columns, chunk after chunk."""
        for first in self.run.firsts:
            path = self.run.path(first)
            try:
                yield pq.read_table(path, columns=list(columns))
            except (OSError, pa.ArrowInvalid):
                raise InputError(f"{path}: damaged; delete it and run it again") from None

    def columns(self, *names: str) -> list[np.ndarray]:
        """Columns of all meters as arrays, in order of the meters."""
        parts = [[chunk[name].to_numpy() for name in names] for chunk in self.chunks(names)]
        return [np.concatenate(part) for part in zip(*parts, strict=True)]

    def values(self, name: str) -> np.ndarray:
        """All values of a list column, one after the other."""
        parts = [chunk[name].combine_chunks().flatten().to_numpy() for chunk in self.chunks([name])]
        return np.concatenate(parts)

    def months(self, name: str) -> np.ndarray:
        """A month column as an array: meters × months."""
        return self.values(name).reshape(self.meters, -1)

    def table(self) -> pa.Table:
        """All columns of all meters."""
        return pa.concat_tables(self.chunks(table.schema().names))

    def conservation(self) -> tuple[int, int]:
        """Books of the whole fleet that must be equal, mc.

        What the accounts contain, and what went in and out.
        """
        return totals.books(totals.sums(self.chunks(totals.BOOKS)))

    def served(self) -> np.ndarray:
        """What was supplied, in the unit of `wanted`."""
        return self.columns("volume_l" if self.gas else "energy_wh")[0]

    def reconnections(self) -> dict[str, int]:
        """Self-disconnections that ended, by how long they lasted, and those that did not."""
        return totals.reconnections(self.chunks(totals.SPELLS))

    def ages(self) -> dict[str, np.ndarray]:
        """How many self-disconnections of each class of age each household had, or "still off"."""
        found = [totals.ages(one) for one in self.chunks(totals.SPELLS)]
        return {name: np.concatenate([one[name] for one in found]) for name in found[0]}

    def prepaid_s(self) -> np.ndarray:
        """Time in prepayment of each household, s; 0 without a law, where all always are."""
        if "law" not in self.about:
            return np.zeros(self.meters, np.int64)
        length = (self.about["months"][-1] - self.population()["start"]) * 60
        return length - self.columns("postpaid_s")[0]

    def cases(self) -> Iterator[Case]:
        """The cases of those who fell behind, in order of the meters; none without a law."""
        if "law" not in self.about:
            return
        book = law.book_of(self.about["law"])
        for chunk in self.chunks(["case"]):
            for text in chunk["case"].to_pylist():
                if text:
                    yield law.case_of(book, text)

    def fe_40(self, year: int) -> list[Line]:
        """The report of article 23, from what happened in the cases (FE-40).

        :raises InputError: a run without a law
        """
        if "law" not in self.about:
            raise InputError("FE-40 counts steps of cases: the policy of this run names no law")
        return report.fe_40(self.cases(), year)


def summary(results: Results) -> dict[str, Any]:
    """Figures of a run as plain data: energy in kWh (gas: m3), money in EUR, time in h."""
    served = "volume_l" if results.gas else "energy_wh"
    hit = "ever", "over a day", "in arrears"
    added = Counter[str]()
    for chunk in results.chunks((*_ADDED, served, "longest_off_s")):
        added.update(totals.sums([chunk]))
        for name, column, above in zip(
            hit, ("spells", "longest_off_s", "arrears"), (0, DAY_S, 0), strict=True
        ):
            added[name] += int((chunk[column].to_numpy() > above).sum())
    held, booked = totals.books(added)
    mean = {name: total / results.meters for name, total in added.items()}
    hours = {phase: mean[column] / HOUR_S for phase, column in _PHASES.items()}
    return {
        "title": results.about["title"],
        "meters": results.meters,
        "conservation": {
            "held": units.euros(held, 5),
            "booked": units.euros(booked, 5),
            "exact": held == booked,
        },
        "self_disconnected_pct": 100 * mean["ever"],
        "self_disconnections": mean["spells"],
        "off_over_a_day_pct": 100 * mean["over a day"],
        "off_h": mean["off_s"] / HOUR_S,
        "off_h_of_those_hit": _hours_off(results),
        "reconnected": results.reconnections(),
        "phases_h": {phase: mean for phase, mean in hours.items() if mean},
        "trips": mean["trips"],
        "emergency_starts": mean["emergency_starts"],
        "limiter_starts": mean["limiter_starts"],
        "wanted": mean["wanted"] / 1000,
        "gone_without": (added["wanted"] - added[served]) / results.meters / 1000,
        "top_ups": mean["top_ups"],
        "topped_up_eur": mean["topped_up"] / units.EUR,
        "arrears_eur": mean["arrears"] / units.EUR,
        "in_arrears_pct": 100 * mean["in arrears"],
        "law": {
            "behind_pct": 100 * mean["behind"],
            "activated_pct": 100 * mean["activated"],
            "withdrawn_pct": 100 * mean["withdrawn"],
            "cut_pct": 100 * mean["cut"],
            "procedure_costs_eur": mean["procedure_costs"] / units.EUR,
            "owed_supplier_eur": mean["owed_supplier"] / units.EUR,
        },
    }


def _hours_off(results: Results) -> dict[str, float] | None:
    """Hours off of those ever off: median, tenth and ninetieth percentile; None without any."""

    def parts() -> Iterator[np.ndarray]:
        for chunk in results.chunks(("off_s", "spells")):
            yield chunk["off_s"].to_numpy()[chunk["spells"].to_numpy() > 0]

    found = totals.percentiles(parts, (10, 50, 90), HOUR_S)
    return None if found is None else dict(zip(("p10", "median", "p90"), found, strict=True))
