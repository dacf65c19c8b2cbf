"""What can go wrong for a user, as one exception tree; the command line prints the message."""

import errno
import os
import re

_WRAPPED = re.compile(r"\[Errno (\d+)\]|\((\d+), ")  # the system's error in pyserial's words
_TAKEN = "in use by another program"
_PORT = {
    errno.EACCES: "permission denied",
    errno.EADDRINUSE: _TAKEN,
    errno.EAGAIN: _TAKEN,
    errno.EBUSY: _TAKEN,
    errno.EIO: "the device is gone",
    errno.ENOTTY: "not a serial port",
    errno.EPERM: "permission denied",
}
_NOT_THERE = (errno.ENODEV, errno.ENOENT, errno.ENXIO)
_DENIED = (errno.EACCES, errno.EPERM)


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


def port_problem(port: str, error: Exception) -> str:
    """Why a port cannot be used, as one sentence: the same for every verb.

    :param port: its name or URL
    :param error: what opening, reading or writing it raised: an OSError, pyserial's own or another
    """
    words = getattr(error, "strerror", None) or str(error)
    wrapped = _WRAPPED.search(words)
    number = int(wrapped[1] or wrapped[2]) if wrapped else getattr(error, "errno", None) or 0
    if number in _NOT_THERE:
        return f"no port {port}; is it plugged in?"
    if number in _DENIED and os.name == "nt":  # so Windows says that another program has it
        number = errno.EBUSY
    reason = _PORT.get(number) or (os.strerror(number) if wrapped else " ".join(words.split()))
    if number in _DENIED and os.path.exists(port):
        reason += "; on Linux your user has to be in the group dialout"
    return f"{port}: {reason}"
