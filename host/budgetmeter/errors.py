"""What can go wrong for a user, as one exception tree; the command line prints the message."""


class BudgetmeterError(Exception):
    """Base of all errors a user can cause or mend. The message is one clear line."""


class InputError(BudgetmeterError):
    """A file, argument or value that cannot be used."""


class InputErrors(InputError):
    """Several files that cannot be used.

    :ivar lines: one for each
    """

    def __init__(self, lines: list[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = lines


class ExpectationError(BudgetmeterError):
    """A scenario's expectation was not met."""


class OutputGone(BudgetmeterError):
    """Nobody reads standard output any more; nothing is left to say."""
