"""Where a scenario is played: its emulator, and the counter where its customer's card is served."""

from typing import TYPE_CHECKING, Any

from budgetmeter.emulator import Emulator
from budgetmeter.errors import InputError

if TYPE_CHECKING:
    from budgetmeter.scenario.counter import Counter


class Stage:
    """An emulator and, once a step needs one, a counter.

    :param contract: the customer's side, as `budgetmeter.office.office.Office.add_meter` takes it
    """

    def __init__(self, emulator: Emulator, contract: dict[str, Any]) -> None:
        self.emulator = emulator
        self.contract = contract
        self.opened: Counter | None = None

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
