"""The verbs `case …`: the case book of a household, and what its rules allow on a day."""

import inspect
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from budgetmeter import casebook, catalogue, texts, units
from budgetmeter.casebook import facts as fields
from budgetmeter.casebook.facts import day_of, euros
from budgetmeter.casebook.letters import in_language
from budgetmeter.casebook.letters import letters as letters_of
from budgetmeter.casebook.report import as_csv, fe_40
from budgetmeter.cli import written
from budgetmeter.cli.language import LanguageOption, ReportOption
from budgetmeter.cli.options import (
    DB,
    DbOption,
    JsonOption,
    open_office,
    serial_number,
    spread,
)
from budgetmeter.errors import InputError
from budgetmeter.report import output
from budgetmeter.report.lines import console, show

if TYPE_CHECKING:
    from budgetmeter.casebook import Case, Fact, Refusal
    from budgetmeter.office.cases import CaseBook, Row

app = typer.Typer(no_args_is_help=True, help="The case book: what the law allows, and from when.")

CaseOption = Annotated[int | None, typer.Option("--case", help="number of the case")]
CustomerOption = Annotated[str | None, typer.Option("--customer", help="the customer's number")]
MeterOption = Annotated[
    int | None,
    typer.Option(
        "--meter", metavar="NUMBER", parser=serial_number, help="serial number of the meter"
    ),
]
OnOption = Annotated[
    str | None, typer.Option("--on", help="the day that is asked for, e.g. 2021-01-12; today")
]
FieldsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME=VALUE]...", help="fields, e.g. amount=120.00 until=2023-06-30"),
]


def _book(db: str, create: bool = False) -> "CaseBook":
    office = open_office(db, create=create)
    from budgetmeter.office.cases import CaseBook  # noqa: PLC0415  # SQLAlchemy is an extra

    return CaseBook(office)


def _day(text: str | None) -> date:
    if text is None:
        return units.now().date()
    try:
        return day_of(text)
    except ValueError as error:
        raise InputError(f"--on: {error}") from None


def _fields(values: list[str] | None) -> dict[str, str]:
    given: dict[str, str] = {}
    for text in values or ():
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"{text}: write NAME=VALUE, e.g. amount=120.00")
        given[name] = value
    return given


@dataclass(frozen=True)
class Asked:
    """The case that a verb is about, and the day."""

    book: "CaseBook"
    row: "Row"
    case: "Case"
    day: date


def of_a_case(command: Callable[..., None]) -> Callable[..., None]:
    """A command that gets the case and the day of its options as `asked`, an `Asked`."""

    def asked(
        *,
        on: OnOption = None,
        case: CaseOption = None,
        customer: CustomerOption = None,
        meter: MeterOption = None,
        db: DbOption = DB,
    ) -> Asked:
        book = _book(db)
        row = book.find(case, customer, meter)
        return Asked(book, row, book.load(row), _day(on))

    options = list(inspect.signature(asked).parameters.values())
    return spread(command, "asked", options, asked)


@app.command("open")
def open_case(
    customer: Annotated[str, typer.Option(help="the customer's number")],
    rules: Annotated[
        str,
        typer.Option(help="a rule file, and overlays after a plus: wallonia-gas+ores-covid"),
    ],
    values: FieldsArgument = None,
    meter: MeterOption = None,
    on: OnOption = None,
    db: DbOption = DB,
    as_json: JsonOption = False,
) -> None:
    """Open a case. Fields: what is known of the household, e.g. original_w=9200."""
    number = _book(db, create=True).open(customer, rules, _day(on), meter, **_fields(values))
    rows = [("case", str(number)), ("rules", rules)]
    show({"case": number, "customer": customer, "meter": meter, "rules": rules}, as_json, rows)


@app.command()
@of_a_case
def fact(
    name: Annotated[str, typer.Argument(help="what happened, e.g. invoice, reminder, payment")],
    asked: Asked,
    values: FieldsArgument = None,
    as_json: JsonOption = False,
) -> None:
    """Write a fact into a case. It is never changed. What forbids a step is printed beside it."""
    loaded, day = asked.case, asked.day
    refused = loaded.why_not(name, day) if name in loaded.book.steps else []
    made = asked.book.record(asked.row.case, name, day, **_fields(values))
    rows = [("fact", f"{made.day} {made.name}"), *_refused_rows(refused)]
    show({**_fact_data(made), "against": [_refusal_data(one) for one in refused]}, as_json, rows)


