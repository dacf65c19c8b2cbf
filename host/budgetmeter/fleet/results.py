"""What a run came to: its columns, its books, and the figures of a report."""

import json
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
from budgetmeter.fleet import law, table
from budgetmeter.fleet.run import MANIFEST, Run
from budgetmeter.report.phases import PHASES
from budgetmeter.units import DAY_S, HOUR_S

# Times until reconnected. The classes are those of article 23, whose own figures are others: it
# counts limiters and operator cuts (`Results.fe_40`).
AGE_CLASSES = (
    ("within 24 h", 0, DAY_S),
    ("1 to 7 days", DAY_S, 7 * DAY_S),
    ("8 to 30 days", 7 * DAY_S, 30 * DAY_S),
    ("more than 30 days", 30 * DAY_S, 2**62),
)
BOOKS = ("credit", "emergency_used", "arrears", "credited", "charged", "settled")


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
        sums = dict.fromkeys(BOOKS, 0)
        for chunk in self.chunks(BOOKS):
            for name in BOOKS:
                sums[name] += sum(chunk[name].to_pylist())  # exact, however many
        held = sums["credit"] - sums["emergency_used"] - sums["arrears"]
        return held, sums["credited"] - sums["charged"] + sums["settled"]

    def served(self) -> np.ndarray:
        """What was supplied, in the unit of `wanted`."""
        return self.columns("volume_l" if self.gas else "energy_wh")[0]

    def reconnections(self) -> dict[str, int]:
        """Self-disconnections that ended, by how long they lasted, and those that did not."""
        names = [*(name for name, _, _ in AGE_CLASSES), "still off"]
        return {name: int(self.of_age(name).sum()) for name in names}

    def of_age(self, name: str) -> np.ndarray:
        """How many self-disconnections of one class of age each household had, or "still off"."""
        spells, still = self.columns("spells")[0], self.columns("still_off")[0]
        ends = np.cumsum(spells)
        open_ended = np.zeros(spells.sum(), bool)
        open_ended[ends[still == 1] - 1] = True
        chosen = open_ended
        if name != "still off":
            low, high = next((low, high) for key, low, high in AGE_CLASSES if key == name)
            lasted = self.values("spells_s")
            chosen = ~open_ended & (lasted > low) & (lasted <= high)
        owner = np.repeat(np.arange(len(spells)), spells)
        return np.bincount(owner[chosen], minlength=len(spells))

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
    held, booked = results.conservation()
    off, spells, longest = results.columns("off_s", "spells", "longest_off_s")
    names = ("top_ups", "topped_up", "trips", "emergency_starts", "limiter_starts", "arrears")
    top_ups, topped_up, trips, emergencies, limited, arrears = results.columns(*names)
    wanted = results.columns("wanted")[0]
    phases = {}
    for phase in PHASES[:-1]:
        hours = results.columns(table.phase_column(phase))[0].mean() / HOUR_S
        if hours:
            phases[phase] = hours
    hit = spells > 0
    behind, activated, withdrawn, cut, costs, owed = results.columns(*law.FIGURES)
    return {
        "title": results.about["title"],
        "meters": results.meters,
        "conservation": {
            "held": units.euros(held, 5),
            "booked": units.euros(booked, 5),
            "exact": held == booked,
        },
        "self_disconnected_pct": 100 * hit.mean(),
        "self_disconnections": float(spells.mean()),
        "off_over_a_day_pct": 100 * (longest > DAY_S).mean(),
        "off_h": off.mean() / HOUR_S,
        "off_h_of_those_hit": _quantiles(off[hit] / HOUR_S),
        "reconnected": results.reconnections(),
        "phases_h": phases,
        "trips": float(trips.mean()),
        "emergency_starts": float(emergencies.mean()),
        "limiter_starts": float(limited.mean()),
        "wanted": wanted.mean() / 1000,
        "gone_without": (wanted - results.served()).mean() / 1000,
        "top_ups": float(top_ups.mean()),
        "topped_up_eur": topped_up.mean() / units.EUR,
        "arrears_eur": arrears.mean() / units.EUR,
        "in_arrears_pct": 100 * (arrears > 0).mean(),
        "law": {
            "behind_pct": 100 * behind.mean(),
            "activated_pct": 100 * activated.mean(),
            "withdrawn_pct": 100 * withdrawn.mean(),
            "cut_pct": 100 * cut.mean(),
            "procedure_costs_eur": costs.mean() / units.EUR,
            "owed_supplier_eur": owed.mean() / units.EUR,
        },
    }


def _quantiles(values: np.ndarray) -> dict[str, float] | None:
    """Median and tenth and ninetieth percentile, None without values."""
    if not len(values):
        return None
    low, middle, high = np.percentile(values, [10, 50, 90])
    return {"p10": low, "median": middle, "p90": high}
