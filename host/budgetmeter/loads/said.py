"""What the report says of a file: what was recognised, its sum, and what looks wrong."""

from budgetmeter.loads.numbers import POWER
from budgetmeter.loads.pieces import Look, Pieces
from budgetmeter.loads.rows import Reader, Series
from budgetmeter.loads.shapes import INDEX, Layout
from budgetmeter.loads.times import METER_ZONE
from budgetmeter.units import duration

SMALL_W = 5  # a household is above this at some time
_NAMES = {
    1: "seconds", 60: "minutes", 300: "five minutes", 900: "quarter-hours",
    1800: "half-hours", 3600: "hours", 86_400: "days",
}  # fmt: skip


def lines(
    layout: Layout, reader: Reader, series: Series, made: Pieces, zone_given: bool
) -> tuple[str, ...]:
    """The lines of a file that was read."""
    said = [_sum(layout, reader, series, made)]
    if reader.plain_times and reader.zone == METER_ZONE and not zone_given:
        said.append(
            "times without a zone are read as UTC+1 all year; "
            "--load-zone Europe/Brussels reads them as Belgian time"
        )
    elif reader.plain_times:
        said.append(f"times without an offset are read as {reader.zone}")
    return tuple(said)


def _sum(layout: Layout, reader: Reader, series: Series, made: Pieces) -> str:
    amount = made.energy / 3_600_000
    name = _NAMES.get(made.interval, "rows") if made.regular else "rows"
    parts = [
        layout.shape.title,
        f"{made.rows} {name}",
        f"{amount:.3f} {'m3' if reader.gas else 'kWh'}",
    ]
    if series.estimated:
        parts.append(f"{series.estimated} estimated")
    if made.missing_s:
        parts.append(f"{duration(made.missing_s)} missing")
    text = ", ".join(parts)
    notes = list(layout.notes)
    if reader.left and layout.shape.left:
        notes.append(f"{layout.shape.left} left out")
    if series.resets:
        notes.append(f"the register falls {series.resets} time{'s' * (series.resets != 1)}")
    return "; ".join([text, *dict.fromkeys(notes)])


def doubts(layout: Layout, look: Look) -> tuple[str, ...]:
    """Lines about values that cannot well be what their column says."""
    named, said = layout.named, []
    if layout.shape.kind == INDEX:
        return ()
    if layout.shape.kind == POWER and 0 < look.highest < SMALL_W:
        said.append(
            f"{named} never above {look.highest:g} W: if they are kW call the column kw, "
            "if kWh of a row kwh"
        )
    steps, grown = look.count - 1, look.last - look.first
    if (
        look.only_grows
        or look.never_falls
        or (steps >= 2 and look.grows == steps and look.first > grown)
    ):
        said.append(f"{named} only grow: if they are the register of a meter call the column index")
    return tuple(said)
