"""A file's octets as rows of text: packed or not, in any encoding that people meet."""

import csv
import gzip
import io
import zlib
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from budgetmeter.errors import InputError

DELIMITERS = (";", "\t", ",", "|")
HEAD = 40  # lines within which a header is looked for
_BLOCK = 1 << 20

Row = tuple[int, list[str]]  # number of the line, fields


def bad(label: str, line: int, what: object) -> InputError:
    """What is wrong with a line."""
    return InputError(f"{label}, line {line}: {what}")


@contextmanager
def opened(path: Path, label: str) -> Iterator[BinaryIO]:
    """The octets of a file, unpacked.

    :raises InputError: a file that is not there or damaged, also while it is read
    """
    if "\0" in str(path):
        raise InputError(f"{label}: not the name of a file")
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if packed:
                with gzip.open(raw) as unpacked:
                    yield cast(BinaryIO, unpacked)
            else:
                yield raw
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputError(f"{label}: damaged, cannot be unpacked") from None
    except OSError as error:
        raise InputError(f"{label}: {error.strerror or error}") from None


def encoding_of(path: Path, label: str) -> str:
    """The encoding of a file: UTF-8 or UTF-16 by its mark, else UTF-8 if it is, else cp1252.

    :raises InputError: no text
    """
    with opened(path, label) as file:
        head = file.read(_BLOCK)
        if head[:4] == b"PK\x03\x04":
            raise InputError(f"{label}: an Excel or ZIP file is not read; save it as CSV")
        if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
            chosen = "utf-16"
        elif head[:64:2].count(0) > 8 or head[1:64:2].count(0) > 8:
            chosen = "utf-16-be" if head[:1] == b"\0" else "utf-16-le"
        else:
            chosen = "utf-8-sig"
        decode = getincrementaldecoder(chosen)()
        try:
            while head:
                decode.decode(head)
                head = file.read(_BLOCK)
            decode.decode(b"", final=True)
        except UnicodeDecodeError:
            if chosen != "utf-8-sig" or b"\0" in head:
                raise InputError(f"{label}: not a text file (UTF-8)") from None
            return "cp1252"
    return chosen


@contextmanager
def text(path: Path, label: str, encoding: str) -> Iterator[TextIO]:
    """The text of a file."""
    with opened(path, label) as file:
        try:
            yield io.TextIOWrapper(file, encoding, newline="")
        except UnicodeDecodeError:  # an octet that cp1252 does not have
            raise InputError(f"{label}: not a text file (UTF-8)") from None


def head(path: Path, label: str, encoding: str) -> list[str]:
    """The first lines of a file."""
    with text(path, label, encoding) as file:
        return [line.rstrip("\r\n") for line in islice(file, HEAD)]


def split(line: str, delimiter: str) -> list[str]:
    """The fields of one line; none where it is no CSV."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def rows(file: TextIO, label: str, delimiter: str) -> Iterator[Row]:
    """The rows of a text with the numbers of their lines; empty ones are left out."""
    reader = csv.reader(file, delimiter=delimiter)
    try:
        for row in reader:
            if row and any(row):
                yield reader.line_num, row
    except csv.Error as error:
        raise bad(label, reader.line_num, error) from None