@app.command("show")
@of_a_case
def show_case(
    asked: Asked,
    report: ReportOption = None,
    language: LanguageOption = "",
    as_json: JsonOption = False,
) -> None:
    """A case: its facts, its ledger, and what stands still. With --json a copy of all of it."""
    words = texts.of(language or texts.DEFAULT)
    row, loaded, day = asked.row, asked.case, asked.day
    if report is not None:
        output.as_report(report)
        output.check([], [report])
        name = words("page.case", number=row.case, customer=row.customer)
        with output.naming(report):
            written.case(loaded, day, name, words).save(report)
    view = loaded.view(day)
    accounts = {name: account.owed for name, account in view.ledger.accounts.items()}
    suspended = {name: [why.rule for _, why in view.suspended(name)] for name in loaded.book.chains}
    data = {
        "case": row.case, "customer": row.customer, "meter": row.meter, "rules": row.rules,
        "on": str(day), "protected": view.protected(), "prepaid": view.prepaid,
        "facts": [_fact_data(one) for one in view.facts],
        "ledger": [
            {"day": str(e.day), "account": e.account, "part": e.part, "amount": euros(e.cents),
             "fact": e.fact, "rule": e.rule} for e in view.ledger.entries],
        "owes": {name: euros(owed) for name, owed in accounts.items()},
        "suspended": {name: why for name, why in suspended.items() if why},
        "no_source": [{"what": one.title, "rule": one.rule} for one in loaded.book.silent],
    }  # fmt: skip

    def rows() -> Iterator[tuple[str, str]]:
        yield "case", f"{row.case}, customer {row.customer}, {loaded.book.title}"
        for one in view.facts:
            yield str(one.day), str(one)
        for name, owed in accounts.items():
            yield "owes", f"{euros(owed)} EUR on {name}"
        for name, why in suspended.items():
            if why:
                yield "suspended", f"{name}: {', '.join(why)}"
        for one in loaded.book.silent:
            yield catalogue.NO_SOURCE, f"{one.title} ({one.rule})"

    show(data, as_json, rows())


@app.command("why-not")
@of_a_case
def why_not(
    step: Annotated[str, typer.Argument(help="the step, e.g. withdrawal, notice, cut-contract")],
    asked: Asked,
    values: FieldsArgument = None,
    as_json: JsonOption = False,
) -> None:
    """Whether a step is allowed on a day, by which clause it is not, and from when it is."""
    loaded, day = asked.case, asked.day
    name = {"withdraw": "withdrawal", "notify": "notice", "cut": "cut-contract"}.get(step, step)
    given = {key: fields.read_field(key, value) for key, value in _fields(values).items()}
    refused = loaded.why_not(name, day, given)
    since = loaded.allowed_from(name, day, given)
    data = {
        "step": name, "on": str(day), "allowed": not refused,
        "refused_by": [_refusal_data(one) for one in refused],
        "from": None if since is None else str(since),
        "costs": euros(loaded.cost(name, day)),
    }  # fmt: skip
    one = loaded.book.steps[name]
    bare = loaded.book.unsourced(one)
    data["no_source"] = [{"what": what, "rule": rule} for what, rule in bare]
    rows = [("step", f"{name}: {one.title}")]
    rows.append(("on", f"{day}: {'not allowed' if refused else 'allowed'}"))
    rows += _refused_rows(refused)
    if refused:
        rows.append(("from", str(since) if since else "no day, unless something happens"))
    rows += [(catalogue.NO_SOURCE, what if rule == catalogue.NO_SOURCE else f"{what} ({rule})")
             for what, rule in bare]  # fmt: skip
    show(data, as_json, rows)


@app.command()
@of_a_case
def overdue(
    asked: Asked,
    as_json: JsonOption = False,
) -> None:
    """Who should have done what by a day, since when, by which clause."""
    late = asked.case.overdue(asked.day)
    data = [{"step": one.step, "actor": one.actor, "since": str(one.since), "rule": one.rule}
            for one in late]  # fmt: skip
    rows = [(one.actor, f"{one.title}, since {one.since} ({one.rule})") for one in late]
    show(data, as_json, rows or [("overdue", "nothing")])


