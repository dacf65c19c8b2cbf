"""Cases in the books: facts are appended and never changed. The gate through which orders pass.

What the books know already is no fact that anybody has to write: a top-up, an order on its way or
taken, a payment of minimum supply stand in the case of their meter by themselves.
"""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from meterproto.codes import Cause, Kind, PaymentMode

from budgetmeter import units
from budgetmeter.casebook import Case, Fact, Refusal, Rulebook, load, read_fact
from budgetmeter.casebook.case import check_correction
from budgetmeter.casebook.facts import CENT, euros
from budgetmeter.casebook.rulebook import Step
from budgetmeter.errors import InputError
from budgetmeter.office import customers, reports, settle
from budgetmeter.office.tables import (
    case_ends,
    case_facts,
    cases,
    deliveries,
    periods,
    running,
)
from budgetmeter.orders import Order, form_of

FROM_BOOKS = 1_000_000  # numbers of facts that the books know by themselves begin here
DAY = timedelta(days=1)
MINIMUM = "minimum"  # the account of minimum supply
LAST_DAY = date(2098, 12, 31)  # of the calendar: status that the books do not end
_DEAD = (settle.VOID, settle.LAPSED, settle.RENEWED)


@dataclass(frozen=True)
class Row:
    """A case in the books.

    :ivar rules: a rule file, and overlays after a plus sign
    """

    case: int
    customer: str
    meter: int | None
    rules: str


def rulebook(rules: str) -> Rulebook:
    """The rule file of a case.

    :raises InputError: no such file
    """
    name, *overlays = rules.split("+")
    return load(name, tuple(overlays))


class CaseBook:
    """The cases of an office.

    :param office: a `budgetmeter.office.office.Office`
    """

    def __init__(self, office: Any) -> None:
        self.office = office

    def open(
        self, customer: str, rules: str, day: date, meter: int | None = None, **given: Any
    ) -> int:
        """Open a case; answers its number.

        :param given: what is known of the household, as fields of a fact
        :raises InputError: no such rule file, or the meter has a case already
        """
        customers.check(customer)
        book = rulebook(rules)
        fact = read_fact(book, "opened", day, given, 1)

        def work(connection: Any) -> int:
            if meter is not None and of_meter(connection, meter) is not None:
                raise InputError(f"meter {meter} has a case already")
            values = {"customer": customer, "meter": meter, "rules": rules}
            number = connection.execute(cases.insert(), values).inserted_primary_key[0]
            self._append(connection, number, fact)
            self.office.note_in(connection, "case", meter, detail=f"case {number}: {rules}")
            return number

        return self.office.transaction(work)

    def record(self, case: int, name: str, day: date, **given: Any) -> Fact:
        """Append a fact to a case.

        :raises InputError: no such case, fact or field
        """

        def work(connection: Any) -> Fact:
            row = self.row_in(connection, case)
            last = connection.execute(
                sa.select(sa.func.max(case_facts.c.number)).where(case_facts.c.case == case)
            ).scalar()
            fact = read_fact(rulebook(row.rules), name, day, given, (last or 0) + 1)
            check_correction(self._written(connection, row), fact)
            self._append(connection, case, fact)
            detail = f"case {case}: {fact.day} {name}"
            self.office.note_in(connection, "fact", row.meter, detail=detail)
            return fact

        return self.office.transaction(work)

    def _written(self, connection: Any, row: Row) -> list[Fact]:
        """The facts that people wrote, in order."""
        book = rulebook(row.rules)
        query = sa.select(case_facts).where(case_facts.c.case == row.case)
        return [
            read_fact(book, one.name, one.day, json.loads(one.given), one.number)
            for one in connection.execute(query.order_by(case_facts.c.number))
        ]

    def _append(self, connection: Any, case: int, fact: Fact) -> None:
        connection.execute(
            case_facts.insert().values(
                case=case,
                number=fact.number,
                day=fact.day,
                name=fact.name,
                given=json.dumps(fact.written()),
                at=self.office.now(),
                actor=self.office.actor[:64],
            )
        )

    # Looking

    def row_in(self, connection: Any, case: int) -> Row:
        """A case of the books, in a transaction.

        :raises InputError: there is none of that number
        """
        found = connection.execute(sa.select(cases).where(cases.c.case == case)).first()
        if found is None:
            raise InputError(f"no case {case}; budgetmeter case open begins one")
        return Row(*found)

    def find(
        self, case: int | None = None, customer: str | None = None, meter: int | None = None
    ) -> Row:
        """The case of a number, of a customer or of a meter.

        :raises InputError: none, or several
        """

        def work(connection: Any) -> list[Row]:
            query = sa.select(cases).order_by(cases.c.case)
            if case is None and customer is None:  # of a meter, or the only one
                query = query.where(running)
            for column, value in ((cases.c.case, case), (cases.c.customer, customer),
                                  (cases.c.meter, meter)):  # fmt: skip
                if value is not None:
                    query = query.where(column == value)
            return [Row(*row) for row in connection.execute(query)]

        found = self.office.reading(work)
        if len(found) == 1:
            return found[0]
        asked = {"case": case, "customer": customer, "meter": meter}
        words = ", ".join(f"{key} {value}" for key, value in asked.items() if value is not None)
        if not found and case is not None:
            raise InputError(f"no case {case}; budgetmeter case open begins one")
        if not found:
            raise InputError(f"no case of {words or 'anybody'}; budgetmeter case open begins one")
        numbers = ", ".join(str(row.case) for row in found)
        raise InputError(f"several cases of {words or 'all'}: choose with --case {numbers}")

    def all(self) -> list[tuple[Row, Case]]:
        """Every case, in order of number."""

        def work(connection: Any) -> list[tuple[Row, Case]]:
            rows = [
                Row(*row) for row in connection.execute(sa.select(cases).order_by(cases.c.case))
            ]
            return [(row, self.load_in(connection, row)) for row in rows]

        return self.office.reading(work)

    def load(self, row: Row) -> Case:
        """A case with its facts."""
        return self.office.reading(lambda connection: self.load_in(connection, row))

    def load_in(self, connection: Any, row: Row) -> Case:
        """The same, in a transaction."""
        book = rulebook(row.rules)
        facts = self._written(connection, row)
        if row.meter is not None:
            facts += _known(connection, book, row, facts[0].day if facts else date.min)
        return Case(book, facts)


