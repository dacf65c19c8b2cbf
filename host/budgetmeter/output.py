"""Standard output of the command line: full, gone or of any encoding, there is no traceback."""

import io
import sys

from budgetmeter.errors import InputError, OutputGone


class _Octets(io.FileIO):
    """The octets of standard output; after an error whatever is still to be written is dropped."""

    _lost = False

    def write(self, data, /):
        if self._lost:
            return len(data)
        try:
            return super().write(data)
        except OSError as error:
            self._lost = True
            if isinstance(error, BrokenPipeError):
                raise OutputGone from None
            raise InputError(f"standard output: {error.strerror}") from None


def guard():
    """Put a standard output in place that raises these instead of an OSError or UnicodeError.

    What its encoding does not have is written with a backslash.

    :raises InputError: when it is written and cannot be, as on a full disk
    :raises OutputGone: when it is written and nobody reads any more
    """
    if sys.stdout is None or sys.stdout is not sys.__stdout__:  # closed, or somebody else's
        return
    octets = io.BufferedWriter(_Octets(sys.stdout.fileno(), "w", closefd=False))
    sys.stdout = io.TextIOWrapper(
        octets,
        encoding=sys.stdout.encoding,
        errors="backslashreplace",
        line_buffering=sys.stdout.isatty(),
    )
