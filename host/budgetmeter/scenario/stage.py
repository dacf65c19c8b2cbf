"""Where a scenario is played: its emulator, and the counter where its customer's card is served."""

from typing import TYPE_CHECKING, Any

from budgetmeter.emulator import Emulator
from budgetmeter.errors import InputError
from budgetmeter.orders import Order

if TYPE_CHECKING:
    from budgetmeter.scenario.counter import Counter
    from budgetmeter.scenario.household import HouseholdCase


class Stage:
    """An emulator and, once a step needs one, a counter.

    :param contract: the customer's side, as `budgetmeter.office.office.Office.add_meter` takes it
    :param case: rules and household of the case book, if it is played with a case
    """

    def __init__(
        self, emulator: Emulator, contract: dict[str, Any], case: dict[str, Any] | None = None
    ) -> None:
        self.emulator = emulator
        self.contract = contract
        self.opened: Counter | None = None
        self._case: HouseholdCase | None = None
        if case is not None:
            from budgetmeter.scenario.household import HouseholdCase  # noqa: PLC0415

            customer = contract.get("customer", "household")
            self._case = HouseholdCase(self.counter, customer, **case)

    @property
    def case(self) -> "HouseholdCase":
        """The household's case.

        :raises InputError: the scenario has none
        """
        if self._case is None:
            raise InputError("the scenario has no case: write [case] rules = …")
        return self._case

    def asks(self, order: Order) -> bool:
        """Whether the case lets an order pass; without a case every order does."""
        return self._case is None or self._case.asks(order)

    @property
    def refused(self) -> list[Any]:
        """What the last step or order was refused by; nothing without a case."""
        return [] if self._case is None else self._case.refused

    def forget_refusal(self) -> None:
        """A step of the scenario begins: nothing is refused yet."""
        if self._case is not None:
            self._case.refused = []

    @property
    def counter(self) -> "Counter":
        """The counter, made when it is first needed.

        :raises InputError: SQLAlchemy is not installed
        """
        if self.opened is None:
            try:
                from budgetmeter.scenario.counter import Counter  # noqa: PLC0415
            except ImportError:
                raise InputError(
                    "cards need SQLAlchemy: pip install 'budgetmeter[office]'"
                ) from None
            self.opened = Counter(self.emulator, **self.contract)
        return self.opened
