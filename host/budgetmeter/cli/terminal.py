"""The verb `terminal exchange`: a card at the recharge terminal."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from meterfw.account import rules

from budgetmeter import orders, units
from budgetmeter.card import MemoryCard
from budgetmeter.cli.options import (
    DB,
    KEY,
    AtOption,
    CardArgument,
    DbOption,
    DespiteOption,
    JsonOption,
    KeyOption,
    ReferenceOption,
    SpoilOption,
    despite,
    open_terminal,
    spoil,
)
from budgetmeter.errors import InputError
from budgetmeter.report.lines import show
from budgetmeter.report.readings import euros, time

if TYPE_CHECKING:
    from budgetmeter.office.terminal import Receipt

app = typer.Typer(no_args_is_help=True, help="The recharge terminal.")


@app.command()
def exchange(
    card: CardArgument,
    pay: Annotated[
        str | None, typer.Option(help="payment in EUR, e.g. 20.00; none if left out")
    ] = None,
    reference: ReferenceOption = None,
    pull_after: Annotated[
        int | None, typer.Option(min=1, help="pull the card out after so many octets")
    ] = None,
    left: SpoilOption = "torn",
    despite_of: DespiteOption = None,
    at: AtOption = None,
    key: KeyOption = KEY,
    db: DbOption = DB,
    as_json: JsonOption = False,
) -> None:
    """A card at the terminal: its report is read, a payment taken, and written what is pending."""
    try:
        amount = 0 if pay is None else units.payment(pay)
        if pay is not None and amount <= 0:
            raise ValueError(f"{pay} EUR is no payment; leave it out")
    except ValueError as error:
        raise InputError(f"--pay: {error}") from None
    booked = f"the payment of {euros(amount)} is booked: " if amount else ""
    with MemoryCard.held(card, f"{booked}put the card in again without --pay") as inserted:
        if pull_after is not None:
            inserted.pull_at(pull_after, spoil(left))
        terminal = open_terminal(db, key, at)
        despite(terminal.office, despite_of)
        receipt = terminal.exchange(inserted, amount, reference)
    data = {
        "meter": receipt.meter,
        "card": receipt.card,
        "paid": units.euros(receipt.paid, 5),
        "repeated": receipt.repeated,
        "said": receipt.said,
        "needed": None if receipt.needed is None else units.euros(receipt.needed, 5),
        "lacking": units.euros(receipt.lacking, 5),
        "doubt": receipt.doubt,
        "given": [orders.text(item.order) for item in receipt.given],
        "withheld": [{"item": orders.text(i.order), "why": why} for i, why in receipt.withheld],
        "carried": units.euros(receipt.carried, 5),
        "tokens": receipt.tokens,
        "written": receipt.written,
    }
    show(data, as_json, _receipt_rows(receipt))
    if not receipt.written:
        raise typer.Exit(1)


def _receipt_rows(receipt: "Receipt") -> Iterator[tuple[str, str]]:
    yield "meter", f"{receipt.meter:09d}"
    if receipt.reading is not None:
        m = receipt.reading.state
        yield "balance", f"{euros(rules.balance(m))} at {time(m.clock, m.second)[:16]}"
    if receipt.doubt:
        yield "report", receipt.doubt
    for line in receipt.said:
        yield "note", line
    if receipt.paid:
        again = ", booked before under this reference" if receipt.repeated else ""
        yield "paid", f"{euros(receipt.paid)}{again}"
    if receipt.needed is not None and not receipt.paid:
        yield "minimum", euros(receipt.needed)
    if receipt.lacking:
        yield "WARNING", f"supply will not be restored: {euros(receipt.lacking)} more is needed"
    for item in receipt.given:
        yield "given", orders.text(item.order)
    for item, why in receipt.withheld:
        yield "withheld", f"{orders.text(item.order)}: {why}"
    yield "on the card", f"{euros(receipt.carried)}, tokens: {receipt.tokens}"
    if not receipt.written:
        yield "PULLED OUT", "too early: put it in again, nothing is lost"
    elif receipt.tokens:
        yield "next", "put the card in the meter"
