"""The files of consumption in a folder."""

from pathlib import Path

from budgetmeter.errors import InputError

ENDINGS = (".csv", ".csv.gz", ".tsv", ".txt", ".parquet")


def files_of(path: Path) -> list[Path]:
    """The files at a path: itself, or those of a folder in order of their names.

    :raises InputError: a folder without any
    """
    if "\0" in str(path) or not path.is_dir():
        return [path]
    found = sorted(p for p in path.iterdir() if p.name.lower().endswith(ENDINGS) and p.is_file())
    if not found:
        raise InputError(f"{path}: no file of consumption there ({', '.join(ENDINGS)})")
    return found
