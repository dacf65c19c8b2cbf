"""The firmware of the budget meter. Runs unchanged on a board and on the emulator."""

VERSION = "0.1.0"


def const(value: int) -> int:
    """A number of one module: the board's compiler puts it where `_NAME = const(number)` is read.

    Such a name takes no memory on a board. `TYPE_CHECKING = const(0)` leaves out what is for
    checkers alone.
    """
    return value