def of_meter(connection: Any, meter: int) -> Row | None:
    """The case of who lives behind a meter; None where there is none."""
    query = sa.select(cases).where(cases.c.meter == meter, running)
    found = connection.execute(query).first()
    return None if found is None else Row(*found)


def with_a_case(connection: Any, meters: list[int]) -> set[int]:
    """Those of the meters that have a case."""
    query = sa.select(cases.c.meter).where(cases.c.meter.in_(meters), running)
    return set(connection.execute(query).scalars())


# ---- What the books know -------------------------------------------------------------------------


def _known(connection: Any, book: Rulebook, row: Row, opened: date) -> list[Fact]:
    """Facts that stand in the books of a case: money and orders of its meters, and status.

    Its meters are all that hung at the access point; what came after its end is not its own.
    """
    ends = connection.execute(
        sa.select(case_ends.c.at_s).where(case_ends.c.case == row.case)
    ).scalar()
    there = sa.or_(
        deliveries.c.meter == row.meter, deliveries.c.meter.in_(customers.meters_at(row.meter))
    )
    query = sa.select(deliveries).where(there, deliveries.c.state.not_in(_DEAD))
    status = sa.select(periods).where(
        periods.c.point == customers.point_at(row.meter), periods.c.kind == customers.PROTECTED
    )
    if ends is not None:
        query = query.where(deliveries.c.at_s < ends)
        status = status.where(periods.c.since_s < ends)
    found = []
    rows = connection.execute(query.order_by(deliveries.c.at_s, deliveries.c.order_id))
    for number, one in enumerate(rows, FROM_BOOKS):
        fact = _fact_of(book, Order(Kind(one.kind), one.value, one.extra), one.at_s, number)
        if fact is not None:
            found.append(fact)
    if "protected" in book.kinds:
        for one in connection.execute(status.order_by(periods.c.since_s)):
            found += _status_of(one, opened)
    return found


def _status_of(period: Any, opened: date) -> list[Fact]:
    """The facts of protected status as the books have it: it lasts as long as they say."""
    ended = None if period.until_s is None else _day(period.until_s)
    if ended is not None and ended <= opened:
        return []
    begun = max(_day(period.since_s), opened)
    until = {"until": LAST_DAY if ended is None else ended - DAY}
    facts = [Fact(begun, "protected", until, FROM_BOOKS - 2)]
    return facts + ([Fact(ended, "protected-ended", {}, FROM_BOOKS - 1)] if ended else [])


