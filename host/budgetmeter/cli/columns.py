"""Rows of text as a table of a report, and its numbers."""

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text


def show(
    console: Console, rows: list[tuple[str, ...]], wraps: int, header: tuple[str, ...] = ()
) -> None:
    """Print rows of text as a table in which one column wraps, or row by row where it is too wide.

    Nothing is cut. Without a header the columns are aligned to the left.

    :param wraps: the place of the column that may wrap
    """
    header = header or ("",) * len(rows[0])
    widths = [max(map(cell_len, column)) for column in zip(header, *rows, strict=True)]
    widths[wraps] = max(cell_len(word) for row in rows for word in row[wraps].split() or [""])
    if sum(widths) + 2 * (len(widths) - 1) > console.width:
        for label, *cells in rows:
            named = zip(header[1:], cells, strict=True)
            text = "  ".join(f"{name} {cell}".strip() for name, cell in named)
            console.print(Text(label), Padding(Text(text), (0, 0, 0, 2)), sep="\n")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.show_header = any(header)
    for i, title in enumerate(header):
        justify = "right" if any(header) and i else "left"
        table.add_column(title, justify=justify, no_wrap=i != wraps, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


def number(value: float, sign: bool = False) -> str:
    """A number with as many places as a reader needs."""
    places = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3
    text = f"{value:{'+' if sign else ''},.{places}f}"
    return text.replace("-0.000", "0.000").replace("+0.000", "0.000")
