r"""Canonical bytes: one way to write a row, whatever database it stands in. Pure.

1. A chunk is UTF-8 text, one row a line, each line ended by LF; a cell may itself hold line ends inside its quotes.
2. Cells are separated by commas, in the order of the catalog's columns. A cell that is not NULL stands in double
   quotes, in which a double quote is written twice. NULL is the word NULL without quotes; "" is the empty text.
3. Cells by kind:
   integer      digits, `-` before them if negative, no leading zeros
   decimal      as many digits behind the point as the column's scale, one or more before it; no point at scale 0
   number       as decimal, without zeros at the end, and without a point that nothing follows; 0 is `0`. Where the
                source keeps such zeros with each value (PostgreSQL's `numeric`), with them: `1.50`
   float        the shortest decimal that reads back as the same double, as PostgreSQL writes it: `0.1`, `1e+20`,
                `1e-07`, `NaN`, `Infinity`, `-Infinity`, `-0`; a single is first widened to a double
   text         its code points, none changed, none trimmed; of a CHAR column without blanks at the end
   bytes        `\x` and two lower-case hexadecimal digits an octet
   boolean      `1` or `0`
   date         `YYYY-MM-DD`
   time         `HH:MM:SS.ffffff`
   timestamp    `YYYY-MM-DD HH:MM:SS.ffffff`
   timestamptz  the same in UTC, and `+00` behind it
   other        the text that the source gives for it
4. Rows stand in the order of their key, column by column: integers (and decimals of scale 0) by number, everything else
   by the bytes of its canonical text. A table without a key is ordered by all its columns, by the bytes of their
   canonical texts, NULL first.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from math import isfinite
from typing import Final

from formats.errors import IntegrityError
from migration.catalog import Column, Kind

VERSION: Final = "1"
NULL: Final = "NULL"

Cells = tuple[str | None, ...]
Order = tuple[int | bytes | tuple[int, bytes], ...]

_CELL = re.compile(rb'(?:"((?:[^"]|"")*)"|NULL)([,\n])')


def cell(value: str | None) -> str:
    """One cell as it stands in a line."""
    return NULL if value is None else '"' + value.replace('"', '""') + '"'


def line(cells: Iterable[str | None]) -> bytes:
    """One row as a line, LF at its end."""
    return (",".join(map(cell, cells)) + "\n").encode()


def rows(data: bytes) -> Iterator[Cells]:
    """The rows of whole lines. Raises IntegrityError D671 for bytes that are not canonical."""
    row: list[str | None] = []
    place = 0
    for found in _CELL.finditer(data):
        if found.start() != place:
            break
        place = found.end()
        text = found[1]
        row.append(None if text is None else text.replace(b'""', b'"').decode())
        if found[2] == b"\n":
            yield tuple(row)
            row = []
    if place != len(data) or row:
        raise IntegrityError("D671", f"not a canonical line at byte {place}")


def double(value: float) -> str:
    """The cell of a double (rule 3): the shortest digits, an exponent below -4 and from 15 on."""
    if not isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if 1e-4 <= abs(value) < 1e15 or value == 0:
        return repr(value).removesuffix(".0")
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int), "a finite number"
    first, *rest = map(str, digits)
    power = exponent + len(rest)
    return f"{'-' * sign}{first}{'.' * bool(rest)}{''.join(rest)}e{power:+03d}"


def numeric(column: Column) -> bool:
    """Whether the column's values are ordered by number."""
    return column.kind is Kind.INTEGER or (column.kind is Kind.DECIMAL and column.scale == 0)


def order(cells: Cells, columns: Sequence[Column], key: Sequence[int]) -> Order:
    """By what a row is put in order: the places in `key`, or all of them where it is empty. Orders compare."""
    if not key:
        return tuple((0, b"") if value is None else (1, value.encode()) for value in cells)
    return tuple(_ordered(cells[place], columns[place]) for place in key)


def _ordered(value: str | None, column: Column) -> int | bytes:
    assert value is not None, "a key column is never NULL"
    return int(value) if numeric(column) else value.encode()
