"""A scenario with a case as one timeline: letters and steps, the ledger, and the meter's events."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time

from budgetmeter import units
from budgetmeter.casebook import Case
from budgetmeter.casebook.facts import euros
from budgetmeter.emulator import Emulator

PROCEDURE, LEDGER, METER = "procedure", "ledger", "meter"
# Facts of this order come before the meter's events of the same moment.
_ORDER = (PROCEDURE, LEDGER, METER)


@dataclass(frozen=True)
class Line:
    """Something that happened.

    :ivar at: Belgian local time; of a fact only the day is known
    :ivar lane: procedure, ledger or meter
    """

    at: datetime
    lane: str
    text: str


@dataclass
class Story:
    """The timeline of a finished scenario.

    :ivar owed: what is owed on each account from a time on, in cents
    """

    lines: list[Line] = field(default_factory=list)
    owed: dict[str, list[tuple[datetime, int]]] = field(default_factory=dict)

    def text(self) -> Iterator[str]:
        """The timeline, a line for each."""
        for line in self.lines:
            yield f"{line.at:%Y-%m-%d %H:%M}  {line.lane:9}  {line.text}"

    @property
    def marks(self) -> list[tuple[datetime, str]]:
        """The lane of the procedure: when, and what."""
        return [(line.at, line.text) for line in self.lines if line.lane == PROCEDURE]


def tell(world: Emulator, case: Case) -> Story:
    """The timeline of a case and its meter, up to the emulator's time."""
    today = units.from_clock(world.now_s // 60).date()
    story = Story()
    view = case.view(today)
    for fact in view.facts:
        step = case.book.steps.get(fact.name)
        rule = f" ({step.rule})" if step else ""
        story.lines.append(Line(datetime.combine(fact.day, time()), PROCEDURE, f"{fact}{rule}"))
    for entry in view.ledger.entries:
        at = datetime.combine(entry.day, time())
        owed = story.owed.setdefault(entry.account, [])
        owed.append((at, (owed[-1][1] if owed else 0) + entry.cents))
        owing = euros(owed[-1][1])
        text = f"{entry.account} {euros(entry.cents)} {entry.part}, owed {owing}"
        story.lines.append(Line(at, LEDGER, text))
    for one in world.trace.entries:
        text = f"{one.code.word} {one.detail}".rstrip()
        story.lines.append(Line(one.time, METER, text))
    story.lines.sort(key=lambda line: (line.at, _ORDER.index(line.lane)))
    return story