def _fact_of(book: Rulebook, order: Order, at_s: int, number: int) -> Fact | None:
    day = _day(at_s)
    cents = {"amount": order.value // CENT}
    for kind, name in ((Kind.TOP_UP, "top-up"), (Kind.ARREARS_PAID, "minimum-payment"),
                       (Kind.AID, "aid-given")):  # fmt: skip
        if order.kind == kind:
            return Fact(day, name, cents, number) if name in book.kinds else None
    steps = [step for step in book.steps.values() if step.order == words(order)]
    return Fact(day, steps[0].name, asked(order), number) if steps else None


def _day(at_s: int) -> date:
    return units.from_clock(at_s // 60).date()


# ---- The gate ------------------------------------------------------------------------------------


def words(order: Order) -> str:
    """An order as a rule file names it: its kind, and its mode, cause or value of the profile."""
    form = form_of(order.kind)
    name = form.name if form else ""
    if order.kind == Kind.PAYMENT_MODE:
        return f"{name} {PaymentMode(order.value).word}"
    if order.kind == Kind.DISCONNECT:
        return f"{name} {Cause(order.value).word}"
    if order.kind == Kind.PARAMETER and form is not None:
        part = form.parts[0]
        return f"{name} {part.unit.show(order.value, form.meaning(part), 2)}"
    return name


def asked(order: Order) -> dict[str, Any]:
    """What an order asks for, as fields of a fact."""
    if order.kind in (Kind.SUPPORT, Kind.AID, Kind.OVERDRAFT, Kind.EMERGENCY_PRESET):
        return {} if order.kind == Kind.EMERGENCY_PRESET and order.extra else {
            "amount": order.value // CENT
        }  # fmt: skip
    if order.kind == Kind.LIMIT:
        return {"until": _day(order.value * 60 - 60), "power_w": order.extra}
    if order.kind == Kind.PAYMENT_MODE and order.value == PaymentMode.PREPAYMENT:
        return {"coupled": bool(order.extra)}
    if order.kind == Kind.PARAMETER:
        return {"share": order.extra}
    return {}


def why_not(connection: Any, office: Any, meter: int, order: Order) -> list[Refusal]:
    """The clauses that forbid an order by the case of its meter; none where it has no case."""
    row = of_meter(connection, meter)
    if row is None:
        return []
    case = CaseBook(office).load_in(connection, row)
    day = _day(office.now_s)
    refused = []
    for step in case.steps_of(words(order)):
        against = case.why_not(step.name, day, asked(order))
        refused.append(against + _unbilled(connection, office, meter, case, step))
    return min(refused, key=len, default=[])  # one way that is open is enough


def _unbilled(connection: Any, office: Any, meter: int, case: Case, step: Step) -> list[Refusal]:
    """Minimum supply that the meter reports and no bill has yet is a debt all the same.

    Only a step that no debt of minimum supply may stand against asks for it; it would be lost to
    the books when the meter forgets it (AMB-20, WE-40).
    """
    gates = [one for one in step.gates if one.gate == "no-debt" and one.given["account"] == MINIMUM]
    reading = reports.latest(connection, office, meter) if gates else None
    if reading is None:
        return []
    since = sa.select(sa.func.coalesce(sa.func.sum(deliveries.c.value), 0)).where(
        deliveries.c.meter == meter,
        deliveries.c.kind == int(Kind.ARREARS_PAID),
        deliveries.c.state == settle.OUT,  # this report does not know of it
    )
    paid = int(connection.execute(since).scalar() or 0)
    owed = case.owes(MINIMUM, _day(office.now_s))
    cents = (reading.state.arrears - paid) // CENT - max(owed, 0)
    if cents <= 0:
        return []
    reason = f"the meter reports {euros(cents)} EUR of minimum supply that is not billed"
    return [Refusal(gates[0].rule, reason)]


def ask(connection: Any, office: Any, meter: int, order: Order) -> None:
    """Let an order pass the case of its meter.

    Who acts against it says why (`Office.despite`); that stands in the audit log.

    :raises InputError: the clauses that forbid it
    """
    refused = why_not(connection, office, meter, order)
    if not refused:
        return
    text = shown(refused)
    if not office.despite:
        raise InputError(f"{words(order)}: {text}; --despite REASON goes against it")
    office.note_in(
        connection, "despite", meter,
        detail=f"{words(order)}: {office.despite}; against {rule_ids(refused)}",
    )  # fmt: skip


def rule_ids(refused: list[Refusal]) -> str:
    """The clauses of refusals, each once."""
    return ", ".join(dict.fromkeys(one.rule for one in refused))


def shown(refused: list[Refusal]) -> str:
    """Refusals in one line: each clause, its reason, and from when it no longer forbids."""
    parts = [
        f"{one.rule}: {one.reason}" + (f", allowed from {one.until}" if one.until else "")
        for one in refused
    ]
    return "; ".join(parts)
