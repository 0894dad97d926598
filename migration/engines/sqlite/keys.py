"""How the rows of one reading are put in order, and whether ranges of their keys can be read by themselves."""

from dataclasses import dataclass
from typing import Any, Self

import apsw

from formats.errors import IntegrityError
from migration.engine import Bound, Reading
from migration.engines.sqlite import rendering
from migration.engines.sqlite.cells import Stored
from migration.engines.sqlite.connecting import quote, table


@dataclass(frozen=True, slots=True)
class Keys:
    """SQL for one reading.

    `values`: the text of each cell (`rendering.value`). `names`: the key's columns. `order`: the terms that put rows in
    canonical order, `natural_order` those of a key that is ranged, `reversed_order` their reverse. `numeric`: which of
    the key's columns are numbers. `nullable`: which may be NULL. `along`: the table, read along an index that has
    exactly the canonical order; empty where there is none.
    """

    values: list[str]
    names: str
    order: str
    natural_order: str
    reversed_order: str
    numeric: tuple[bool, ...]
    nullable: tuple[str, ...]
    along: str

    @property
    def ranged(self) -> bool:
        """Whether ranges of the key can be read by themselves."""
        return bool(self.along)

    @classmethod
    def of(cls, connection: apsw.Connection, reading: Reading, values: list[str], *, wide: bool) -> Self:
        """Looked up in the database, of which nothing but the schema is read."""
        texts = {column.name: text for column, text in zip(reading.columns, values, strict=True)}
        columns = {column.name: column for column in reading.columns}
        key = [columns[name] for name in reading.key]
        if key:
            order = ", ".join(rendering.order(column, texts[column.name], wide=wide) for column in key)
        else:
            order = ", ".join(rendering.by_bytes(text, wide=wide) for text in values)
        return cls(
            values,
            ", ".join(quote(name) for name in reading.key),
            order,
            ", ".join(f"{quote(name)} COLLATE BINARY" for name in reading.key),
            ", ".join(f"{quote(name)} COLLATE BINARY DESC" for name in reading.key),
            tuple(rendering.by_number(column) for column in key),
            _nullable(connection, reading),
            _along(connection, reading) if key and all(rendering.natural(one, wide=wide) for one in key) else "",
        )

    def between(self, after: Bound, to: Bound) -> tuple[str, list[int | str]]:
        """The condition, with WHERE, for the rows whose key is > `after` and <= `to`, and what is given with it."""
        bounds = [(sign, bound) for sign, bound in ((">", after), ("<=", to)) if bound]
        places = f"({', '.join('?' * len(self.numeric))})"
        where = " AND ".join(f"({self.names}) {sign} {places}" for sign, _ in bounds)
        given = [
            int(text) if by_number else text
            for _, bound in bounds
            for text, by_number in zip(bound, self.numeric, strict=True)
        ]
        return (f" WHERE {where}" if where else "", given)

    def bound(self, reading: Reading, end: tuple[Stored, ...]) -> tuple[str, ...]:
        """A stored key as a bound. Raises IntegrityError D615, D616 for one that is not stored as it should be."""
        for name, value, by_number in zip(reading.key, end, self.numeric, strict=True):
            if not isinstance(value, int if by_number else str):
                raise IntegrityError("D616" if value is None else "D615", f"{reading.table}.{name}")
        return tuple(map(str, end))


def _nullable(connection: apsw.Connection, reading: Reading) -> tuple[str, ...]:
    query = 'SELECT name FROM pragma_table_xinfo(?) WHERE NOT "notnull"'
    names = {name for (name,) in connection.execute(query, (reading.table.name,))} - {
        rowid_column(connection, reading.table.name)
    }
    return tuple(name for name in reading.key if name in names)


def _along(connection: apsw.Connection, reading: Reading) -> str:
    """The table and an index: the row's number, or one of all rows whose first columns are the key, by their bytes.

    The columns themselves must be compared so too: a condition that names another collation would not use the index.
    """
    name = reading.table.name
    if reading.key == (rowid_column(connection, name),):
        return f"{table(reading.table)} NOT INDEXED"
    if any(connection.column_metadata("main", name, column)[1].upper() != "BINARY" for column in reading.key):
        return ""
    wanted = tuple((column, "BINARY") for column in reading.key)
    query = "SELECT name FROM pragma_index_list(?) WHERE NOT partial"
    indexes = [str(index) for (index,) in connection.execute(query, (name,))]
    fitting = (index for index in indexes if index_columns(connection, index)[: len(wanted)] == wanted)
    return next((f"{table(reading.table)} INDEXED BY {quote(index)}" for index in fitting), "")


def index_columns(connection: apsw.Connection, index: str) -> tuple[tuple[str | None, str], ...]:
    """The columns of an index in order, each with its collation; an expression has no name."""
    query = 'SELECT name, coll FROM pragma_index_xinfo(?) WHERE "key" ORDER BY seqno'
    found: Any = connection.execute(query, (index,))
    return tuple((name, collation.upper()) for name, collation in found)


def rowid_column(connection: apsw.Connection, table: str) -> str:
    """The column that is the row's number itself, or nothing: INTEGER PRIMARY KEY, for which no index is kept."""
    query = (
        "SELECT name, upper(type) FROM pragma_table_xinfo(?1) WHERE pk"
        " AND NOT EXISTS (SELECT 1 FROM pragma_index_list(?1) WHERE origin = 'pk')"
    )
    found = connection.execute(query, (table,)).fetchall()
    return str(found[0][0]) if len(found) == 1 and found[0][1] == "INTEGER" else ""
