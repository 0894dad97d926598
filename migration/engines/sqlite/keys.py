"""How the rows of one reading are put in order, and whether ranges of their keys can be read by themselves."""

from dataclasses import dataclass
from typing import Any, Self

import apsw

from migration.engine import Reading
from migration.engines.sqlite import rendering
from migration.engines.sqlite.connecting import quote


@dataclass(frozen=True, slots=True)
class Keys:
    """SQL for one reading.

    `values`: the text of each cell (`rendering.value`). `names`: the key's columns. `order`: the terms that put rows in
    canonical order, `natural_order` those of a key that is ranged. `numeric`: which of the key's columns are numbers.
    `nullable`: which may be NULL. `ranged`: an index has exactly the canonical order.
    """

    values: list[str]
    names: str
    order: str
    natural_order: str
    numeric: tuple[bool, ...]
    nullable: tuple[str, ...]
    ranged: bool

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
            tuple(rendering.by_number(column) for column in key),
            _nullable(connection, reading),
            bool(key) and all(rendering.natural(column, wide=wide) for column in key) and _indexed(connection, reading),
        )


def _nullable(connection: apsw.Connection, reading: Reading) -> tuple[str, ...]:
    query = 'SELECT name FROM pragma_table_xinfo(?) WHERE NOT "notnull"'
    names = {name for (name,) in connection.execute(query, (reading.table.name,))} - {
        rowid_column(connection, reading.table.name)
    }
    return tuple(name for name in reading.key if name in names)


def _indexed(connection: apsw.Connection, reading: Reading) -> bool:
    """Whether the key is the row's number, or the first columns of an index of all rows, ordered by their bytes.

    The columns themselves must be compared so too: a condition that names another collation would not use the index.
    """
    name = reading.table.name
    if reading.key == (rowid_column(connection, name),):
        return True
    if any(connection.column_metadata("main", name, column)[1].upper() != "BINARY" for column in reading.key):
        return False
    wanted = tuple((column, "BINARY") for column in reading.key)
    query = "SELECT name FROM pragma_index_list(?) WHERE NOT partial"
    indexes = [str(index) for (index,) in connection.execute(query, (name,))]
    return any(index_columns(connection, index)[: len(wanted)] == wanted for index in indexes)


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
