"""What the command line writes: to standard output without a traceback, to files without loss."""

import errno
import io
import logging
import os
import sys
import tempfile
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from budgetmeter.errors import InputError, OutputGone

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PLOTS = (".png", ".svg", ".pdf")
REPORTS = (".html", ".htm")


class _Octets(io.FileIO):
    """The octets of standard output; after an error whatever is still to be written is dropped."""

    _lost = False

    def write(self, data: "ReadableBuffer", /) -> int:
        if self._lost:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except OSError as error:
            self._lost = True
            if isinstance(error, BrokenPipeError) or (
                os.name == "nt" and error.errno == errno.EINVAL  # Windows says it so
            ):
                raise OutputGone from None
            raise InputError(f"standard output: {error.strerror}") from None


def guard() -> None:
    """Put a standard output in place that raises these instead of an OSError or UnicodeError.

    What its encoding does not have is written with a backslash.

    :raises InputError: when it is written and cannot be, as on a full disk
    :raises OutputGone: when it is written and nobody reads any more
    """
    if sys.stdout is None or sys.stdout is not sys.__stdout__:  # closed, or somebody else's
        return
    if os.name == "nt" and sys.stdout.isatty():  # its console takes characters, not octets
        return
    octets = io.BufferedWriter(_Octets(sys.stdout.fileno(), "w", closefd=False))
    sys.stdout = io.TextIOWrapper(
        octets,
        encoding=sys.stdout.encoding,
        errors="backslashreplace",
        line_buffering=sys.stdout.isatty(),
    )


def check(inputs: Iterable[str | Path], outputs: Sequence[Path]) -> None:
    """See that files can be written, before the work whose results they are to hold.

    :param inputs: paths that are read
    :param outputs: paths to be written
    :raises InputError: an output that is an input or another output, or cannot be written
    """
    for number, path in enumerate(outputs):
        with naming(path):
            if any(_same(path, other) for other in inputs):
                raise InputError(f"{path}: is read too, and would be overwritten")
            if any(_same(path, other) for other in outputs[:number]):
                raise InputError(f"{path}: would be written twice")
            _try(path)


def plotter(path: Path | None, module: str) -> ModuleType | None:
    """The module that plots, when there is something to plot.

    :param path: where to; the end of its name says the format
    :param module: its name; it needs matplotlib, which is an extra
    :raises InputError: no such format, or no matplotlib
    """
    if path is None:
        return None
    if path.suffix.lower() not in PLOTS:
        raise InputError(f"--plot {path}: a file ending in {', '.join(PLOTS[:-1])} or {PLOTS[-1]}")
    return _drawing("--plot", module)


def writer(path: Path | None, module: str) -> ModuleType | None:
    """The module that writes a report with a plot in it, when there is one to write.

    :param path: where to
    :param module: its name; it needs matplotlib, which is an extra
    :raises InputError: not an HTML file, or no matplotlib
    """
    if path is None:
        return None
    as_report(path)
    return _drawing("--report", module)


def as_report(path: Path) -> None:
    """:raises InputError: not an HTML file"""
    if path.suffix.lower() not in REPORTS:
        raise InputError(f"--report {path}: a file ending in {' or '.join(REPORTS)}")


def _drawing(option: str, module: str) -> ModuleType:
    """:raises InputError: no matplotlib"""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # nobody asked about its caches
    try:
        return import_module(module)
    except ImportError:
        raise InputError(f"{option} needs matplotlib: pip install 'budgetmeter[plot]'") from None


@contextmanager
def naming(path: Path) -> Generator[None]:
    """:raises InputError: for an OSError inside, with the name of the file"""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None


def _same(path: str | Path, other: str | Path) -> bool:
    """True for two names of one file, there already or not."""
    path, other = Path(path), Path(other)
    if path.exists() and other.exists():
        return path.samefile(other)
    return path.resolve() == other.resolve()


def _try(path: Path) -> None:
    """:raises OSError: when a file could not be written there; leaves no trace"""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not path.exists():
        tempfile.TemporaryFile(dir=path.parent).close()
    elif not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
