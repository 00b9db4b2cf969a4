"""Tables of plain text with aligned columns."""

import io
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDEST = 10_000  # characters on a line, so that no line is broken


def aligned(
    rows: Sequence[Sequence[str]],
    columns: str,
    heads: Sequence[str] | None = None,
) -> list[str]:
    """Return the lines of a table with aligned columns.

    Args:
        rows: rows of cells, at most one cell for each column.
        columns: a character for each column: "<" to align its cells to the
            left, ">" to align them to the right.
        heads: a heading for each column; None for a table without headings.
    """
    table = Table(
        box=None,
        show_header=heads is not None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        header_style="",
    )
    for number, side in enumerate(columns):
        head = heads[number] if heads else ""
        table.add_column(Text(head), justify="left" if side == "<" else "right")
    for row in rows:
        table.add_row(*map(Text, row))
    text = io.StringIO()
    console = Console(
        file=text, width=WIDEST, color_system=None, force_jupyter=False
    )
    console.print(table)
    return [line.rstrip() for line in text.getvalue().splitlines()]
