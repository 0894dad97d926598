"""A glance at many rows at once: in which of a table's rows something may be the matter, and in which columns.

The texts of some rows come out of SQLite as one value for each column, with commas between them, and are looked at
whole; of everything else SQL counts what is not plainly in order. Where nothing is found nothing is the matter; where
something is, the rows must be looked at one by one (`census`). A comma can't be part of a longer character in UTF-8, so
what is valid together is valid alone.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import apsw

from migration.catalog import Column, Kind, TableName
from migration.engines.sqlite.connecting import quote, table

TEXTS: Final = frozenset({Kind.TEXT, Kind.OTHER})

_ROWS: Final = 1024  # looked at together
_SIZE: Final = 1024 * 1024  # bytes of text looked at together, unless one row has more
_FIRST, _LAST = -(2**63), 2**63 - 1  # the numbers that a row can have
_PRIVATE: Final = re.compile(rb"\xef[\x80-\xa3]")  # U+F000 to U+F8FF


@dataclass(frozen=True, slots=True)
class Look:
    """A column to look at: its place in the table, and the condition under which a value is passed over.

    Of a text the condition says only what `_sound` does not: how it is stored, and how long it is.
    """

    place: int
    column: Column
    passed: str


@dataclass(frozen=True, slots=True)
class Suspects:
    """Rows by their first and last number, and the places of the columns in which something may be the matter."""

    first: int
    last: int
    places: tuple[int, ...]


def suspects(connection: apsw.Connection, name: TableName, number: str, looks: Sequence[Look]) -> Iterator[Suspects]:
    """The rows that must be looked at one by one, in order. The database is in UTF-8, the table has row numbers.

    `number`: the row number's name in SQL. Raises apsw.Error.
    """
    texts = [quote(look.column.name) for look in looks if look.column.kind in TEXTS]
    query = (
        f"SELECT {', '.join(part for look in looks for part in _parts(look))}"  # noqa: S608 -- names are quoted
        f" FROM {table(name)} WHERE {number} BETWEEN ? AND ?"
    )
    for first, last in _ranges(connection, name, number, texts):
        ((*found,),) = connection.execute(query, (first, last))
        places = tuple(look.place for at, look in enumerate(looks) if found[2 * at] or not _sound(found[2 * at + 1]))
        if places:
            yield Suspects(first, last, places)


def _parts(look: Look) -> tuple[str, str]:
    """How many values are not passed over, and all texts as one."""
    name = quote(look.column.name)
    texts = f"CAST(group_concat({name}) AS BLOB)" if look.column.kind in TEXTS else "NULL"
    return f"count({look.passed})", texts


def _sound(texts: bytes | None) -> bool:
    """Whether texts are valid UTF-8 without 0x00 and without characters for private use."""
    if texts is None:
        return True
    if b"\0" in texts:
        return False
    if texts.isascii():
        return True
    try:
        texts.decode()
    except UnicodeDecodeError:
        return False
    # U+E000 to U+EFFF begin with 0xee, what lies beyond U+BFFFF with 0xf3 or 0xf4.
    return not (b"\xee" in texts or b"\xf3" in texts or b"\xf4" in texts or _PRIVATE.search(texts))


def _ranges(
    connection: apsw.Connection, name: TableName, number: str, texts: Sequence[str]
) -> Iterator[tuple[int, int]]:
    """The table's rows in ranges of their numbers, such that the texts of a range fit into memory."""
    sizes = [f"octet_length({text}) AS s{at}" for at, text in enumerate(texts)]
    total = "+".join(["0", *(f"coalesce(sum(s{at}),0)" for at in range(len(texts)))])
    query = (
        f"SELECT count(*), max(n), {total} FROM (SELECT {', '.join([f'{number} AS n', *sizes])}"  # noqa: S608 -- names are quoted
        f" FROM {table(name)} WHERE {number}>=? ORDER BY {number} LIMIT ?)"
    )
    first, most = _FIRST, _ROWS
    while True:
        found: Any = connection.execute(query, (first, most)).fetchall()[0]
        rows, last, size = found
        if not rows:
            return
        most = max(1, min(_ROWS, rows * _SIZE // (size or 1)))
        if size > _SIZE and rows > 1:
            most = min(most, rows - 1)
            continue
        yield first, last
        if last == _LAST:
            return
        first = last + 1