@app.command("next")
@of_a_case
def next_day(
    asked: Asked,
    as_json: JsonOption = False,
) -> None:
    """The next day on which an answer changes by time alone, and what then becomes allowed."""
    loaded, day = asked.case, asked.day
    border = loaded.next(day)
    opens: list[str] = []
    closes: list[str] = []
    if border is not None:
        was, will = loaded.allowed(day), loaded.allowed(border)
        opens = [name for name in will if name not in was]
        closes = [name for name in was if name not in will]
    data = {"on": str(day), "next": None if border is None else str(border),
            "allowed": opens, "forbidden": closes}  # fmt: skip
    rows = [("next", "nothing changes by time alone" if border is None else str(border))]
    rows += [("allowed", name) for name in opens] + [("forbidden", name) for name in closes]
    show(data, as_json, rows)


@app.command("letters")
@of_a_case
def show_letters(
    asked: Asked,
    language: LanguageOption = "",
    as_json: JsonOption = False,
) -> None:
    """The letters of a case, with what the source demands that each names."""
    words = texts.of(language or texts.DEFAULT)
    found = [in_language(one, words.language) for one in letters_of(asked.case, asked.day)]
    data = [
        {"day": str(one.day), "step": one.step, "title": one.title, "actor": one.actor,
         "rule": one.rule, "source": one.source, "due": None if one.due is None else str(one.due),
         "owed": None if one.owed is None else euros(one.owed), "cost": euros(one.cost),
         "names": list(one.names)} for one in found]  # fmt: skip
    rows: list[tuple[str, str]] = []
    for one in found:
        rows.append(
            (str(one.day), f"{words(f'actor.{one.actor}')}: {one.title} ({one.rule}; {one.source})")
        )
        rows += [("", f"- {name}") for name in one.names]
        if one.due is not None:
            rows.append(("", words("page.due", day=str(one.due))))
        if one.owed is not None:
            owed = words("page.owes", amount=euros(one.owed))
            rows.append(("", f"{owed}, {words('page.costs', amount=euros(one.cost))}"))
    show(data, as_json, rows or [("letters", "none")])


@app.command("report")
def yearly(
    name: Annotated[str, typer.Argument(metavar="fe-40", help="the report of article 23")],
    year: Annotated[int, typer.Argument(min=2003, max=2098, help="calendar year")],
    db: DbOption = DB,
    report: ReportOption = None,
    language: LanguageOption = "",
    as_json: JsonOption = False,
) -> None:
    """The yearly report on all cases of Flanders, as CSV."""
    if name != "fe-40":
        raise InputError(f"no report {name}; there is fe-40")
    flemish = [case for _, case in _book(db).all() if case.book.region == "Flanders"]
    lines = fe_40(flemish, year)
    if report is not None:
        words = texts.of(language or texts.DEFAULT)
        output.as_report(report)
        output.check([], [report])
        with output.naming(report):
            written.yearly(lines, year, words).save(report)
    if as_json:
        data = [{"municipality": line.municipality, "protected": line.protected, **line.counts}
                for line in lines]  # fmt: skip
        print(json.dumps(data, indent=2))
    else:
        print(as_csv(lines), end="")


@app.command()
def rules() -> None:
    """The rule files that come with the package, and the overlays."""
    for name in casebook.names():
        console.print(name, soft_wrap=True)


# ---- As plain data -------------------------------------------------------------------------------


def _fact_data(one: "Fact") -> dict[str, Any]:
    return {"day": str(one.day), "fact": one.name, **one.written()}


def _refusal_data(one: "Refusal") -> dict[str, Any]:
    until = None if one.until is None else str(one.until)
    return {"rule": one.rule, "reason": one.reason, "until": until}


def _refused_rows(refused: list["Refusal"]) -> list[tuple[str, str]]:
    rows = []
    for one in refused:
        until = f", until {one.until}" if one.until else ""
        rows.append(("against", f"{one.rule}: {one.reason}{until}"))
    return rows
