"""A scenario with a case as one timeline: steps, letters, the ledger, and the meter's events."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time

from budgetmeter import units
from budgetmeter.casebook import Case
from budgetmeter.casebook.facts import euros
from budgetmeter.casebook.letters import Letter, letters
from budgetmeter.emulator import Emulator

PROCEDURE, LETTER, LEDGER, METER = "procedure", "letter", "ledger", "meter"
# What is known to the day comes before the meter's events of that day.
_ORDER = {PROCEDURE: 0, LETTER: 0, LEDGER: 1, METER: 2}


@dataclass(frozen=True)
class Line:
    """Something that happened.

    :ivar at: Belgian local time; of all but the meter's events only the day is known
    :ivar lane: procedure, letter, ledger or meter
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
            at = f"{line.at:%Y-%m-%d %H:%M}" if line.lane == METER else f"{line.at:%Y-%m-%d}"
            yield f"{at:16}  {line.lane:9}  {line.text}"

    @property
    def marks(self) -> list[tuple[datetime, str, bool]]:
        """The lane of the procedure: when, what, and whether it is a letter."""
        return [
            (line.at, line.text.split(" ")[0], line.lane == LETTER)
            for line in self.lines
            if line.lane in (PROCEDURE, LETTER)
        ]


def tell(world: Emulator, case: Case) -> Story:
    """The timeline of a case and its meter, up to the emulator's time."""
    today = units.from_clock(world.now_s // 60).date()
    story = Story()
    view = case.view(today)
    written = iter(letters(case, today))
    for fact in view.facts:
        step = case.book.steps.get(fact.name)
        at = datetime.combine(fact.day, time())
        if step is not None and step.letter:
            story.lines.append(Line(at, LETTER, _shown(next(written))))
        else:
            rule = f" ({step.rule})" if step else ""
            story.lines.append(Line(at, PROCEDURE, f"{fact}{rule}"))
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
    story.lines.sort(key=lambda line: (line.at, _ORDER[line.lane]))
    return story


def _shown(letter: Letter) -> str:
    """A letter in a line: its step, what it says of money and terms, and its clause."""
    parts = [
        f"owed {euros(letter.owed)}" if letter.owed is not None else "",
        f"cost {euros(letter.cost)}" if letter.cost else "",
        f"until {letter.due}" if letter.due else "",
    ]
    says = ", ".join(filter(None, parts))
    return f"{letter.step} of the {letter.actor}{': ' if says else ''}{says} ({letter.rule})"
