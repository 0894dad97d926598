r"""Canonical lines of many rows at once: SQLite joins cells and rows by marks, Python makes lines of a whole block.

Marks are octets that no text in UTF-8 can hold: 0xff between cells, 0xfd between rows, 0xfe twice for NULL, and in
Python 0xfc for a quote inside a cell. So quotes are doubled once a block and not once a cell. Whatever holds a mark
without being one is found: 0xff and 0xfd are counted, 0xfc is looked for, a text that lies beyond all of UTF-8 is left
to Python, and 0xfe anywhere but at a text's begin remains and is not UTF-8. Pure; for databases in UTF-8 only.
"""

from collections.abc import Sequence
from typing import Final

from migration.engine import ReadColumn
from migration.engines.sqlite import rendering
from migration.engines.sqlite.connecting import quote

_CELL, _NULL, _ROW, _QUOTE = b"\xff", b"\xfe\xfe", b"\xfd", b"\xfc"
_SQL_CELL: Final = f"CAST(x'{_CELL.hex()}' AS TEXT)"
_SQL_ROW: Final = f"CAST(x'{_ROW.hex()}' AS TEXT)"
_SQL_NULL: Final = f"CAST(x'{_NULL.hex()}' AS TEXT)"
_SQL_BEYOND: Final = "CAST(x'f5' AS TEXT)"  # behind every text in UTF-8
_ALONE: Final = b'"' + _NULL + b'"'  # as long as what it becomes: so `bytes.replace` looks at the octets only once
TOGETHER: Final = 512  # rows: what is made of them over and over stays in the processor's cache


def cell(column: ReadColumn, number: int, *, key: bool) -> str:
    """The expression for a column's canonical text, or for the mark of NULL. See `rendering.value`."""
    name = quote(column.name)
    null = [] if key else [(f"{name} IS NULL", _SQL_NULL)]
    held = ((_within(name), rendering.text(column)),) if column.kind in rendering.TEXTS else rendering.branches(column)
    return rendering.case((*held, *null), rendering.stray(column, number))


def _within(name: str) -> str:
    """Whether it is a text before all that no text in UTF-8 can be.

    Numbers stand before every text and octets behind, so this asks for the storage class too, without calling
    anything. The plus takes the column's affinity away, by which a number would be compared as a text.
    """
    return f"+{name} COLLATE BINARY BETWEEN '' AND {_SQL_BEYOND}"


def line(cells: Sequence[str]) -> str:
    """The expression for a whole row."""
    return rendering.joined(_SQL_CELL, cells)


def single(line: str) -> str:
    """The expression for one row by itself, bytes."""
    return f"CAST({line} AS BLOB)"


def together(line: str) -> str:
    """The expression for many rows in the order in which they are read, bytes; NULL where there are none."""
    return f"CAST(group_concat({line}, {_SQL_ROW}) AS BLOB)"


def last(marked: bytes) -> list[bytes]:
    """The cells of the last of rows that are read together."""
    return marked[marked.rfind(_ROW) + 1 :].split(_CELL)


def more(columns: int) -> int:
    """How much longer a line of so many columns is than the row that it is made of, if no quote is in its cells."""
    return 2 * columns + 1


def lines_of(rows: Sequence[bytes], columns: int) -> bytes:
    """The canonical lines of rows that were read one by one. Raises as `lines`."""
    pieces = (rows[at : at + TOGETHER] for at in range(0, len(rows), TOGETHER))
    return b"".join(lines(_ROW.join(piece), len(piece), columns) for piece in pieces)


def lines(marked: bytes, rows: int, columns: int) -> bytes:
    """The canonical lines of so many rows of so many columns. Raises ValueError if a text is not UTF-8."""
    quotes = b'"' in marked
    if _QUOTE in marked:
        raise ValueError("a text holds a mark")
    if quotes:
        marked = marked.replace(b'"', _QUOTE)
    cells = marked.replace(_CELL, b'","')
    made = cells.replace(_ROW, b'"\n"')
    if len(cells) - len(marked) != 2 * rows * (columns - 1) or len(made) - len(cells) != 2 * (rows - 1):
        raise ValueError("a text holds a mark")
    made = b"".join((b'"', made, b'"\n')).replace(_ALONE, b"NULL")
    if quotes:
        made = made.replace(_QUOTE, b'""')
    made.decode()
    return made
